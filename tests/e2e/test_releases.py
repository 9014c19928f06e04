"""The form to teach: releases are one-line changes in Git, slots take turns, and a revert is a release like any other."""

from __future__ import annotations

from typing import Final

import pytest

from tests.e2e.harness import Desk, Ran
from tests.e2e.watched import creations, record_of, splits, watched

pytestmark = pytest.mark.slow
PLAN: Final = "house-prices.rollout.yml"
FILE: Final = "house-prices/deployment.yml"
NAME: Final = "house-prices"
HEALTHY: Final = "wait bake"


def _way(stable: str, candidate: str) -> list[dict[str, int]]:
    """The splits of a whole release."""
    return [{stable: 90, candidate: 10}, {stable: 50, candidate: 50}, {candidate: 100}]


def _written(ran: list[Ran]) -> list[str]:
    """The kinds of stages in their order: what was deployed, which gates passed, how the split moved."""
    told = [event for one in ran for event in one.events if event.startswith(("start", "pass"))]
    return [event.partition(" (")[0].partition(":")[0] for event in told]


def _released(desk: Desk, slot: str, model: str) -> None:
    """The release has ended: all traffic on that slot, which answers with that model."""
    standing = desk.emulator.standing(NAME)
    assert (standing["traffic"], standing["mirror"]) == ({slot: 100}, {})
    assert standing["deployments"][slot] == ("Succeeded", 1, model)


def test_three_releases_and_a_revert(desk: Desk) -> None:
    """Each one-line change ends promoted in the other slot; nothing unproven ever has weight; a revert is fast."""
    desk.edit(PLAN, "- delete: stable", "- delete: {deployment: stable, after: 24h}")
    ran = desk.carried_on(PLAN)
    assert (ran[-1].code, ran[-1].json["decision"]["status"]) == (0, "done"), ran[-1].told
    _released(desk, "blue", "v1")

    changes = (
        ("models/v1", "models/v2", "green", "v2"),
        ("models/v2", "models/v3", "blue", "v3"),
        ("request_timeout_ms: 5000", "request_timeout_ms: 6000", "green", "v3"),
    )
    for old, new, slot, model in changes:
        desk.edit(FILE, old, new)
        ran = desk.carried_on(PLAN, to="complete")
        assert [one.code for one in ran] == [0] * 5, ran[-1].told
        _released(desk, slot, model)
        assert ran[-1].json["commit"] == desk.git("rev-parse", "HEAD")
    assert _written(ran)[1:] == [
        "pass smoke",
        "start traffic green 100, mirror blue 10",
    ]

    desk.git("revert", "--no-edit", "HEAD")
    ran = desk.carried_on(PLAN, to="complete")
    assert [one.code for one in ran] == [0], ran[-1].told
    _released(desk, "blue", "v3")
    back = ran[-1].json["progress"]["promoted"]["revision"]

    ran = desk.carried_on(PLAN)
    assert ran[-1].json["decision"]["status"] == "done", ran[-1].told
    assert desk.emulator.standing(NAME) == {
        "traffic": {"blue": 100},
        "mirror": {},
        "deployments": {"blue": ("Succeeded", 1, "v3")},
    }
    history = desk.emulator.history(NAME)
    watched(history, fast=[back])
    assert creations(history) == ["blue", "green"]
    way = [{}, {"blue": 100}, *_way("blue", "green"), *_way("green", "blue"), *_way("blue", "green"), {"blue": 100}]
    assert splits(history) == way
    record = record_of(history[-1])
    assert record is not None
    assert (record.outcome, record.run, record.quarantine, record.hold) == ("complete", None, (), None)
