"""What all members of a fleet would still do: their change sets, one digest over them, and what is to be approved."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from rollout.cli import ending, exits
from rollout.cli.approving import TOOL
from rollout.cli.authors import with_authors
from rollout.cli.fleet_desk import AT_ONCE, Desk, Sight
from rollout.cli.session import report_on
from rollout.core.approval import Approved, as_part
from rollout.core.change_set import LIFETIME
from rollout.core.fleet import FleetDecision, WaveState
from rollout.core.fleet_approval import ApprovedFleet, approved_fleet, delays, digest_of
from rollout.render.document import Document
from rollout.render.from_report import document
from rollout.render.report import Report


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """The change sets by member, the exit codes of looking at them, and one digest. `approval` is None where a member
    could not be looked at: nobody can approve what nobody knows."""

    change_sets: Mapping[str, Document]
    codes: tuple[int, ...]
    digest: str
    approval: ApprovedFleet | None = None


def reports_of(at: Desk, sights: Mapping[str, Sight], lifetime: float = LIFETIME) -> dict[str, Report]:
    """What each member that could be looked at would still do. `lifetime`: seconds for which it may be begun."""
    return {
        name: report_on(at.session(name), sight.loaded, sight.seen, at.allowed, lifetime)
        for name, sight in sights.items()
        if sight.seen is not None and sight.loaded is not None
    }


async def with_all_authors(at: Desk, reports: Mapping[str, Report]) -> dict[str, Report]:
    """The same with who made each member's drift: one read for each resource that has drifted, a few at a time."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def told(name: str, report: Report) -> tuple[str, Report]:
        async with turns:
            return name, await with_authors(report, at.session(name).activity)

    return dict(await asyncio.gather(*(told(name, report) for name, report in reports.items())))


def changes_of(
    at: Desk,
    sights: Mapping[str, Sight],
    decision: FleetDecision,
    reports: Mapping[str, Report],
    lifetime: float = LIFETIME,
) -> Changes:
    """The reports as one value. `lifetime`: as they were made with."""
    found: dict[str, Document] = {}
    codes = [exits.ERROR] * (len(sights) - len(reports))
    for name, report in reports.items():
        code = ending.of_look(report.changes, detailed=True)
        codes.append(code)
        found[name] = document(msgspec.structs.replace(report, command="diff", exit_code=code))
    digest = digest_of(at.fleet.plan, {name: change_set.digest for name, change_set in found.items()})
    changes = Changes(change_sets=found, codes=tuple(codes), digest=digest)
    members = _approvals(at, found, decision)
    if len(members) < len(sights):
        return changes
    end = max(sight.seen.now for sight in sights.values() if sight.seen is not None) + timedelta(seconds=lifetime)
    approval = approved_fleet(
        at.fleet.plan,
        members,
        digest=digest,
        file=str(at.fleet.path),
        overlays=_overlays(found),
        valid_until=end,
        tool=TOOL,
    )
    told = {name: msgspec.structs.replace(one, approval=members[name]) for name, one in found.items()}
    return msgspec.structs.replace(changes, change_sets=told, approval=approval)


def _approvals(at: Desk, found: Mapping[str, Document], decision: FleetDecision) -> dict[str, Approved]:
    """What is to be approved of each member: as of its plan alone, until its wave has had its turn."""
    given = {name: one.approval for name, one in found.items() if one.approval is not None}
    waits = {
        name: (one.carry_until - one.valid_until).total_seconds() for name, one in given.items() if found[name].actions
    }
    complete = {view.name for view in decision.waves if view.state is WaveState.COMPLETE}
    later = delays(at.fleet.plan, waits, complete)
    waves = {name: wave.name for wave in at.fleet.plan.waves for name in wave.members}
    return {name: as_part(one, str(at.fleet.path), later[waves[name]]) for name, one in given.items()}


def _overlays(found: Mapping[str, Document]) -> dict[str, str]:
    """By the file of a plan, the overlay that the command line asked for."""
    given = (one.approval for one in found.values())
    return {one.file: one.overlay for one in given if one is not None and one.overlay}
