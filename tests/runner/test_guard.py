"""The loop under a guard: nothing is written that nobody has approved, not even what changed a moment ago."""

from __future__ import annotations

import pytest

from rollout.cli.approving import Guarding
from rollout.core.actions import Action
from rollout.core.approval import approved
from rollout.core.change_set import change_set
from rollout.core.decision import Decision, Phase, Status
from rollout.core.observed import Observation, all_to, weights
from rollout.core.verdict import Outcome
from rollout.errors import Refused, Unapproved
from rollout.runner import Guard, Limits, Result, Runner
from tests.runner.stage import Stage, says
from tests.worlds import plans
from tests.worlds.history import ALLOWED
from tests.worlds.plane import NAME

LINE = "deploy, smoke, traffic 10, bake 30, traffic 100"


@pytest.fixture
async def stage() -> Stage:
    """`v1` serves from blue; the plan wants `v2`."""
    found = Stage(plans.roles("v1", LINE))
    await found.run()
    found.release = plans.roles("v2", LINE)
    found.plane.written.clear()
    return found


async def guard(stage: Stage) -> Guarding:
    """What somebody approves now."""
    seen = await stage.plane.observe(NAME)
    given = approved(
        change_set(stage.release, seen, ALLOWED, lifetime=86400), stage.release, endpoint="id", created=seen.now
    )
    return Guarding(stage.release, ALLOWED, given)


async def run(stage: Stage, asked: Guard, max_wait: float = 1e6) -> Result:
    """The real loop under that guard."""
    runner = Runner(stage.release, stage.plane, stage._measure, stage.plane, allowed=ALLOWED, guard=asked)
    return await runner.run(Limits(max_wait=max_wait))


async def test_what_was_approved_is_done(stage: Stage) -> None:
    """To its end; everything is read once more before each write."""
    asked = await guard(stage)
    reads = stage.plane.requests.reads

    result = await run(stage, asked)

    assert result.decision.status is Status.DONE
    assert (await stage.live()).weights == all_to("green")
    looks = (stage.plane.requests.reads - reads) // 2
    assert looks >= 2 * len(stage.plane.written)


async def test_a_change_between_the_look_and_the_write_is_seen(stage: Stage) -> None:
    """Somebody scales what serves while the smoke test runs: no weight moves, and it is not tried again."""
    asked = await guard(stage)

    def measured_slowly(gate: object) -> object:
        stage.plane.hand_scale("blue", 5)
        return says(Outcome.PASS)(gate)  # type: ignore[arg-type]

    stage.judge = measured_slowly  # type: ignore[assignment]
    with pytest.raises(Unapproved, match="blue: instance_count is 5, approved was 1"):
        await run(stage, asked)

    assert stage.written == ["DeployRevision"]
    assert (await stage.live()).weights == all_to("blue")


async def test_the_way_back_is_not_guarded(stage: Stage) -> None:
    """A gate fails after somebody changed what serves: rolled back all the same."""
    asked = await guard(stage)
    first = await run(stage, asked, max_wait=0)
    assert (first.decision.status, (await stage.live()).weights) == (
        Status.WAIT,
        weights({"blue": 90, "green": 10}),
    )
    stage.plane.hand_scale("blue", 5)
    stage.judge = says(Outcome.FAIL)

    result = await run(stage, asked)

    assert (await stage.live()).weights == all_to("blue")
    assert (result.decision.status, result.decision.phase) == (Status.HOLD, Phase.ROLLED_BACK)


async def test_a_refusal_of_the_guard_ends_the_loop(stage: Stage) -> None:
    """Before anything is written; a guard that is not exact costs no read."""
    asked: list[Decision] = []

    class No:
        exact = False

        def __call__(self, seen: Observation, decision: Decision) -> None:
            asked.append(decision)
            raise Refused("no")

    with pytest.raises(Refused):
        await run(stage, No())

    assert [decision.actions[0].__class__.__name__ for decision in asked] == ["DeployRevision"]
    written: list[Action] = stage.plane.written
    assert written == []
