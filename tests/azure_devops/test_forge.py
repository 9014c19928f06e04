"""Azure DevOps behind the port: threads, statuses of pushes and commits, pull requests, work items, refusals."""

from __future__ import annotations

import pytest

from rollout.errors import Retryable, RolloutError, SignInError
from rollout.forge.azure_devops import AzureDevOps
from rollout.forge.issues import Concern, keep
from rollout.forge.marker import Marker
from rollout.forge.port import Draft, State, Status
from rollout.forge.statuses import post
from rollout.forge.sticky import GONE, Deed, outdate, say
from tests.forge.conftest import Clock
from tests.forge.hub import conversations, note
from tests.github.bench import NAME, Bench
from tests.github.world import READ, Scripted

PROD = Marker(kind="comment", plan="house-prices", environment="prod")


async def test_one_thread_is_kept_current_and_closed_in_the_end(hub: Bench, forge: AzureDevOps, number: int) -> None:
    """Edited in place, only when it says something else; closed when nobody needs to look any more."""
    told = [note("two changes"), note("two changes"), note("in sync", settled=True), note("in sync", settled=True)]
    deeds = [(await say(forge, number, [one]))[0].deed for one in told]
    assert deeds == [Deed.CREATED, Deed.UNCHANGED, Deed.EDITED, Deed.UNCHANGED]
    assert conversations(hub, number) == [("closed", "in sync")]
    assert [(method, path.rpartition("/")[0].rpartition("/")[2]) for method, path in hub.world.writes()] == [
        ("POST", str(number)),
        ("PATCH", "comments"),
        ("PATCH", "threads"),
    ]


async def test_what_a_person_resolved_stays_until_there_is_news(hub: Bench, forge: AzureDevOps, number: int) -> None:
    """The same text does not open a thread again; another one does."""
    await say(forge, number, [note("two changes")])
    (thread,) = (one for one in hub.repo.comments.values() if one["issue"] == number)
    thread["status"] = "fixed"
    await say(forge, number, [note("two changes")])
    assert thread["status"] == "fixed"
    await say(forge, number, [note("three changes")])
    assert conversations(hub, number) == [("active", "three changes")]


async def test_somebody_elses_thread_is_never_touched(hub: Bench, forge: AzureDevOps, number: int) -> None:
    """Nor what the system says; a plan that is no longer touched is closed with a word."""
    await say(forge, number, [note("a"), note("b", plan="churn")])
    (first, _) = (one for one in hub.repo.comments.values() if one["issue"] == number)
    first["user"] = {"login": "mallory"}
    done = await outdate(forge, number, "prod", [])
    assert [one.what for one in done] == ["the comment about churn"]
    assert conversations(hub, number) == [("active", "a"), ("closed", GONE)]


async def test_statuses_of_a_pull_request_are_those_of_its_push(hub: Bench, forge: AzureDevOps, number: int) -> None:
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


async def test_statuses_of_a_commit(hub: Bench, forge: AzureDevOps, number: int) -> None:
    """After the merge: the latest of each context counts."""
    commit = hub.repo.git("rev-parse", "main")
    for state in State:
        await post(forge, commit, [Status(context="rollout/a", state=state, description="x")])
    assert [found.state for found in await forge.statuses(commit)] == [State.ERROR]
    assert [found["state"] for found in hub.repo.statuses[commit]] == ["pending", "success", "failure", "error"]


async def test_a_pull_request_by_its_merge_and_by_its_branch(hub: Bench, forge: AzureDevOps, number: int) -> None:
    """With the people who voted for it; the one that was merged comes first."""
    branch = hub.repo.pull(number)["head"]["ref"]
    hub.repo.reviews[number] = [
        {"user": {"login": "bob"}, "state": "APPROVED"},
        {"user": {"login": "eve"}, "state": "CHANGES_REQUESTED"},
    ]
    merge = hub.repo.merge(number)
    (found,) = await forge.change_requests_of(merge)
    assert (found.number, found.merged, found.approved_by, found.branch) == (number, True, ("bob",), branch)
    assert [one.number for one in await forge.change_requests_from(branch)] == [number]
    assert await forge.default_branch() == "main"


