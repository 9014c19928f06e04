"""Resource Manager's token buckets and the count of requests served."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

LIMITS: Final = {"reads": (250, 25.0), "writes": (200, 10.0), "deletes": (200, 10.0)}
"""Size of each bucket, and its refill a second of the service's time."""


@dataclass(slots=True)
class _Bucket:
    left: float
    filled: float


class Throttle:
    """One principal in one region. A disabled one counts down but never refuses."""

    def __init__(self, enabled: bool = True) -> None:
        self.enabled = enabled
        self._buckets: dict[str, _Bucket] = {}

    def take(self, kind: str, now: datetime) -> tuple[int, float]:
        """Take one token: (how many are left, seconds until there is one again; 0 if this one was granted)."""
        size, refill = LIMITS[kind]
        at = now.timestamp()
        bucket = self._buckets.setdefault(kind, _Bucket(size, at))
        bucket.left = min(size, bucket.left + max(0.0, at - bucket.filled) * refill)
        bucket.filled = at
        if bucket.left < 1 and self.enabled:
            return 0, (1 - bucket.left) / refill
        bucket.left = max(0.0, bucket.left - 1)
        return int(bucket.left), 0.0


@dataclass(slots=True)
class Served:
    """Requests to Resource Manager since the start; polls of operations apart from reads."""

    reads: int = 0
    writes: int = 0
    polls: int = 0
    by_operation: Counter[str] = field(default_factory=Counter)

    def count(self, kind: str, operation: str) -> None:
        """One more. `kind` is `reads`, `writes` or `polls`."""
        setattr(self, kind, getattr(self, kind) + 1)
        self.by_operation[operation] += 1
