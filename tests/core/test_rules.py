"""The rules one by one: whole actions, and the situations that a rule leaves to those behind it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from rollout.core.actions import CreateEndpoint, FieldChange, Record, SetTraffic
from rollout.core.decide import (
    candidate_broken,
    decide,
    endpoint_failed,
    held_outside,
    literal_mismatch,
    moved_by_hand,
    superseded,
    unverified,
    who_is_stable,
)
from rollout.core.decision import Decision, Phase
from rollout.core.hazards import Hazard
from rollout.core.observed import all_to, weights
from rollout.core.scene import Scene
from tests.cases.world import World

BOTH = {"blue": "v1", "green": "v2"}
RUN = {"run": "v2 in green exposed"}


def seen(**case: Any) -> Scene:
    """What the rules look at in that case."""
    return World({"live": BOTH, **case}).scene


def reason(decision: Decision | None) -> str:
    """Why; "" where a rule leaves it to the next."""
    return decision.reason if decision else ""


def split(decision: Decision | None) -> SetTraffic:
    """The split that is written."""
    assert decision is not None
    (action,) = decision.actions
    assert isinstance(action, SetTraffic)
    return action


def test_all_that_is_under_way_is_named() -> None:
    """The endpoint first."""
    world = World({"endpoint": "Updating", "live": {"blue": "v1", "green": "v2 Creating"}})

    assert decide(world.release, world.observation).reason == "the service is still working on house, green"


def test_without_verdicts_nothing_is_measured() -> None:
    """The same as with none."""
    world = World({"live": BOTH})

    assert decide(world.release, world.observation) == decide(world.release, world.observation, {})
    assert decide(world.release, world.observation).measure is not None


def test_an_endpoint_is_created_as_declared() -> None:
    """By whom is on record; the hazard says which endpoint."""
    world = World({"endpoint": "none", "record": "none"})
    release = replace(world.release, provenance={"actor": "ann"})
    (action,) = decide(release, world.observation, {}, frozenset({"creates-endpoint"})).actions

    assert isinstance(action, CreateEndpoint)
    assert action.hazards == (
        Hazard(name="creates-endpoint", target="house", why="the endpoint house is created", allowed=True),
    )
    assert [(line.what, line.who) for line in action.progress.history] == [("endpoint created", "ann")]


def test_nobody_is_named_where_nobody_is_known() -> None:
    """A run without an actor leaves the place empty."""
    world = World({"endpoint": "none", "record": "none"})
    (action,) = decide(world.release, world.observation, {}, frozenset({"creates-endpoint"})).actions

    assert isinstance(action, CreateEndpoint)
    assert [line.who for line in action.progress.history] == [""]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param({"endpoint": "Failed", "live": {}, "split": "none"}, id="it was created once"),
        pytest.param({"endpoint": "Failed without uri"}, id="something lives there"),
        pytest.param({"endpoint": "Failed", "record": {"written": None}}, id="we do not know what we wrote"),
        pytest.param({"endpoint": "Failed", "record": {"written": "blue=100"}}, id="what we wrote is there"),
        pytest.param({"record": {"written": "blue=90 green=10"}}, id="it has not failed"),
    ],
)
def test_a_failed_endpoint_may_go_on(case: dict[str, Any]) -> None:
    """Where nothing of ours is missing."""
    assert endpoint_failed(seen(**case)) is None


def test_a_failed_write_is_repeated_as_it_was() -> None:
    """Weights and record; declared fields are another write's."""
    view = seen(endpoint="Failed", split="blue=100", record={**RUN, "written": "blue=90 green=10"})
    action = split(endpoint_failed(view))

    assert (action.before, action.weights) == (weights({"blue": 100}), weights({"blue": 90, "green": 10}))
    assert (action.progress, action.endpoint) == (view.progress, None)


