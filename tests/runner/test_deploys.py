"""Creates that fail, and creates that the service refuses: two different things."""

from __future__ import annotations

import pytest

from rollout.core.actions import Action, DeployRevision
from rollout.core.decision import Phase, StageState, Status
from rollout.core.progress import Progress, from_tags
from rollout.errors import AzureError, Refused
from rollout.runner import Finished
from tests.runner.stage import Stage
from tests.worlds import plans

LINE = "deploy, traffic 100"
FAILED_TEXT = "User container has crashed or terminated"


@pytest.fixture
async def stage() -> Stage:
    """`v1` serves from blue; the plan wants `v2`."""
    found = Stage(plans.roles("v1", LINE))
    await found.run()
    found.release = plans.roles("v2", LINE)
    return found


async def test_a_failed_create_fails_the_deploy_stage(stage: Stage) -> None:
    """Not an error: the text is in the result, the goal in quarantine, and stable untouched."""
    stage.fail_creates()

    result = await stage.run()

    live = await stage.live()
    record = from_tags(live.tags)
    assert isinstance(record, Progress)
    assert (result.decision.status, result.decision.phase) == (Status.HOLD, Phase.ROLLED_BACK)
    assert result.failure == FAILED_TEXT
    assert [view.state for view in result.decision.stages] == [StageState.FAILED, StageState.PENDING]
    assert [entry.goal for entry in record.quarantine] == ["v2"]
    assert [(found.name, found.state) for found in live.deployments] == [("blue", "Succeeded"), ("green", "Failed")]


async def test_a_failed_create_is_told(stage: Stage) -> None:
    """The event of its end carries the service's text."""
    stage.fail_creates()

    await stage.run()

    assert [event.error for event in stage.told if isinstance(event, Finished) and event.error] == [FAILED_TEXT]


async def test_the_log_of_a_failed_create_is_part_of_its_text(stage: Stage) -> None:
    """What the container said last, below the service's sentence."""
    stage.fail_creates()
    stage.plane.log = "ImportError: numpy"

    assert (await stage.run()).failure == f"{FAILED_TEXT}\nImportError: numpy"


async def test_a_failed_create_is_not_repeated(stage: Stage) -> None:
    """The next run finds the goal in quarantine and writes nothing."""
    stage.fail_creates()
    await stage.run()
    before = list(stage.written)

    again = await stage.run()

    assert (again.decision.phase, again.writes, stage.written) == (Phase.ROLLED_BACK, 0, before)


async def test_an_error_that_leaves_nothing_behind_is_raised(stage: Stage) -> None:
    """Nothing is there that could fail the stage: the next run may try again."""
    stage.plane.write_errors = [AzureError("the file is too large", code="BadRequest")]

    with pytest.raises(AzureError, match="the file is too large"):
        await stage.run()

    assert [found.name for found in (await stage.live()).deployments] == ["blue"]
    assert (await stage.run()).decision.status is Status.DONE


async def test_what_the_service_refuses_is_taken_away(stage: Stage) -> None:
    """Row 26e: no quota says nothing about the goal. The `Failed` left-over goes, the next run creates it again."""
    stage.fail_creates()
    stage.plane.refusing = True

    with pytest.raises(Refused, match="not enough quota"):
        await stage.run()

    live = await stage.live()
    record = from_tags(live.tags)
    assert isinstance(record, Progress)
    assert ([found.name for found in live.deployments], record.quarantine) == (["blue"], ())
    assert (await stage.run()).decision.status is Status.DONE


async def test_what_others_left_behind_is_not_taken_away(stage: Stage) -> None:
    """A `Failed` deployment that is not of this very create stays."""
    stage.plane.hand_create("green", "v0", {"team": "ml"})

    def refuse(when: str, action: Action) -> None:
        if isinstance(action, DeployRevision):
            stage.plane.break_deployment("green")
            raise Refused("not enough quota")

    stage.plane.hook = refuse
    with pytest.raises(Refused):
        await stage.run()

    live = await stage.live()
    assert [(found.name, found.state) for found in live.deployments] == [("blue", "Succeeded"), ("green", "Failed")]


async def test_a_refused_write_of_weights_deletes_nothing(stage: Stage) -> None:
    """Only creates leave something behind."""
    await stage.run(until="0-deploy-0")
    stage.plane.write_errors = [Refused("a lock forbids it")]

    with pytest.raises(Refused):
        await stage.run()

    assert [found.name for found in (await stage.live()).deployments] == ["blue", "green"]
