"""The loop in good weather: what it does, in which order, and where it stops."""

from __future__ import annotations

from itertools import pairwise

import pytest

from rollout.core.decision import Phase, Status
from rollout.core.observed import all_to, weights
from rollout.core.progress import Progress, from_tags
from rollout.core.release import Gate
from rollout.core.verdict import Outcome, Verdict
from rollout.runner import LOOK_EVERY, Measured, Waiting
from tests.runner.stage import Stage, says
from tests.worlds import plans

LINE = "deploy, smoke, traffic 10, bake 30, traffic 100, delete 100"


@pytest.fixture
async def stage() -> Stage:
    """`v1` serves from blue; the plan wants `v2`."""
    found = await first_release()
    found.release = plans.roles("v2", LINE)
    found.told.clear()
    found.measured.clear()
    found.plane.written.clear()
    return found


async def first_release() -> Stage:
    """A world in which `v1` was just released for the first time."""
    found = Stage(plans.roles("v1", LINE))
    await found.run()
    return found


async def test_events_come_in_order() -> None:
    """A first release, told from the first look to the last."""
    stage = await first_release()

    assert stage.story == [
        "Looking",
        "Looked",
        "Started CreateEndpoint",
        "Finished CreateEndpoint",
        "Looking",
        "Looked",
        "Started DeployRevision",
        "Finished DeployRevision",
        "Looking",
        "Measuring",
        "Measured",
        "Looked",
        "Started SetTraffic",
        "Finished SetTraffic",
        "Looking",
        "Looked",
    ]


async def test_one_action_a_look(stage: Stage) -> None:
    """Between two actions there is always a look, and no look is used for two writes."""
    result = await stage.run(max_wait=1e6)

    acts = [name for name in stage.story if name == "Looked" or name.startswith("Started")]
    assert not any(a.startswith("Started") and b.startswith("Started") for a, b in pairwise(acts))
    used = [id(given) for given in stage.plane.given]
    assert len(used) == len(set(used))
    assert all(any(given is seen for seen in stage.plane.looked) for given in stage.plane.given)
    assert result.writes == len(stage.plane.written)


async def test_it_ends_where_the_plan_does(stage: Stage) -> None:
    """With time enough: converged, and the result says what it took."""
    result = await stage.run(max_wait=1e6)

    assert (result.decision.status, result.decision.phase, result.failure) == (Status.DONE, Phase.COMPLETE, "")
    assert stage.written == ["DeployRevision", "SetTraffic", "SetTraffic", "DeleteDeployment"]
    assert (await stage.live()).weights == all_to("green")


async def test_a_converged_pass_writes_nothing(stage: Stage) -> None:
    """Two reads, and it is over (law 4)."""
    await stage.run(max_wait=1e6)
    reads, writes = stage.plane.requests.reads, stage.plane.requests.writes

    result = await stage.run()

    assert (result.decision.status, result.writes) == (Status.DONE, 0)
    assert (stage.plane.requests.reads, stage.plane.requests.writes) == (reads + 2, writes)


async def test_without_time_it_stops_at_the_first_wait(stage: Stage) -> None:
    """It does all that can be done now, and never sleeps."""
    result = await stage.run()

    assert (result.decision.status, result.decision.reason) == (Status.WAIT, "3-bake-30: healthy")
    assert (await stage.live()).weights == weights({"blue": 90, "green": 10})
    assert stage.plane.slept == []


async def test_it_never_sleeps_longer_than_it_may(stage: Stage) -> None:
    """Half an hour's bake with ten minutes to spend: looks in between, then the same answer."""
    result = await stage.run(max_wait=600)

    assert sum(stage.plane.slept) == 600
    assert set(stage.plane.slept) == {LOOK_EVERY}
    assert result.decision.status is Status.WAIT


async def test_it_sleeps_no_longer_than_needed(stage: Stage) -> None:
    """The last sleep ends when the bake's time is over."""
    await stage.run(until="4-traffic-100", max_wait=1e6)

    waits = [event for event in stage.told if isinstance(event, Waiting)]
    assert {event.until for event in waits} == {stage.plane.woke[-1]}
    assert {event.seconds for event in waits[:-1]} == {LOOK_EVERY}


async def test_health_is_looked_at_while_it_waits(stage: Stage) -> None:
    """A bake that turns bad is seen at the next look, long before its time is over."""
    looks = 0

    def worse_later(gate: Gate) -> Verdict:
        nonlocal looks
        looks += 1
        return says(Outcome.FAIL if looks > 5 else Outcome.PASS)(gate)

    stage.judge = worse_later
    result = await stage.run(max_wait=1e6)

    assert result.decision.phase is Phase.ROLLED_BACK
    assert sum(stage.plane.slept) <= 5 * LOOK_EVERY
    assert (await stage.live()).weights == all_to("blue")


async def test_it_stops_at_the_stage_that_was_asked_for(stage: Stage) -> None:
    """As soon as that stage is satisfied, before anything behind it."""
    result = await stage.run(until="0-deploy-0", max_wait=1e6)

    assert stage.written == ["DeployRevision"]
    assert result.writes == 1
    assert (await stage.live()).weights == all_to("blue")


async def test_a_stage_that_is_behind_stops_it_at_once(stage: Stage) -> None:
    """Nothing is written for a stage that is satisfied already."""
    await stage.run(until="2-traffic-10")

    again = await stage.run(until="2-traffic-10")

    assert again.writes == 0
    assert (await stage.live()).weights == weights({"blue": 90, "green": 10})


async def test_a_hold_ends_it_whatever_time_there_is(stage: Stage) -> None:
    """What a failed smoke test leaves waits for people, not for time."""
    stage.judge = says(Outcome.FAIL)

    result = await stage.run(max_wait=1e6)

    assert (result.decision.status, result.decision.phase) == (Status.HOLD, Phase.ROLLED_BACK)
    assert stage.plane.slept == []


async def test_an_approval_is_looked_for_until_time_is_up() -> None:
    """Nobody says yes: looks every half minute, as long as it may, then the same answer."""
    stage = await first_release()
    stage.release = plans.roles("v2", "deploy, approval, traffic 100")

    result = await stage.run(max_wait=100)

    assert stage.plane.slept == [30, 30, 30, 10]
    assert result.decision.status is Status.WAIT


async def test_each_pass_measures_at_most_one_gate(stage: Stage) -> None:
    """The gate that stands before us, and no other."""
    await stage.run()

    assert stage.measured == ["1-smoke-0", "3-bake-30"]
    assert [event.gate.name for event in stage.told if isinstance(event, Measured)] == stage.measured


async def test_until_the_last_gate_records_the_promotion(stage: Stage) -> None:
    """`--until` a gate whose pass needs a marker: the marker is written, so that the pass is not lost."""
    stage.release = plans.roles("v2", "deploy, traffic 100, bake 60, delete 100")

    await stage.run(until="2-bake-60", max_wait=1e6)

    record = from_tags((await stage.live()).tags)
    assert isinstance(record, Progress)
    assert record.promoted is not None
    assert record.promoted.revision == "v2"
    assert (await stage.live()).deployment("blue") is not None


async def test_until_the_deploy_stage_asks_no_gate(stage: Stage) -> None:
    """What stands behind the stage that was asked for is not even measured, so it cannot fail either."""
    stage.judge = says(Outcome.FAIL)

    await stage.run(until="0-deploy-0")

    assert stage.measured == []
    assert stage.written == ["DeployRevision"]
