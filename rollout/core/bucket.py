"""A token bucket as Resource Manager keeps one for each subscription, principal and region. Pure arithmetic.

Limits: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling (2024): reads
250 at once and 25 a second, writes and deletes 200 at once and 10 a second each. Times are seconds of any one clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from types import MappingProxyType
from typing import Final

import msgspec

LIMITS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {"reads": (250.0, 25.0), "writes": (200.0, 10.0), "deletes": (200.0, 10.0)}
)
"""Size of each bucket, and its refill a second."""


class Bucket(msgspec.Struct, frozen=True, gc=False):
    """`left` tokens at the time `at`, growing by `refill` a second up to `size`; nothing leaves before `shut`."""

    size: float
    refill: float
    left: float
    at: float
    shut: float

    def wait(self, now: float) -> float:
        """Seconds until a token may be taken; 0: now."""
        missing = max(0.0, 1.0 - self._level(now)) / self.refill
        return max(missing, self.shut - now, 0.0)

    def taken(self, now: float) -> Bucket:
        """After one token. Only right when `wait` is 0."""
        return self._with(self._level(now) - 1.0, now)

    def learnt(self, now: float, remaining: int, under_way: int) -> Bucket:
        """After an answer said how many are left to the service, while so many other requests of ours may not have
        been counted yet: other clients use the same bucket. More than we thought possible means a larger bucket."""
        known = float(remaining - under_way)
        if remaining > self.size:
            return msgspec.structs.replace(self, size=float(remaining), left=known, at=max(now, self.at))
        return self._with(min(self._level(now), known), now)

    def refused(self, now: float, after: float) -> Bucket:
        """After a 429: the bucket is empty, and nothing is tried for `after` seconds."""
        emptied = self._with(min(self._level(now), 0.0), now)
        return msgspec.structs.replace(emptied, shut=max(self.shut, now + after))

    def _level(self, now: float) -> float:
        return min(self.size, self.left + max(0.0, now - self.at) * self.refill)

    def _with(self, left: float, now: float) -> Bucket:
        return Bucket(self.size, self.refill, left, max(now, self.at), self.shut)


def full(kind: str, now: float) -> Bucket:
    """A bucket that nobody has taken from. `kind` is `reads`, `writes` or `deletes`."""
    size, refill = LIMITS[kind]
    return Bucket(size, refill, size, now, -inf)


def best_time(kind: str, requests: int) -> float:
    """Seconds in which a full bucket lets so many requests through at best: what a pass is measured against."""
    size, refill = LIMITS[kind]
    return max(0.0, requests - size) / refill
