"""The 2×2 e-process: is the candidate's rate above stable's by more than is tolerated?

Turner, Ly & Grünwald, "Generic E-variables for exact sequential k-sample tests" (JSPI 230, 2024, arXiv:2106.02693),
with the margins of Turner & Grünwald (arXiv:2203.09785). Each block gives a factor whose expectation is at most 1
whenever p_candidate ≤ p_stable + margin *in that block*: the weights may change at every block, and a fault that hits
both arms alike is no evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import exp, inf, log
from typing import Final

import msgspec

from rollout.core.evidence.bursts import Belief, effective
from rollout.core.evidence.counts import Arm

WORSE: Final = (1.5, 2.0, 3.0, 5.0, 10.0)
"""The alternatives of "worse": how many times the rate that is tolerated."""
NO_WORSE: Final = (0.5, 0.8, 1.0, 1.25)
"""The alternatives of "not worse": how many times stable's rate."""
PRIOR: Final = Arm(200, 1)
"""What is known of stable before anything was counted: as if 1 of 200 requests had been bad."""
_LEAST: Final = 1e-9
_STEPS: Final = 80
_CLOSE: Final = 1e-9
"""A step so small is the last one: the next error is its square."""


class Null(msgspec.Struct, frozen=True, gc=False):
    """The claim that is tested: the upper arm's rate is at most the lower arm's plus `margin` (-1 < margin < 1)."""

    margin: float = 0.0


def nearest(null: Null, upper: float, lower: float, n_upper: float, n_lower: float) -> tuple[float, float]:
    """The rates (upper, lower) inside the null that look most like these two: the reverse information projection.

    Minimises n_upper·KL(upper‖b+margin) + n_lower·KL(lower‖b) over b, a convex function, by Newton's method on its
    slope, inside a bracket that is halved where a step would leave it. Rates inside the null are their own projection.
    """
    margin = null.margin
    if upper - lower <= margin:
        return upper, lower
    if not n_upper or not n_lower:  # the other arm alone is met exactly
        return (lower + margin, lower) if n_lower else (upper, upper - margin)
    if margin == 0:
        both = (n_upper * upper + n_lower * lower) / (n_upper + n_lower)
        return both, both
    low, high = max(lower, -margin), min(upper - margin, 1.0 - margin, 1.0)
    b = (low + high) / 2
    for _ in range(_STEPS):
        a = b + margin
        slope = n_upper * (a - upper) / (a * (1 - a)) + n_lower * (b - lower) / (b * (1 - b))
        low, high = (low, b) if slope > 0 else (b, high)
        bend_upper = upper / (a * a) + (1 - upper) / ((1 - a) * (1 - a))
        bend_lower = lower / (b * b) + (1 - lower) / ((1 - b) * (1 - b))
        step = slope / (n_upper * bend_upper + n_lower * bend_lower)
        inside = low < b - step < high
        b = b - step if inside else (low + high) / 2
        if inside and abs(step) <= _CLOSE * b:
            break
    return b + margin, b


def log_factor(null: Null, rates: tuple[float, float], upper: Arm, lower: Arm) -> float:
    """The logarithm of one block's factor for the alternative `rates` (upper, lower), chosen before it was seen."""
    a, b = nearest(null, *rates, upper.requests, lower.requests)
    return _likelihood(upper, rates[0], a) + _likelihood(lower, rates[1], b)


def _likelihood(arm: Arm, alternative: float, null: float) -> float:
    if alternative == null or not arm.requests:
        return 0.0
    good = arm.requests - arm.bad
    return arm.bad * log(alternative / null) + good * log((1 - alternative) / (1 - null))


def worse(rate: float, tolerated: float) -> list[tuple[float, float]]:
    """The alternatives (candidate, stable) of "worse", where stable's rate is `rate`."""
    return [(_inside(times * (rate + tolerated)), rate) for times in WORSE]


def no_worse(rate: float) -> list[tuple[float, float]]:
    """The alternatives (stable, candidate) of "not worse"."""
    return [(rate, _inside(times * rate)) for times in NO_WORSE]


def regression(
    pairs: Iterable[tuple[Arm, Arm, Belief]], tolerated: float, known: Arm = PRIOR, limit: float = inf
) -> Iterator[float]:
    """log E after each block, against "the candidate is worse by at most `tolerated`".

    `pairs` are stable, candidate and what was believed of the minute before it was seen; `known` is what was known of
    stable before the first one; `limit` the log E that decides. Large values say that the candidate is worse.
    """
    null = Null(tolerated)
    sums = [0.0] * len(WORSE)
    for stable, candidate, belief in pairs:
        upper, lower = effective(candidate, belief.correlation), effective(stable, belief.correlation)
        for index, rates in enumerate(worse(_inside(known.rate), tolerated)):
            sums[index] += min(belief.most(limit, sums[index]), log_factor(null, rates, upper, lower))
        known = known + stable
        yield log_mean(sums)


def proof(pairs: Iterable[tuple[Arm, Arm, Belief]], tolerated: float, known: Arm = PRIOR) -> Iterator[float]:
    """log E after each block, against "the candidate is worse by at least `tolerated`". Large values say that it is
    not: non-inferiority. Parameters as of `regression`."""
    null = Null(-tolerated)
    sums = [0.0] * len(NO_WORSE)
    for stable, candidate, belief in pairs:
        upper, lower = effective(stable, belief.correlation), effective(candidate, belief.correlation)
        for index, rates in enumerate(no_worse(_inside(known.rate))):
            sums[index] += log_factor(null, rates, upper, lower)
        known = known + stable
        yield log_mean(sums)


def log_mean(logs: Sequence[float]) -> float:
    """The logarithm of the mean of what these are the logarithms of."""
    top = max(logs)
    return top + log(sum(exp(value - top) for value in logs) / len(logs))


def _inside(rate: float) -> float:
    return min(max(rate, _LEAST), 1 - 1e-3)
