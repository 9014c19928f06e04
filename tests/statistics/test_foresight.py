"""What is foretold comes true nine times in ten, in the simulation of the judge."""

from __future__ import annotations

from math import inf

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


def test_what_is_tolerated_is_never_seen() -> None:
    """Nor is anything without requests."""
    load = Load(per_minute=300, share=0.1, rate=0.001)
    assert until_worse(load, 0.003, 0.005, 0.05) == inf
    assert until_proven(load, 0.0, 0.05) == inf
    assert until_worse(Load(per_minute=0, share=0.1, rate=0.001), 0.003, 0.0, 0.05) == inf
