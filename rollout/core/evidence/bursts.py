"""Requests of a minute that fail together: the correlation within a minute, and what it leaves of the counts.

Two hundred requests that fail because of one hiccup are not two hundred pieces of evidence. Counts are divided by the
design effect 1 + (n − 1)·ρ, ρ being estimated from stable's own minutes: those before the first exposure, and every
minute that came before the block which is judged. So it is known before the block is seen, and the test stays valid.

Rare bursts are not in that estimate before the first one was seen. Until stable has failed in `ENOUGH` minutes nobody
knows whether it fails in bursts, and no few minutes may bring the evidence to its limit: a factor that is cut is an
e-value all the same. A stable that fails a little in most minutes has shown how it fails; nothing is cut then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from math import inf, sqrt
from typing import Final

import msgspec

from rollout.core.evidence.counts import Arm

CAUTION: Final = 1.5
"""An estimate from few bursts is too low as often as too high: what is believed is so many times as large."""
SIGNIFICANT: Final = 1.64
"""An excess of fewer standard errors is taken for chance: independent requests are the rule."""
ENOUGH: Final = 30
"""Stable must have failed in so many minutes before it is known how its requests fail: together or one by one."""
ALONE: Final = 0.3
"""The part of the limit (in log E) that one minute may bring until then: the fourth such minute passes it."""


class Belief(msgspec.Struct, frozen=True, gc=False):
    """What is believed of a minute before it is seen: the correlation of its requests (0 to 1), and whether stable has
    `shown` how its requests fail."""

    correlation: float = 0.0
    shown: bool = True

    def most(self, limit: float, so_far: float) -> float:
        """The log E that this minute alone may bring, where `limit` decides and there is `so_far`: from whatever spoke
        for the candidate before, it may lead to a part of the limit."""
        return inf if self.shown else ALONE * limit - min(so_far, 0.0)


def beliefs(stable: Sequence[Arm]) -> list[Belief]:
    """What is believed before each of stable's minutes, and after the last."""
    failed = accumulate((minute.bad > 0 for minute in stable), initial=0)
    return [Belief(found, count >= ENOUGH) for found, count in zip(correlations(stable), failed, strict=True)]


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
