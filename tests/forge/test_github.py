"""What only GitHub has: folded comments, accounts that are gone, labels that people take off, servers of one's own."""

from __future__ import annotations

import aiohttp

from rollout.forge.github import GitHub
from rollout.forge.issues import Concern, keep
from rollout.forge.marker import Marker, marked
from rollout.forge.port import Draft, State, Status
from rollout.forge.statuses import post
from rollout.forge.sticky import Deed, Note, say
from rollout.forge.wire import Wire
from tests.forge.conftest import Clock
from tests.github.bench import NAME, TOKEN, Bench

PROD = Marker(kind="comment", plan="house-prices", environment="prod")


async def test_a_double_is_folded_and_a_deleted_account_is_nobody(hub: Bench, forge: GitHub) -> None:
    """The older comment of ours stays visible; one without an author is not ours."""
    hub.commit("release", "release", a="2")
    number = hub.pull("release", "Release v2")
    hub.repo.comments[7] = {"id": 7, "node_id": "IC_7", "issue": number, "body": marked(PROD, ""), "user": None}
    first, second = [await forge.add_comment(number, marked(PROD, body)) for body in ("one", "two")]
    assert [comment.mine for comment in await forge.comments(number)] == [False, True, True]
    await say(forge, number, [Note(marker=PROD, body="three")])
    assert hub.repo.folded == {second.handle}
    assert [comment["id"] for comment in hub.repo.visible(number)] == [7, int(first.id)]


async def test_an_issue_is_found_without_its_label(hub: Bench, forge: GitHub) -> None:
    """Somebody took it off; closed, it is completed, with a word."""
    marker = Marker(kind="drift", plan="house-prices")
    there = Concern(marker=marker, draft=Draft(title="Drift", body="a"))
    await keep(forge, [there])
    hub.repo.issues()[0]["labels"] = []
    assert [each.deed for each in await keep(forge, [there])] == [Deed.UNCHANGED]
    await keep(forge, [Concern(marker=marker, draft=None, over="It is gone.")])
    assert hub.repo.issues()[0]["state_reason"] == "completed"
    assert [comment["body"] for comment in hub.repo.comments.values()] == ["It is gone."]


async def test_a_comment_takes_no_approval_back(hub: Bench, forge: GitHub) -> None:
    """A request for changes does; a branch's head finds its pull request as the merge does."""
    head = hub.commit("x", "release", a="1")
    number = hub.pull("release", "Release")
    said = [("bob", "APPROVED"), ("bob", "COMMENTED"), ("eve", "APPROVED"), ("eve", "CHANGES_REQUESTED")]
    hub.repo.reviews[number] = [{"user": {"login": who}, "state": state} for who, state in said]
    assert (await forge.change_request(number)).approved_by == ("bob",)
    merge = hub.repo.merge(number)
    found = [[pull.number for pull in await forge.change_requests_of(commit)] for commit in (head, merge)]
    assert found == [[number], [number]]
    assert await forge.change_requests_of(hub.repo.git("rev-parse", "main^")) == []


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
