"""The port's promises, the same on GitHub, Azure DevOps and GitLab: comments, statuses, issues, requests, refusals.

Each in front of its local stand-in. What is one forge's own is in its folder.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

import aiohttp
import pytest

from rollout.errors import Retryable, RolloutError, SignInError
from rollout.forge.change_requests import propose
from rollout.forge.issues import LABEL, Concern, keep
from rollout.forge.marker import Marker, marked
from rollout.forge.port import Draft, Forge, State, Status
from rollout.forge.statuses import post
from rollout.forge.sticky import GONE, Deed, Note, outdate, say
from rollout.forge.wire import Wire
from tests.forge.conftest import Clock
from tests.forge.hub import CLIENTS, hub, number, spoken, world
from tests.github.bench import NAME, TOKEN, Bench
from tests.github.world import READ, Scripted

__all__ = ["hub", "number", "world"]
NAMES = {"github": "GitHub", "azure-devops": "Azure DevOps", "gitlab": "GitLab"}
PROD = Marker(kind="comment", plan="house-prices", environment="prod")
BACK = Marker(kind="revert", plan="house-prices")
CREATED, UNCHANGED, EDITED = Deed.CREATED, Deed.UNCHANGED, Deed.EDITED


@pytest.fixture(params=list(CLIENTS))
def kind(request: pytest.FixtureRequest) -> str:
    """Each forge in turn."""
    return str(request.param)


@pytest.fixture
async def forge(hub: Bench, kind: str, clock: Clock) -> AsyncIterator[Forge]:
    """It by our client."""
    async with spoken(hub, kind, clock) as found:
        yield found


def note(body: str, plan: str = "house-prices", environment: str = "prod", *, settled: bool = False) -> Note:
    """What is to be said about a plan."""
    return Note(marker=Marker(kind="comment", plan=plan, environment=environment), body=body, settled=settled)


def said(hub: Bench, number: int) -> list[tuple[bool, str]]:
    """Of each comment: whether it is put aside (folded, closed, resolved), and its last line."""
    found = [one for one in hub.repo.comments.values() if one["issue"] == number]
    aside = [one["node_id"] in hub.repo.folded or one.get("status") == "closed" for one in found]
    return [(away, one["body"].rpartition("\n")[2]) for away, one in zip(aside, found, strict=True)]


def written(hub: Bench) -> list[str]:
    """What kind of writes there were."""
    return ["new" if method == "POST" else "change" for method, _ in hub.world.writes()]


async def test_a_comment_is_made_once_and_edited_for_news(hub: Bench, forge: Forge, kind: str, number: int) -> None:
    """Put aside when nobody needs to look any more, where the forge's comments know that; never a second one."""
    told = [note("two changes"), note("two changes"), note("in sync", settled=True), note("in sync", settled=True)]
    deeds = [(await say(forge, number, [one]))[0].deed for one in told]
    assert deeds == [CREATED, UNCHANGED, EDITED, UNCHANGED]
    assert said(hub, number) == [(kind != "github", "in sync")]
    (comment,) = hub.repo.comments.values()
    marker = '<!-- azureml-rollout {"kind":"comment","plan":"house\\u002dprices","environment":"prod"} -->'
    assert comment["body"] == f"{marker}\n\nin sync"
    assert written(hub) == (["new", "change"] if kind == "github" else ["new", "change", "change"])


async def test_what_a_person_put_aside_stays_so_until_there_is_news(hub: Bench, forge: Forge, number: int) -> None:
    """The same text does not bring it back; another one does."""
    await say(forge, number, [note("two changes")])
    (comment,) = hub.repo.comments.values()
    if "status" not in comment:
        pytest.skip("its comments are neither open nor closed")
    comment["status"] = "closed"
    await say(forge, number, [note("two changes")])
    assert said(hub, number) == [(True, "two changes")]
    await say(forge, number, [note("three changes")])
    assert said(hub, number) == [(False, "three changes")]


async def test_each_plan_and_environment_has_its_own(hub: Bench, forge: Forge, number: int) -> None:
    """The marker's key is kind, plan and environment."""
    await say(forge, number, [note("a"), note("b", environment="test"), note("c", plan="churn")])
    await say(forge, number, [note("c2", plan="churn")])
    assert said(hub, number) == [(False, "a"), (False, "b"), (False, "c2")]


