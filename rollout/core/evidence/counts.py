"""What a minute is to the judge: two arms, each with its requests and how many of them were bad."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec


class Arm(msgspec.Struct, frozen=True, gc=False):
    """One deployment in one span of time: its requests, and how many of them were bad (0 ≤ bad ≤ requests)."""

    requests: float = 0
    bad: float = 0

    @property
    def rate(self) -> float:
        """The share of bad requests; 0 without requests."""
        return self.bad / self.requests if self.requests else 0.0

    def __add__(self, other: Arm) -> Arm:
        return Arm(self.requests + other.requests, self.bad + other.bad)


class Block(msgspec.Struct, frozen=True, gc=False):
    """One span of the grid, from `start` (inclusive) on. A span without requests is a block as well."""

    start: datetime
    stable: Arm = Arm()
    candidate: Arm = Arm()


class Row(msgspec.Struct, frozen=True, gc=False):
    """What a source says about one deployment in the minute that begins at `minute`."""

    minute: datetime
    deployment: str
    requests: float
    bad: float


def total(arms: Iterable[Arm]) -> Arm:
    """All of them together."""
    requests = bad = 0.0
    for arm in arms:
        requests, bad = requests + arm.requests, bad + arm.bad
    return Arm(requests, bad)


def faults(rows: Iterable[Row]) -> Iterator[str]:
    """What no source may say: negative counts, more bad requests than requests, numbers that are none."""
    for row in rows:
        if not (0 <= row.bad <= row.requests < float("inf")):
            yield f"{row.bad:g} bad of {row.requests:g} requests of {row.deployment} at {row.minute:%H:%M}"
