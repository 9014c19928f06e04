"""What a load generator has seen: counts that can be read while it runs. No clock, no network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

MAX_FAILURES: Final = 20
"""So many failures are kept in words; all are counted."""
_TEXT_LENGTH: Final = 200
_BUCKET: Final = 1.05
"""Latencies are kept in buckets that grow by 5 %: exact enough for percentiles, and bounded."""


@dataclass(slots=True)
class Tally:
    """Answers by status and by deployment, by second since the start, latencies, and the first failures."""

    statuses: Counter[int] = field(default_factory=Counter)
    deployments: Counter[str] = field(default_factory=Counter)
    timeline: dict[int, Counter[str]] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    _latencies: Counter[int] = field(default_factory=Counter)

    @property
    def sent(self) -> int:
        """How many requests have ended, in whatever way."""
        return self.statuses.total()

    @property
    def failed(self) -> int:
        """How many of them did not end with 200."""
        return self.sent - self.statuses[200]

    def add(self, at: float, status: int, deployment: str, seconds: float, text: str = "") -> None:
        """Count one request that ended `at` seconds after the start. Status 0: no answer, `text` says why."""
        self.statuses[status] += 1
        self.deployments[deployment] += status == 200
        second = self.timeline.setdefault(int(at), Counter())
        second[deployment if status == 200 else "failed"] += 1
        self._latencies[_bucket(seconds)] += 1
        if status != 200 and len(self.failures) < MAX_FAILURES:
            failure = {"at": round(at, 3), "status": status, "deployment": deployment, "text": text[:_TEXT_LENGTH]}
            self.failures.append(failure)

    def latency_ms(self, quantile: float) -> float | None:
        """The milliseconds that this share of the requests stayed within (to 5 %); None without requests."""
        wanted, seen = quantile * self.sent, 0
        for bucket in sorted(self._latencies):
            seen += self._latencies[bucket]
            if seen >= wanted:
                return round(_upper_ms(bucket), 1)
        return None

    def report(self, *, done: bool) -> dict[str, Any]:
        """Everything as JSON values; `done` tells a reader that nothing will be added."""
        return {
            "done": done,
            "sent": self.sent,
            "failed": self.failed,
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "deployments": {name: count for name, count in sorted(self.deployments.items()) if name and count},
            "latency_ms": {f"p{round(q * 100)}": self.latency_ms(q) for q in (0.5, 0.95, 0.99)},
            "timeline": [{"second": second, **counts} for second, counts in sorted(self.timeline.items())],
            "failures": self.failures,
        }


def _bucket(seconds: float) -> int:
    number, edge = 0, 0.1
    while seconds * 1000 > edge and number < 400:
        number, edge = number + 1, edge * _BUCKET
    return number


def _upper_ms(bucket: int) -> float:
    return 0.1 * float(_BUCKET**bucket)