def test_what_was_changed_outside_is_named() -> None:
    """The declared fields that differ, where the file is what was promoted."""
    world = World({"goal": "v1", "live": {"blue": "v1 changed"}})
    live = world.observation.endpoint
    assert live is not None
    (blue,) = live.deployments
    other = {"model": "azureml:m:v7", "egress": "disabled"}
    file = replace(world.release.candidate, fields={**world.release.candidate.fields, "egress": "enabled"})
    release = replace(world.release, candidate=file)
    changed = replace(live, deployments=(replace(blue, fields=other),))
    found = decide(release, replace(world.observation, endpoint=changed))

    assert found.reason == (
        "blue is promoted but was changed outside (egress, model); rollout adopt --stable blue, or deploy anew"
    )
    assert found.drift == (
        FieldChange("egress", "disabled", "enabled"),
        FieldChange("model", "azureml:m:v7", "azureml:m:v1"),
    )
    newer = replace(release, candidate=replace(file, revision="v2"))
    assert who_is_stable(replace(world.scene, release=newer)) == Decision(
        status=found.status,
        phase=Phase.HELD,
        reason="blue is promoted but was changed outside; rollout adopt --stable blue, or deploy anew",
    )


EXPOSED: dict[str, Any] = {"split": "blue=90 green=10", "record": RUN}


def test_a_hand_comes_before_what_broke() -> None:
    """The candidate failed under weight, and somebody has moved the weight: theirs is the stronger hand."""
    view = seen(
        live={"blue": "v1", "green": "v2 Failed"}, split="blue=60 green=40", record={**RUN, "written": "blue=100"}
    )

    assert candidate_broken(view) is None
    assert reason(moved_by_hand(view)) == "the weights were changed outside: blue=60 green=40"


def test_what_fails_without_weight_is_a_failed_deployment() -> None:
    """Its run is on record, its weight was taken back."""
    view = seen(live={"blue": "v1", "green": "v2 Failed"}, record=RUN)

    assert candidate_broken(view) is None


def test_what_was_changed_and_broke_was_changed() -> None:
    """A failure of something else says nothing about the goal."""
    found = candidate_broken(seen(live={"blue": "v1", "green": "v2 changed Failed"}, **EXPOSED))

    assert reason(found) == "green was changed outside while it had traffic; all traffic back to blue"
    assert split(found).before == weights({"blue": 90, "green": 10})


def test_what_is_not_the_goal_any_more_does_not_fail_it() -> None:
    """It broke under weight after the plan had moved on."""
    view = seen(goal="v3", live={"blue": "v1", "green": "v2 Failed"}, **EXPOSED)

    assert candidate_broken(view) is None
    assert reason(superseded(view)) == "green is not the goal any more; its traffic goes back to blue"


def test_what_serves_alone_is_nobodys_candidate() -> None:
    """Stable was deleted by hand, and what was the candidate was changed: it is what there is."""
    view = seen(live={"green": "v2 changed"}, split="green=100", record={"promoted": "blue=v1", **RUN})

    assert candidate_broken(view) is None


def test_a_person_who_holds_is_no_hand() -> None:
    """Who holds is told by another rule."""
    assert held_outside(seen(record={"hold": {"kind": "person", "why": "x", "goal": "v2"}})) is None


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"blue": 80, "green": 20}, "blue=80 green=20"),
        ({}, "none"),
    ],
)
def test_a_hand_is_told_whole(now: dict[str, int], said: str) -> None:
    """Every weight, and that there is none."""
    view = seen(**EXPOSED)
    moved = replace(view, endpoint=replace(view.endpoint, weights=weights(now)))

    assert reason(moved_by_hand(moved)) == f"the weights were changed outside: {said}"


def test_mirrors_are_told_too() -> None:
    """Of however many deployments."""
    view = seen(**EXPOSED)
    moved = replace(view, endpoint=replace(view.endpoint, weights=weights({"blue": 100}, {"green": 5, "red": 5})))

    assert reason(moved_by_hand(moved)) == "the weights were changed outside: blue=100, mirror green=5 red=5"


def test_the_weight_of_a_run_for_another_goal_goes_back() -> None:
    """Its slot carries the new goal already (somebody deployed it by hand): what was given was given to the old one."""
    view = seen(
        goal="v3",
        live={"blue": "v1", "green": "v3"},
        split="blue=100, mirror green=10",
        record={"run": "v2 in green exposed @9"},
    )
    action = split(superseded(view))

    assert action.reason == "green is not the goal any more; its traffic goes back to blue"
    assert (action.weights, action.endpoint) == (all_to("blue"), view.managed)


