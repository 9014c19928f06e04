"""The sample-ratio check: its evidence by another way, and where its limits are."""

from __future__ import annotations

from datetime import UTC, datetime
from math import log

import pytest

from rollout.core.evidence.counts import Arm, Block
from rollout.core.evidence.split import ALPHA, Split, check

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def by_urn(candidate: int, stable: int, share: float) -> float:
    """The same evidence, request by request: an urn with ten balls in the configured split, to which each request adds
    one of its own colour. What the urn expected of each, against what the split expected."""
    urn = {True: 10 * share, False: 10 * (1 - share)}
    log_e = 0.0
    for arm in [True] * candidate + [False] * stable:
        log_e += log(urn[arm] / sum(urn.values())) - log(share if arm else 1 - share)
        urn[arm] += 1
    return log_e


@pytest.mark.parametrize(
    ("candidate", "stable", "share"), [(1, 0, 0.1), (0, 1, 0.1), (30, 70, 0.1), (50, 50, 0.5), (9, 91, 0.2)]
)
def test_the_evidence_is_that_of_an_urn(candidate: int, stable: int, share: float) -> None:
    """In whatever order the requests came."""
    found = check([Block(NOON, Arm(stable, 0), Arm(candidate, 0))], share)
    assert found is not None
    assert (found.configured, found.seen) == (share, candidate / (candidate + stable))
    assert found.log_e == pytest.approx(by_urn(candidate, stable, share), abs=1e-9)


def test_blocks_are_added_up() -> None:
    """The whole bake counts, wherever its requests came."""
    parts = [Block(NOON, Arm(40, 0), Arm(10, 0)), Block(NOON, Arm(30, 0), Arm(20, 0))]
    assert check(parts, 0.1) == check([Block(NOON, Arm(70, 0), Arm(30, 0))], 0.1)


@pytest.mark.parametrize(
    ("configured", "seen", "log_e", "broken"),
    [
        (0.1, 0.2, log(1 / ALPHA), True),
        (0.1, 0.2, log(1 / ALPHA) - 1e-9, False),
        (0.5, 0.6, 100.0, False),
        (0.5, 0.61, 100.0, True),
        (0.5, 0.39, 100.0, True),
        (0.1, 0.121, 100.0, True),
        (0.1, 0.119, 100.0, False),
        (0.9, 0.879, 100.0, True),
        (0.9, 0.881, 100.0, False),
    ],
)
def test_when_it_is_broken(configured: float, seen: float, log_e: float, broken: bool) -> None:
    """Shown, and off by more than a fifth of the smaller arm; on the border it is not."""
    assert Split(configured=configured, seen=seen, log_e=log_e).broken is broken
