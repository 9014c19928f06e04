"""How long it takes to see something: the expected growth of log E, and its spread, at a known rate of requests.

Nine times in ten: log E after t minutes is about normal, with t times one minute's mean and variance under the truth.
"""

from __future__ import annotations

from math import inf, log, sqrt
from typing import Final

import msgspec

from rollout.core.evidence.two_arms import NO_WORSE, WORSE, Null, nearest

NINE_IN_TEN: Final = 1.2816


class Load(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the endpoint serves: requests a minute, the candidate's share of them, and the share of bad ones."""

    per_minute: float
    share: float
    rate: float


def until_worse(load: Load, candidate: float, tolerate: float, share: float) -> float:
    """Minutes until a candidate with that share of bad requests is shown to be worse; infinity: never."""
    rates = min(candidate, 0.99), load.rate
    arms = load.per_minute * load.share, load.per_minute * (1 - load.share)
    return _minutes(Null(tolerate), rates, arms, log(len(WORSE) / share))


def until_proven(load: Load, tolerate: float, alpha: float) -> float:
    """Minutes until a candidate that is equal is proven not to be worse; infinity: never."""
    arms = load.per_minute * (1 - load.share), load.per_minute * load.share
    return _minutes(Null(-tolerate), (load.rate, load.rate), arms, log(len(NO_WORSE) / alpha))


def _minutes(null: Null, rates: tuple[float, float], arms: tuple[float, float], needed: float) -> float:
    """The least t with t·mean − z·√(t·variance) ≥ needed."""
    points = nearest(null, *rates, *arms)
    mean = variance = 0.0
    for rate, point, requests in zip(rates, points, arms, strict=True):
        if requests and rate != point:
            bad, good = log(rate / point), log((1 - rate) / (1 - point))
            mean += requests * (rate * bad + (1 - rate) * good)
            variance += requests * rate * (1 - rate) * (bad - good) ** 2
    if mean <= 0:
        return inf
    root = (NINE_IN_TEN * sqrt(variance) + sqrt(NINE_IN_TEN**2 * variance + 4 * mean * needed)) / (2 * mean)
    return root**2