def test_a_run_in_what_is_promoted_has_nothing_to_give_back() -> None:
    """A record that was left behind: what it calls its slot is what serves."""
    view = seen(goal="v3", split="green=100", record={"promoted": "green=v2", **RUN})

    assert superseded(view) is None


def test_all_that_is_not_the_goal_gives_back_at_once() -> None:
    """What lives in the slot, and the run's own that is in none."""
    view = seen(
        goal="v3",
        live={"blue": "v1", "green": "v0", "red": "v2"},
        split="blue=80 green=10 red=10",
        record={"run": "v2 in red exposed"},
    )

    assert reason(superseded(view)) == "green, red is not the goal any more; its traffic goes back to blue"


@pytest.mark.parametrize(
    ("live", "serves", "said"),
    [
        pytest.param({"blue": "v7 untagged"}, "blue", False, id="the stable, which others made"),
        pytest.param({"blue": "v7"}, "blue", True, id="the stable, which we made of another file"),
        pytest.param({"green": "v7 untagged"}, "green", True, id="the candidate, which others made"),
        pytest.param({"green": "v2"}, "green", False, id="the candidate, as in its file"),
    ],
)
def test_the_file_of_what_serves_in_a_literal_plan(live: dict[str, str], serves: str, said: bool) -> None:
    """Is as it is: who made it without us need not have known the file."""
    view = seen(literal=["blue=v1", "green=v2"], live=live, split=f"{serves}=100", record="none")
    expected = (
        f"the file of {serves} was edited while it serves; deploy the change under the other name, or use the roles"
        " form (candidate and slots)"
    )

    assert reason(literal_mismatch(view)) == (expected if said else "")


LOCAL: dict[str, Any] = {"local": True, "live": {"live": "v2 untagged"}, "split": "live=100", "record": "none"}
"""Adopted, and made of something that may be what the local files are."""


def test_what_cannot_be_told_is_asked_by_name() -> None:
    """Every declared field that nobody can compare."""
    view = seen(**LOCAL)
    file = replace(view.release.candidate, fields={"model": "sha256:a", "code": "sha256:b"})

    assert reason(unverified(replace(view, release=replace(view.release, candidate=file)))) == (
        "live serves, and whether it is what the file declares cannot be told (code, model): say that it is (rollout"
        " adopt --stable live), or release the file (--allow-hazard releases-unverified)"
    )


@pytest.mark.parametrize(
    "case",
    [
        pytest.param({"allowed": ["releases-unverified"]}, id="somebody said that it is another"),
        pytest.param({"live": {"live": "v2 untagged", "blue": "v2"}}, id="the goal is on its way"),
        pytest.param({"live": {"live": "v1"}}, id="we made it"),
        pytest.param({"local": False}, id="nothing is local"),
        pytest.param(
            {"split": "live=100", "record": {"promoted": "live=~content-v2 is v2"}}, id="it is on record as it is"
        ),
        pytest.param({"literal": ["live=v1", "green=v2"]}, id="a literal plan has its own rule"),
        pytest.param({"split": "none"}, id="nothing serves"),
    ],
)
def test_nobody_is_asked_where(case: dict[str, Any]) -> None:
    """It is known, or does not matter."""
    assert unverified(seen(**{**LOCAL, **case})) is None


def test_nobody_is_asked_where_it_can_be_told() -> None:
    """Another field shows that it is something else; or the file says nothing at all."""
    view = seen(**LOCAL)
    other = replace(view.release.candidate, fields={"model": "sha256:v2", "egress": "disabled"})
    silent = replace(view.release.candidate, fields={})

    for file in (other, silent):
        assert unverified(replace(view, release=replace(view.release, candidate=file))) is None


def test_a_marker_of_a_hand_keeps_the_weights() -> None:
    """Nothing is undone."""
    decision = moved_by_hand(seen(split="blue=50 green=50", record={**RUN, "written": "blue=100"}))

    assert decision is not None
    (action,) = decision.actions
    assert isinstance(action, Record)
    assert action.progress is not None
    assert action.progress.written == weights({"blue": 50, "green": 50})
