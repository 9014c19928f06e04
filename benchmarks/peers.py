"""What others do with the same minutes: their rules, written from their documentation (docs/statistics.md says which).

Each watcher takes one minute after the other and says in which rollouts it has rolled back. Arrays have one entry for
each simulated rollout.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulation import EProcess, Floats, Minute

Flags = NDArray[np.bool_]


class Watcher(Protocol):
    """Looks once a minute."""

    name: str

    def step(self, minute: Minute) -> Flags:
        """Take one minute; which rollouts are to be rolled back now."""


@dataclass(slots=True)
class Ours:
    """The judge: E at 1/α."""

    runs: int
    alpha: float = 0.05
    tolerate: float = 0.0
    name: str = "rollout"
    process: EProcess = field(init=False)

    def __post_init__(self) -> None:
        self.process = EProcess(self.runs, tolerate=self.tolerate)

    def step(self, minute: Minute) -> Flags:
        """E reaches the limit."""
        self.process.step(minute)
        flags: Flags = self.process.worse >= np.log(1 / self.alpha)
        return flags


@dataclass(slots=True)
class Threshold:
    """A success rate of the candidate's last minute below `least` is a failed check; so many of them are too many.

    Flagger counts in a counter that never falls and stops at `threshold`, and a minute without requests is a failed
    check; Argo Rollouts stops when there are more failures than `failureLimit`, and a minute without requests is an
    error (five in a row are too many).
    """

    name: str
    failures: int
    least: float = 0.99
    silence_fails: bool = True
    _failed: Floats = field(init=False)
    _silent: Floats = field(init=False)

    def __post_init__(self) -> None:
        self._failed, self._silent = np.zeros(1), np.zeros(1)

    def step(self, minute: Minute) -> Flags:
        """Count the failed checks."""
        silent = minute.candidate == 0
        success = 1 - minute.candidate_bad / np.where(silent, 1, minute.candidate)
        failed = (~silent & (success < self.least)) | (silent & self.silence_fails)
        self._failed = self._failed + failed
        self._silent = np.where(silent, self._silent + 1, 0)
        flags: Flags = (self._failed >= self.failures) | (self._silent >= 5)
        return flags


@dataclass(slots=True)
class RepeatedZ:
    """The two-proportion z-test (pooled, one-sided) on all counts so far, repeated at every look."""

    critical: float = 1.6449
    name: str = "repeated z-test"
    _sums: list[Floats] = field(default_factory=lambda: [np.zeros(1) for _ in range(4)])

    def step(self, minute: Minute) -> Flags:
        """z at the critical value of a single test."""
        parts = (minute.stable, minute.stable_bad, minute.candidate, minute.candidate_bad)
        self._sums = [total + part for total, part in zip(self._sums, parts, strict=True)]
        stable, bad, candidate, worse = self._sums
        pooled = (bad + worse) / np.maximum(stable + candidate, 1)
        variance = pooled * (1 - pooled) * (1 / np.maximum(stable, 1) + 1 / np.maximum(candidate, 1))
        gap = worse / np.maximum(candidate, 1) - bad / np.maximum(stable, 1)
        flags: Flags = gap > self.critical * np.sqrt(np.maximum(variance, 1e-18))
        return flags


@dataclass(slots=True)
class Kayenta:
    """Kayenta's judge on the minutes' error rates, with a growing look-back, once in `every` minutes.

    Mann-Whitney with a 98 % confidence interval for the shift by inversion, average ranks, continuity and tie
    correction; `High` if the interval lies above a quarter of the estimated shift and the means' ratio is above 1.
    """

    every: int = 60
    z: float = 2.3263
    name: str = "Kayenta"
    _stable: list[Floats] = field(default_factory=list)
    _candidate: list[Floats] = field(default_factory=list)
    _found: Flags | None = None

    def step(self, minute: Minute) -> Flags:
        """Judge at the end of each interval."""
        self._stable.append(minute.stable_bad / np.maximum(minute.stable, 1))
        self._candidate.append(minute.candidate_bad / np.maximum(minute.candidate, 1))
        if self._found is None:
            self._found = np.zeros(minute.stable.shape, dtype=bool)
        if len(self._stable) % self.every == 0:
            control, experiment = np.array(self._stable).T, np.array(self._candidate).T
            high = [_high(x, y, self.z) for x, y in zip(experiment, control, strict=True)]
            self._found = self._found | np.array(high)
        return self._found


def _high(x: Floats, y: Floats, z: float) -> bool:
    """Kayenta's label `High` of experiment x against control y."""
    if len(np.unique(np.concatenate([x, y]))) == 1 or np.array_equal(np.sort(x), np.sort(y)):
        return False
    if y.mean() > 0 and x.mean() / y.mean() < 1:
        return False
    x, y = np.sort(x), np.sort(y)
    low, estimate = _shift(x, y, z), _shift(x, y, 0.0)
    return low > 0.25 * abs(estimate)


def _shift(x: Floats, y: Floats, z: float) -> float:
    """The shift μ at which the statistic W of (x − μ, y) is `z`; W falls with μ."""
    n, m = len(x), len(y)
    ties = sum(float((count**3 - count).sum()) for count in (np.unique(side, return_counts=True)[1] for side in (x, y)))
    sigma = np.sqrt(n * m / 12 * ((n + m + 1) - ties / ((n + m) * (n + m - 1))))
    low, high = x[0] - y[-1], x[-1] - y[0]
    for _ in range(40):
        middle = (low + high) / 2
        moved = x - middle
        wins = (
            np.searchsorted(y, moved, "left").sum()
            + 0.5 * (np.searchsorted(y, moved, "right") - np.searchsorted(y, moved, "left")).sum()
        )
        u = wins - n * m / 2
        if (u - np.sign(u) / 2) / max(sigma, 1e-12) > z:
            low = middle
        else:
            high = middle
    return float((low + high) / 2)
