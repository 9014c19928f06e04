"""One pass of `rollout reconcile`: a plan carried on as far as it goes, and told in full."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec

from rollout.cli import ending, exits
from rollout.cli.approving import Saved, must_concern
from rollout.cli.authors import with_authors
from rollout.cli.census import UnderWay, belongs_here, run_of_unreadable, runs_in, told_with
from rollout.cli.complain import complain
from rollout.cli.listening import Measurements, log_listener
from rollout.cli.locking import locked
from rollout.cli.notifying import drifted, tell, tell_orphan
from rollout.cli.planned import Planned, Reader
from rollout.cli.printing import say
from rollout.cli.session import Doors, report_on
from rollout.cli.sourcing import with_sources
from rollout.cli.tracing import followed
from rollout.core.decision import Decision
from rollout.core.promoted_from import asks
from rollout.core.shards import Shard
from rollout.errors import PlanError, RolloutError
from rollout.render.document import Pass
from rollout.render.from_report import document
from rollout.render.report import Measured, Outcome
from rollout.render.words import moment
from rollout.runner import Limits


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks of every pass. `expected` are approved change sets by the file of their plan."""

    target: str | None
    allowed: frozenset[str] = frozenset()
    detailed: bool = False
    max_wait: float = 0.0
    expected: Mapping[Path, Saved] = {}


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """How one pass ended; with the plan's name where it is known, and what went wrong."""

    told: Pass
    plan: str = ""
    error: RolloutError | None = None


async def visit(path: Path, wish: Wish, doors: Doors) -> Visit:
    """One pass over one plan, by itself; what goes wrong is told."""
    return await carried_on(Reader(wish.target, wish.expected).read(path), wish, doors)


async def carried_on(planned: Planned, wish: Wish, doors: Doors) -> Visit:
    """One pass over one plan of many; what goes wrong is told, and stops no other plan."""
    return await told(planned, wish.target, doors, partial(_carried_on, wish=wish, doors=doors))


async def told(
    planned: Planned, target: str | None, doors: Doors, work: Callable[[Planned], Awaitable[Visit]]
) -> Visit:
    """What `work` does with a plan that can be read; its faults, and those of one that cannot, as a visit."""
    path = planned.path
    try:
        if planned.fault is not None:
            raise planned.fault
        return await work(planned)
    except PlanError as error:
        code = _complain(path, error)
        run = await run_of_unreadable(path, target, doors)
        if run is not None:
            say(f"{path}: holds {run}", err=True)
        status = "error" if run is None else "hold"
        failed = Pass(file=str(path), exit_code=code, status=status, reason=told_with(error, run))
        return Visit(told=failed, plan=run.plan if run else "", error=error)
    except RolloutError as error:
        failed = Pass(file=str(path), exit_code=_complain(path, error), status="error", reason=str(error))
        return Visit(told=failed, error=error)


async def orphans(
    planned: Sequence[Planned], visits: Sequence[Visit], folder: Path, shard: Shard | None, doors: Doors
) -> list[Pass]:
    """Runs under way whose plan was in this repository and is in none of the files any more: they are held."""
    places = {one.place.label: one.place for one in planned if one.place is not None}
    names = {one.loaded.release.name for one in planned if one.loaded is not None} | {one.plan for one in visits}
    found: list[Pass] = []
    for label in sorted(places):
        try:
            runs = await runs_in(places[label], doors)
        except RolloutError as error:
            say(f"warning: {label}: cannot look for runs without a plan: {error}", err=True)
            continue
        mine = [one for one in runs if shard is None or shard.holds(one.endpoint.id)]
        for one in mine:
            if one.plan not in names and belongs_here(one, folder):
                found.append(_orphan(one))
                await tell_orphan(await doors.session(places[label]), folder, one, found[-1].reason)
    return found


def _orphan(one: UnderWay) -> Pass:
    reason = (
        f"the plan {one.plan} is gone, and holds {one}; bring it back, or"
        f" end the run: rollout rollback --endpoint {one.endpoint.id or one.endpoint.name}"
    )
    return Pass(file=f"{one.plan} (no file)", exit_code=exits.STOPPED, status="orphaned", reason=reason)


async def _carried_on(planned: Planned, wish: Wish, doors: Doors) -> Visit:
    loaded, place = planned.loaded, planned.place
    assert loaded is not None, "it has no fault"
    assert place is not None, "it has no fault"
    path, release = planned.path, loaded.release
    given = planned.given.approved if planned.given else None
    allowed = wish.allowed | frozenset(given.allowed if given else ())
    async with locked(await doors.session(place), release.endpoint.name) as session:
        if given is not None:
            must_concern(given, release, session.endpoint_id(release.endpoint.name))
        seen = await session.plane.observe(release.endpoint.name) if asks(release) else None
        if seen is not None:
            loaded = await with_sources(session, loaded, seen)
            release = loaded.release
        with followed(release, log_listener(release.name)) as heard:
            gates = Measurements(heard)
            runner = session.runner(release, allowed, gates, given, plan=path)
            result = await runner.run(Limits(max_wait=wish.max_wait), seen)
        report = await with_authors(report_on(session, loaded, result.observation, allowed), session.activity)
    told_of = ((gate.name, verdict) for gate, verdict in gates.measured)
    await tell(session, path, result.observation, told_of, drifted(session, release, report))
    decision = result.decision
    code, detail = (
        ending.after_apply(decision, gate_failed=gates.failed, detailed=detailed) for detailed in (wish.detailed, True)
    )
    measured = tuple(Measured(gate.name, verdict) for gate, verdict in gates.measured)
    outcome = Outcome(exit_code=code, writes=result.writes, failure=result.failure, measured=measured)
    changes = msgspec.structs.replace(report.changes, decision=decision)
    whole = msgspec.structs.replace(report, command="reconcile", changes=changes, exit_code=detail, outcome=outcome)
    ended = Pass(
        file=str(path),
        exit_code=code,
        status=decision.status.value,
        reason=reason(decision),
        writes=result.writes,
        next_after=decision.next_after,
        change_set=document(whole),
    )
    return Visit(told=ended, plan=release.name)


def reason(decision: Decision) -> str:
    """Why it stands as it does, and until when by time alone."""
    return decision.reason + (f" (until {moment(decision.next_after)})" if decision.next_after else "")


def _complain(path: Path, error: RolloutError) -> int:
    say(f"{path}:", err=True)
    return complain(error)
