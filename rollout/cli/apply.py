"""`rollout apply`: show what will be done, have it approved, do it as far as it goes now."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

import click
import msgspec

from rollout.cli import ending, exits, options
from rollout.cli.approving import Guarding, Saved, is_saved, must_concern, read_saved
from rollout.cli.complain import failed_create
from rollout.cli.completing import Completing, stages
from rollout.cli.guessing import hint_for
from rollout.cli.listening import Measurements, listener
from rollout.cli.locking import locked
from rollout.cli.notifying import tell
from rollout.cli.options import Output
from rollout.cli.printing import failures_told, publish, show, stdout_is_taken
from rollout.cli.recording import recording
from rollout.cli.running import run
from rollout.cli.session import CREATES, Session, load, opened, place_of, report_on
from rollout.cli.sourcing import with_sources
from rollout.cli.tracing import followed
from rollout.core.approval import Approved
from rollout.core.decision import Status
from rollout.core.observed import Observation
from rollout.core.release import Release
from rollout.core.verdict import Outcome as Verdicts
from rollout.errors import Unapproved, UsageError
from rollout.plan.load import LoadedPlan, is_fleet
from rollout.render.change_text import diff_lines
from rollout.render.from_report import document
from rollout.render.report import Measured, Outcome, Report
from rollout.runner import Event, Limits, Looked, Result

FOR_EVER: Final = 366 * 86400.0


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for. `saved`: the change set that was approved, where a file holds it."""

    plan: Path
    saved: Saved | None
    target: str | None
    outputs: tuple[Output, ...]
    detailed: bool
    allowed: frozenset[str]
    until: str
    max_wait: float
    approved: bool
    expect: str

    @property
    def given(self) -> Approved | None:
        """The change set that was approved before."""
        return self.saved.approved if self.saved else None


@click.command(cls=Completing)
@options.plan_argument()
@options.target
@options.output
@options.detailed
@options.allow_hazard
@options.lock
@options.break_glass
@options.audit
@options.option("--until", default="", metavar="STAGE", shell_complete=stages, help="Stop when this stage is passed.")
@options.option("--wait", is_flag=True, help="Stay until the rollout has ended, through bakes and approvals.")
@options.max_wait
@options.option("--auto-approve", is_flag=True, help="Do not ask.")
@options.option("--expect", default="", metavar="DIGEST", help="Apply only the change set with this digest.")
def apply(
    plan: Path,
    target: str | None,
    outputs: tuple[Output, ...],
    detailed: bool,
    hazards: tuple[str, ...],
    until: str,
    wait: bool,
    max_wait: float | None,
    auto_approve: bool,
    expect: str,
) -> int:
    """Do what PLAN asks for, stage by stage, until something must be waited for.

    All progress is kept on the endpoint: run it again (by hand or from a schedule) and it carries on. PLAN may be a
    change set that `rollout diff --out FILE.json` saved: then exactly that is done, in as many runs as it takes. Or a
    fleet: its members are carried on wave by wave.
    """
    if is_fleet(plan) or _is_saved_fleet(plan):
        from rollout.cli import fleet

        fleet.refuse_overlooked({"--until": until}, "apply")
        return fleet.apply(
            plan,
            target,
            outputs,
            detailed=detailed,
            allowed=frozenset({CREATES, *hazards}),
            max_wait=_patience(wait, max_wait),
            approved=auto_approve,
            expect=expect,
        )
    saved = read_saved(plan) if is_saved(plan) else None
    wish = Wish(
        plan=saved.plan if saved else plan,
        saved=saved,
        target=target,
        outputs=outputs,
        detailed=detailed,
        allowed=frozenset({CREATES, *hazards, *(saved.approved.allowed if saved else ())}),
        until=until,
        max_wait=_patience(wait, max_wait),
        approved=auto_approve,
        expect=expect,
    )
    with failures_told("apply", plan, outputs):
        return run(_apply(wish))


def _is_saved_fleet(path: Path) -> bool:
    if not is_saved(path):
        return False
    from rollout.cli.fleet_approving import is_saved_fleet  # only where something was saved: start-up time

    return is_saved_fleet(path)


def _patience(wait: bool, max_wait: float | None) -> float:
    """How many seconds of service time may be waited."""
    return max_wait if max_wait is not None else FOR_EVER if wait else 0.0


