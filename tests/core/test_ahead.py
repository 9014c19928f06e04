"""Looking ahead: every pass to the end, where everything goes well; and where that end is."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from rollout.core.ahead import ahead, approve
from rollout.core.decision import Status
from rollout.core.progress import Approval, Progress, from_tags
from tests.cases.telling import action as told
from tests.cases.world import World, at

LINE = "deploy, smoke, approval, traffic 10, bake 30, traffic 100"
RUN: dict[str, Any] = {"plan": LINE, "live": {"blue": "v1", "green": "v2"}, "record": {"run": "v2 in green"}}


def foreseen(world: World) -> list[str]:
    """Each pass in a word: what is done, what is measured, or how it stands."""
    found = []
    for glimpse in ahead(world.release, world.observation, frozenset({"*"})):
        decision = glimpse.decision
        measured = f"measure {decision.measure.name}" if decision.measure else decision.status.value
        found.append(told(decision.actions[0]) if decision.actions else measured)
    return found


def test_every_pass_to_the_end() -> None:
    """Gates pass, a person says yes, bakes take their time."""
    assert foreseen(World({"plan": LINE})) == [
        "create green: v2 x1",
        "measure 1-smoke-0",
        "marker",
        "wait",
        "put blue=90 green=10",
        "measure 4-bake-30",
        "wait",
        "put green=100",
        "done",
    ]


def test_an_approval_is_assumed_and_nobody_named() -> None:
    """The record of the passes behind it says so."""
    world = World({**RUN, "record": {"run": "v2 in green", "passed": ["1-smoke-0"]}})
    waiting, after = list(ahead(world.release, world.observation, frozenset({"*"})))[:2]

    assert waiting.decision.status is Status.WAIT
    assert after.seen.endpoint is not None
    recorded = from_tags(after.seen.endpoint.tags)
    assert isinstance(recorded, Progress)
    assert [(entry.key, entry.who) for entry in recorded.approvals] == [(world.keys["2-approval-0"], "assumed")]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param({"record": {"hold": {"kind": "person", "why": "x", "until": 90}}}, id="held"),
        pytest.param(
            {
                "on_failure": {"candidate": "delete", "after": 7200},
                "record": {"quarantine": [{"goal": "v2", "gate": "1-smoke-0"}]},
            },
            id="failed, and cleaned up later",
        ),
    ],
)
def test_a_hold_is_the_end(case: dict[str, Any]) -> None:
    """Also one that time alone would end, or after which something is cleaned up."""
    assert foreseen(World({**RUN, **case})) == ["hold"]


def test_an_approval_that_came_too_late_is_the_end() -> None:
    """The rollout holds: nothing is assumed any more."""
    world = World({**RUN, "record": {"run": "v2 in green", "passed": ["1-smoke-0"]}})
    approval = replace(world.release.stages[2], timeout=60.0)
    stages = (*world.release.stages[:2], approval, *world.release.stages[3:])
    world.release = replace(world.release, stages=stages)

    assert foreseen(world) == ["hold"]


def test_what_this_way_has_made_is_known() -> None:
    """From the pass after the create on; what was there before is not of its making."""
    found = [(one.decision.status.value, sorted(one.made)) for one in ahead_of({"plan": "deploy, traffic 100"})]

    assert found == [("act", []), ("act", ["green"]), ("done", ["green"])]
    assert {one.made for one in ahead_of(RUN)} == {frozenset()}


def ahead_of(case: dict[str, Any]) -> list[Any]:
    """All passes of the look ahead."""
    world = World(case)
    return list(ahead(world.release, world.observation, frozenset({"*"})))


def test_a_yes_replaces_the_one_before_and_no_other() -> None:
    """Two approval gates, each with a yes; one of them is given again."""
    line = "deploy, approval, traffic 10, approval, traffic 100"
    given = [{"gate": "1-approval-0", "who": "ann"}, {"gate": "3-approval-0", "who": "ann"}]
    world = World({**RUN, "plan": line, "record": {"run": "v2 in green", "approvals": given}})
    assert world.record is not None
    first, second = world.record.approvals

    found = approve(world.release, world.observation, first.key, "bob")

    assert found.approvals == (second, Approval(key=first.key, digest=first.digest, who="bob"))
    assert world.now == at(60)
