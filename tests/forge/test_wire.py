"""Limits are waited for within reason; every refusal is a sentence with its remedy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.errors import Retryable, RolloutError, SignInError
from rollout.forge.github import GitHub
from rollout.forge.port import Draft
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
