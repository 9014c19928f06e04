"""`rollout apply`: show what will be done, have it approved, do it as far as it goes now."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import click
import msgspec

from rollout.cli import ending, exits, options
from rollout.cli.complain import failed_create
from rollout.cli.listening import Measurements, listener
from rollout.cli.options import Output
from rollout.cli.printing import failures_told, publish, show, stdout_is_taken
from rollout.cli.running import run
from rollout.cli.session import CREATES, Session, load, opened, place_of, report_on
from rollout.core.decision import Status
from rollout.core.release import Release
from rollout.core.verdict import Outcome as Verdicts
from rollout.errors import Stale, UsageError
from rollout.plan.load import LoadedPlan
from rollout.render.change_text import diff_lines
from rollout.render.from_report import document
from rollout.render.report import Measured, Outcome, Report
from rollout.runner import Limits, Result

FOR_EVER: Final = 366 * 86400.0


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    plan: Path
    target: str | None
    outputs: tuple[Output, ...]
    detailed: bool
    allowed: frozenset[str]
    until: str
    max_wait: float
    approved: bool
    expect: str


@click.command()
@options.plan_argument()
@options.target
@options.output
@options.detailed
@options.allow_hazard
@options.option("--until", default="", metavar="STAGE", help="Stop when this stage is passed.")
@options.option("--wait", is_flag=True, help="Stay until the rollout has ended, through bakes and approvals.")
@options.option("--max-wait", type=options.DurationType(), help="Wait at most so long (of the service's time).")
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

    All progress is kept on the endpoint: run it again (by hand or from a schedule) and it carries on.
    """
    patience = max_wait if max_wait is not None else FOR_EVER if wait else 0.0
    wish = Wish(
        plan=plan,
        target=target,
        outputs=outputs,
        detailed=detailed,
        allowed=frozenset({CREATES, *hazards}),
        until=until,
        max_wait=patience,
        approved=auto_approve,
        expect=expect,
    )
    with failures_told("apply", plan, outputs):
        return run(_apply(wish))


async def _apply(wish: Wish) -> int:
    loaded = load(wish.plan)
    _check_stage(loaded.release, wish.until)
    async with opened(place_of(loaded, wish.target)) as session:
        seen = await session.settled(loaded.release.endpoint.name)
        report = report_on(session, loaded, seen, wish.allowed)
        if report.changes.decision.status in (Status.DONE, Status.HOLD, Status.REFUSE):
            return _finish(wish, report)
        if not _approved(wish, report):
            click.echo("nothing was done", err=True)
            return exits.ERROR
        return await _carry_out(wish, loaded, session)


async def _carry_out(wish: Wish, loaded: LoadedPlan, session: Session) -> int:
    with listener(loaded.release.name) as heard:
        gates = Measurements(heard)
        runner = session.runner(loaded.release, wish.allowed, gates)
        result = await runner.run(Limits(until=wish.until, max_wait=wish.max_wait))
    return _finish(
        wish,
        _after(session, loaded, result, wish.allowed),
        measured=tuple(Measured(gate.name, verdict) for gate, verdict in gates.measured),
        writes=result.writes,
        failure=result.failure,
    )


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
        sentence, _, log = failure.partition("\n")
        click.echo(f"error: {sentence}\n{indented(log)}", err=True, nl=False)
    return code


def _check_stage(release: Release, name: str) -> None:
    names = [stage.name for stage in release.stages]
    if name and name not in names:
        close = get_close_matches(name, names, 1)
        hint = f"did you mean {close[0]}?" if close else f"it has: {', '.join(names)}"
        raise UsageError(f"the plan has no stage {name}", hint=hint)


def _approved(wish: Wish, report: Report) -> bool:
    """Whether the changes may be made: nothing to approve, said on the command line, or said now."""
    digest = report.changes.digest
    if wish.expect and wish.expect != digest:
        raise Stale(
            f"the change set is {digest} now, not {wish.expect}",
            hint="look at it again: rollout diff",
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
