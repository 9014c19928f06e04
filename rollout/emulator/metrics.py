"""What the data plane counts: requests and latencies per minute of service time, as Azure Monitor does.

Kept in memory. The names of the dimensions are those of the service's metric `RequestsPerMinute`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

RETENTION = timedelta(days=2)
"""How much service time is kept."""

SAMPLES = 1000
"""How many latencies are kept for one deployment and minute; beyond that, the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How many requests of one kind there were in one minute.

    `deployment` is "" where the router answered by itself; `model_status` "" where the model did not answer.
    """

    minute: datetime
    deployment: str
    status: int
    model_status: str
    mirrored: bool
    count: int

    @property
    def status_class(self) -> str:
        """`2xx` to `5xx`."""
        return f"{self.status // 100}xx"


@dataclass(frozen=True, slots=True)
class _Kind:
    minute: datetime
    deployment: str
    status: int
    model_status: str
    mirrored: bool


class Metrics:
    """Counts of all endpoints. `clock` gives the service's time."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._counts: dict[str, Counter[_Kind]] = {}
        self._latencies: dict[tuple[str, str, datetime], deque[float]] = {}
        self._shadows: dict[tuple[str, str, datetime], deque[float]] = {}
        self._latest: datetime | None = None

    def record(
        self,
        endpoint: str,
        deployment: str,
        status: int,
        seconds: float,
        *,
        model_status: str = "",
        mirrored: bool = False,
        at: datetime | None = None,
    ) -> None:
        """Count one answered request, of now or of `at`; `seconds` is real time, since the models are real."""
        minute = (at or self._clock()).replace(second=0, microsecond=0)
        if self._latest is None or minute > self._latest:
            self._latest = minute
            self._forget(minute - RETENTION)
        kind = _Kind(minute, deployment, status, model_status, mirrored)
        self._counts.setdefault(endpoint, Counter())[kind] += 1
        latencies = self._shadows if mirrored else self._latencies
        latencies.setdefault((endpoint, deployment, minute), deque(maxlen=SAMPLES)).append(seconds)

    def rows(self, endpoint: str, since: datetime | None = None, until: datetime | None = None) -> Iterator[Row]:
        """The minutes in [since, until) in order; everything that is kept if neither is given."""
        counts = self._counts.get(endpoint, Counter())
        for kind, count in sorted(counts.items(), key=lambda item: item[0].minute):
            if (since is None or kind.minute >= since) and (until is None or kind.minute < until):
                yield Row(
                    minute=kind.minute,
                    deployment=kind.deployment,
                    status=kind.status,
                    model_status=kind.model_status,
                    mirrored=kind.mirrored,
                    count=count,
                )

    def counts(self, endpoint: str, *, mirrored: bool = False) -> Mapping[str, Mapping[str, int]]:
        """All that is kept, as deployment → status class → requests; live ones, or the mirrored ones."""
        totals: dict[str, Counter[str]] = {}
        for row in self.rows(endpoint):
            if row.mirrored is mirrored:
                totals.setdefault(row.deployment, Counter())[row.status_class] += row.count
        return {deployment: dict(classes) for deployment, classes in totals.items()}

    def latency(self, endpoint: str, deployment: str, quantile: float, since: datetime | None = None) -> float | None:
        """The seconds that this share of the live requests stayed within; None without requests."""
        samples = sorted(
            seconds
            for (name, slot, minute), latencies in self._latencies.items()
            if (name, slot) == (endpoint, deployment) and (since is None or minute >= since)
            for seconds in latencies
        )
        if not samples:
            return None
        ranks = [(index + 1) / len(samples) for index in range(len(samples))]
        return samples[min(bisect_left(ranks, quantile), len(samples) - 1)]

    def samples(self, endpoint: str) -> Iterator[tuple[datetime, str, tuple[float, ...]]]:
        """The latencies in seconds, of live and mirrored requests, by minute and deployment."""
        for key in dict.fromkeys((*self._latencies, *self._shadows)):
            if key[0] == endpoint:
                yield key[2], key[1], (*self._latencies.get(key, ()), *self._shadows.get(key, ()))

    def drop(self, endpoint: str) -> None:
        """Forget an endpoint that is gone."""
        self._counts.pop(endpoint, None)
        self._keep_latencies(lambda key: key[0] != endpoint)

    def _forget(self, before: datetime) -> None:
        for endpoint, counter in self._counts.items():
            kept = {kind: count for kind, count in counter.items() if kind.minute >= before}
            self._counts[endpoint] = Counter(kept)
        self._keep_latencies(lambda key: key[2] >= before)

    def _keep_latencies(self, wanted: Callable[[tuple[str, str, datetime]], bool]) -> None:
        self._latencies = {key: value for key, value in self._latencies.items() if wanted(key)}
        self._shadows = {key: value for key, value in self._shadows.items() if wanted(key)}
