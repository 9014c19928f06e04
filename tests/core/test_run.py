"""Capacity before weight, hazards of a write, and the order that keeps traffic safe."""

from __future__ import annotations

from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rollout.core.actions import DeleteDeployment, DeployRevision, FieldChange, Record, ScaleDeployment, SetTraffic
from rollout.core.decide import decide
from rollout.core.decision import Decision, Status
from rollout.core.observed import weights
from rollout.core.release import Role, Scale
from rollout.core.run import fail, refused_key
from rollout.core.verdict import Outcome, Verdict
from tests.cases.world import World


def decided(**case: Any) -> Decision:
    """The decision for that case."""
    world = World(case)
    return decide(world.release, world.observation, world.verdicts, world.allowed)


def needed(stable: str, candidate: str, weight: int, **case: Any) -> int:
    """How many instances the candidate must have before that weight: its own, if it has enough."""
    case = {"plan": f"deploy, traffic {weight}, traffic 100", "live": {"blue": stable, "green": candidate}, **case}
    case = {"allowed": ["traffic-jump", "ungated-traffic"], **case}
    action = decided(**case).actions[0]
    if isinstance(action, ScaleDeployment):
        return action.count
    assert isinstance(action, SetTraffic)
    return 0


@given(total=st.integers(1, 60), weight=st.integers(1, 99))
def test_the_share_of_the_instances_is_the_share_of_the_traffic(total: int, weight: int) -> None:
    """Rounded up; what is there already is enough or is scaled, never down."""
    share = ceil(total * weight / 100)

    assert needed(f"v1 x{total}", "v2", weight) == (share if share > 1 else 0)
    assert needed(f"v1 x{total}", f"v2 x{share}", weight) == 0


@pytest.mark.parametrize(
    ("stable", "run", "split", "expected"),
    [
        pytest.param("v1 x4", "v2 in green exposed of 4", "blue=50 green=50", 4, id="nobody scales"),
        pytest.param("v1 x2", "v2 in green exposed of 4", "blue=50 green=50", 4, id="stable follows its smaller share"),
        pytest.param("v1 x3", "v2 in green exposed of 4", "blue=50 green=50", 6, id="the load grows"),
        pytest.param("v1 x1", "v2 in green exposed of 4", "blue=50 green=50", 4, id="the load falls"),
        pytest.param("v1 x9", "v2 in green exposed of 4", "blue=90 green=10", 5, id="half of what nine tenths show"),
    ],
)
def test_a_stable_that_moves_stands_for_its_share(stable: str, run: str, split: str, expected: int) -> None:
    """The larger of its count at the run's start and its count now for its share of the traffic."""
    assert needed(stable, "v2 x2", 50, split=split, record={"run": run}) == expected


@pytest.mark.parametrize(
    "case",
    [
        pytest.param({"capacity": "declared"}, id="the plan declares its counts"),
        pytest.param({"live": {"blue": "v1 x9", "green": "v2 autoscaled"}}, id="an autoscaler counts"),
        pytest.param({"live": {"green": "v2"}, "split": "none", "record": "none"}, id="nothing serves yet"),
        pytest.param(
            {"capacity": "declared", "live": {"blue": "v1 x9 scaled:cpu", "green": "v2"}},
            id="nor does the plan that declares its counts want stable's autoscaler for the candidate",
        ),
    ],
)
def test_capacity_is_not_asked_where(case: dict[str, Any]) -> None:
    """Somebody else answers for it."""
    found = {"plan": "deploy, traffic 50, traffic 100", "live": {"blue": "v1 x9", "green": "v2"}, **case}

    assert isinstance(decided(**found).actions[0], SetTraffic)


