"""How often a good candidate is rolled back: at most α, under a look every minute, whatever happens to both arms."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.rollouts import Truth, ours, proven

ALPHA = 0.05
RUNS = 400
NOISE = ALPHA + 3 * float(np.sqrt(ALPHA * (1 - ALPHA) / RUNS))
"""What a simulation of so many rollouts may show by chance if the level is exactly α."""


@pytest.mark.parametrize("rate", [0.001, 0.005, 0.02, 0.2])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_an_equal_candidate_stays(rate: float, share: float) -> None:
    """Every rate and split, 300 looks."""
    truth = Truth(per_minute=200, shares={0: share}, stable=rate, candidate=rate)
    assert ours(truth, runs=RUNS, minutes=300, seed=3).share <= NOISE


def test_an_outage_of_both_arms_is_no_evidence() -> None:
    """20 points for ten minutes while the weight goes from 10 to 50 %: the case where pooled counts mislead."""
    truth = Truth(shares={0: 0.1, 65: 0.5}, outage=range(60, 70))
    assert ours(truth, runs=RUNS, minutes=180).share <= NOISE


def test_weights_that_change_are_no_evidence() -> None:
    """Four stages, and a rate that is another one in each of them would be all the same."""
    truth = Truth(shares={0: 0.01, 40: 0.1, 80: 0.5, 120: 0.9}, stable=0.02, candidate=0.02)
    assert ours(truth, runs=RUNS, minutes=180).share <= NOISE


@pytest.mark.parametrize("correlation", [0.0, 0.02, 0.2])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_bursts_are_no_evidence(correlation: float, share: float) -> None:
    """Requests that fail together, with the correlation estimated from 60 minutes of stable."""
    truth = Truth(shares={0: share}, stable=0.02, candidate=0.02, correlation=correlation)
    assert ours(truth, runs=RUNS, minutes=180, seed=5).share <= NOISE


@pytest.mark.parametrize("rate", [0.001, 0.005])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_rare_large_bursts_are_no_evidence(rate: float, share: float) -> None:
    """About one minute in fifty, or in two hundred, has them all: an hour of stable often shows none."""
    truth = Truth(shares={0: share}, stable=rate, candidate=rate, correlation=0.2)
    assert ours(truth, runs=RUNS, minutes=180, seed=5).share <= ALPHA


def test_without_the_design_effect_bursts_would_be_evidence() -> None:
    """The test above can fail: independent requests are a wrong assumption there."""
    from benchmarks.peers import Ours
    from benchmarks.rollouts import play

    truth = Truth(stable=0.02, candidate=0.02, correlation=0.2)
    watcher = Ours(RUNS)
    watcher.process.bursts = False
    assert play(truth, [watcher], runs=RUNS, minutes=180)[0].share > 0.3


@pytest.mark.parametrize(("rate", "margin"), [(0.005, 0.005), (0.02, 0.02)])
def test_a_candidate_at_the_margin_is_not_proven(rate: float, margin: float) -> None:
    """It is worse by exactly what must not be: shown otherwise with at most α."""
    truth = Truth(stable=rate, candidate=rate + margin)
    assert proven(truth, margin, runs=200, minutes=120).share <= ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / 200)
