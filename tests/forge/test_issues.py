"""One issue for each plan that drifts: opened once, kept current, closed when it is over."""

from __future__ import annotations

from rollout.forge.github import GitHub
from rollout.forge.issues import LABEL, Concern, keep
from rollout.forge.marker import Marker
from rollout.forge.port import Draft
from rollout.forge.sticky import Deed
from tests.github.bench import Bench

MARKER = Marker(kind="drift", plan="house-prices", environment="prod")


def concern(body: str = "", over: str = "It is gone.") -> Concern:
    """Drift with that body; none without."""
    draft = Draft(title="Drift: house-prices (prod)", body=body) if body else None
    return Concern(marker=MARKER, draft=draft, over=over)


async def test_a_whole_life(hub: Bench, forge: GitHub) -> None:
    """Opened, left alone while nothing changes, edited, closed with a reason, and opened anew for new drift."""
    lives = [concern("a"), concern("a"), concern("b"), concern(), concern(), concern("c")]
    deeds = [[each.deed for each in await keep(forge, [life])] for life in lives]
    assert deeds == [[Deed.CREATED], [Deed.UNCHANGED], [Deed.EDITED], [Deed.CLOSED], [], [Deed.CREATED]]
    first, second = hub.repo.issues()
    assert (first["state"], first["state_reason"], second["state"]) == ("closed", "completed", "open")
    assert [comment["body"] for comment in hub.repo.comments.values()] == ["It is gone."]


async def test_it_is_found_without_its_label(hub: Bench, forge: GitHub) -> None:
    """Somebody took the label off."""
    await keep(forge, [concern("a")])
    hub.repo.issues()[0]["labels"] = []
    assert [each.deed for each in await keep(forge, [concern("a")])] == [Deed.UNCHANGED]


async def test_a_double_is_closed(hub: Bench, forge: GitHub) -> None:
    """Two jobs opened one each: the older stays."""
    await keep(forge, [concern("a")])
    other = hub.repo.issues()[0]
    await forge.open_issue(Draft(title=other["title"], body=other["body"]), LABEL)
    assert [each.deed for each in await keep(forge, [concern("a")])] == [Deed.UNCHANGED, Deed.CLOSED]
    assert [found["state"] for found in hub.repo.issues()] == ["open", "closed"]


async def test_other_peoples_issues_and_pull_requests_are_left_alone(hub: Bench, forge: GitHub) -> None:
    """Even with our label and our marker."""
    await keep(forge, [concern("a")])
    hub.repo.issues()[0]["user"] = {"login": "mallory"}
    assert [each.deed for each in await keep(forge, [concern()])] == []
    assert hub.repo.issues()[0]["state"] == "open"