@pytest.mark.parametrize(
    ("line", "split", "hazards"),
    [
        ("deploy, smoke, traffic 50, traffic 100", "blue=100", ()),
        ("deploy, smoke, traffic 51, traffic 100", "blue=100", ("traffic-jump",)),
        ("deploy, smoke, traffic 50, traffic 100", "blue=50 green=50", ()),
        ("deploy, smoke, traffic 10, traffic 100", "blue=90 green=10", ("traffic-jump",)),
    ],
)
def test_a_jump_of_more_than_half_is_a_hazard(line: str, split: str, hazards: tuple[str, ...]) -> None:
    """Said, not refused."""
    record = {"run": "v2 in green exposed", "passed": ["1-smoke-0"]} if "green" in split else {}
    said = {"1-smoke-0": "PASS"}
    decision = decided(plan=line, live={"blue": "v1", "green": "v2"}, split=split, record=record, verdicts=said)

    assert tuple(one.name for one in decision.actions[0].hazards) == hazards
    assert all(one.state == "shown" for one in decision.actions[0].hazards)


def test_a_first_release_is_no_jump() -> None:
    """Nothing served before."""
    case = {"plan": "deploy, traffic 100", "live": {"blue": "v2"}, "split": "none", "record": "none"}

    assert decided(**case).actions[0].hazards == ()


def test_every_stranger_must_be_named() -> None:
    """The one that is allowed is not all of them."""
    case = {
        "live": {"blue": "v1", "green": "v2", "red": "v0", "grey": "v0"},
        "split": "blue=90 grey=4 red=6",
        "plan": "deploy, traffic 10, traffic 100",
    }
    some = decided(**case, allowed=["takes-unmanaged-traffic:red"])
    both = decided(**case, allowed=["takes-unmanaged-traffic:red", "takes-unmanaged-traffic:grey"])

    assert some.status is Status.REFUSE
    assert some.reason.endswith("allow it by name: --allow-hazard takes-unmanaged-traffic:grey")
    action = both.actions[0]
    assert isinstance(action, SetTraffic)
    assert action.weights == weights({"blue": 90, "green": 10})


def test_rolling_back_never_asks() -> None:
    """Whoever else has weight: stable takes all of it."""
    decision = decided(
        live={"blue": "v1", "green": "v2", "red": "v0"},
        split="blue=85 green=10 red=5",
        record={"run": "v2 in green exposed", "passed": ["1-smoke-0"]},
        verdicts={"3-bake-30": "FAIL worse"},
    )

    action = decision.actions[0]
    assert isinstance(action, SetTraffic)
    assert action.weights == weights({"blue": 100})


def test_the_mirror_copies_while_stable_serves() -> None:
    """Live weights stay as they are."""
    decision = decided(plan="deploy, mirror 25, bake 10, traffic 100", live={"blue": "v1", "green": "v2"})

    action = decision.actions[0]
    assert isinstance(action, SetTraffic)
    assert action.weights == weights({"blue": 100}, {"green": 25})


def test_a_share_of_very_many_instances() -> None:
    """Not one too few: 51 % of 200."""
    assert needed("v1 x200", "v2 x101", 51) == 102


def test_a_stable_without_traffic_shows_no_load() -> None:
    """All of the rest went to a stranger, and somebody scaled stable: what the run began with counts."""
    found = decided(
        plan="deploy, smoke, traffic 50, traffic 100",
        live={"blue": "v1 x9", "green": "v2 x2", "red": "v0"},
        split="green=40 red=60",
        record={"run": "v2 in green exposed of 4", "passed": ["1-smoke-0"]},
        allowed=["takes-unmanaged-traffic:red"],
    )

    assert isinstance(found.actions[0], SetTraffic)


def refused(live: str) -> Decision:
    """The service refused to create green in this pass."""
    world = World({"live": {"blue": "v1", "green": live}})
    found = world.scene.candidate
    assert found is not None
    verdict = Verdict(outcome=Outcome.ERROR, reason="no quota")
    return decide(world.release, world.observation, {refused_key("green", found.born): verdict})


