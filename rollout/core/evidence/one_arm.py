"""The one-sample e-process: is the candidate's rate above an objective, or shown to be below it?

A likelihood ratio with a grid of alternatives for each side of the objective (the discrete mixture of §3 of Robbins,
"Statistical methods related to the law of the iterated logarithm", 1970); valid for every rate at or inside the null.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import inf, log
from typing import Final

from rollout.core.evidence.bursts import Belief, effective
from rollout.core.evidence.counts import Arm
from rollout.core.evidence.two_arms import log_mean

ABOVE: Final = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
"""The alternatives of "above": how many times the objective."""
BELOW: Final = (0.0, 0.1, 0.25, 0.5, 0.75)
"""The alternatives of "below"."""


def above(minutes: Iterable[tuple[Arm, Belief]], objective: float, limit: float = inf) -> Iterator[float]:
    """log E after each minute, against "the rate is at most `objective`" (0 < objective < 1). `minutes` are counts, and
    what was believed of the minute before it was seen; `limit` is the log E that decides."""
    return _walk(minutes, objective, [min(times * objective, (1 + objective) / 2) for times in ABOVE], limit)


def below(minutes: Iterable[tuple[Arm, Belief]], objective: float) -> Iterator[float]:
    """log E after each minute, against "the rate is at least `objective`". Parameters as of `above`."""
    return _walk(minutes, objective, [times * objective for times in BELOW], inf)


def _walk(
    minutes: Iterable[tuple[Arm, Belief]], objective: float, rates: Sequence[float], limit: float
) -> Iterator[float]:
    sums = [0.0] * len(rates)
    for counted, belief in minutes:
        arm = effective(counted, belief.correlation)
        for index, rate in enumerate(rates):
            sums[index] += min(belief.most(limit, sums[index]), _log_ratio(arm, rate, objective))
        yield log_mean(sums)


def _log_ratio(arm: Arm, rate: float, objective: float) -> float:
    if rate == 0 and arm.bad:
        return -inf
    bad = arm.bad * log(rate / objective) if arm.bad else 0.0
    return bad + (arm.requests - arm.bad) * log((1 - rate) / (1 - objective))
