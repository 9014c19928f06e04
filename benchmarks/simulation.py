"""The judge on thousands of simulated rollouts at once: the same sums as `rollout.core.evidence`, in numpy.

`tests/statistics/test_twin.py` holds that both give the same numbers; here only the speed differs. Arrays have one
entry for each simulated rollout.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log

import numpy as np
from numpy.typing import NDArray

from rollout.core.evidence.bursts import ALONE, CAUTION, ENOUGH, SIGNIFICANT
from rollout.core.evidence.two_arms import NO_WORSE, PRIOR, WORSE

Floats = NDArray[np.float64]
_STEPS = 52


@dataclass(frozen=True, slots=True)
class Minute:
    """The counts of one minute in every rollout."""

    stable: Floats
    stable_bad: Floats
    candidate: Floats
    candidate_bad: Floats


def nearest(margin: float, upper: Floats, lower: Floats, n_upper: Floats, n_lower: Floats) -> tuple[Floats, Floats]:
    """See `rollout.core.evidence.two_arms.nearest`."""
    total = n_upper + n_lower
    inside = (upper - lower <= margin) | (total == 0)
    if margin == 0:
        both = (n_upper * upper + n_lower * lower) / np.where(total == 0, 1, total)
        return np.where(inside, upper, both), np.where(inside, lower, both)
    low = np.maximum(lower, -margin)
    high = np.minimum(np.minimum(upper - margin, 1 - margin), 1.0)
    for _ in range(_STEPS):
        b = (low + high) / 2
        a = b + margin
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = n_upper * (a - upper) / (a * (1 - a)) + n_lower * (b - lower) / (b * (1 - b))
        high, low = np.where(slope > 0, b, high), np.where(slope > 0, low, b)
    b = (low + high) / 2
    return np.where(inside, upper, b + margin), np.where(inside, lower, b)


def log_factor(
    margin: float, rates: tuple[Floats, Floats], upper: Floats, bad: Floats, lower: Floats, worse: Floats
) -> Floats:
    """One block's factor; `bad` and `worse` are the bad requests of `upper` and `lower`."""
    a, b = nearest(margin, *rates, upper, lower)
    return _likelihood(upper, bad, rates[0], a) + _likelihood(lower, worse, rates[1], b)


