"""What only GitLab has; what every forge promises: `tests/forge/test_contract.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rollout.errors import RolloutError
from rollout.forge.port import Forge, State, Status
from rollout.forge.statuses import post
from tests.forge.conftest import Clock, clock
from tests.forge.hub import hub, number, spoken, world
from tests.github.bench import Bench
from tests.github.world import Scripted

__all__ = ["clock", "hub", "number", "world"]


@pytest.fixture
async def forge(hub: Bench, clock: Clock) -> AsyncIterator[Forge]:
    """The project by our client, with a project access token."""
    async with spoken(hub, "gitlab", clock) as found:
        yield found


async def test_what_the_system_says_is_nobodys_comment(hub: Bench, forge: Forge, number: int) -> None:
    """Ours have the address of their note."""
    made = await forge.add_comment(number, "a")
    found = await forge.comments(number)
    assert [one.mine for one in found] == [False, True]
    assert found[1].url == made.url == f"{hub.world.url}/acme/models/-/merge_requests/{number}#note_{found[1].handle}"


async def test_statuses_of_a_commit(hub: Bench, forge: Forge, number: int) -> None:
    """One that is pending keeps its words until it moves, which is no fault; an error is a failure here."""
    commit = hub.repo.pull(number)["head"]["sha"]

    def wanted(state: State, words: str) -> list[Status]:
        return [Status(context="rollout/prod/churn", state=state, description=words, url="https://x/1")]

    told = [(State.PENDING, "a"), (State.PENDING, "b"), (State.SUCCESS, "c"), (State.SUCCESS, "c"), (State.ERROR, "d")]
    deeds = [(await post(forge, commit, wanted(*one), number))[0].deed.value for one in told]
    assert deeds == ["created", "edited", "edited", "unchanged", "edited"]
    assert [(one["state"], one["description"]) for one in hub.repo.statuses[commit]] == [
        ("pending", "a"),
        ("success", "c"),
        ("failure", "d"),
    ]
    hub.world.scripted.append(Scripted("/statuses/", 400, body={"message": {"name": ["is too long"]}}))
    with pytest.raises(RolloutError, match=r"^GitLab refused to set a status of a commit \(HTTP 400\): .*is too long"):
        await forge.set_status("a" * 40, Status(context="x", state=State.SUCCESS, description="y"))


async def test_a_limit_that_names_its_end(hub: Bench, forge: Forge, clock: Clock) -> None:
    """In epoch seconds, where there is no `Retry-After`."""
    hub.world.scripted.append(Scripted("/projects", 429, {"RateLimit-Reset": str(int(clock.now) + 11)}))
    await forge.default_branch()
    assert clock.slept == [12.0]
