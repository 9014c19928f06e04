"""The pull request that takes a release back."""

from __future__ import annotations

from rollout.forge.change_requests import propose
from rollout.forge.github import GitHub
from rollout.forge.marker import Marker
from rollout.forge.port import Draft
from rollout.forge.sticky import Deed
from tests.github.bench import Bench

MARKER = Marker(kind="revert", plan="house-prices")
BRANCH = "rollout/revert/house-prices-1b73eb2ecf"


async def test_once_for_each_branch(hub: Bench, forge: GitHub) -> None:
    """Opened, then kept current."""
    hub.commit("back", BRANCH, a="1")
    texts = [Draft(title="Take it back", body=body) for body in ("why", "why", "why and more")]
    assert [(await propose(forge, MARKER, text, BRANCH)).deed for text in texts] == [
        Deed.CREATED,
        Deed.UNCHANGED,
        Deed.EDITED,
    ]
    (made,) = hub.repo.pulls()
    assert (made["title"], made["base"]["ref"], made["head"]["ref"]) == ("Take it back", "main", BRANCH)
    assert made["body"].endswith("why and more")


async def test_what_a_person_closed_stays_closed(hub: Bench, forge: GitHub) -> None:
    """They decided otherwise."""
    hub.commit("back", BRANCH, a="1")
    await propose(forge, MARKER, Draft(title="t", body="b"), BRANCH)
    hub.repo.pulls()[0]["state"] = "closed"
    assert (await propose(forge, MARKER, Draft(title="t", body="c"), BRANCH)).deed is Deed.UNCHANGED
    assert len(hub.repo.pulls()) == 1


async def test_approvals_are_the_last_word_of_each(hub: Bench, forge: GitHub) -> None:
    """A comment takes no approval back, a request for changes does."""
    hub.commit("x", "release", a="1")
    number = hub.pull("release", "Release")
    said = [("bob", "APPROVED"), ("bob", "COMMENTED"), ("eve", "APPROVED"), ("eve", "CHANGES_REQUESTED")]
    hub.repo.reviews[number] = [{"user": {"login": who}, "state": state} for who, state in said]
    assert (await forge.change_request(number)).approved_by == ("bob",)


async def test_a_commit_finds_its_pull_request(hub: Bench, forge: GitHub) -> None:
    """By the merge commit, and by the head of a branch."""
    head = hub.commit("x", "release", a="1")
    number = hub.pull("release", "Release")
    merge = hub.repo.merge(number)
    found = [[pull.number for pull in await forge.change_requests_of(commit)] for commit in (head, merge)]
    assert found == [[number], [number]]
    assert await forge.change_requests_of(hub.repo.git("rev-parse", "main^")) == []