async def test_somebody_elses_comment_is_never_touched(hub: Bench, forge: Forge, number: int) -> None:
    """A copied marker does not make a comment ours, the author does; an account may be gone."""
    await say(forge, number, [note("theirs")])
    (theirs,) = hub.repo.comments.values()
    theirs["user"] = {"login": "mallory"}
    assert [one.deed for one in await say(forge, number, [note("ours")])] == [CREATED]
    assert [one.what for one in await outdate(forge, number, "prod", [])] == ["the comment about house-prices"]
    assert said(hub, number) == [(False, "theirs"), (True, GONE)]


async def test_of_two_comments_the_older_stays(hub: Bench, forge: Forge, number: int) -> None:
    """Two jobs wrote at once."""
    for body in ("one", "two"):
        await forge.add_comment(number, marked(PROD, body))
    await say(forge, number, [note("three")])
    assert said(hub, number) == [(False, "three"), (True, GONE)]


async def test_a_plan_that_is_no_longer_touched_is_put_aside_once(hub: Bench, forge: Forge, number: int) -> None:
    """Only in its environment, and a second pass does nothing."""
    await say(forge, number, [note("a"), note("b", plan="churn"), note("c", plan="churn", environment="test")])
    first = await outdate(forge, number, "prod", ["house-prices"])
    writes = len(hub.world.writes())
    assert [(one.deed, one.what) for one in first] == [(Deed.OUTDATED, "the comment about churn")]
    assert await outdate(forge, number, "prod", ["house-prices"]) == []
    assert len(hub.world.writes()) == writes
    assert said(hub, number) == [(False, "a"), (True, GONE), (False, "c")]


async def test_all_pages_are_read(hub: Bench, forge: Forge, number: int) -> None:
    """Ours is found behind 230 others."""
    await forge.add_comment(number, marked(PROD, "old"))
    (key,) = hub.repo.comments
    ours = hub.repo.comments.pop(key)
    others = {at: {**ours, "id": at, "node_id": f"n{at}", "body": "+1", "user": {"login": "ann"}} for at in range(230)}
    hub.repo.comments.update({**others, key: ours})
    assert [one.deed for one in await say(forge, number, [note("new")])] == [EDITED]
    assert len(hub.repo.comments) == 231


async def test_only_news_of_statuses_is_posted(hub: Bench, forge: Forge) -> None:
    """Of two one changes: one post. The latest of each context counts."""
    commit = hub.commit("x", x="1")
    first, done, later = (
        Status(context=context, state=state, description=words, url="https://example.com/1")
        for context, state, words in (
            ("rollout/a", State.PENDING, "1/7 smoke"),
            ("rollout/b", State.SUCCESS, "done"),
            ("rollout/a", State.FAILURE, "back"),
        )
    )
    assert [one.deed for one in await post(forge, commit, [first, done])] == [CREATED, CREATED]
    assert [one.deed for one in await post(forge, commit, [later, done])] == [EDITED, UNCHANGED]
    assert [one["context"] for one in hub.repo.statuses[commit]] == ["rollout/a", "rollout/b", "rollout/a"]
    assert sorted(await forge.statuses(commit), key=lambda one: one.context) == [later, done]


async def test_statuses_are_cut_to_their_limits_and_recognised_again(hub: Bench, forge: Forge) -> None:
    """Of a change request, too; as many as a plan of a hundred stages has."""
    commit = hub.commit("x", x="2")
    long = Status(context="rollout/" + "c" * 300, state=State.FAILURE, description="d" * 300)
    wanted = [long, *(Status(context=f"rollout/{n}", state=State.PENDING, description="") for n in range(120))]
    assert {one.deed for one in await post(forge, commit, wanted)} == {CREATED}
    assert {one.deed for one in await post(forge, commit, wanted)} == {UNCHANGED}
    kept = hub.repo.statuses[commit][0]
    limits = forge.limits
    assert kept["context"] == long.context[: limits.context - 1] + "…"
    assert kept["description"] == "d" * (limits.description - 1) + "…"


