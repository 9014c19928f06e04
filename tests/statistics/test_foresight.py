"""What is foretold comes true nine times in ten, in the simulation of the judge."""

from __future__ import annotations

from math import inf, log, sqrt

import pytest

from benchmarks.rollouts import Truth, ours, proven
from rollout.core.evidence.foresight import Load, until_proven, until_worse

RUNS = 300


@pytest.mark.parametrize(
    ("per_minute", "share", "rate", "times"), [(300, 0.1, 0.005, 3), (300, 0.5, 0.005, 2), (1000, 0.1, 0.02, 1.5)]
)
def test_a_worse_candidate_is_seen_in_that_time(per_minute: int, share: float, rate: float, times: float) -> None:
    """Not much sooner and not much later."""
    minutes = until_worse(Load(per_minute=per_minute, share=share, rate=rate), times * rate, 0.0, 0.05)
    truth = Truth(per_minute=per_minute, shares={0: share}, stable=rate, candidate=rate * times)
    seen = ours(truth, runs=RUNS, minutes=round(2 * minutes))
    assert 0.85 <= float((seen.when <= minutes).mean()) <= 0.995


@pytest.mark.parametrize(("share", "tolerate"), [(0.1, 0.01), (0.5, 0.005)])
def test_an_equal_candidate_is_proven_in_that_time(share: float, tolerate: float) -> None:
    """The same for non-inferiority."""
    minutes = until_proven(Load(per_minute=300, share=share, rate=0.005), tolerate, 0.05)
    seen = proven(Truth(shares={0: share}), tolerate, runs=150, minutes=round(1.5 * minutes))
    assert 0.85 <= float((seen.when <= minutes).mean()) <= 0.999


@pytest.mark.parametrize(
    ("load", "candidate", "tolerate", "minutes"),
    [
        (Load(per_minute=300, share=0.1, rate=0.005), 0.015, 0.0, 68.8424),
        (Load(per_minute=300, share=0.2, rate=0.005), 0.015, 0.002, 66.3231),
        (Load(per_minute=300, share=0.1, rate=0.005), 1.0, 0.0, 0.071095),
    ],
)
def test_how_long_until_worse(load: Load, candidate: float, tolerate: float, minutes: float) -> None:
    """The figures that the simulations above agree with, to six digits."""
    assert until_worse(load, candidate, tolerate, 0.05) == pytest.approx(minutes, rel=1e-5)


@pytest.mark.parametrize(("share", "tolerate", "minutes"), [(0.1, 0.01, 66.4418), (0.5, 0.005, 57.1499)])
def test_how_long_until_proven(share: float, tolerate: float, minutes: float) -> None:
    """The same for non-inferiority."""
    load = Load(per_minute=300, share=share, rate=0.005)
    assert until_proven(load, tolerate, 0.05) == pytest.approx(minutes, rel=1e-5)


def test_the_formula() -> None:
    """Equal arms, no tolerance: at the time that is told, nine times in ten the evidence is there by a normal law."""
    load, candidate, needed = Load(per_minute=100, share=0.5, rate=0.1), 0.3, log(5 / 0.05)
    mean = sum(50 * (p * log(p / 0.2) + (1 - p) * log((1 - p) / 0.8)) for p in (0.1, 0.3))
    spread = sum(50 * p * (1 - p) * (log(p / 0.2) - log((1 - p) / 0.8)) ** 2 for p in (0.1, 0.3))
    minutes = until_worse(load, candidate, 0.0, 0.05)
    assert minutes * mean - 1.2816 * sqrt(minutes * spread) == pytest.approx(needed, rel=1e-9)


def test_what_is_tolerated_is_never_seen() -> None:
    """Nor is anything without requests."""
    load = Load(per_minute=300, share=0.1, rate=0.001)
    assert until_worse(load, 0.003, 0.005, 0.05) == inf
    assert until_proven(load, 0.0, 0.05) == inf
    assert until_worse(Load(per_minute=0, share=0.1, rate=0.001), 0.003, 0.0, 0.05) == inf
