"""The comment about each plan, below the pull request that its change came with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from rollout.cli.publish_life import ends, station, station_line, told_of
from rollout.cli.publishing import About, Asked, footer
from rollout.cli.released import fleet_commit, place_of, release_commit
from rollout.errors import RolloutError
from rollout.forge.marker import ROOM, Marker
from rollout.forge.port import ChangeRequest, Forge
from rollout.forge.sticky import Done, Note, outdate, say
from rollout.render.document import Failure
from rollout.render.life import Life, Standing
from rollout.render.markdown import markdown

_LINE_ROOM = 4_000
"""Bytes for the life-cycle line and the footer."""


async def comments(forge: Forge, wish: Asked, number: int | None, *, prune: bool) -> Sequence[Done]:
    """Bring the comments up to date, on one listing of each pull request."""
    by_request: dict[int, list[About]] = defaultdict(list)
    requests: dict[int, ChangeRequest] = {}
    for one in wish.each:
        request = await request_of(forge, wish, one, number)
        if request is not None:
            requests[request.number] = request
            by_request[request.number].append(one)
    done: list[Done] = []
    for found, abouts in by_request.items():
        notes = [note_of(forge, wish, one, standing_of(requests[found])) for one in abouts]
        done += await say(forge, found, notes)
    known = number or wish.job.number
    for found in sorted({*by_request, *([known] if known else [])} if prune else ()):
        done += await outdate(forge, found, wish.environment, [one.name for one in by_request[found]])
    return done


async def request_of(
    forge: Forge, wish: Asked, one: About, number: int | None = None, commit: str = ""
) -> ChangeRequest | None:
    """The pull request that a plan is told about on; None for a plan that came without one.

    It is the one asked for, the event's, or the one that brought the commit: the one asked for, else that which the
    candidate comes from.
    """
    known = number or wish.job.number
    if known is not None:
        return await forge.change_request(known)
    brought = commit or _commit(one, wish.environment) or wish.job.commit
    found = await forge.change_requests_of(brought) if brought else ()
    counting = [request for request in found if request.merged or request.open]
    return await forge.change_request(counting[0].number) if counting else None


def standing_of(request: ChangeRequest | None) -> Standing:
    """What the forge knows of the change."""
    if request is None:
        return Standing(merged=True)
    return Standing(merged=request.merged, approved_by=request.approved_by)


def note_of(forge: Forge, wish: Asked, one: About, standing: Standing) -> Note:
    """The comment's marker and body, within the forge's limit."""
    told = told_of(one)
    digest = "" if isinstance(told, Failure) else told.digest
    marker = Marker(kind="comment", plan=one.name, environment=wish.environment, digest=digest)
    below = footer(wish) if ends(one) else ""
    room = forge.limits.body - ROOM - _LINE_ROOM
    body = markdown(told, room) + below
    line = station_line(one, standing)
    over = station(one, standing) in (Life.NOTHING, Life.DONE)
    return Note(marker=marker, body=f"{line}\n\n{body}" if line else body, settled=over)


def _commit(one: About, environment: str) -> str:
    """The commit that the candidate comes from, as far as the checkout tells."""
    try:
        if one.fleet is not None:
            return fleet_commit(Path(one.file), environment)
        return release_commit(place_of(Path(one.file), environment)) if one.file else ""
    except RolloutError:
        return ""
