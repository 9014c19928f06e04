"""Fleets in a queue: one job decides who may start, each member has a job of its own under its endpoint's lock.

The fleet's job only looks, and lets members start. Who was let start goes on by itself, as a plan's job does, until its
goal is promoted: its candidate has traffic. Another goal ends it, and the fleet decides anew. Nothing is remembered
but the jobs: who has one takes a place in its wave, whatever is there of it yet.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

from rollout.cli import exits, options, passes
from rollout.cli.context import actor
from rollout.cli.fleet_approving import SavedFleet, as_approved, must_still_fit
from rollout.cli.fleet_backs import give_back, take_back
from rollout.cli.fleet_desk import Desk, Fleet, Sight, desk, read
from rollout.cli.fleet_run import Ended, standing_code
from rollout.cli.passes import Visit, Wish
from rollout.cli.queued import Checkout, end_of
from rollout.cli.session import Doors
from rollout.core.fleet import FleetDecision, FleetStatus, Standing
from rollout.errors import RolloutError, Unapproved
from rollout.render.document import Pass
from rollout.store.jobs import End, PassJob

_SOONEST: Final = 1.0
_WAITS: Final = ("wait", "act")
Deed = Literal["pass", "give_back", "take_back"]


async def decided(job: PassJob, jobs: frozenset[tuple[str, str, str]], *, plans: Checkout, doors: Doors) -> End:
    """A fleet's pass: who may start or must go on or back gets a job. `jobs`: the members that have one, with its goal
    and the approval that it is under; one for others than the present ones is replaced, or ends by itself. Raises
    Unapproved where something else would be done than was approved."""
    saved = _saved(job, plans)
    fleet = as_approved(saved, job.target or None) if saved else _read(job, plans)
    at_work = frozenset(
        name for name, loaded in fleet.members.items() if (name, loaded.release.goal, job.under) in jobs
    )
    given, allowed = (saved.members, plans.allowed | saved.allowed) if saved else (None, plans.allowed)
    async with desk(fleet, allowed, doors, given) as at:
        seen = await at.look(at.fleet.members)
        if saved is not None:
            must_still_fit(at, saved, seen)
        sights = {name: _under_way(sight) if name in at_work else sight for name, sight in seen.items()}
        decision = await at.decided(sights)
        now = max(sight.seen.now for sight in sights.values() if sight.seen is not None)
    code = standing_code(Ended(decision=decision, sights=sights), detailed=False)
    _must_know_its_approval(job, decision)
    if plans.only_begun and saved is None and not at.may_go_on(sights):
        reason = "not begun; only apply begins it, when it is approved"
        return End(exit_code=exits.OK, status="held back", reason=reason, pause=plans.every)
    until = (decision.next_after - now).total_seconds() if decision.next_after else plans.every
    return End(
        exit_code=code,
        status=decision.status.value,
        reason=decision.reason,
        next_after=decision.next_after,
        pause=max(min(until, plans.every), _SOONEST),
        beside=tuple(_jobs(job, at.fleet, decision, at_work)),
        fulfilled=decision.status is FleetStatus.DONE,
    )


def _read(job: PassJob, plans: Checkout) -> Fleet:
    """The fleet, with the overlays and the provenance of what it is done under."""
    overlays = plans.overlays(job)

    def overlay_for(plan: Path) -> Path | None:
        return overlays.get(plan.resolve()) or options.overlay_for(plan)

    return read(plans.path(job.plan), job.target or None, overlay_for, job.under.partition(".")[0])


def _saved(job: PassJob, plans: Checkout) -> SavedFleet | None:
    """What was approved of the fleet, as if it lay in a file; None: nothing was."""
    if job.given is None:
        return None
    given, file, overlays = job.given, plans.path(job.plan), plans.overlays(job)
    return SavedFleet(approved=given.approved, members=given.members, file=file, overlays=overlays)


def _must_know_its_approval(job: PassJob, decision: FleetDecision) -> None:
    """Raise Unapproved where somebody would be let start by a job that came of an approval and does not hold it: the
    job that did was lost."""
    if job.under and job.given is None and decision.start:
        raise Unapproved(
            f"what was approved as {job.under.partition('.')[0]} is in no job any more",
            hint="queue it again: rollout queue add FLEET --expect FILE",
        )


def _begun(sight: Sight) -> bool:
    return sight.member.begun or sight.member.standing is not Standing.PENDING


def _under_way(sight: Sight) -> Sight:
    """Who has a job takes its place in the wave, also where nothing of its goal is there yet."""
    if sight.member.standing is not Standing.PENDING:
        return sight
    member = msgspec.structs.replace(sight.member, standing=Standing.IN_FLIGHT, begun=True)
    return msgspec.structs.replace(sight, member=member)


def _jobs(job: PassJob, fleet: Fleet, decision: FleetDecision, at_work: frozenset[str]) -> Iterator[PassJob]:
    deeds: dict[str, Deed] = dict.fromkeys(decision.take_back, "take_back")
    deeds |= dict.fromkeys(decision.give_back, "give_back")
    deeds |= dict.fromkeys((*decision.start, *decision.advance), "pass")
    for name, deed in deeds.items():
        if name not in at_work:
            yield PassJob(
                format=job.format,
                kind="member",
                plan=job.plan,
                endpoint=_endpoint(fleet, name),
                target=job.target,
                member=name,
                deed=deed,
                goal=fleet.members[name].release.goal,
                approved=job.given.members[name] if job.given and deed == "pass" else None,
                under=job.under,
                overlays=job.overlays,
            )


def _endpoint(fleet: Fleet, name: str) -> str:
    return fleet.places[name].target.paths.endpoint(fleet.members[name].release.endpoint.name)


async def carried(job: PassJob, *, plans: Checkout, doors: Doors) -> End:
    """One deed for a member, as long as it is what the fleet has asked for; then the fleet decides anew."""
    fleet = _read(job, plans)
    whole = plans.fleet_job(plans.path(job.plan), job.target)
    back = (msgspec.structs.replace(whole, format=job.format, under=job.under, overlays=job.overlays),)
    if why := _overtaken(job, fleet):
        return End(exit_code=exits.OK, status="overtaken", reason=why, beside=back)
    given = {job.member: job.approved} if job.approved else None
    async with desk(fleet, plans.allowed, doors, given) as at:
        if why := await _refused(job, at):
            return End(exit_code=exits.OK, status="not begun", reason=why, beside=back)
        visit = await _done(job, at, plans)
    now = datetime.now(UTC)
    await plans.noted(job, visit, now)
    end = end_of(visit, job, plans.every, now)
    over = visit.error is None and (job.deed != "pass" or visit.told.status == "done")
    if over:
        end = msgspec.structs.replace(end, pause=None)
    return msgspec.structs.replace(end, beside=back) if over or visit.told.writes else end


def _overtaken(job: PassJob, fleet: Fleet) -> str:
    """Why the fleet has to decide anew; "" where it needs not."""
    if job.member not in fleet.members:
        return f"the fleet has no member {job.member} any more"
    if _endpoint(fleet, job.member).lower() != job.endpoint.lower():
        return f"{job.member} is about another endpoint now"
    return "" if fleet.members[job.member].release.goal == job.goal else f"{job.member} has another goal now"


async def _refused(job: PassJob, at: Desk) -> str:
    """Why a member must not start that was let start some time ago: too many have failed meanwhile."""
    mine = (await at.look([job.member]))[job.member]
    if job.deed != "pass" or _begun(mine):
        return ""
    sights = await at.look(at.fleet.members)
    failed = sum(sight.member.standing is Standing.FAILED for sight in sights.values())
    budget = at.fleet.plan.error_budget
    return f"the error budget is exceeded: {failed} failed, {budget} may" if failed > budget else ""


async def _done(job: PassJob, at: Desk, plans: Checkout) -> Visit:
    """The deed. What goes wrong is in the answer."""
    if job.deed == "pass":
        wish = Wish(target=job.target or None, allowed=plans.allowed, max_wait=plans.max_wait)
        return await passes.carried_on(at.planned(job.member), wish, at.doors)
    sight = (await at.look([job.member]))[job.member]
    file = str(at.fleet.members[job.member].path)
    try:
        if job.deed == "give_back" and sight.member.astray:
            return Visit(told=await give_back(at, job.member, sight))
        if job.deed == "take_back" and sight.member.standing is Standing.RELEASED and sight.member.returnable:
            return Visit(told=await take_back(at, job.member, actor(os.environ.get("ROLLOUT_WHO"))))
    except RolloutError as error:
        return Visit(told=Pass(file=file, exit_code=error.exit_code, status="error", reason=str(error)), error=error)
    return Visit(told=Pass(file=file, exit_code=exits.OK, status="done", reason="nothing is to be given back"))
