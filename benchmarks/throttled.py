"""100,000 endpoints in 2,000 subscriptions: how long one pass takes below Resource Manager's limits.

A simulation by events, without I/O: the same bucket (`rollout.core.bucket`) for each subscription, the same turns
(`rollout.core.turns`) for those who wait, requests that take a time drawn by a seed, and one core that does the
client's work. What bounds a pass is worked out beside it; a pass can only be slower than that.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from math import ceil
from random import Random
from typing import Final

from benchmarks.table import Row
from rollout.core.bucket import Bucket, best_time, full
from rollout.core.turns import Turns

ENDPOINTS: Final = 100_000
SUBSCRIPTIONS: Final = 2_000
CPU: Final = 0.0015
"""Seconds of one core for an endpoint's read and decision: more than the benchmark of fleets measures."""
MOST_OVER: Final = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """`sizes` are the endpoints of each subscription; `reads` what one costs; `parallel` how many are under way;
    `latency` the mean seconds of an answer, `spread` how much it varies (the shape of a gamma distribution)."""

    sizes: tuple[int, ...]
    reads: int = 2
    parallel: int = 64
    latency: float = 0.08
    spread: float = 4.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds that a pass takes at least, by what would be the only limit."""

    bucket: float
    wire: float
    core: float

    @property
    def best(self) -> float:
        """No pass can be faster."""
        return max(self.bucket, self.wire, self.core)

    @property
    def by(self) -> str:
        """Which of them it is."""
        names = {self.bucket: "the largest subscription's bucket", self.wire: "answers", self.core: "the core"}
        return names[self.best]


def bounds(fleet: Fleet) -> Bounds:
    """On paper: (requests of the largest subscription − 250) ÷ 25; all requests × latency ÷ parallel; all × CPU."""
    endpoints = sum(fleet.sizes)
    return Bounds(
        bucket=best_time("reads", max(fleet.sizes) * fleet.reads),
        wire=endpoints * fleet.reads * fleet.latency / fleet.parallel,
        core=endpoints * CPU,
    )


def even(endpoints: int = ENDPOINTS, subscriptions: int = SUBSCRIPTIONS) -> tuple[int, ...]:
    """Every subscription has as many."""
    return (endpoints // subscriptions,) * subscriptions


def skewed(endpoints: int = ENDPOINTS, subscriptions: int = SUBSCRIPTIONS) -> tuple[int, ...]:
    """Zipf's law: the second largest has half of the largest, the third a third."""
    whole = sum(1 / rank for rank in range(1, subscriptions + 1))
    return tuple(max(1, ceil(endpoints / whole / rank)) for rank in range(1, subscriptions + 1))


class _Pass:
    """One pass, event by event. An event is (when, a number, the subscription, how many of the endpoint's reads are
    left); with none left, its answers are there and the core decides."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self._fleet = fleet
        self._random = Random(seed)
        self._turns: Turns[int] = Turns()
        for owner, size in enumerate(fleet.sizes):
            for item in range(size):
                self._turns.add(str(owner), item)
        self._buckets: dict[str, Bucket] = {}
        self._events: list[tuple[float, int, str, int]] = []
        self._numbers = count()
        self._core = 0.0

    def seconds(self) -> float:
        """Until the last decision."""
        for _ in range(self._fleet.parallel):
            self._next(0.0)
        while self._events:
            now, _, owner, left = heapq.heappop(self._events)
            if left:
                self._plan(self._admitted(now, owner) + self._answer(), owner, left - 1)
            else:
                self._core = max(self._core, now) + CPU
                self._turns.done(owner)
                self._next(self._core)
        return self._core

    def _next(self, now: float) -> None:
        if (turn := self._turns.take()) is not None:
            self._plan(now, turn[0], self._fleet.reads)

    def _plan(self, when: float, owner: str, left: int) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), owner, left))

    def _admitted(self, now: float, owner: str) -> float:
        """When the subscription's bucket lets the request through, in the order in which they come."""
        bucket = self._buckets.get(owner) or full("reads", 0.0)
        start = max(now, bucket.at)
        go = start + bucket.wait(start)
        self._buckets[owner] = bucket.taken(go)
        return go

    def _answer(self) -> float:
        return self._random.gammavariate(self._fleet.spread, self._fleet.latency / self._fleet.spread)


def simulated(fleet: Fleet, seed: int = 1) -> float:
    """Seconds of one pass over the fleet."""
    return _Pass(fleet, seed).seconds()


FLEETS: Final = {
    "50 in each subscription, 64 at a time": Fleet(sizes=even()),
    "50 in each subscription, 256 at a time": Fleet(sizes=even(), parallel=256),
    "by Zipf's law, 256 at a time": Fleet(sizes=skewed(), parallel=256),
    "by Zipf's law, endpoints by list, 256 at a time": Fleet(sizes=skewed(), parallel=256, reads=1),
    "by Zipf's law, endpoints by list, 16 at a time": Fleet(sizes=skewed(), parallel=16, reads=1),
}


def rows() -> Iterator[Row]:
    """Each fleet's pass, simulated, against what it takes at best."""
    for name, fleet in FLEETS.items():
        least, took = bounds(fleet), simulated(fleet)
        yield Row(name=f"{name}: a pass, simulated", value=took, unit="s")
        yield Row(name=f"{name}: at best, bounded by {least.by}", value=least.best, unit="s")
        yield Row(name=f"{name}: simulated ÷ at best", value=took / least.best, most=MOST_OVER)