async def _apply(wish: Wish) -> int:
    given = wish.given
    loaded = load(wish.plan, wish.saved.overlay if wish.saved else None, given.digest if given else wish.expect)
    release = loaded.release
    _check_stage(release, wish.until)
    async with opened(place_of(loaded, wish.target)) as door, locked(door, release.endpoint.name) as session:
        if given is not None:
            must_concern(given, release, session.endpoint_id(release.endpoint.name), wish.expect)
        seen = await session.settled(release.endpoint.name)
        loaded = await with_sources(session, loaded, seen)
        release = loaded.release
        report = report_on(session, loaded, seen, wish.allowed)
        decision = report.changes.decision
        Guarding(release, wish.allowed, given, wish.plan)(seen, decision)
        if decision.status in (Status.DONE, Status.HOLD, Status.REFUSE):
            with followed(release, _nobody) as heard:
                recording(heard, release, wish.allowed, session.endpoint_id(release.endpoint.name))(
                    Looked(seen, decision)
                )
            await tell(session, wish.plan, seen)
            return _finish(wish, report)
        if given is None and not _approved(wish, report):
            click.echo("nothing was done", err=True)
            return exits.ERROR
        said = None if given is not None or wish.approved else _said_now(report)
        return await _carry_out(wish, loaded, session, given or said, None if said else seen)


def _nobody(event: Event) -> None:
    """Nobody else listens."""


async def _carry_out(
    wish: Wish, loaded: LoadedPlan, session: Session, given: Approved | None, seen: Observation | None
) -> int:
    """`seen`: the look that this was decided on, unless a person was asked since then."""
    with listener(loaded.release.name) as shown, followed(loaded.release, shown) as heard:
        gates = Measurements(heard)
        runner = session.runner(loaded.release, wish.allowed, gates, given, plan=wish.plan)
        result = await runner.run(Limits(until=wish.until, max_wait=wish.max_wait), seen)
    told_of = ((gate.name, verdict) for gate, verdict in gates.measured)
    await tell(session, wish.plan, result.observation, told_of)
    return _finish(
        wish,
        _after(session, loaded, result, wish.allowed),
        measured=tuple(Measured(gate.name, verdict) for gate, verdict in gates.measured),
        writes=result.writes,
        failure=result.failure,
    )


def _said_now(report: Report) -> Approved | None:
    """What a person has just said yes to: it lasts as long as this process."""
    now = report.approval
    if now is None:
        return None
    end = now.created + timedelta(seconds=FOR_EVER)
    return msgspec.structs.replace(now, valid_until=end, carry_until=end)


def _after(session: Session, loaded: LoadedPlan, result: Result, allowed: frozenset[str]) -> Report:
    """The report with the decision that the loop ended with: it knows the measurements."""
    report = report_on(session, loaded, result.observation, allowed)
    changes = msgspec.structs.replace(report.changes, decision=result.decision)
    return msgspec.structs.replace(report, changes=changes)


def _finish(
    wish: Wish, report: Report, *, measured: tuple[Measured, ...] = (), writes: int = 0, failure: str = ""
) -> int:
    failed = any(found.verdict.outcome is Verdicts.FAIL for found in measured)
    code = ending.after_apply(report.changes.decision, gate_failed=failed, detailed=wish.detailed)
    outcome = Outcome(exit_code=code, writes=writes, failure=failure, measured=measured)
    told = ending.after_apply(report.changes.decision, gate_failed=failed, detailed=True)
    report = msgspec.structs.replace(report, command="apply", exit_code=told, outcome=outcome)
    publish(document(report), wish.outputs)
    if failure:
        click.echo(failed_create(failure), err=True, nl=False)
    return code


def _check_stage(release: Release, name: str) -> None:
    names = [stage.name for stage in release.stages]
    if name and name not in names:
        raise UsageError(f"the plan has no stage {name}", hint=hint_for(name, names, "it has"))


def _approved(wish: Wish, report: Report) -> bool:
    """Whether the changes may be made: nothing to approve, said on the command line, or said now."""
    digest = report.changes.digest
    if wish.expect and wish.expect != digest:
        raise Unapproved(
            f"the change set is {digest} now, not {wish.expect}",
            hint="look at it again: rollout diff; a change set that `diff --out FILE` saved says what changed since",
        )
    if wish.approved or wish.expect or not report.changes.actions:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"the change set {digest} is not approved, and nobody is here to ask",
            hint=f"--auto-approve, or look at it with `rollout diff` and give --expect {digest}",
        )
    show(diff_lines(document(report)), sys.stderr if stdout_is_taken(wish.outputs) else sys.stdout)
    return click.confirm("Apply these changes?", err=True)