def _likelihood(requests: Floats, bad: Floats, alternative: Floats, null: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        value = bad * np.log(alternative / null) + (requests - bad) * np.log((1 - alternative) / (1 - null))
    return np.where((requests == 0) | (alternative == null), 0.0, value)


def log_mean(logs: Floats) -> Floats:
    """Over the alternatives, which are the first axis."""
    top = logs.max(axis=0)
    mean: Floats = top + np.log(np.exp(logs - top).mean(axis=0))
    return mean


@dataclass(slots=True)
class Bursts:
    """Stable's correlation within a minute, in every rollout: see `rollout.core.evidence.bursts.correlations`."""

    runs: int
    excess: Floats = field(init=False)
    weight: Floats = field(init=False)
    spread: Floats = field(init=False)
    before: tuple[Floats, Floats] = field(init=False)

    def __post_init__(self) -> None:
        self.excess, self.weight, self.spread = (np.zeros(self.runs) for _ in range(3))
        self.before = np.zeros(self.runs), np.zeros(self.runs)

    def add(self, requests: Floats, bad: Floats) -> None:
        """One more minute of stable."""
        n, k = self.before
        usable = (n > 0) & (requests > 0)
        one, two = np.where(n > 0, n, 1), np.where(requests > 0, requests, 1)
        both = n + requests
        rate = (k + bad) / np.where(both > 0, both, 1)
        variance = rate * (1 - rate) * both / np.maximum(both - 1, 1)
        inverse = 1 / one + 1 / two
        self.excess += np.where(usable, (k / one - bad / two) ** 2 - variance * inverse, 0)
        self.weight += np.where(usable, variance * (2 - inverse), 0)
        self.spread += np.where(usable, 3 * (variance * inverse) ** 2 + variance * (1 / one**3 + 1 / two**3), 0)
        seen = requests > 0
        self.before = np.where(seen, requests, n), np.where(seen, bad, k)

    @property
    def believed(self) -> Floats:
        """ρ as it is believed now."""
        sure = (self.weight > 0) & (self.excess > SIGNIFICANT * np.sqrt(self.spread))
        ratio = CAUTION * self.excess / np.where(self.weight > 0, self.weight, 1)
        return np.where(sure, np.minimum(ratio, 1.0), 0.0)


@dataclass(slots=True)
class EProcess:
    """Both tests of one check. `worse` and `not_worse` are log E now; `baseline` minutes come first. `limit` is the log
    E that decides."""

    runs: int
    limit: float = log(20)
    tolerate: float = 0.0
    margin: float | None = None
    bursts: bool = True
    worse: Floats = field(init=False)
    not_worse: Floats = field(init=False)
    _known: tuple[Floats, Floats] = field(init=False)
    _sums: Floats = field(init=False)
    _proofs: Floats = field(init=False)
    _bursts: Bursts = field(init=False)
    _failed: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.worse, self.not_worse = np.zeros(self.runs), np.zeros(self.runs)
        self._known = np.full(self.runs, PRIOR.requests), np.full(self.runs, PRIOR.bad)
        self._sums = np.zeros((len(WORSE), self.runs))
        self._proofs = np.zeros((len(NO_WORSE), self.runs))
        self._bursts = Bursts(self.runs)
        self._failed = np.zeros(self.runs)

    def baseline(self, requests: Floats, bad: Floats) -> None:
        """A minute of stable alone."""
        self._learn(requests, bad)

    def step(self, minute: Minute) -> None:
        """One more block."""
        belief = self._bursts.believed if self.bursts else np.zeros(self.runs)
        most = np.where(self.bursts & (self._failed < ENOUGH), ALONE * self.limit, np.inf)
        upper, bad = _effective(minute.candidate, minute.candidate_bad, belief)
        lower, other = _effective(minute.stable, minute.stable_bad, belief)
        rate = _inside(self._known[1] / self._known[0])
        for index, times in enumerate(WORSE):
            rates = (_inside(times * (rate + self.tolerate)), rate)
            factor = log_factor(self.tolerate, rates, upper, bad, lower, other)
            self._sums[index] += np.minimum(most - np.minimum(self._sums[index], 0), factor)
        self.worse = log_mean(self._sums)
        if self.margin is not None:
            for index, times in enumerate(NO_WORSE):
                rates = (rate, _inside(times * rate))
                self._proofs[index] += log_factor(-self.margin, rates, lower, other, upper, bad)
            self.not_worse = log_mean(self._proofs)
        self._learn(minute.stable, minute.stable_bad)

    def _learn(self, requests: Floats, bad: Floats) -> None:
        self._known = self._known[0] + requests, self._known[1] + bad
        self._failed += bad > 0
        if self.bursts:
            self._bursts.add(requests, bad)


def _effective(requests: Floats, bad: Floats, belief: Floats) -> tuple[Floats, Floats]:
    effect = 1 + np.maximum(requests - 1, 0) * belief
    return requests / effect, bad / effect


def _inside(rate: Floats) -> Floats:
    return np.clip(rate, 1e-9, 1 - 1e-3)


def draw(random: np.random.Generator, requests: Floats, rate: float, correlation: float = 0.0) -> Floats:
    """How many of the requests are bad. With a correlation the minute's rate is itself drawn (beta-binomial)."""
    if not correlation:
        return random.binomial(requests.astype(np.int64), rate).astype(np.float64)
    strength = (1 - correlation) / correlation
    rates = random.beta(rate * strength, (1 - rate) * strength, requests.shape)
    return random.binomial(requests.astype(np.int64), rates).astype(np.float64)
