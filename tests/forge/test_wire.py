"""Limits are waited for within reason; every refusal is a sentence with its remedy."""

from __future__ import annotations

from dataclasses import replace

import aiohttp
import pytest

from rollout.errors import Retryable, RolloutError, SignInError
from rollout.forge.github import GitHub
from rollout.forge.port import Draft
from rollout.forge.wire import Wire
from tests.forge.conftest import Clock
from tests.github.bench import NAME, TOKEN, Bench
from tests.github.world import Scripted

SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}


def busy(status: int, body: object = None, **headers: str) -> Scripted:
    """What the next request for the repository is answered."""
    return Scripted(f"/repos/{NAME}", status, {name.replace("_", "-"): text for name, text in headers.items()}, body)


@pytest.mark.parametrize(
    ("scripted", "slept"),
    [
        (busy(429, retry_after="7"), [7.0]),
        (busy(403, SECONDARY, retry_after="30"), [30.0]),
        (busy(403, SECONDARY), [60.0]),
        (
            busy(403, {"message": "API rate limit exceeded"}, x_ratelimit_remaining="0", x_ratelimit_reset="1000041"),
            [42.0],
        ),
        (busy(502), [1.0]),
    ],
)
async def test_a_limit_is_waited_for(
    hub: Bench, forge: GitHub, clock: Clock, scripted: Scripted, slept: list[float]
) -> None:
    """As long as GitHub asks, and then the request is sent again."""
    hub.world.scripted.append(replace(scripted))
    assert await forge.default_branch() == "main"
    assert clock.slept == slept


async def test_nobody_waits_for_an_hour(hub: Bench, forge: GitHub, clock: Clock) -> None:
    """The primary limit of a busy repository: said, with the time, and not waited for."""
    hub.world.scripted.append(busy(403, {"message": "limit"}, x_ratelimit_remaining="0", x_ratelimit_reset="1003000"))
    with pytest.raises(Retryable) as raised:
        await forge.default_branch()
    assert str(raised.value) == "GitHub's rate limit does not let us read the repository for another 3001 s"
    assert (raised.value.after, clock.slept) == (3001.0, [])


async def test_it_gives_up(hub: Bench, forge: GitHub, clock: Clock) -> None:
    """Five attempts, each pause twice as long."""
    hub.world.scripted += [busy(503)] * 5
    with pytest.raises(Retryable, match="GitHub could not read the repository: HTTP 503"):
        await forge.default_branch()
    assert clock.slept == [1.0, 2.0, 4.0, 8.0]


async def test_what_may_have_been_done_is_not_done_twice(hub: Bench, forge: GitHub, clock: Clock) -> None:
    """A new issue whose answer got lost: no second one; the next run finds it by its marker."""
    hub.world.scripted.append(busy(502))
    with pytest.raises(Retryable, match="GitHub could not open an issue: HTTP 502"):
        await forge.open_issue(Draft(title="drift", body=""), "rollout-drift")
    assert clock.slept == []


async def test_nobody_answers(clock: Clock) -> None:
    """A closed port is a sentence."""
    async with aiohttp.ClientSession() as session:
        wire = Wire(session, "http://127.0.0.1:9", TOKEN, sleep=clock.sleep, clock=lambda: clock.now)
        with pytest.raises(Retryable, match="GitHub could not read the repository: no answer"):
            await GitHub(wire, NAME).default_branch()


async def test_a_renamed_repository_is_followed(hub: Bench, forge: GitHub) -> None:
    """On the same host only: the token goes with it."""
    moved = hub.world.add_repo("acme/renamed")
    moved.default_branch = "trunk"
    hub.world.scripted.append(busy(301, location=f"{hub.world.url}/repos/acme/renamed"))
    assert await forge.default_branch() == "trunk"
    hub.world.scripted.append(busy(301, location="http://127.0.0.1:9/repos/acme/renamed"))
    with pytest.raises(RolloutError, match="GitHub refused to read the repository \\(HTTP 301\\)"):
        await forge.default_branch()


async def refused(hub: Bench, forge: GitHub, **settings: object) -> tuple[str, str]:
    """Message and hint of opening a pull request with a token like that."""
    hub.world.add_token(TOKEN, **settings)
    hub.commit("x", "other", x="1")
    with pytest.raises(RolloutError) as raised:
        await forge.open_change_request(Draft(title="t", body="b"), "other", "main")
    assert TOKEN not in f"{raised.value} {raised.value.hint}"
    return str(raised.value), raised.value.hint


async def test_a_missing_permission_names_it(hub: Bench, forge: GitHub) -> None:
    """As GitHub itself says what it would accept."""
    assert await refused(hub, forge, permissions={"contents": "read"}) == (
        "the token may not open a pull request: Resource not accessible by integration",
        "the job needs `permissions: pull-requests: write`; a pull request from a fork never gets it",
    )


async def test_the_setting_that_forbids_pull_requests_is_named(hub: Bench, forge: GitHub) -> None:
    """It is in the repository's settings, and a patch needs none of it."""
    said, hint = await refused(hub, forge, opens_pulls=False)
    assert said == (
        "the token may not open a pull request: GitHub Actions is not permitted to create or approve pull requests."
    )
    assert hint == (
        "Settings › Actions › General › allow GitHub Actions to create and approve pull requests; "
        "or give the token of a GitHub App. `rollout publish revert --patch FILE` needs neither"
    )


async def test_a_token_that_ended(hub: Bench, forge: GitHub) -> None:
    """401."""
    hub.world.tokens.clear()
    with pytest.raises(SignInError, match="GitHub does not accept the token: Bad credentials"):
        await forge.default_branch()


async def test_what_is_not_there(forge: GitHub) -> None:
    """404 may also be a missing permission."""
    with pytest.raises(SignInError) as raised:
        await forge.comments(99)
    assert str(raised.value) == (
        "GitHub does not find what is needed to read comments (GET /repos/acme/models/issues/99/comments)"
    )


async def test_a_text_that_is_too_long_is_said(hub: Bench, forge: GitHub) -> None:
    """422 with GitHub's own detail."""
    hub.commit("x", "other", x="1")
    number = hub.pull("other", "t")
    with pytest.raises(RolloutError) as raised:
        await forge.add_comment(number, "x" * 65_537)
    assert str(raised.value) == (
        "GitHub refused to write a comment (HTTP 422): "
        "Validation Failed (body is too long (maximum is 65536 characters))"
    )


async def test_disabled_issues(hub: Bench, forge: GitHub) -> None:
    """410."""
    hub.repo.issues_enabled = False
    with pytest.raises(RolloutError) as raised:
        await forge.open_issues("rollout-drift")
    assert raised.value.hint == "issues are disabled in this repository"


async def test_single_sign_on(hub: Bench, forge: GitHub) -> None:
    """An organisation's own wish, with its address."""
    hub.world.scripted.append(busy(403, {"message": "SSO"}, x_github_sso="required; url=https://github.com/orgs/a/sso"))
    with pytest.raises(SignInError) as raised:
        await forge.default_branch()
    assert raised.value.hint.endswith("for single sign-on: https://github.com/orgs/a/sso")


async def test_no_page_of_another_host_is_read(hub: Bench, forge: GitHub) -> None:
    """The token would go there."""
    number = hub.pull("main", "t")
    elsewhere = {"link": '<http://127.0.0.1:9/comments?page=2>; rel="next"'}
    hub.world.scripted.append(Scripted("/comments", 200, elsewhere, []))
    assert await forge.comments(number) == []
