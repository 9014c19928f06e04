"""The laws over generated histories. `ROLLOUT_HISTORIES` sets how many (the long form is `make laws`)."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollout.core.decision import Status
from tests.reliability.figures import keep
from tests.worlds.generated import Generated

HISTORIES = int(os.environ.get("ROLLOUT_HISTORIES", "2000"))
LOTS = 40


def survive(world: Generated) -> int:
    """No law is broken on the way, the end is lawful, and it is quiet. How many writes it took."""
    last = world.play()
    world.check_the_end(last)
    written = len(world.history.plane.written)
    for _ in range(3):
        assert world.history.once().status is not Status.ACT
    assert len(world.history.plane.written) == written
    return written


@pytest.mark.parametrize("lot", range(LOTS))
def test_no_law_is_broken_in_generated_histories(lot: int) -> None:
    """Half of them with kills at random boundaries."""
    size, writes = HISTORIES // LOTS, 0
    for seed in range(lot * size, (lot + 1) * size):
        try:
            writes += survive(Generated(random.Random(seed), kills=seed % 2 == 1))
        except AssertionError as error:
            raise AssertionError(f"history {seed}: {error}") from error
    keep(f"laws-{lot:02}", {"histories": size, "killed": size // 2, "writes": writes})


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(dice=st.randoms(use_true_random=False), kills=st.booleans())
def test_no_law_is_broken_in_histories_that_shrink(dice: random.Random, kills: bool) -> None:
    """The same, drawn by hypothesis: a counterexample comes out small."""
    survive(Generated(dice, kills=kills))
