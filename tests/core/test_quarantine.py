"""A goal that failed is not tried again; what becomes of its deployment."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from rollout.core.decision import Decision, StageState, Status
from rollout.core.quarantine import entry_for, quarantined
from rollout.core.release import Gate, OnFailure
from rollout.core.scene import scene
from tests.cases.telling import action as told
from tests.cases.world import World, at

LINE = "deploy, smoke, traffic 10, bake 30, traffic 100"


def failed(gate: str = "3-bake-30", goal: str = "v2", **case: Any) -> World:
    """`v2` failed that gate at minute 0, in green."""
    ring = [{"goal": goal, "gate": gate}]
    record = {"run": "v2 in green exposed ended", "outcome": "failed", "quarantine": ring}
    return World({"plan": LINE, "live": {"blue": "v1", "green": "v2 x3"}, "record": record, **case})


def decided(world: World) -> Decision:
    """What is said of it; something must be."""
    found = quarantined(world.scene)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("world", "held"),
    [
        pytest.param(failed(), True, id="its gate is in the plan"),
        pytest.param(failed("0-deploy-0"), True, id="it could not be deployed"),
        pytest.param(failed("person"), True, id="a person rolled it back"),
        pytest.param(failed(goal="v3"), False, id="another goal failed"),
        pytest.param(failed("gone"), False, id="its gate is gone or was corrected"),
        pytest.param(failed("person", plan="deploy, traffic 100"), True, id="a person's word is for any plan"),
    ],
)
def test_whom_it_concerns(world: World, held: bool) -> None:
    """A goal, and a gate that is still asked."""
    assert (entry_for(world.scene) is not None) is held
    assert (quarantined(world.scene) is not None) is held


def test_a_gate_of_another_way_concerns_it_too() -> None:
    """Failed in an expedited revert, at no weight: the plan's own way would ask for the same goal again."""
    line = "deploy, traffic 5, smoke, traffic 100"
    live = {"blue": "v1", "green": "v2"}
    revert = {"promoted": "green=v2", "former": "blue=v1"}
    world = World({"goal": "v1", "plan": line, "live": live, "split": "green=100", "record": revert})
    key = world.scene.journey.steps[1].key
    ring = [{"goal": "v1", "gate": "2-smoke-0", "slot": "blue"}]

    later = World(
        {
            "goal": "v1",
            "plan": line,
            "live": live,
            "split": "green=100",
            "record": {**revert, "quarantine": ring},
        }
    )
    assert world.scene.journey.kind == "expedited"
    assert later.record is not None
    assert later.record.quarantine[0].key == key
    full = replace(later.release, on_revert="full")
    assert later.observation.endpoint is not None
    normal = scene(full, later.observation.endpoint, later.record, later.now, {}, frozenset())
    assert normal.journey.kind == "run"
    assert entry_for(normal) is not None


def test_the_newest_entry_counts() -> None:
    """It failed twice: what is done about it is about the second time."""
    ring = [{"goal": "v2", "gate": "1-smoke-0"}, {"goal": "v2", "gate": "3-bake-30", "at_minute": 30}]
    world = World({"plan": LINE, "live": {"blue": "v1", "green": "v2"}, "record": {"quarantine": ring}})
    found = entry_for(world.scene)

    assert found is not None
    assert (found.key, found.at) == (world.keys["3-bake-30"], at(30))


@pytest.mark.parametrize(
    ("policy", "case", "action", "until"),
    [
        pytest.param({"candidate": "keep"}, {}, "", None, id="keep"),
        pytest.param({"candidate": "delete"}, {}, "delete green", None, id="delete"),
        pytest.param({"candidate": "delete", "after": 3600}, {"now": 59}, "", at(60), id="delete, later"),
        pytest.param({"candidate": "delete", "after": 3600}, {"now": 60}, "delete green", None, id="delete, now"),
        pytest.param({"candidate": "scale_to_one"}, {}, "scale green: 3 to 1", None, id="one"),
        pytest.param(
            {"candidate": "scale_to_one"},
            {"live": {"blue": "v1", "green": "v2 x2"}},
            "scale green: 2 to 1",
            None,
            id="2",
        ),
        pytest.param(
            {"candidate": "scale_to_one"}, {"live": {"blue": "v1", "green": "v2"}}, "", None, id="one already"
        ),
        pytest.param(
            {"candidate": "scale_to_one"},
            {"live": {"blue": "v1", "green": "v2 x3 Failed"}},
            "",
            None,
            id="cannot scale",
        ),
        pytest.param(
            {"candidate": "scale_to_one"},
            {"live": {"blue": "v1", "green": "v2 carried:cpu"}},
            "drop autoscale of green: /autoscale/green",
            None,
            id="one now, and as many as the setting wants that we carried to it",
        ),
        pytest.param({"candidate": "delete"}, {"live": {"blue": "v1"}}, "", None, id="gone"),
        pytest.param(
            {"candidate": "delete"}, {"live": {"blue": "v1", "green": "v7 @30"}}, "", None, id="somebody else's by now"
        ),
        pytest.param({"candidate": "delete"}, {"split": "blue=100, mirror green=5"}, "", None, id="it is mirrored"),
    ],
)
def test_what_becomes_of_the_candidate(
    policy: dict[str, Any], case: dict[str, Any], action: str, until: object
) -> None:
    """Only of what failed, only without weight, and only when its time has come."""
    found = decided(failed(on_failure=policy, **case))

    assert [told(act) for act in found.actions] == ([action] if action else [])
    assert (found.next_after, found.status) == (until, Status.ACT if action else Status.HOLD)