def test_a_refused_create_is_no_fault_of_the_goal() -> None:
    """What it left is deleted; the goal may be tried again."""
    action = refused("v2 Failed").actions[0]

    assert isinstance(action, DeleteDeployment)
    assert (action.reason, action.deployment) == ("green was refused, and never served", "green")


def test_only_what_failed_was_refused() -> None:
    """What lives in the slot with another revision is updated."""
    action = refused("v0").actions[0]

    assert isinstance(action, DeployRevision)
    assert (action.mode, action.changes) == ("update", (FieldChange("model", "azureml:m:v0", "azureml:m:v2"),))


def test_another_deployment_was_refused() -> None:
    """A word about red is none about green: this create failed by itself."""
    world = World({"live": {"blue": "v1", "green": "v2 Failed"}})
    verdict = Verdict(outcome=Outcome.ERROR, reason="no quota")
    found = decide(world.release, world.observation, {refused_key("red", "20260101T000000Z"): verdict})

    assert found.reason == "failed: green could not be deployed (Failed)"


def test_a_scale_of_stable_scales_stable() -> None:
    """By name, from what it has."""
    world = World({"plan": "deploy, scale 3, traffic 100", "live": {"blue": "v1 x2", "green": "v2 x3"}})
    stages = tuple(replace(s, role=Role.STABLE) if isinstance(s, Scale) else s for s in world.release.stages)
    action = decide(replace(world.release, stages=stages), world.observation).actions[0]

    assert action == ScaleDeployment(
        reason="blue shall have at least 3 instances", deployment="blue", before=2, count=3
    )


def test_one_percent_in_the_mirror_is_exposed() -> None:
    """However little is copied: without a record of the run it is written down first."""
    found = decided(
        plan="deploy, mirror 1, bake 10, traffic 100",
        live={"blue": "v1", "green": "v2"},
        split="blue=100, mirror green=1",
    )

    assert found.reason == "the candidate is mirrored and no record of the run is left"


def failing(**case: Any) -> Decision:
    """The first gate of the way fails."""
    view = World({"live": {"blue": "v1", "green": "v2"}, **case}).scene
    return fail(view, view.journey.steps[0].key, "worse")


@pytest.mark.parametrize(
    ("stable", "total"),
    [
        pytest.param("v1 x1", 2, id="scaled down: as many as at the start"),
        pytest.param("v1 x3", 6, id="grown since: half of the traffic needs three"),
    ],
)
def test_what_all_of_the_traffic_needs_on_the_way_back(stable: str, total: int) -> None:
    """Of a stable that had two instances when the run started, and has half of the traffic."""
    view = World(
        {
            "live": {"blue": stable, "green": "v2 x3"},
            "split": "blue=50 green=50",
            "record": {"run": "v2 in green exposed of 2"},
        }
    ).scene
    action = fail(view, view.journey.steps[0].key, "worse", mild=True).actions[0]

    assert action.reason.endswith(f"of the {total} instances that it needs: worse")


def test_a_failure_takes_only_what_the_candidate_has() -> None:
    """It has nothing: what a stranger has is none of its business."""
    action = failing(live={"blue": "v1", "green": "v2", "red": "v0"}, split="blue=90 red=10").actions[0]

    assert isinstance(action, Record)
    assert action.progress is not None
    assert (action.reason, action.progress.written) == ("failed: worse", weights({"blue": 90, "red": 10}))


def test_a_failure_under_weight_says_what_was_there() -> None:
    """Before and after."""
    action = failing(split="blue=90 green=10", record={"run": "v2 in green exposed"}).actions[0]

    assert isinstance(action, SetTraffic)
    assert (action.before, action.weights) == (weights({"blue": 90, "green": 10}), weights({"blue": 100}))


def test_what_is_promoted_is_not_rolled_back_to_itself() -> None:
    """A literal plan's candidate has all traffic already."""
    found = failing(
        literal=["blue=v1", "green=v2"], live={"green": "v2"}, split="green=100", record={"promoted": "green=v2"}
    )

    assert isinstance(found.actions[0], Record)
