"""`rollout reconcile`: one bounded pass over many plans, for a scheduled job."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from rollout.cli import ending, exits, options
from rollout.cli.complain import complain
from rollout.cli.listening import FailedGates, log_listener
from rollout.cli.options import Output
from rollout.cli.printing import publish_value
from rollout.cli.running import run
from rollout.cli.session import load, opened, place_of
from rollout.core.decision import Decision
from rollout.errors import RolloutError, UsageError
from rollout.plan.load import find_plans
from rollout.render.document import FORMAT_VERSION
from rollout.render.styled import Line, line
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


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """How the pass of one plan ended."""

    file: str
    exit_code: int
    status: str
    reason: str
    writes: int = 0
    next_after: str | None = None


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.layers
@options.target
@options.output
@options.detailed
@options.allow_hazard
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
    results = run(_all(found, target, frozenset(hazards), detailed, parallel))
    code = worst(result.exit_code for result in results)
    document: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "exit_code": code,
        "plans": msgspec.to_builtins(results),
    }
    publish_value(document, [_line(result) for result in results], outputs)
    return code


def worst(codes: Iterable[int]) -> int:
    """The exit code that tells most about what a person must do."""
    seen = set(codes)
    return next((code for code in _WORST_FIRST if code in seen), exits.OK)


async def _all(
    plans: Sequence[Path], target: str | None, allowed: frozenset[str], detailed: bool, parallel: int
) -> list[Passed]:
    turns = asyncio.Semaphore(parallel)

    async def one(path: Path) -> Passed:
        async with turns:
            try:
                return await _one(path, target, allowed, detailed)
            except RolloutError as error:
                click.echo(f"{path}:", err=True)
                code = complain(error)
                return Passed(file=str(path), exit_code=code, status="error", reason=str(error))

    return list(await asyncio.gather(*(one(path) for path in plans)))


async def _one(path: Path, target: str | None, allowed: frozenset[str], detailed: bool) -> Passed:
    loaded = load(path)
    async with opened(place_of(loaded, target)) as session:
        gates = FailedGates(log_listener(loaded.release.name))
        result = await session.runner(loaded.release, allowed, gates).run(Limits())
    return _passed(path, result.decision, result.writes, gate_failed=gates.any, detailed=detailed)


def _passed(path: Path, decision: Decision, writes: int, *, gate_failed: bool, detailed: bool) -> Passed:
    return Passed(
        file=str(path),
        exit_code=ending.after_apply(decision, gate_failed=gate_failed, detailed=detailed),
        status=decision.status.value,
        reason=decision.reason + (f" (until {moment(decision.next_after)})" if decision.next_after else ""),
        writes=writes,
        next_after=decision.next_after.isoformat() if decision.next_after else None,
    )


def _line(result: Passed) -> Line:
    """One line for one plan; of several faults the first, for stderr has told them all."""
    first, *more = result.reason.splitlines() or [""]
    return line(f"{result.file}: {result.status}: {first}" + (f" (and {len(more)} more)" if more else ""))
