"""GitLab behind the port: discussions, statuses, merge requests, issues, refusals."""

from __future__ import annotations

import pytest

from rollout.errors import Retryable, RolloutError, SignInError
from rollout.forge.gitlab import GitLab
from rollout.forge.issues import Concern, keep
from rollout.forge.marker import Marker
from rollout.forge.port import Draft, State, Status
from rollout.forge.statuses import post
from rollout.forge.sticky import GONE, Deed, outdate, say
from tests.forge.conftest import Clock
from tests.forge.hub import conversations, note
from tests.github.bench import Bench
from tests.github.world import READ, Scripted


async def test_one_discussion_is_kept_current_and_resolved_in_the_end(hub: Bench, forge: GitLab, number: int) -> None:
    """Edited in place, only when it says something else; resolved when nobody needs to look any more."""
    told = [note("two changes"), note("two changes"), note("in sync", settled=True), note("in sync", settled=True)]
    deeds = [(await say(forge, number, [one]))[0].deed for one in told]
    assert deeds == [Deed.CREATED, Deed.UNCHANGED, Deed.EDITED, Deed.UNCHANGED]
    assert conversations(hub, number) == [("closed", "in sync")]
    assert [(method, path.rpartition("/")[0].rpartition("/")[2]) for method, path in hub.world.writes()] == [
        ("POST", str(number)),
        ("PUT", "notes"),
        ("PUT", "discussions"),
    ]


async def test_a_list_has_pages(hub: Bench, forge: GitLab, number: int) -> None:
    """All of them are read; what the system says is nobody's comment."""
    await say(forge, number, [note(f"about {plan}", plan=plan) for plan in ("a", "b", "c", "d")])
    found = await forge.comments(number)
    assert [one.mine for one in found] == [False, True, True, True, True]
    assert found[1].url == f"{hub.world.url}/acme/models/-/merge_requests/{number}#note_{found[1].handle}"


async def test_somebody_elses_discussion_is_never_touched(hub: Bench, forge: GitLab, number: int) -> None:
    """A plan that is no longer touched is resolved with a word."""
    await say(forge, number, [note("a"), note("b", plan="churn")])
    (first, _) = (one for one in hub.repo.comments.values() if one["issue"] == number)
    first["user"] = {"login": "mallory"}
    done = await outdate(forge, number, "prod", [])
    assert [one.what for one in done] == ["the comment about churn"]
    assert conversations(hub, number) == [("active", "a"), ("closed", GONE)]


async def test_statuses_of_a_commit(hub: Bench, forge: GitLab, number: int) -> None:
    """Each once; one that is pending keeps its words until it moves, which is no fault."""
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
    (found,) = await forge.statuses(commit)
    assert (found.state, found.url) == (State.FAILURE, "https://x/1")


async def test_another_refusal_of_a_status_is_told(hub: Bench, forge: GitLab) -> None:
    """Only the one about the state that it has already is nothing."""
    hub.world.scripted.append(Scripted("/statuses/", 400, body={"message": {"name": ["is too long"]}}))
    with pytest.raises(RolloutError, match=r"^GitLab refused to set a status of a commit \(HTTP 400\): .*is too long"):
        await forge.set_status("a" * 40, Status(context="x", state=State.SUCCESS, description="y"))


async def test_a_merge_request_by_its_merge_and_by_its_branch(hub: Bench, forge: GitLab, number: int) -> None:
    """With the people who approved it."""
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


async def test_a_merge_request_is_opened_and_edited(hub: Bench, forge: GitLab) -> None:
    """As ours."""
    hub.commit("back", "back", b="1")
    made = await forge.open_change_request(Draft(title="Take back", body="x"), "back", "main")
    await forge.edit_change_request(made, Draft(title="Take back v2", body="y"))
    found = await forge.change_request(made.number)
    assert (found.title, found.body, found.mine, found.open) == ("Take back v2", "y", True, True)


async def test_drift_is_an_issue_as_long_as_it_lasts(hub: Bench, forge: GitLab) -> None:
    """With our label; edited in place, closed with a word when it is over."""
    marker = Marker(kind="drift", plan="churn")

    async def told(title: str) -> str:
        draft = Draft(title=title, body="| field |") if title else None
        return ",".join(one.deed.value for one in await keep(forge, [Concern(marker=marker, draft=draft, over="gone")]))

    assert [await told(title) for title in ("a", "a", "b", "", "")] == ["created", "unchanged", "edited", "closed", ""]
    (item,) = hub.repo.issues()
    assert (item["title"], item["state"], item["labels"]) == ("b", "closed", [{"name": "rollout-drift"}])
    assert [one["body"] for one in hub.repo.comments.values() if one["issue"] == item["number"]] == ["gone"]


async def test_a_token_that_nobody_knows(hub: Bench, forge: GitLab) -> None:
    """The remedy is a project access token."""
    hub.world.tokens.clear()
    with pytest.raises(SignInError) as raised:
        await forge.default_branch()
    assert str(raised.value) == "GitLab does not accept the token: 401 Unauthorized"
    assert raised.value.hint == "set GITLAB_TOKEN: a project access token with the scope `api`, masked and protected"


async def test_a_missing_permission_is_named(hub: Bench, forge: GitLab, number: int) -> None:
    """With the role that it needs."""
    hub.world.add_token(next(iter(hub.world.tokens)), permissions={"pull-requests": READ})
    with pytest.raises(SignInError) as raised:
        await say(forge, number, [note("a")])
    assert str(raised.value) == "the token may not write a comment: 403 Forbidden"
    assert raised.value.hint == (
        "the token needs the scope `api` and the role Reporter; a job's own CI_JOB_TOKEN can write no comment"
    )


async def test_what_is_not_there(forge: GitLab) -> None:
    """Named by its path."""
    with pytest.raises(SignInError) as raised:
        await forge.change_request(4711)
    assert str(raised.value) == (
        "GitLab does not find what is needed to read approvals "
        "(GET /projects/acme%2Fmodels/merge_requests/4711/approvals): 404 Not found"
    )


async def test_limits_are_waited_for(hub: Bench, forge: GitLab, clock: Clock, number: int) -> None:
    """As long as `Retry-After` says, else until the limit is reset; two minutes at most."""
    reset = str(int(clock.now) + 11)
    hub.world.scripted += [
        Scripted("/discussions", 429, {"Retry-After": "7"}),
        Scripted("/discussions", 429, {"RateLimit-Reset": reset}),
        Scripted("/discussions", 503),
    ]
    assert await forge.comments(number) != []
    assert clock.slept == [7.0, pytest.approx(5.0, abs=1.0), 4.0]
    hub.world.scripted.append(Scripted("/discussions", 429, {"Retry-After": "600"}))
    with pytest.raises(Retryable, match="GitLab's rate limit does not let us read the discussions"):
        await forge.comments(number)
