"""What is left of the acceptance tests: order, latencies of real shapes, and Kayenta's rule on a known thread."""

from __future__ import annotations

import random as dice

import numpy as np
import pytest

from benchmarks.peers import Kayenta
from benchmarks.simulation import EProcess, Floats, Minute
from rollout.core.evidence.counts import Arm
from rollout.core.evidence.two_arms import Null, log_factor

RUNS = 200
THRESHOLD = 0.15
"""Seconds: the limit that a plan fixed before the stage."""


def test_the_order_of_blocks_does_not_matter_for_fixed_alternatives() -> None:
    """The evidence is a product of factors."""
    throw = dice.Random(4)
    blocks = [(Arm(30, throw.randint(0, 3)), Arm(270, throw.randint(0, 5))) for _ in range(50)]
    factors = [log_factor(Null(0.002), (0.02, 0.005), *block) for block in blocks]
    assert sum(factors) == pytest.approx(sum(throw.sample(factors, len(factors))), abs=1e-9)


def slow(draws: Floats) -> Floats:
    """How many of each run's requests of a minute took longer than the threshold."""
    counted: Floats = (draws > THRESHOLD).sum(axis=1).astype(np.float64)
    return counted


@pytest.mark.parametrize("shape", ["lognormal", "gamma"])
@pytest.mark.parametrize(("slower", "least", "most"), [(1.0, 0.0, 0.095), (1.5, 0.95, 1.0)])
def test_latency_by_exceedance(shape: str, slower: float, least: float, most: float) -> None:
    """Lognormal and gamma times, about 3 % above the limit: an equal candidate stays, one that is half as slow again
    is rolled back, 30 of 300 requests a minute, an hour."""
    random = np.random.default_rng(3)

    def times(count: int, factor: float) -> Floats:
        if shape == "lognormal":
            return factor * random.lognormal(np.log(0.04), 0.7, (RUNS, count))
        return factor * random.gamma(2.0, 0.028, (RUNS, count))

    process = EProcess(RUNS)
    for _ in range(60):
        process.baseline(np.full(RUNS, 270.0), slow(times(270, 1.0)))
    seen = np.zeros(RUNS, dtype=bool)
    for _ in range(60):
        counts = slow(times(270, 1.0)), slow(times(30, slower))
        process.step(Minute(np.full(RUNS, 270.0), counts[0], np.full(RUNS, 30.0), counts[1]))
        seen |= process.worse >= np.log(20)
    assert least <= float(seen.mean()) <= most


@pytest.mark.parametrize(("spikes", "high"), [(7, False), (8, True)])
def test_kayentas_rule_is_the_one_that_people_report(spikes: int, high: bool) -> None:
    """spinnaker#6278: seven of ten points a hundred times as large still pass, eight do not."""
    control, experiment = np.ones(10), np.ones(10)
    experiment[:spikes] *= 100
    judge = Kayenta(every=10)
    for mine, theirs in zip(experiment, control, strict=True):
        found = judge.step(Minute(np.full(1, 1e6), np.full(1, theirs), np.full(1, 1e6), np.full(1, mine)))
    assert bool(found[0]) is high
