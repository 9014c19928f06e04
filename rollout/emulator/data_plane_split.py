"""Which deployment gets a request: each is decided by itself, at random, by weight. Pure but for the dice."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random


def choose(traffic: Mapping[str, int], dice: Random) -> str | None:
    """A deployment by weight (lower case); None if all weights are zero."""
    total = sum(traffic.values())
    if total <= 0:
        return None
    throw = dice.randrange(total)
    for name, weight in traffic.items():
        throw -= weight
        if throw < 0:
            return name.lower()
    raise AssertionError("a throw below the total falls into one of the weights")


def mirror_target(mirror: Mapping[str, int], dice: Random) -> str | None:
    """Where a copy of this request goes, if it is one of the mirrored percent."""
    throw = dice.randrange(100)
    for name, percent in mirror.items():
        throw -= percent
        if throw < 0:
            return name.lower()
    return None
