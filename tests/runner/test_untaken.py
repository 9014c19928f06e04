"""A value that the service does not take: asked for once, recorded, told, and then left alone."""

from __future__ import annotations

import dataclasses
from typing import Any

from msgspec.structs import replace

from rollout.core import actions
from rollout.core.change_set import change_set
from rollout.runner import Looked, Result
from tests.runner.stage import Stage
from tests.worlds import plans
from tests.worlds.history import ALLOWED
from tests.worlds.plane import NAME

NOT_TAKEN = "the service did not take description: asked 'house prices', has ''"


async def _refusing(**declared: Any) -> Stage:
    """A finished release at a service that ignores descriptions; then the endpoint's file declares this."""
    stage = Stage(plans.roles("v1", "deploy, traffic 100"))
    await stage.run()
    _ignore(stage, "endpoint.description")
    stage.release = replace(stage.release, endpoint=replace(stage.release.endpoint, fields=declared))
    stage.plane.written.clear()
    return stage


def _ignore(stage: Stage, *members: str) -> None:
    world = stage.plane.rules.world
    world.settings = dataclasses.replace(world.settings, ignores=members)


def _told(result: Result) -> tuple[str, tuple[str, ...]]:
    return result.decision.status.value, result.decision.notes


async def test_it_is_asked_for_once() -> None:
    """One write, one marker, a note; every further run writes nothing and says the same."""
    stage = await _refusing(description="house prices")
    assert _told(await stage.run()) == ("done", (NOT_TAKEN,))
    assert stage.written == ["UpdateEndpoint", "Record"]
    assert _told(await stage.run()) == ("done", (NOT_TAKEN,))
    assert stage.written == ["UpdateEndpoint", "Record"]


async def test_the_diff_is_empty_with_a_note() -> None:
    """Neither pending nor drift, and nothing would be done."""
    stage = await _refusing(description="house prices")
    await stage.run()
    found = change_set(stage.release, await stage.plane.observe(NAME), ALLOWED)
    assert (found.actions, found.pending, found.drift, found.decision.notes) == ((), (), (), (NOT_TAKEN,))


async def test_another_value_is_tried() -> None:
    """And taken, where the service has changed its mind; then there is no note any more."""
    stage = await _refusing(description="house prices")
    await stage.run()
    _ignore(stage)
    stage.release = replace(stage.release, endpoint=replace(stage.release.endpoint, fields={"description": "houses"}))
    assert _told(await stage.run()) == ("done", ())
    assert stage.written == ["UpdateEndpoint", "Record", "UpdateEndpoint"]
    assert (await stage.live()).fields["description"] == "houses"


async def test_what_is_taken_is_not_left_behind() -> None:
    """One field of two: the other one is converged as ever."""
    stage = await _refusing(description="house prices", tags={"team": "ml"})
    assert _told(await stage.run()) == ("done", (NOT_TAKEN,))
    assert stage.written == ["UpdateEndpoint", "Record"]
    assert (await stage.live()).tags["team"] == "ml"


async def test_a_new_release_gets_through() -> None:
    """Its writes carry the value again, in vain, without a run of its own."""
    stage = await _refusing(description="house prices")
    await stage.run()
    stage.release = replace(plans.roles("v2", "deploy, traffic 100"), endpoint=stage.release.endpoint)
    assert _told(await stage.run()) == ("done", (NOT_TAKEN,))
    assert stage.written[2:] == ["DeployRevision", "SetTraffic"]


async def test_what_a_deployment_was_made_without() -> None:
    """Told once, by the look right after; its revision is what was asked for."""
    stage = Stage(plans.roles("v1", "deploy, traffic 100"))
    _ignore(stage, "deployment.model")

    await stage.run()

    notes = [event.decision.notes for event in stage.told if isinstance(event, Looked)]
    assert [found for found in notes if found] == [
        ("the service did not take blue.model: asked 'azureml:m:v1', has ''",)
    ]
    assert isinstance(stage.plane.written[-1], actions.SetTraffic)
