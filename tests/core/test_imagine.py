"""The imagined world is the one that the service makes: every action, on the emulator's rules and in the mind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from rollout.core import actions
from rollout.core.actions import Action, FieldChange
from rollout.core.imagine import imagine
from rollout.core.observed import Deployment, Endpoint, Scaling, all_to, weights
from rollout.core.progress import Progress, to_tags
from rollout.core.release import EndpointSpec
from tests.worlds.history import finish
from tests.worlds.plane import NAME, START, RulesPlane
from tests.worlds.plans import spec

RECORD = Progress(plan="plan", since=START, written=weights({"blue": 100}))
BORN = "20260101T000000Z"


def deploy(name: str, revision: str, count: int = 1, mode: Any = "create", born: str = BORN) -> actions.DeployRevision:
    """A deployment with a description."""
    return actions.DeployRevision(
        reason="new",
        deployment=name,
        spec=spec(revision, description=f"the {revision}"),
        count=count,
        born=born,
        mode=mode,
    )


def put(split: dict[str, int], mirror: dict[str, int] | None = None, **fields: Any) -> actions.SetTraffic:
    """One write of weights, record and fields."""
    declared = EndpointSpec(name=NAME, fields=fields) if fields else None
    return actions.SetTraffic(
        reason="move", before=all_to("blue"), weights=weights(split, mirror), endpoint=declared, progress=RECORD
    )


CREATE = actions.CreateEndpoint(
    reason="new", endpoint=EndpointSpec(name=NAME, fields={"description": "words"}), progress=RECORD
)
BEFORE: tuple[Action, ...] = (CREATE, deploy("blue", "v1", 2), deploy("green", "v2"), put({"blue": 100}))


@pytest.fixture
def plane() -> RulesPlane:
    """An endpoint with blue serving and green beside it."""
    found = RulesPlane()
    for action in BEFORE:
        finish(found.apply(action, live(found)))
    return found


def live(plane: RulesPlane) -> Endpoint | None:
    """What is there."""
    return finish(plane.observe(NAME)).endpoint


def seen(endpoint: Endpoint | None) -> Any:
    """All that the rules look at; digests of live content and addresses are the service's own."""
    if endpoint is None:
        return None
    return {
        "state": endpoint.state,
        "weights": endpoint.weights,
        "tags": endpoint.tags,
        "description": endpoint.fields.get("description"),
        "deployments": [_seen(found) for found in endpoint.deployments],
    }


def _seen(found: Deployment) -> Any:
    made = (found.name, found.state, found.count, found.revision, found.born, found.instance_type.lower())
    return (*made, found.fields["model"], found.fields.get("description"), found.tags)


