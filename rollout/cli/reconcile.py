"""`rollout reconcile`: one bounded pass over many plans, for a scheduled job."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import click

from rollout.cli import exits, options, passes
from rollout.cli.options import Output
from rollout.cli.passes import Visit, Wish
from rollout.cli.printing import failures_told, publish
from rollout.cli.running import run
from rollout.errors import UsageError
from rollout.plan.load import find_plans
from rollout.render.document import Pass, Reconciliation

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
@options.break_glass
@options.max_wait
@options.option(
    "--expect",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A change set that was approved: nothing else is done for its plan; repeatable.",
)
@options.option("--parallel", default=4, type=click.IntRange(1, 64), help="How many endpoints at the same time.")
@options.option(
    "--orphans/--no-orphans",
    default=None,
    help="Report runs whose plan is gone from this repository; by default where a folder is given.",
)
def reconcile(
    paths: tuple[Path, ...],
    target: str | None,
    outputs: tuple[Output, ...],
    detailed: bool,
    hazards: tuple[str, ...],
    max_wait: float | None,
    expect: tuple[Path, ...],
    parallel: int,
    orphans: bool | None,
) -> int:
    """Carry every plan in PATHS (files, or folders that are searched) on, as far as it goes without waiting.

    Never creates an endpoint, unless --allow-hazard creates-endpoint. One plan's failure does not stop the others;
    the worst exit code is that of the whole.
    """
    found = find_plans(paths)
    if not found:
        raise UsageError(f"no plan in {', '.join(map(str, paths))}", hint="a plan has `version:` and `stages:`")
    folders = [path for path in paths if path.is_dir()]
    look = bool(folders) if orphans is None else orphans
    with failures_told("reconcile", ", ".join(map(str, paths)), outputs):
        wish = Wish(
            target=target,
            allowed=frozenset(hazards),
            detailed=detailed,
            max_wait=max_wait or 0.0,
            expected=passes.expected(expect),
        )
        results = run(_all(found, wish, parallel, (folders or [Path()])[0] if look else None))
        code = worst(result.exit_code for result in results)
        soonest = min((result.next_after for result in results if result.next_after), default=None)
        publish(Reconciliation(exit_code=code, plans=tuple(results), next_after=soonest), outputs)
    return code


def worst(codes: Iterable[int]) -> int:
    """The exit code that tells most about what a person must do."""
    seen = set(codes)
    return next((code for code in _WORST_FIRST if code in seen), exits.OK)


async def _all(plans: Sequence[Path], wish: Wish, parallel: int, folder: Path | None) -> list[Pass]:
    """All passes, some at a time; then what is under way without any of these plans, where `folder` is given."""
    turns = asyncio.Semaphore(parallel)

    async def one(path: Path) -> Visit:
        async with turns:
            return await passes.visit(path, wish)

    visits = await asyncio.gather(*(one(path) for path in plans))
    found = await passes.orphans(visits, folder) if folder is not None else []
    return [*(visit.told for visit in visits), *found]
