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


PORTION: Final = 10
"""So many tokens of a shared bucket are booked at once, at most."""


MARGIN: Final = 1.0
"""Tokens that are left in a shared bucket: no two clocks are the same."""


class Whose(msgspec.Struct, frozen=True, kw_only=True):
    """Which bucket: `place` is an address with its subscription, `principal` who signed in ("" where nobody can tell),
    `kind` one of `LIMITS`, `speed` how many seconds of the service's time pass in one of ours."""

    place: str
    principal: str
    kind: str
    speed: float = 1.0


class Booking(msgspec.Struct, frozen=True, gc=False):
    """Tokens that were taken ahead of time from a bucket in which so many were left (below zero: others have booked
    ahead, too). `shut`: seconds in which nothing may leave."""

    tokens: int
    left: float
    refill: float
    shut: float

    def due(self, number: int) -> float:
        """Seconds after the booking from which the n-th of its tokens (from 1) may be used. The service's bucket began
        to grow a moment after our books of it: one token is left in it."""
        return max((number + MARGIN - self.left) / self.refill, self.shut, 0.0)


class Bucket(msgspec.Struct, frozen=True, gc=False):
    """`left` tokens at the time `at`, growing by `refill` a second up to `size`; nothing leaves before `shut`."""

    size: float
    refill: float
    left: float
    at: float
    shut: float

    def wait(self, now: float) -> float:
        """Seconds until a token may be taken; 0: now."""
        missing = max(0.0, 1.0 - self.level(now)) / self.refill
        return max(missing, self.shut - now, 0.0)

    def taken(self, now: float) -> Bucket:
        """After one token. Only right when `wait` is 0."""
        return self._with(self.level(now) - 1.0, now)

    def learnt(self, now: float, remaining: int, under_way: int) -> Bucket:
        """After an answer said how many are left to the service, while so many other requests of ours may not have
        been counted yet: other clients use the same bucket. More than we thought possible means a larger bucket."""
        known = float(remaining - under_way)
        if remaining > self.size:
            return msgspec.structs.replace(self, size=float(remaining), left=known, at=max(now, self.at))
        return self if known >= self.level(now) else self._with(known, now)

    def refused(self, now: float, after: float) -> Bucket:
        """After a 429: the bucket is empty, and nothing is tried for `after` seconds."""
        emptied = self._with(min(self.level(now), 0.0), now)
        return msgspec.structs.replace(emptied, shut=max(self.shut, now + after))

    def told(self, now: float, size: float, left: float) -> Bucket:
        """After somebody who counts its own requests alone, and has heard the service, thinks that so many are left:
        there cannot be more, but in a bucket that turns out to be larger."""
        if size > self.size:
            return msgspec.structs.replace(self, size=size, left=left, at=max(now, self.at))
        return self._with(min(self.level(now), left), now)

    def booked(self, now: float, tokens: int) -> tuple[Bucket, Booking]:
        """After so many tokens at once, whether they are there yet or not."""
        left = self.level(now)
        return self._with(left - tokens, now), Booking(tokens, left, self.refill, self.shut - now)

    def level(self, now: float) -> float:
        """How many are left."""
        return min(self.size, self.left + max(0.0, now - self.at) * self.refill)

    def _with(self, left: float, now: float) -> Bucket:
        return Bucket(self.size, self.refill, left, max(now, self.at), self.shut)


def wanted(bucket: Bucket, now: float, waiting: int) -> int:
    """How many tokens to book where so many requests wait: a whole portion where there are plenty, so that a database
    is not asked for each of them; else no more than what is needed: others must not wait for what lies idle."""
    plenty = bucket.level(now) > bucket.size / 2
    return PORTION if plenty else min(max(waiting, 1), PORTION)


def full(kind: str, now: float) -> Bucket:
    """A bucket that nobody has taken from. `kind` is `reads`, `writes` or `deletes`."""
    size, refill = LIMITS[kind]
    return Bucket(size, refill, size, now, -inf)


def best_time(kind: str, requests: int) -> float:
    """Seconds in which a full bucket lets so many requests through at best: what a pass is measured against."""
    size, refill = LIMITS[kind]
    return max(0.0, requests - size) / refill
