"""The simulations run on numpy; here it is held that they are simulations of the judge and of nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from benchmarks.simulation import EProcess, Minute, draw
from rollout.core.evidence.counts import Arm, Block
from rollout.core.evidence.grid import MINUTE
from rollout.core.evidence.judge import Check, History, Terms, examine

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTES = 40
BASELINE = 20


@pytest.mark.parametrize("correlation", [0.0, 0.05])
@pytest.mark.parametrize(("tolerate", "rate"), [(0.0, 0.02), (0.01, 0.02), (0.004, 0.3)])
def test_both_forms_give_the_same_numbers(tolerate: float, rate: float, correlation: float) -> None:
    """Random minutes, some of them without traffic: log E of both tests agrees after every block."""
    random = np.random.default_rng(7)
    twin = EProcess(1, tolerate=tolerate, margin=tolerate)
    stable = [random.integers(0, 300, 1).astype(float) for _ in range(BASELINE + MINUTES)]
    bad = [draw(random, requests, rate, correlation) for requests in stable]
    for requests, failed in zip(stable[:BASELINE], bad[:BASELINE], strict=True):
        twin.baseline(requests, failed)
    blocks, tracks, proofs = [], [], []
    for number in range(MINUTES):
        mine = random.integers(0, 40, 1).astype(float)
        failed = draw(random, mine, rate * 1.3, correlation)
        minute = Minute(stable[BASELINE + number], bad[BASELINE + number], mine, failed)
        twin.step(minute)
        tracks.append(twin.worse[0])
        proofs.append(twin.not_worse[0])
        there, here = (_arm(minute.stable, minute.stable_bad), _arm(minute.candidate, minute.candidate_bad))
        blocks.append(Block(START + number * MINUTE, there, here))
    baseline = tuple(_arm(*pair) for pair in zip(stable[:BASELINE], bad[:BASELINE], strict=True))
    history = History(blocks=tuple(blocks), stage=START, baseline=baseline)
    found = examine(Check(name="errors", tolerate=tolerate), Terms(), history)
    assert found.track == pytest.approx(tracks, rel=1e-9, abs=1e-9)
    assert found.not_worse == pytest.approx(max(proofs), rel=1e-9, abs=1e-9)


def _arm(requests: np.ndarray, bad: np.ndarray) -> Arm:
    return Arm(float(requests[0]), float(bad[0]))
