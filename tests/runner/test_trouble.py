"""The loop in bad weather: look again, be patient, give up with the error."""

from __future__ import annotations

import pytest

from rollout.core.decision import Status
from rollout.core.observed import Observation, all_to
from rollout.core.release import Gate
from rollout.core.verdict import Verdict
from rollout.errors import AzureError, Refused, Retryable, RolloutError, SignInError, Stale
from rollout.runner import PATIENCE, Troubled
from tests.runner.stage import Plane, Stage
from tests.worlds import plans
from tests.worlds.plane import Killed

LINE = "deploy, traffic 100"
CREATED = ["CreateEndpoint", "DeployRevision", "SetTraffic"]


@pytest.fixture
def stage() -> Stage:
    """Nothing is there; the plan wants `v1`."""
    return Stage(plans.roles("v1", LINE))


@pytest.mark.parametrize("error", [Stale("somebody else wrote"), Retryable("busy")], ids=["stale", "retryable"])
@pytest.mark.parametrize("where", ["look_errors", "write_errors"])
async def test_it_looks_again(stage: Stage, error: RolloutError, where: str) -> None:
    """One fault at a look or a write: told, and the end is the same."""
    getattr(stage.plane, where).append(error)

    result = await stage.run()

    assert (result.decision.status, stage.written) == (Status.DONE, CREATED)
    assert [event for event in stage.told if isinstance(event, Troubled)] == [
        Troubled(str(error), 0.0 if isinstance(error, Stale) else 2.0)
    ]


async def test_it_waits_as_long_as_the_service_asks(stage: Stage) -> None:
    """`Retry-After` is obeyed."""
    stage.plane.write_errors = [Retryable("throttled", after=17.0)]

    await stage.run()

    assert stage.plane.slept == [17.0]


async def test_it_gives_up_with_the_error(stage: Stage) -> None:
    """After `PATIENCE` faults in a row, each waited for longer; the last one is the user's."""
    errors = [Retryable(f"busy {attempt}") for attempt in range(PATIENCE + 1)]
    stage.plane.write_errors = list(errors)

    with pytest.raises(Retryable) as caught:
        await stage.run()

    assert caught.value is errors[PATIENCE - 1]
    assert stage.plane.slept == [2, 4, 8, 16, 32, 60, 60]
    assert stage.written == []


async def test_patience_is_for_faults_in_a_row(stage: Stage) -> None:
    """A pass that goes well begins the count anew."""
    busy = [Retryable("busy") for _ in range(PATIENCE - 1)]
    stage.plane.write_errors = [*busy, None, *busy, None, *busy]

    assert (await stage.run()).decision.status is Status.DONE
    assert len(stage.plane.slept) == 3 * (PATIENCE - 1)


async def test_faults_of_a_measurement_are_ridden_out_too(stage: Stage) -> None:
    """A gate that cannot be measured now is measured in the next pass."""
    stage.release = plans.roles("v1", "deploy, smoke, traffic 100")
    errors: list[RolloutError] = [Retryable("metrics are late")]
    healthy = stage.judge

    def judge(gate: Gate) -> Verdict:
        if errors:
            raise errors.pop()
        return healthy(gate)

    stage.judge = judge

    assert (await stage.run()).decision.status is Status.DONE
    assert stage.measured == ["1-smoke-0", "1-smoke-0"]


@pytest.mark.parametrize(
    "error",
    [SignInError("the token has expired"), AzureError("no", code="Forbidden"), Refused("a policy forbids it")],
    ids=["sign-in", "azure", "refused"],
)
async def test_what_cannot_be_mended_is_raised_at_once(stage: Stage, error: RolloutError) -> None:
    """No second try, nothing written."""
    stage.plane.write_errors = [error]

    with pytest.raises(type(error)) as caught:
        await stage.run()

    assert (caught.value, stage.plane.slept, stage.written) == (error, [], [])


async def test_a_write_that_succeeded_without_an_answer_is_not_repeated(stage: Stage) -> None:
    """The next look sees what was done, and goes on from there."""
    stage.plane.late_errors = [Retryable("the connection was lost") for _ in CREATED]

    result = await stage.run()

    assert (result.decision.status, stage.written) == (Status.DONE, CREATED)


@pytest.mark.parametrize("name", CREATED)
async def test_what_is_under_way_is_settled_and_never_started_twice(stage: Stage, name: str) -> None:
    """Killed while the service works; the next run waits for it, and does what is left."""

    def die(when: str, action: object) -> None:
        if when == "while" and type(action).__name__ == name:
            raise Killed

    stage.plane.hook = die
    with pytest.raises(Killed):
        await stage.run()
    stage.plane.hook = lambda when, action: None

    result = await stage.run()

    assert (result.decision.status, stage.written) == (Status.DONE, CREATED)
    assert stage.plane.settled == 1
    assert (await stage.live()).weights == all_to("blue")


async def test_operations_of_others_are_waited_for(stage: Stage) -> None:
    """Somebody scales what serves: nothing is written meanwhile."""
    await stage.run()
    stage.release = plans.roles("v2", LINE)
    body = {"sku": {"name": "Default", "capacity": 4}}
    stage.plane.rules.patch_deployment("house", "blue", body, stage.plane.now)

    result = await stage.run()

    assert (result.decision.status, stage.plane.settled) == (Status.DONE, 1)
    assert stage.plane.given[len(CREATED)] is not None
    assert not any(given.in_flight for given in stage.plane.given if given)


class Forgetful(Plane):
    """A service that answers so many looks, from one on, as if the endpoint did not exist."""

    def __init__(self, first: int, last: int) -> None:
        super().__init__()
        self.first, self.last = first, last

    async def observe(self, endpoint: str) -> Observation:
        """A look, or an old answer."""
        seen = await super().observe(endpoint)
        number = len(self.looked)
        return Observation(None, seen.now) if self.first <= number <= self.last else seen


async def test_an_endpoint_that_seems_gone_is_not_made_anew() -> None:
    """Old answers in the middle of a run: it waits until they are over, and goes on; nothing is created twice."""
    stage = Stage(plans.roles("v1", LINE))
    stage.plane = Forgetful(3, 6)
    result = await stage.run()
    assert result.decision.status is Status.DONE
    assert stage.written == CREATED
    said = "house was there a moment ago, and the service answers that it does not exist"
    assert [event.error for event in stage.told if isinstance(event, Troubled)] == [said] * 4


async def test_an_endpoint_that_is_gone_ends_the_run() -> None:
    """Somebody has deleted it: the run ends, and says what to do; the next one starts anew."""
    stage = Stage(plans.roles("v1", LINE))
    stage.plane = Forgetful(3, 99)
    with pytest.raises(Retryable, match="was there a moment ago") as raised:
        await stage.run()
    assert raised.value.hint == "If somebody has deleted it, run the same command again: it starts anew."
    assert stage.written == CREATED[: len(stage.written)]
    assert len(stage.plane.slept) == PATIENCE - 1
