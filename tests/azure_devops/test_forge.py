"""What only Azure DevOps has; what every forge promises: `tests/forge/test_contract.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rollout.errors import RolloutError
from rollout.forge.port import Draft, Forge, State, Status
from rollout.forge.statuses import post
from rollout.forge.sticky import Deed
from tests.forge.conftest import Clock, clock
from tests.forge.hub import hub, number, spoken, world
from tests.github.bench import Bench

__all__ = ["clock", "hub", "number", "world"]


@pytest.fixture
async def forge(hub: Bench, clock: Clock) -> AsyncIterator[Forge]:
    """The repository by our client, with the token of a job."""
    async with spoken(hub, "azure-devops", clock) as found:
        yield found


async def test_statuses_of_a_pull_request_are_those_of_its_push(hub: Bench, forge: Forge, number: int) -> None:
    """Once each; the next push has none yet. The genre is the first word of the context."""
    commit = hub.repo.pull(number)["head"]["sha"]
    wanted = [Status(context="rollout/prod/churn", state=State.SUCCESS, description="1 to change", url="https://x/1")]
    deeds = [(await post(forge, commit, wanted, number))[0].deed for _ in range(2)]
    assert deeds == [Deed.CREATED, Deed.UNCHANGED]
    (posted,) = hub.repo.statuses[f"pull {number}"]
    assert posted == {
        "context": "rollout/prod/churn",
        "state": "success",
        "description": "1 to change",
        "id": 1,
        "target_url": "https://x/1",
        "iteration": posted["iteration"],
    }
    again = hub.push("more", hub.repo.pull(number)["head"]["ref"])
    assert [(await post(forge, again, wanted, number))[0].deed for _ in range(2)] == [Deed.CREATED, Deed.UNCHANGED]
    first, second = (one["iteration"] for one in hub.repo.statuses[f"pull {number}"])
    assert second == first + 1


async def test_every_state_of_a_commit(hub: Bench, forge: Forge) -> None:
    """After the merge: the latest of each context counts."""
    commit = hub.commit("states", "main", states="1")
    for state in State:
        await post(forge, commit, [Status(context="rollout/a", state=state, description="x")])
    assert [found.state for found in await forge.statuses(commit)] == [State.ERROR]
    assert [found["state"] for found in hub.repo.statuses[commit]] == ["pending", "success", "failure", "error"]


async def test_a_description_that_is_too_long(hub: Bench, forge: Forge, number: int) -> None:
    """It has room for 4,000 characters."""
    found = await forge.change_request(number)
    with pytest.raises(RolloutError, match=r"^Azure DevOps refused to edit a pull request \(HTTP 400\): The descri"):
        await forge.edit_change_request(found, Draft(title="t", body="x" * 4_001))
