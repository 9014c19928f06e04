"""One issue for each plan and environment that drifts: opened once, kept current, closed when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from rollout.forge.marker import Marker, marked, marker_of, same
from rollout.forge.port import Draft, Forge, Issue
from rollout.forge.sticky import Deed, Done

LABEL: Final = "rollout-drift"


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """What is the matter with one plan; `draft` is None where nothing is, and `over` says so in the closing comment."""

    marker: Marker
    draft: Draft | None
    over: str = ""


async def keep(forge: Forge, concerns: Sequence[Concern]) -> list[Done]:
    """Bring the issues up to date; one listing, then at most one write for each (two to close)."""
    there = [(issue, marker) for issue in await forge.open_issues(LABEL) if (marker := marker_of(issue.body))]
    done = []
    for concern in concerns:
        found = [issue for issue, marker in there if issue.mine and marker.key == concern.marker.key]
        done += await _one(forge, concern, sorted(found, key=lambda issue: issue.number))
    return done


async def _one(forge: Forge, concern: Concern, found: Sequence[Issue]) -> list[Done]:
    if concern.draft is None:
        return [await _close(forge, issue, concern.over) for issue in found]
    wanted = msgspec.structs.replace(concern.draft, body=marked(concern.marker, concern.draft.body))
    if not found:
        opened = await forge.open_issue(wanted, LABEL)
        return [Done(deed=Deed.CREATED, what=f"issue #{opened.number}", url=opened.url)]
    first, *doubles = found
    done = [await _close(forge, issue, f"The same as #{first.number}.") for issue in doubles]
    if first.title == wanted.title and same(first.body, wanted.body):
        return [Done(deed=Deed.UNCHANGED, what=f"issue #{first.number}", url=first.url), *done]
    await forge.edit_issue(first, wanted)
    return [Done(deed=Deed.EDITED, what=f"issue #{first.number}", url=first.url), *done]


async def _close(forge: Forge, issue: Issue, comment: str) -> Done:
    await forge.close_issue(issue, comment)
    return Done(deed=Deed.CLOSED, what=f"issue #{issue.number}", url=issue.url)
