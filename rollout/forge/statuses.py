"""Commit statuses that say something new: those that stand there already are not posted again."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from rollout.forge.port import Forge, Limits, Status
from rollout.forge.sticky import Deed, Done


async def post(forge: Forge, commit: str, wanted: Iterable[Status], number: int | None = None) -> list[Done]:
    """Post what differs; a commit takes a thousand statuses of a context and then no more.

    `number`: the open change request whose newest commit it is.
    """
    there = {status.context: status for status in await forge.statuses(commit, number)}
    done = []
    for status in (fitted(each, forge.limits) for each in wanted):
        what = f"the status {status.context} of {commit[:12]}"
        if _says(there.get(status.context)) == _says(status):
            done.append(Done(deed=Deed.UNCHANGED, what=what, url=status.url))
            continue
        await forge.set_status(commit, status, number)
        deed = Deed.EDITED if status.context in there else Deed.CREATED
        done.append(Done(deed=deed, what=what, url=status.url))
    return done


def _says(status: Status | None) -> tuple[str, str] | None:
    """What people read; the link alone is no news, for every run has another."""
    return (status.state.value, status.description) if status else None


def fitted(status: Status, limits: Limits) -> Status:
    """The same within the forge's limits."""
    return msgspec.structs.replace(
        status,
        context=_cut(status.context, limits.context),
        description=_cut(status.description, limits.description),
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
