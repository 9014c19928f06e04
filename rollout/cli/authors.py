"""Since when, and by whom: drift with what the activity log tells about it, where it may be read."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from rollout.core.differences import Difference
from rollout.core.moves import last_foreign, our_writes
from rollout.core.observed import Observation
from rollout.errors import RolloutError
from rollout.ports import ActivityLog
from rollout.render.report import Report

_LOOK_BACK: Final = timedelta(days=30)


async def with_authors(report: Report, log: ActivityLog) -> Report:
    """The report with the author of each drifted field; one read for each resource that has drifted. Without the
    permission, or where the log does not say, it stays unknown: that is no failure."""
    changes = report.changes
    if not changes.drift:
        return report
    try:
        found = tuple([await _told(one, report.observation, log) for one in changes.drift])
    except RolloutError as error:
        note = f"who made the drift is not known: {error}"
        decision = msgspec.structs.replace(changes.decision, notes=(*changes.decision.notes, note))
        return msgspec.structs.replace(report, changes=msgspec.structs.replace(changes, decision=decision))
    return msgspec.structs.replace(report, changes=msgspec.structs.replace(changes, drift=found))


async def _told(drift: Difference, seen: Observation, log: ActivityLog) -> Difference:
    endpoint = seen.endpoint
    if endpoint is None:
        return drift
    resource = endpoint.id if drift.target == "endpoint" else f"{endpoint.id}/deployments/{drift.target}"
    moves = await log.moves(resource, seen.now - _LOOK_BACK)
    move = last_foreign(moves, our_writes(endpoint))
    return drift if move is None else msgspec.structs.replace(drift, since=move.at, by=move.who)