async def test_a_proposal_is_opened_once_and_kept_current(hub: Bench, forge: Forge, kind: str) -> None:
    """One for each branch; what a person closed stays closed. Texts as long as they may be are taken."""
    branch = f"rollout/revert/house-prices-{kind}"
    hub.commit("back", branch, back="1")
    texts = [Draft(title="Take it back", body=body) for body in ("why", "why", "why and more")]
    assert [(await propose(forge, BACK, text, branch)).deed for text in texts] == [CREATED, UNCHANGED, EDITED]
    made = hub.repo.pulls()[-1]
    assert (made["title"], made["base"]["ref"], made["head"]["ref"]) == ("Take it back", "main", branch)
    assert made["body"].endswith("why and more")
    (found,) = await forge.change_requests_from(branch)
    assert (found.number, found.mine, found.open) == (made["number"], True, True)
    await forge.edit_change_request(found, Draft(title="t", body="x" * forge.limits.request))
    made["state"] = "closed"
    assert (await propose(forge, BACK, Draft(title="t", body="c"), branch)).deed is UNCHANGED
    assert len(await forge.change_requests_from(branch)) == 1


async def test_a_change_request_by_its_commits_and_its_branch(hub: Bench, forge: Forge, number: int) -> None:
    """The one that was merged, with those whose last word is a yes; of another commit there is none."""
    branch, head = hub.repo.pull(number)["head"]["ref"], hub.repo.pull(number)["head"]["sha"]
    votes = [("bob", "APPROVED"), ("eve", "APPROVED"), ("eve", "CHANGES_REQUESTED")]
    hub.repo.reviews[number] = [{"user": {"login": who}, "state": state} for who, state in votes]
    before = hub.repo.git("rev-parse", "main")
    merge = hub.repo.merge(number)
    for commit in (head, merge):
        found = (await forge.change_requests_of(commit))[0]
        assert (found.number, found.merged, found.branch) == (number, True, branch)
    assert number not in [one.number for one in await forge.change_requests_of(before)]
    assert [one.number for one in await forge.change_requests_from(branch)] == [number]
    assert await forge.default_branch() == "main"


def concern(body: str = "") -> Concern:
    """Drift with that body; none without."""
    draft = Draft(title=f"Drift {body}", body=body) if body else None
    return Concern(marker=Marker(kind="drift", plan="churn", environment="prod"), draft=draft, over="It is gone.")


async def test_drift_is_an_issue_as_long_as_it_lasts(hub: Bench, forge: Forge) -> None:
    """Opened, left alone, edited, closed, opened anew for new drift; a double is closed, the older stays."""
    lives = [concern("a"), concern("a"), concern("b"), concern(), concern(), concern("c")]
    deeds = [[one.deed for one in await keep(forge, [life])] for life in lives]
    assert deeds == [[CREATED], [UNCHANGED], [EDITED], [Deed.CLOSED], [], [CREATED]]
    first, second = hub.repo.issues()
    assert (first["title"], first["state"], second["state"]) == ("Drift b", "closed", "open")
    assert first["labels"] == second["labels"] == [{"name": LABEL}]
    await forge.open_issue(Draft(title=second["title"], body=second["body"]), LABEL)
    assert [one.deed for one in await keep(forge, [concern("c")])] == [UNCHANGED, Deed.CLOSED]
    assert [one["state"] for one in hub.repo.issues()] == ["closed", "open", "closed"]


async def test_other_peoples_issues_are_left_alone(hub: Bench, forge: Forge) -> None:
    """Even with our label and our marker."""
    await keep(forge, [concern("a")])
    hub.repo.issues()[0]["user"] = {"login": "mallory"}
    assert await keep(forge, [concern()]) == []
    assert hub.repo.issues()[0]["state"] == "open"


NOT_KNOWN = {
    "github": ("GitHub does not accept the token: Bad credentials", "set GITHUB_TOKEN (in a workflow: "),
    "azure-devops": ("Azure DevOps does not accept the token", "set SYSTEM_ACCESSTOKEN (in a pipeline: "),
    "gitlab": ("GitLab does not accept the token: 401 Unauthorized", "set GITLAB_TOKEN: a project access token with "),
}
FORBIDDEN = {
    "github": (
        "the token may not write a comment: Resource not accessible by integration",
        "the job needs `permissions: pull-requests: write`; a pull request from a fork never gets it",
    ),
    "azure-devops": (
        "the token may not write a comment: "
        "TF401027: You need the Git 'PullRequestContribute' permission to perform this action.",
        "the identity `PROJECT Build Service (ORGANISATION)` needs the permission `Contribute to pull requests` on ",
    ),
    "gitlab": (
        "the token may not write a comment: 403 Forbidden",
        "the token needs the scope `api` and the role Reporter; a job's own CI_JOB_TOKEN can write no comment",
    ),
}
MISSING = {
    "github": ("read a pull request (GET /repos/acme/models/pulls/4711)", "check the repository and the number; "),
    "azure-devops": (
        "read a pull request (GET /acme/_apis/git/repositories/models/pullRequests/4711): "
        "TF401180: The requested pull request was not found. 4711",
        "check the name and the number; a missing permission looks the same: ",
    ),
    "gitlab": (
        "read approvals (GET /projects/acme%2Fmodels/merge_requests/4711/approvals): 404 Not found",
        "check the name and the number; a missing permission looks the same: ",
    ),
}


