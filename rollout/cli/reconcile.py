"""`rollout reconcile`: one bounded pass over many plans, for a scheduled job."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import click
import msgspec

from rollout.cli import ending, exits, options
from rollout.cli.complain import complain
from rollout.cli.listening import Measurements, log_listener
from rollout.cli.locking import locked
from rollout.cli.options import Output
from rollout.cli.printing import failures_told, publish
from rollout.cli.running import run
from rollout.cli.session import load, opened, place_of, report_on
from rollout.errors import RolloutError, UsageError
from rollout.plan.load import find_plans
from rollout.render.document import Pass, Reconciliation
from rollout.render.from_report import document
from rollout.render.report import Measured, Outcome
from rollout.render.words import moment
from rollout.runner import Limits

_WORST_FIRST: Final = (
    exits.ERROR,
    exits.SIGN_IN,
    exits.INVALID,
    exits.GATE_FAILED,
    exits.REFUSED,
    exits.STALE,
    exits.LOCKED,
    exits.STOPPED,
    exits.CHANGES,
    exits.WAITING,
    exits.OK,
)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.layers
@options.target
@options.output
@options.detailed
@options.allow_hazard
@options.lock
@options.option("--parallel", default=4, type=click.IntRange(1, 64), help="How many endpoints at the same time.")
def reconcile(
    paths: tuple[Path, ...],
    target: str | None,
    outputs: tuple[Output, ...],
    detailed: bool,
    hazards: tuple[str, ...],
    parallel: int,
) -> int:
    """Carry every plan in PATHS (files, or folders that are searched) on, as far as it goes without waiting.

    Never creates an endpoint, unless --allow-hazard creates-endpoint. One plan's failure does not stop the others;
    the worst exit code is that of the whole.
    """
    found = find_plans(paths)
    if not found:
        raise UsageError(f"no plan in {', '.join(map(str, paths))}", hint="a plan has `version:` and `stages:`")
    with failures_told("reconcile", ", ".join(map(str, paths)), outputs):
        results = run(_all(found, target, frozenset(hazards), detailed, parallel))
        code = worst(result.exit_code for result in results)
        soonest = min((result.next_after for result in results if result.next_after), default=None)
        publish(Reconciliation(exit_code=code, plans=tuple(results), next_after=soonest), outputs)
    return code


def worst(codes: Iterable[int]) -> int:
    """The exit code that tells most about what a person must do."""
    seen = set(codes)
    return next((code for code in _WORST_FIRST if code in seen), exits.OK)


async def _all(
    plans: Sequence[Path], target: str | None, allowed: frozenset[str], detailed: bool, parallel: int
) -> list[Pass]:
    turns = asyncio.Semaphore(parallel)

    async def one(path: Path) -> Pass:
        async with turns:
            try:
                return await _one(path, target, allowed, detailed)
            except RolloutError as error:
                click.echo(f"{path}:", err=True)
                code = complain(error)
                return Pass(file=str(path), exit_code=code, status="error", reason=str(error))

    return list(await asyncio.gather(*(one(path) for path in plans)))


async def _one(path: Path, target: str | None, allowed: frozenset[str], detailed: bool) -> Pass:
    loaded = load(path)
    async with opened(place_of(loaded, target)) as door, locked(door, loaded.release.endpoint.name) as session:
        gates = Measurements(log_listener(loaded.release.name))
        result = await session.runner(loaded.release, allowed, gates).run(Limits())
        decision = result.decision
        code = ending.after_apply(decision, gate_failed=gates.failed, detailed=detailed)
        report = report_on(session, loaded, result.observation, allowed)
    outcome = Outcome(
        exit_code=code,
        writes=result.writes,
        failure=result.failure,
        measured=tuple(Measured(gate.name, verdict) for gate, verdict in gates.measured),
    )
    changes = msgspec.structs.replace(report.changes, decision=decision)
    detail = ending.after_apply(decision, gate_failed=gates.failed, detailed=True)
    told = msgspec.structs.replace(report, command="reconcile", changes=changes, exit_code=detail, outcome=outcome)
    return Pass(
        file=str(path),
        exit_code=code,
        status=decision.status.value,
        reason=decision.reason + (f" (until {moment(decision.next_after)})" if decision.next_after else ""),
        writes=result.writes,
        next_after=decision.next_after,
        change_set=document(told),
    )
