"""Commit statuses, posted only when they say something new."""

from __future__ import annotations

import aiohttp

from rollout.forge.github import GitHub
from rollout.forge.port import State, Status
from rollout.forge.statuses import post
from rollout.forge.sticky import Deed
from rollout.forge.wire import Wire
from tests.forge.conftest import Clock
from tests.github.bench import NAME, TOKEN, Bench


async def test_only_news_is_posted(hub: Bench, forge: GitHub) -> None:
    """Of two statuses one changes: one post."""
    commit = hub.commit("x", x="1")
    pending = Status(context="rollout/a", state=State.PENDING, description="1/7 smoke")
    done = Status(context="rollout/b", state=State.SUCCESS, description="done")
    await post(forge, commit, [pending, done])
    later = Status(context="rollout/a", state=State.SUCCESS, description="done")
    deeds = [each.deed for each in await post(forge, commit, [later, done])]
    assert deeds == [Deed.EDITED, Deed.UNCHANGED]
    assert [found["context"] for found in hub.repo.statuses[commit]] == ["rollout/a", "rollout/b", "rollout/a"]


async def test_limits_are_kept(hub: Bench, forge: GitHub) -> None:
    """140 characters of description, 255 of context; cut ones are recognised again."""
    commit = hub.commit("x", x="1")
    long = Status(context="c" * 300, state=State.FAILURE, description="d" * 300, url="https://example.com/run")
    assert [each.deed for each in await post(forge, commit, [long])] == [Deed.CREATED]
    assert [each.deed for each in await post(forge, commit, [long])] == [Deed.UNCHANGED]
    found = hub.repo.statuses[commit][0]
    assert (found["context"], found["description"]) == ("c" * 254 + "…", "d" * 139 + "…")


async def test_an_own_server(hub: Bench, clock: Clock) -> None:
    """REST below /api/v3, GraphQL beside it; pages and all."""
    commit = hub.commit("x", "own", x="1")
    number = hub.pull("own", "t")
    async with aiohttp.ClientSession() as session:
        own = GitHub(Wire(session, f"{hub.world.url}/api/v3", TOKEN, sleep=clock.sleep, clock=lambda: clock.now), NAME)
        await post(
            own, commit, [Status(context=f"rollout/{n}", state=State.PENDING, description="") for n in range(101)]
        )
        assert len(await own.statuses(commit)) == 101
        assert (await own.add_comment(number, "hello")).mine


async def test_more_contexts_than_a_page(hub: Bench, forge: GitHub) -> None:
    """A plan of a hundred stages and more: the second look finds them all."""
    commit = hub.commit("x", x="1")
    wanted = [Status(context=f"rollout/{n}", state=State.PENDING, description="") for n in range(120)]
    await post(forge, commit, wanted)
    assert {each.deed for each in await post(forge, commit, wanted)} == {Deed.UNCHANGED}
