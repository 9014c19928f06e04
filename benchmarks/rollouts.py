"""Simulated rollouts: minutes of traffic with known truth, shown to every watcher alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import Ours, Watcher
from benchmarks.simulation import Floats, Minute, draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What really happens: requests a minute, the candidate's share of them by the minute at which it begins, the rates
    of bad requests, their correlation within a minute, and outages of both arms (rate added by the minute)."""

    per_minute: int = 300
    shares: Mapping[int, float] = field(default_factory=lambda: {0: 0.1})
    stable: float = 0.005
    candidate: float = 0.005
    correlation: float = 0.0
    outage: range = range(0)
    outage_rate: float = 0.2

    def minutes(self, random: np.random.Generator, runs: int, count: int, start: int = 0) -> Iterator[Minute]:
        """Minute after minute; `start` below 0 is the time before the exposure."""
        for number in range(start, start + count):
            extra = self.outage_rate if number in self.outage else 0.0
            share = 0.0 if number < 0 else self.shares[max(at for at in self.shares if at <= number)]
            mine = np.full(runs, float(round(self.per_minute * share)))
            theirs = self.per_minute - mine
            yield Minute(
                theirs,
                draw(random, theirs, self.stable + extra, self.correlation),
                mine,
                draw(random, mine, self.candidate + extra, self.correlation),
            )


@dataclass(frozen=True, slots=True)
class Seen:
    """When each rollout was rolled back (minutes; infinity: never)."""

    when: NDArray[np.float64]

    @property
    def share(self) -> float:
        """The share of rollouts that were rolled back."""
        return float(np.isfinite(self.when).mean())

    @property
    def median(self) -> float:
        """The median minute of those that were."""
        found = self.when[np.isfinite(self.when)]
        return float(np.median(found)) if len(found) else float("nan")


def play(
    truth: Truth, watchers: Sequence[Watcher], *, runs: int, minutes: int, seed: int = 1, baseline: int = 60
) -> list[Seen]:
    """Show the same minutes to all watchers. Ours also sees stable's `baseline` minutes before the exposure."""
    random = np.random.default_rng(seed)
    for minute in truth.minutes(random, runs, baseline, -baseline):
        for watcher in watchers:
            if isinstance(watcher, Ours):
                watcher.process.baseline(minute.stable, minute.stable_bad)
    when = [np.full(runs, np.inf) for _ in watchers]
    for number, minute in enumerate(truth.minutes(random, runs, minutes), start=1):
        for watcher, times in zip(watchers, when, strict=True):
            flags = watcher.step(minute)
            times[flags & ~np.isfinite(times)] = number
    return [Seen(times) for times in when]


def ours(truth: Truth, *, runs: int, minutes: int, seed: int = 1, tolerate: float = 0.0, baseline: int = 60) -> Seen:
    """Only our judge."""
    return play(truth, [Ours(runs, tolerate=tolerate)], runs=runs, minutes=minutes, seed=seed, baseline=baseline)[0]


def proven(truth: Truth, margin: float, *, runs: int, minutes: int, seed: int = 1, alpha: float = 0.05) -> Seen:
    """When the candidate is proven not to be worse by `margin`."""
    random = np.random.default_rng(seed)
    watcher = Ours(runs)
    watcher.process.margin = margin
    for minute in truth.minutes(random, runs, 60, -60):
        watcher.process.baseline(minute.stable, minute.stable_bad)
    when: Floats = np.full(runs, np.inf)
    for number, minute in enumerate(truth.minutes(random, runs, minutes), start=1):
        watcher.process.step(minute)
        when[(watcher.process.not_worse >= np.log(1 / alpha)) & ~np.isfinite(when)] = number
    return Seen(when)
