"""One comment for each plan and environment: found again by its marker, edited only when it says something else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from rollout.forge.marker import Marker, marked, marker_of, same
from rollout.forge.port import Comment, Forge

GONE: Final = "Outdated: this change request does not touch the plan any more."


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What a comment shall say, and whose it is. `settled`: nobody needs to look at it any more."""

    marker: Marker
    body: str
    settled: bool = False


class Deed(StrEnum):
    """What was done with a text."""

    CREATED = "created"
    EDITED = "edited"
    UNCHANGED = "unchanged"
    OUTDATED = "outdated"
    CLOSED = "closed"


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, to what, and where it is."""

    deed: Deed
    what: str
    url: str = ""


async def say(forge: Forge, number: int, notes: Sequence[Note]) -> list[Done]:
    """Bring our comments of a change request up to date; one listing, then at most one write for each.

    Of two comments with the same marker (two jobs at once) the older stays.
    """
    mine = [(comment, marker) for comment in await forge.comments(number) if (marker := _live(comment)) is not None]
    return [await _one(forge, number, note, [c for c, m in mine if m.key == note.marker.key]) for note in notes]


async def outdate(forge: Forge, number: int, environment: str, kept: Iterable[str]) -> list[Done]:
    """Fold the comments of an environment about all plans but those that are `kept`."""
    plans = set(kept)
    done = []
    for comment in await forge.comments(number):
        marker = _live(comment)
        if marker is not None and marker.environment == environment and marker.plan not in plans:
            done.append(await _outdate(forge, comment, marker))
    return done


def _live(comment: Comment) -> Marker | None:
    """The marker of a comment that is ours and still counts. Anybody can copy a marker, nobody can copy an author."""
    marker = marker_of(comment.body) if comment.mine else None
    return marker if marker is not None and marker.kind == "comment" and not marker.outdated else None


async def _one(forge: Forge, number: int, note: Note, found: Sequence[Comment]) -> Done:
    body = marked(note.marker, note.body)
    for double in found[1:]:
        await _outdate(forge, double, note.marker)
    what = f"the comment about {note.marker.plan} on #{number}"
    if not found:
        made = await forge.add_comment(number, body)
        await _settle(forge, made, settled=note.settled)
        return Done(deed=Deed.CREATED, what=what, url=made.url)
    there = found[0]
    if same(there.body, body):
        await _settle(forge, there, settled=note.settled or bool(there.settled))
        return Done(deed=Deed.UNCHANGED, what=what, url=there.url)
    await forge.edit_comment(there, body)
    await _settle(forge, there, settled=note.settled)
    return Done(deed=Deed.EDITED, what=what, url=there.url)


async def _settle(forge: Forge, comment: Comment, *, settled: bool) -> None:
    """Resolved when nobody needs to look any more, open again when it says something new; else as people left it."""
    if comment.settled is not None and comment.settled != settled:
        await forge.settle_comment(comment, settled=settled)


async def _outdate(forge: Forge, comment: Comment, marker: Marker) -> Done:
    """First the text (so that it is never taken for a live one again), then the fold, which may be refused."""
    await forge.edit_comment(comment, marked(msgspec.structs.replace(marker, outdated=True), GONE))
    await forge.fold_comment(comment)
    return Done(deed=Deed.OUTDATED, what=f"the comment about {marker.plan}", url=comment.url)
