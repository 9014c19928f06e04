"""The form to teach: releases are one-line changes in Git, slots take turns, and a revert is a release as well."""

from __future__ import annotations

from typing import Final

import pytest

from tests.e2e.harness import Desk, Ran
from tests.e2e.watched import creations, record_of, splits, watched

pytestmark = pytest.mark.slow
PLAN: Final = "house-prices.rollout.yml"
FILE: Final = "house-prices/deployment.yml"
NAME: Final = "house-prices"
WAY: Final = ["start deploy", "pass smoke", *["start traffic"] * 4]
"""The slot is filled, its smoke test passes, and only then come the mirror, 10 %, 50 % and 100 %."""


def _way(stable: str, candidate: str) -> list[dict[str, int]]:
    """The splits of a whole release."""
    return [{stable: 90, candidate: 10}, {stable: 50, candidate: 50}, {candidate: 100}]


def _way_of(ran: Ran, slot: str) -> list[str]:
    """What a run did, in its order: deployments of that slot, gates that passed, writes of the split."""
    kinds = {f"start deploy {slot}": "start deploy", f"start update {slot}": "start deploy", "start traffic": ""}
    found = []
    for event in ran.events:
        known = next((kind or start for start, kind in kinds.items() if event.startswith(start)), "")
        found += [known] if known else []
        found += [event.partition(":")[0]] if event.startswith("pass ") else []
    return found


def _released(desk: Desk, slot: str, model: str) -> None:
    """The release has ended: all traffic on that slot, which answers with that model."""
    standing = desk.emulator.standing(NAME)
    assert (standing["traffic"], standing["mirror"]) == ({slot: 100}, {})
    assert standing["deployments"][slot] == ("Succeeded", 1, model)


def test_three_releases_and_a_revert(desk: Desk) -> None:
    """Each one-line change ends promoted in the other slot; nothing unproven ever has weight; a revert is fast."""
    desk.edit(PLAN, "- delete: stable", "- delete: {deployment: stable, after: 7d}")
    ran = desk.apply(PLAN, "--output", "json")
    assert (ran.code, ran.json["decision"]["status"]) == (0, "done"), ran.told
    _released(desk, "blue", "v1")

    changes = (
        ("path: models/v1", "path: models/v2", "green", "v2"),
        ("path: models/v2", "path: models/v3", "blue", "v3"),
        ("request_timeout_ms: 5000", "request_timeout_ms: 6000", "green", "v3"),
    )
    for old, new, slot, model in changes:
        desk.edit(FILE, old, new)
        ran = desk.waited(PLAN, "--until", "traffic-100")
        assert (ran.code, _way_of(ran, slot)) == (0, WAY), ran.told
        desk.emulator.advance(3600)
        ran = desk.apply(PLAN, "--output", "json")
        assert (ran.code, ran.json["decision"]["phase"]) == (0, "complete"), ran.told
        _released(desk, slot, model)
        assert ran.json["commit"] == desk.git("rev-parse", "HEAD")

    desk.git("revert", "--no-edit", "HEAD")
    ran = desk.apply(PLAN, "--output", "json")
    assert (ran.code, ran.json["decision"]["phase"]) == (0, "complete"), ran.told
    assert _way_of(ran, "blue") == ["pass smoke", "start traffic"]
    _released(desk, "blue", "v3")
    back = ran.json["progress"]["promoted"]["revision"]

    desk.skip_to(ran.json["decision"]["next_after"])
    ran = desk.apply(PLAN, "--output", "json")
    assert (ran.code, ran.json["decision"]["status"]) == (0, "done"), ran.told
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
