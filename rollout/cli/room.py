"""Is there room? Asked before the first create or scale of a run, and by `rollout diff`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from rollout.core import capacity
from rollout.core.change_set import change_set
from rollout.core.hazards import NOTHING, Hazard, canonical, weighed
from rollout.core.observed import Observation
from rollout.core.release import Release
from rollout.errors import Refused, RolloutError, SignedOut, SignInError
from rollout.ports import Quota
from rollout.render.report import Report

Prove = Callable[[Observation], Awaitable[None]]


def prover(release: Release, quota: Quota, allowed: frozenset[str]) -> Prove:
    """What the loop asks before it creates anything. Raises Refused where there is no room, or none can be proven."""

    allowed = canonical((*allowed, *release.allow_hazards))

    async def prove(seen: Observation) -> None:
        wanted = capacity.need(change_set(release, seen, allowed).actions, seen.endpoint)
        if not wanted or capacity.UNPROVEN in allowed:
            return
        try:
            usages = await quota.usages(_location(seen))
        except SignedOut:
            raise
        except SignInError as error:
            raise Refused(
                f"capacity cannot be proven: {error}",
                hint=f"rollout doctor says which permission is missing; or --allow-hazard {capacity.UNPROVEN}",
            ) from error
        capacity.prove(wanted, usages, allowed)

    return prove


async def with_capacity(report: Report, quota: Quota, allowed: frozenset[str]) -> Report:
    """The report with a line on capacity, where anything would be created; two reads at most."""
    wanted = capacity.need(report.changes.actions, report.observation.endpoint)
    if not wanted:
        return report
    risk = True
    try:
        usages = await quota.usages(_location(report.observation))
        short = capacity.shortage(wanted, usages)
        risk, note = bool(short), capacity.line(wanted, usages)
        if short:
            note = f"capacity is missing: {'; '.join(short)}"
    except RolloutError as error:
        note = f"capacity cannot be proven: {error}"
    changes = report.changes
    decision = msgspec.structs.replace(changes.decision, notes=(*changes.decision.notes, note))
    if risk:
        named = canonical((*allowed, *report.release.allow_hazards))
        found = Hazard(name=capacity.UNPROVEN, target=report.release.endpoint.name, why=note)
        changes = msgspec.structs.replace(changes, hazards=(*changes.hazards, *weighed((found,), named, NOTHING)))
    return msgspec.structs.replace(report, changes=msgspec.structs.replace(changes, decision=decision))


def _location(seen: Observation) -> str:
    return seen.endpoint.location if seen.endpoint else ""