async def test_a_pull_request_is_opened_and_edited(hub: Bench, forge: AzureDevOps) -> None:
    """As ours; a description has room for 4,000 characters."""
    hub.commit("back", "back", b="1")
    made = await forge.open_change_request(Draft(title="Take back", body="x" * forge.limits.request), "back", "main")
    await forge.edit_change_request(made, Draft(title="Take back v2", body="y"))
    found = await forge.change_request(made.number)
    assert (found.title, found.body, found.mine, found.open) == ("Take back v2", "y", True, True)
    with pytest.raises(RolloutError, match=r"^Azure DevOps refused to edit a pull request \(HTTP 400\): The descri"):
        await forge.edit_change_request(made, Draft(title="t", body="x" * 4_001))


async def test_drift_is_a_work_item_as_long_as_it_lasts(hub: Bench, forge: AzureDevOps) -> None:
    """Of the first type that the process knows, with our tag; edited in place, done when it is over."""
    marker = Marker(kind="drift", plan="churn")

    async def told(title: str) -> str:
        draft = Draft(title=title, body="| field |") if title else None
        return ",".join(one.deed.value for one in await keep(forge, [Concern(marker=marker, draft=draft, over="gone")]))

    assert [await told(title) for title in ("a", "a", "b", "", "")] == ["created", "unchanged", "edited", "closed", ""]
    (item,) = hub.repo.issues()
    assert (item["title"], item["state"], item["labels"]) == ("b", "closed", [{"name": "rollout-drift"}])


async def test_a_token_that_nobody_knows(hub: Bench, forge: AzureDevOps) -> None:
    """The page to sign in comes with 203: no success."""
    hub.world.tokens.clear()
    with pytest.raises(SignInError) as raised:
        await forge.default_branch()
    assert str(raised.value) == "Azure DevOps does not accept the token"
    assert raised.value.hint.startswith("set SYSTEM_ACCESSTOKEN (in a pipeline: ")


async def test_a_missing_permission_is_named(hub: Bench, forge: AzureDevOps, number: int) -> None:
    """With the service's own sentence, and whose permission it is."""
    hub.world.add_token(next(iter(hub.world.tokens)), permissions={"pull-requests": READ})
    with pytest.raises(SignInError) as raised:
        await say(forge, number, [note("a")])
    assert str(raised.value) == (
        "the token may not write a comment: "
        "TF401027: You need the Git 'PullRequestContribute' permission to perform this action."
    )
    assert raised.value.hint == (
        "the identity `PROJECT Build Service (ORGANISATION)` needs the permission "
        "`Contribute to pull requests` on the repository"
    )


async def test_what_is_not_there(forge: AzureDevOps) -> None:
    """Named by its path."""
    with pytest.raises(SignInError) as raised:
        await forge.change_request(4711)
    assert str(raised.value) == (
        "Azure DevOps does not find what is needed to read a pull request "
        f"(GET /acme/_apis/git/repositories/{NAME.partition('/')[2]}/pullRequests/4711): "
        "TF401180: The requested pull request was not found. 4711"
    )


async def test_limits_are_waited_for(hub: Bench, forge: AzureDevOps, clock: Clock, number: int) -> None:
    """As long as `Retry-After` says; two minutes at most."""
    hub.world.scripted += [Scripted("/threads", 429, {"Retry-After": "7"}), Scripted("/threads", 503)]
    assert await forge.comments(number) != []
    assert clock.slept == [7.0, 2.0]
    hub.world.scripted.append(Scripted("/threads", 429, {"Retry-After": "600"}))
    with pytest.raises(Retryable, match="Azure DevOps's rate limit does not let us read the threads"):
        await forge.comments(number)
