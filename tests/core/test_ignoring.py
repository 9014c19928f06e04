"""What is left to others is neither a change nor ever written; it is still there at the creation."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from rollout.core.actions import CreateEndpoint, SetTraffic, UpdateDeployment, UpdateEndpoint
from rollout.core.change_set import ChangeSet, change_set
from rollout.core.decide import decide
from rollout.core.decision import Status
from rollout.core.ignoring import managed_endpoint, managed_settings, unmanaged_counts
from rollout.core.observed import Observation
from rollout.core.release import EndpointSpec, Release
from tests.cases.world import World
from tests.worlds import plans
from tests.worlds.history import ALLOWED, History, finish
from tests.worlds.plane import NAME

LINE = "deploy, smoke, traffic 10, bake 30, traffic 100"
FIELDS: dict[str, Any] = {"description": "declared", "tags": {"owner": "ml", "cost": "7"}}


def look(history: History) -> Observation:
    """What is there now."""
    return finish(history.plane.observe(NAME))


def declared(*ignore: str, revision: str = "v1") -> Release:
    """A plan that declares endpoint fields, settings and a count."""
    release = plans.roles(revision, LINE)
    candidate = replace(release.candidate, count=2, settings={"description": "a model", "tags": {"team": "ml"}})
    endpoint = EndpointSpec(name=NAME, fields=FIELDS)
    return replace(release, candidate=candidate, endpoint=endpoint, ignore=ignore)


def changes(release: Release, history: History) -> ChangeSet:
    """What would be done."""
    return change_set(release, look(history), ALLOWED)


def test_a_creation_has_all_that_is_declared() -> None:
    """Then others may have it."""
    history = History(declared("endpoint.description", "endpoint.tags.owner", "deployments.*.description"))

    first = decide(history.release, look(history), {}, ALLOWED).actions[0]
    assert isinstance(first, CreateEndpoint)
    assert first.endpoint.fields == FIELDS
    history.run()
    live = history.live
    assert live is not None
    assert [found.fields["description"] for found in live.deployments] == ["a model"]


def test_what_others_changed_stays_theirs() -> None:
    """The endpoint's description, one of its tags, a deployment's description and count: no change, no write."""
    ignore = (
        "endpoint.tags.owner",
        "endpoint.description",
        "deployments.*.description",
        "deployments.blue.instance_count",
    )
    history = History(declared(*ignore))
    history.run()
    history.release = replace(
        declared(*ignore),
        endpoint=EndpointSpec(name=NAME, fields={"description": "x", "tags": {"owner": "y", "cost": "7"}}),
    )
    other = replace(history.release.candidate, count=5, settings={"description": "z", "tags": {"team": "ml"}})
    history.release = replace(history.release, candidate=other)

    found = changes(history.release, history)

    assert (found.decision.status, found.actions, found.pending, found.drift) == (Status.DONE, (), (), ())
    assert found.decision.notes == tuple(f"{path} is ignored: neither compared nor written" for path in ignore)


def test_what_is_not_ignored_is_written_and_the_rest_left_out() -> None:
    """The body of the write holds only what is managed."""
    history = History(declared())
    history.run()
    edited = {"description": "other", "tags": {"owner": "other", "cost": "8"}}
    candidate = replace(history.release.candidate, settings={"description": "other", "tags": {"team": "other"}})
    ignore = ("endpoint.tags.owner", "deployments.blue.tags")
    release = replace(
        history.release, endpoint=EndpointSpec(name=NAME, fields=edited), candidate=candidate, ignore=ignore
    )

    endpoint, deployment = changes(release, history).actions

    assert isinstance(endpoint, UpdateEndpoint)
    assert endpoint.endpoint.fields == {"description": "other", "tags": {"cost": "8"}}
    assert isinstance(deployment, UpdateDeployment)
    assert [change.path for change in deployment.changes] == ["description"]


def test_a_traffic_stage_leaves_it_alone_too() -> None:
    """Its PUT carries declared fields, but not these."""
    history = History(declared())
    history.run()
    edited = EndpointSpec(name=NAME, fields={"description": "other", "tags": {"owner": "other"}})
    release = replace(declared("endpoint.description", revision="v2"), endpoint=edited)

    puts = [action for action in changes(release, history).actions if isinstance(action, SetTraffic)]

    assert puts
    assert all(put.endpoint is not None and put.endpoint.fields == {"tags": {"owner": "other"}} for put in puts)
    assert [change.path for change in puts[0].changes] == ["tags.owner"]


def test_one_count_and_one_setting_of_one_deployment() -> None:
    """What is left to others of blue is ours of green."""
    release = declared("deployments.blue.instance_count", "deployments.blue.tags.team")
    world = World({"live": {"blue": "v1", "green": "v1"}})
    assert world.observation.endpoint is not None

    found = unmanaged_counts(release, world.observation.endpoint)

    assert {one.name: one.autoscaled for one in found.deployments} == {"blue": True, "green": False}
    settings = {name: managed_settings(release, release.candidate, name).settings for name in ("blue", "green")}
    assert settings == {
        "blue": {"description": "a model", "tags": {}},
        "green": {"description": "a model", "tags": {"team": "ml"}},
    }


def test_a_tag_with_dots_in_its_name() -> None:
    """Is left alone by its whole name; what is no map has no parts to leave alone."""
    fields = {"description": "declared", "tags": {"cost.center": "7", "cost": "8"}}
    release = replace(
        declared("endpoint.tags.cost.center", "endpoint.description.first"),
        endpoint=EndpointSpec(name=NAME, fields=fields),
    )

    assert managed_endpoint(release).fields == {"description": "declared", "tags": {"cost": "8"}}


def test_an_autoscaled_count_is_left_alone_and_said_so() -> None:
    """Without any rule in the plan."""
    world = World({"live": {"blue": "v2 x7 autoscaled"}, "record": {"promoted": "blue=v2"}})

    found = change_set(world.release, world.observation)

    assert (found.decision.status, found.actions) == (Status.DONE, ())
    assert found.decision.notes == ("the instance count of blue is left to its autoscale setting",)
