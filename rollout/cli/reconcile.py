"""`rollout reconcile`: one bounded pass over many plans, for a scheduled job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollout.cli import many, options, passes
from rollout.cli.expected import expected
from rollout.cli.many import Chosen
from rollout.cli.options import Output
from rollout.cli.passes import Visit, Wish
from rollout.cli.printing import failures_told
from rollout.cli.running import run
from rollout.cli.session import Doors, doors
from rollout.core.shards import Shard
from rollout.plan.load import find_fleets
from rollout.render.document import Pass, Reconciliation

if TYPE_CHECKING:  # only where there is one
    from rollout.cli.fleet_approving import SavedFleet
    from rollout.cli.fleet_passes import Mine


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.layers
@options.target
@options.many_output
@options.detailed
@options.allow_hazard
@options.lock
@options.break_glass
@options.audit
@options.max_wait
@options.expect_files
@options.parallel
@options.shard
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
    shard: Shard | None,
    orphans: bool | None,
) -> int:
    """Carry every plan and fleet in PATHS (files, or folders that are searched) on, as far as it goes without waiting.

    Never creates an endpoint, unless --allow-hazard creates-endpoint. One plan's failure does not stop the others;
    the worst exit code is that of the whole.
    """
    folders = [path for path in paths if path.is_dir()]
    look = bool(folders) if orphans is None else orphans
    with failures_told("reconcile", ", ".join(map(str, paths)), many.forms(outputs)):
        given = expected(expect)
        wish = Wish(
            target=target,
            allowed=frozenset(hazards),
            detailed=detailed,
            max_wait=max_wait or 0.0,
            expected=given.plans,
        )
        fleets = find_fleets(paths)
        plans = many.chosen(paths, target, shard, wish.expected, fleets)
        folder = (folders or [Path()])[0] if look else None
        mine = [path for path in fleets if shard is None or shard.holds(path.as_posix())]
        approved = given.fleets
        results = run(_all(plans, mine, approved, wish, parallel, outputs, folder, shard))
        code = many.worst(result.exit_code for result in results)
        soonest = min((result.next_after for result in results if result.next_after), default=None)
        many.tell(Reconciliation(exit_code=code, plans=tuple(results), next_after=soonest), outputs)
    return code


async def _all(
    plans: Chosen,
    fleets: Sequence[Path],
    approved: Mapping[Path, SavedFleet],
    wish: Wish,
    parallel: int,
    outputs: tuple[Output, ...],
    folder: Path | None,
    shard: Shard | None,
) -> list[Pass]:
    """All passes, some at a time; then what is under way without any of these plans, where `folder` is given."""
    async with doors(bulk=True) as shared:
        read = _read(fleets, wish.target, shared, approved)
        work = partial(passes.carried_on, wish=wish, doors=shared)
        visits = await many.over(
            plans.mine, work, shared, title="reconcile", parallel=parallel, outputs=outputs or (Output("text"),)
        )
        for fleet in read:
            visits += await _fleet(fleet, wish, parallel, outputs, shared)
        found = []
        if folder is not None:
            found = await passes.orphans(plans.found, visits, folder, shard, shared)
    return [*(visit.told for visit in visits), *found]


def _read(
    fleets: Sequence[Path], target: str | None, shared: Doors, approved: Mapping[Path, SavedFleet]
) -> list[Mine | Visit]:
    """The fleets, before anything is looked at: their members may be read by list together with the plans."""
    if not fleets:
        return []
    from rollout.cli.fleet_passes import read_each  # only where there is one: start-up time

    return read_each(fleets, target, shared, approved)


async def _fleet(
    fleet: Mine | Visit, wish: Wish, parallel: int, outputs: tuple[Output, ...], shared: Doors
) -> list[Visit]:
    """The passes of all members of a fleet, told as soon as they are over."""
    from rollout.cli.fleet_passes import reconciled

    found = await reconciled(fleet, wish, parallel, shared)
    many.write_lines((visit.told for visit in found), outputs)
    return found