async def test_refusals_are_sentences_with_a_remedy(hub: Bench, forge: Forge, kind: str, number: int) -> None:
    """A token that nobody knows, a missing permission, what is not there; the token is in none of them."""

    async def refused(act: Awaitable[object]) -> tuple[str, str]:
        with pytest.raises(SignInError) as raised:
            await act
        assert TOKEN not in f"{raised.value} {raised.value.hint} {raised.value.__cause__}"
        return str(raised.value), raised.value.hint

    said, hint = await refused(forge.change_request(4711))
    assert said == f"{NAMES[kind]} does not find what is needed to {MISSING[kind][0]}"
    assert hint.startswith(MISSING[kind][1])
    hub.world.add_token(TOKEN, permissions={"pull-requests": READ, "contents": READ})
    said, hint = await refused(forge.add_comment(number, "a"))
    assert (said, hint.startswith(FORBIDDEN[kind][1])) == (FORBIDDEN[kind][0], True)
    hub.world.tokens.clear()
    said, hint = await refused(forge.default_branch())
    assert (said, hint.startswith(NOT_KNOWN[kind][1])) == (NOT_KNOWN[kind][0], True)


async def test_another_refusal_has_its_status(hub: Bench, forge: Forge, kind: str) -> None:
    """In the forge's own words, bounded."""
    hub.world.scripted.append(Scripted("/", 400, body={"message": "is too long" * 100}))
    with pytest.raises(RolloutError, match=rf"^{NAMES[kind]} refused to .* \(HTTP 400\): .*is too long") as raised:
        await forge.set_status("a" * 40, Status(context="x/y", state=State.SUCCESS, description="z"))
    assert len(str(raised.value)) < 600


async def test_limits_are_waited_for_within_reason(hub: Bench, forge: Forge, kind: str, clock: Clock) -> None:
    """As long as `Retry-After` says, longer each time where nothing answers; two minutes at most."""
    hub.world.scripted += [Scripted("/", 429, {"Retry-After": "7"}), Scripted("/", 503)]
    assert await forge.default_branch() == "main"
    assert clock.slept == [7.0, 2.0]
    hub.world.scripted.append(Scripted("/", 429, {"Retry-After": "600"}))
    with pytest.raises(Retryable, match=f"{NAMES[kind]}'s rate limit does not let us read the") as raised:
        await forge.default_branch()
    assert (raised.value.after, clock.slept) == (600.0, [7.0, 2.0])
    hub.world.scripted += [Scripted("/", 503)] * 5
    with pytest.raises(Retryable, match=f"{NAMES[kind]} could not read the .*: HTTP 503"):
        await forge.default_branch()
    assert clock.slept[2:] == [1.0, 2.0, 4.0, 8.0]


async def test_what_may_have_been_done_is_not_done_twice(
    hub: Bench, forge: Forge, kind: str, clock: Clock, number: int
) -> None:
    """A new comment whose answer got lost: no second one; the next run finds it by its marker."""
    await forge.comments(number)
    hub.world.scripted.append(Scripted("/", 502))
    with pytest.raises(Retryable, match=f"{NAMES[kind]} could not write a comment: HTTP 502"):
        await forge.add_comment(number, "a")
    assert (clock.slept, hub.repo.comments) == ([], {})


async def test_nobody_answers(kind: str, clock: Clock) -> None:
    """A closed port is a sentence."""
    _, dialect, client = CLIENTS[kind]
    async with aiohttp.ClientSession() as session:
        wire = Wire(session, "http://127.0.0.1:9", TOKEN, dialect=dialect, sleep=clock.sleep, clock=lambda: clock.now)
        with pytest.raises(Retryable, match=f"{NAMES[kind]} could not read the .*: no answer"):
            await client(wire, NAME).default_branch()