def test_a_stage_may_have_its_own_policy() -> None:
    """In place of the plan's, for what fails there."""
    world = failed(on_failure={"candidate": "delete"})
    mine = OnFailure(candidate="scale_to_one")
    stages = tuple(
        replace(stage, on_failure=mine) if isinstance(stage, Gate) and stage.seconds else stage
        for stage in world.release.stages
    )
    assert world.observation.endpoint is not None
    view = scene(
        replace(world.release, stages=stages), world.observation.endpoint, world.record, world.now, {}, frozenset()
    )
    found = quarantined(view)

    assert found is not None
    assert [told(act) for act in found.actions] == ["scale green: 3 to 1"]


@pytest.mark.parametrize(("drift", "healed"), [("heal", True), ("report", False), ("hold", False)])
def test_the_endpoints_own_settings_still_converge(drift: str, healed: bool) -> None:
    """They have nothing to do with the goal."""
    found = decided(failed(declared={"description": "house prices"}, drift=drift))

    expected = ["update endpoint: description None to 'house prices'"] if healed else []
    assert [told(act) for act in found.actions] == expected


def test_what_is_promoted_is_never_cleaned_up() -> None:
    """Whatever the ring says of it, and whatever became of its traffic."""
    ring = [{"goal": "v1", "gate": "person", "slot": "blue"}]
    case = {"goal": "v1", "live": {"blue": "v1", "green": "v2"}, "split": "none", "on_failure": {"candidate": "delete"}}

    assert decided(World({"plan": LINE, "record": {"quarantine": ring}, **case})).actions == ()


def test_a_run_without_weight_has_nothing_to_give_back() -> None:
    """The gate that it failed was taken out of the plan, the run went on, and the gate is back before it had weight."""
    record = {"run": "v2 in green", "quarantine": [{"goal": "v2", "gate": "3-bake-30"}]}
    found = decided(World({"plan": LINE, "live": {"blue": "v1", "green": "v2"}, "record": record}))

    assert (found.status, found.actions) == (Status.HOLD, ())
    assert found.reason.startswith("this goal failed at 3-bake-30 and is not tried again")


def test_the_stage_that_failed_is_shown() -> None:
    """The others are to come, should the goal be tried again."""
    assert [view.state for view in decided(failed()).stages] == [
        StageState.PENDING,
        StageState.PENDING,
        StageState.PENDING,
        StageState.FAILED,
        StageState.PENDING,
    ]


def test_stages_that_are_not_on_the_way_are_shown_as_skipped() -> None:
    """A revert to what was stable before goes its own way, and failed on it."""
    record = {"promoted": "green=v2", "former": "blue=v1", "quarantine": [{"goal": "v1", "gate": "person"}]}
    live = {"blue": "v1", "green": "v2"}
    world = World({"goal": "v1", "plan": LINE, "live": live, "split": "green=100", "record": record})

    on_it = {id(step.stage) for step in world.scene.journey.steps}
    expected = [StageState.PENDING if id(one) in on_it else StageState.SKIPPED for one in world.release.stages]
    assert StageState.SKIPPED in expected
    assert [view.state for view in decided(world).stages] == expected


def test_it_says_what_failed_and_the_way_out() -> None:
    """In one sentence."""
    said = " and is not tried again: change the candidate or the gate, or rollout retry"

    assert decided(failed()).reason == f"this goal failed at 3-bake-30{said}"
    assert decided(failed("person")).reason == f"this goal failed at a person's rollback{said}"