ACTIONS: dict[str, Action] = {
    "weights": put({"blue": 90, "green": 10}),
    "mirror": put({"blue": 100}, {"green": 20}),
    "weights and fields": put({"green": 100}, description="new"),
    "fields": actions.UpdateEndpoint(
        reason="drift", endpoint=EndpointSpec(name=NAME, fields={"description": "new"}), changes=(), progress=RECORD
    ),
    "marker": actions.Record(reason="passed", progress=replace(RECORD, commit="c1", passed=("0123456789",))),
    "our tags away": actions.Record(reason="disown", progress=None),
    "create": deploy("red", "v3", 3),
    "update in place": deploy("green", "v3", 2, "update", "20260102T000000Z"),
    "scale up": actions.ScaleDeployment(reason="load", deployment="green", before=1, count=4),
    "scale down": actions.ScaleDeployment(reason="kept", deployment="blue", before=2, count=1),
    "settings": actions.UpdateDeployment(
        reason="drift",
        deployment="green",
        changes=(FieldChange("description", "the v2", "new"), FieldChange("tags.cost", None, "7")),
    ),
    "delete": actions.DeleteDeployment(reason="left over", deployment="green"),
    "delete all": actions.DeleteEndpoint(reason="destroy", endpoint=NAME),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_the_service_makes_what_was_imagined(plane: RulesPlane, name: str) -> None:
    """Weights, tags, counts, revisions, states and settings."""
    before = live(plane)

    finish(plane.apply(ACTIONS[name], before))

    assert seen(live(plane)) == seen(imagine(before, ACTIONS[name], plane.now))


def test_a_created_endpoint_is_as_imagined() -> None:
    """Its fields, its record, no traffic; and it counts as created."""
    plane = RulesPlane()
    finish(plane.apply(CREATE, None))

    imagined = imagine(None, CREATE, plane.now)

    assert seen(live(plane)) == seen(imagined)
    assert imagined is not None
    assert (imagined.scoring_uri, imagined.modified) == ("imagined", plane.now)


def test_tags_of_others_are_imagined_too(plane: RulesPlane) -> None:
    """A write of ours leaves them."""
    before = live(plane)
    assert before is not None
    marked = replace(before, tags={**before.tags, "team": "ml"})

    after = imagine(marked, ACTIONS["weights"], START)

    assert after is not None
    assert after.tags == {"team": "ml", **to_tags(RECORD)}


def test_only_a_write_of_the_weights_moves_their_time(plane: RulesPlane) -> None:
    """What a bake counts from where the record is lost."""
    before, later = live(plane), START + timedelta(hours=9)
    assert before is not None

    moved, marked = imagine(before, ACTIONS["weights"], later), imagine(before, ACTIONS["marker"], later)

    assert moved is not None
    assert marked is not None
    assert (moved.modified, marked.modified) == (later, before.modified)


def test_what_is_gone_stays_gone(plane: RulesPlane) -> None:
    """Actions on a deployment that is not there imagine nothing."""
    before = live(plane)
    for action in (
        actions.ScaleDeployment(reason="x", deployment="nobody", before=1, count=2),
        actions.UpdateDeployment(reason="x", deployment="nobody", changes=()),
        actions.DeleteDeployment(reason="x", deployment="nobody"),
    ):
        assert imagine(before, action, START) == before
    assert imagine(None, ACTIONS["weights"], START) is None


def test_who_counts_is_imagined_too() -> None:
    """What scales blue is carried to green under a name of its own; taken away again nobody counts."""
    mine = Scaling("/autoscale/blue", "cpu")
    blue, green = (Deployment(name=name, state="Succeeded", count=1) for name in ("blue", "green"))
    before = Endpoint(name=NAME, deployments=(replace(blue, autoscaled=True, scaling=mine), green))
    carry = actions.CarryAutoscale(reason="x", deployment="green", origin="blue", source="/autoscale/blue")

    carried = imagine(before, carry, START)
    assert carried is not None
    assert carried.deployments[1] == replace(
        green, autoscaled=True, scaling=Scaling("/autoscale/blue carried", "cpu", carried=True)
    )
    drop = actions.DropAutoscale(reason="x", deployment="green", setting="/autoscale/green")
    assert imagine(carried, drop, START) == before
    bare = imagine(replace(before, deployments=(green,)), carry, START)
    assert bare is not None
    assert bare.deployments == (replace(green, autoscaled=True),)


def test_declared_maps_are_merged() -> None:
    """Keys that others have set stay, as the service keeps them."""
    before = Endpoint(name=NAME, fields={"identity": {"type": "x"}, "tags": {"theirs": "1", "team": "web"}})
    spec = EndpointSpec(name=NAME, fields={"description": "new", "tags": {"team": "ml"}, "other": {"a": 1}})

    after = imagine(before, actions.UpdateEndpoint(reason="x", endpoint=spec, changes=(), progress=RECORD), START)

    assert after is not None
    assert after.fields == {
        "identity": {"type": "x"},
        "tags": {"theirs": "1", "team": "ml"},
        "description": "new",
        "other": {"a": 1},
    }


def test_a_new_deployment_is_imagined_as_declared() -> None:
    """With the tags of its file beside ours; its content is known by its revision alone."""
    tagged = replace(spec("0123456789abcdef"), settings={"tags": {"team": "ml"}})
    action = actions.DeployRevision(reason="x", deployment="green", spec=tagged, count=1, born="b", mode="create")

    after = imagine(Endpoint(name=NAME), action, START)

    assert after is not None
    (found,) = after.deployments
    assert (found.content, found.tags["team"]) == ("0123456789ab", "ml")
