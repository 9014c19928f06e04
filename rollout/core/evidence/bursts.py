"""Requests of a minute that fail together: the correlation within a minute, and what it leaves of the counts.

Two hundred requests that fail because of one hiccup are not two hundred pieces of evidence. Counts are divided by the
design effect 1 + (n − 1)·ρ, ρ being estimated from stable's own minutes: those before the first exposure, and every
minute that came before the block which is judged. So it is known before the block is seen, and the test stays valid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import sqrt
from typing import Final

from rollout.core.evidence.counts import Arm

CAUTION: Final = 1.5
"""An estimate from few bursts is too low as often as too high: what is believed is so many times as large."""
SIGNIFICANT: Final = 1.64
"""An excess of fewer standard errors is taken for chance: independent requests are the rule."""


def correlations(minutes: Iterable[Arm]) -> Iterator[float]:
    """ρ (0 to 1) as the minutes so far tell it: first before any, then after each of them.

    From the differences between neighbouring minutes, so that a rate that drifts, or a long outage, is not taken for
    bursts: E(r₁ − r₂)² = p(1 − p)·[(1 − ρ)(1/n₁ + 1/n₂) + 2ρ].
    """
    excess = weight = spread = 0.0
    before = Arm()
    yield 0.0
    for minute in minutes:
        if not minute.requests:
            yield _believed(excess, weight, spread)
            continue
        if before.requests:
            both, inverse = before + minute, 1 / before.requests + 1 / minute.requests
            variance = both.rate * (1 - both.rate) * both.requests / max(both.requests - 1, 1)
            excess += (before.rate - minute.rate) ** 2 - variance * inverse
            weight += variance * (2 - inverse)
            spread += 3 * (variance * inverse) ** 2 + variance * (1 / before.requests**3 + 1 / minute.requests**3)
        before = minute
        yield _believed(excess, weight, spread)


def _believed(excess: float, weight: float, spread: float) -> float:
    """Nothing, unless there is more than chance explains."""
    if weight <= 0 or excess <= SIGNIFICANT * sqrt(spread):
        return 0.0
    return min(1.0, CAUTION * excess / weight)


def design_effect(requests: float, correlation: float) -> float:
    """How many requests of that minute are worth as much as one that stands for itself."""
    return 1 + max(requests - 1, 0) * correlation


def effective(arm: Arm, correlation: float) -> Arm:
    """The counts that the arm's minute is worth."""
    if not correlation:
        return arm
    effect = design_effect(arm.requests, correlation)
    return Arm(arm.requests / effect, arm.bad / effect)
