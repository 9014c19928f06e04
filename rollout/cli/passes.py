"""One pass of `rollout reconcile`: a plan carried on as far as it goes, and told in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from rollout.cli import ending, exits
from rollout.cli.approving import Saved, must_concern, read_saved
from rollout.cli.authors import with_authors
from rollout.cli.census import UnderWay, belongs_here, run_of_unreadable, runs_in, told_with
from rollout.cli.complain import complain
from rollout.cli.listening import Measurements, log_listener
from rollout.cli.locking import locked
from rollout.cli.place import Place
from rollout.cli.printing import say
from rollout.cli.session import load, opened, place_of, report_on
from rollout.errors import PlanError, RolloutError
from rollout.render.document import Pass
from rollout.render.from_report import document
from rollout.render.report import Measured, Outcome
from rollout.render.words import moment
from rollout.runner import Limits


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks of every pass. `expected` are approved change sets by the file of their plan."""

    target: str | None
    allowed: frozenset[str]
    detailed: bool
    max_wait: float
    expected: Mapping[Path, Saved]


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """How one pass ended; with the plan's name and workspace, where they are known."""

    told: Pass
    plan: str = ""
    place: Place | None = None


def expected(files: Sequence[Path]) -> dict[Path, Saved]:
    """Approved change sets by the file of their plan."""
    saved = [read_saved(path) for path in files]
    return {_key(one.plan): one for one in saved}


def _key(plan: Path) -> Path:
    return plan.resolve()


async def visit(path: Path, wish: Wish) -> Visit:
    """One pass over one plan; what goes wrong is told, and stops no other plan."""
    try:
        return await _carried_on(path, wish)
    except PlanError as error:
        code = _complain(path, error)
        run = await run_of_unreadable(path, wish.target)
        if run is not None:
            say(f"{path}: holds {run}", err=True)
        status = "error" if run is None else "hold"
        told = Pass(file=str(path), exit_code=code, status=status, reason=told_with(error, run))
        return Visit(told=told, plan=run.plan if run else "")
    except RolloutError as error:
        return Visit(told=Pass(file=str(path), exit_code=_complain(path, error), status="error", reason=str(error)))


async def orphans(visits: Sequence[Visit], folder: Path) -> list[Pass]:
    """Runs under way whose plan was in this repository and is in none of the visited files any more: they are held."""
    places = {one.place.label: one.place for one in visits if one.place is not None}
    names = {one.plan for one in visits}
    found: list[Pass] = []
    for label in sorted(places):
        try:
            runs = await runs_in(places[label])
        except RolloutError as error:
            say(f"warning: {label}: cannot look for runs without a plan: {error}", err=True)
            continue
        found += [_orphan(one) for one in runs if one.plan not in names and belongs_here(one, folder)]
    return found


def _orphan(one: UnderWay) -> Pass:
    reason = (
        f"the plan {one.plan} is gone, and holds {one}; bring it back, or"
        f" end the run: rollout rollback --endpoint {one.endpoint.id or one.endpoint.name}"
    )
    return Pass(file=f"{one.plan} (no file)", exit_code=exits.STOPPED, status="orphaned", reason=reason)


async def _carried_on(path: Path, wish: Wish) -> Visit:
    saved = wish.expected.get(_key(path))
    given = saved.approved if saved else None
    loaded = load(path, saved.overlay if saved else None, given.digest if given else "")
    release, place = loaded.release, place_of(loaded, wish.target)
    allowed = wish.allowed | frozenset(given.allowed if given else ())
    async with opened(place) as door, locked(door, release.endpoint.name) as session:
        if given is not None:
            must_concern(given, release, session.endpoint_id(release.endpoint.name))
        gates = Measurements(log_listener(release.name))
        result = await session.runner(release, allowed, gates, given, plan=path).run(Limits(max_wait=wish.max_wait))
        report = await with_authors(report_on(session, loaded, result.observation, allowed), session.activity)
    decision = result.decision
    code, detail = (
        ending.after_apply(decision, gate_failed=gates.failed, detailed=detailed) for detailed in (wish.detailed, True)
    )
    measured = tuple(Measured(gate.name, verdict) for gate, verdict in gates.measured)
    outcome = Outcome(exit_code=code, writes=result.writes, failure=result.failure, measured=measured)
    changes = msgspec.structs.replace(report.changes, decision=decision)
    whole = msgspec.structs.replace(report, command="reconcile", changes=changes, exit_code=detail, outcome=outcome)
    told = Pass(
        file=str(path),
        exit_code=code,
        status=decision.status.value,
        reason=decision.reason + (f" (until {moment(decision.next_after)})" if decision.next_after else ""),
        writes=result.writes,
        next_after=decision.next_after,
        change_set=document(whole),
    )
    return Visit(told=told, plan=release.name, place=place)


def _complain(path: Path, error: RolloutError) -> int:
    say(f"{path}:", err=True)
    return complain(error)
