"""`rollout dashboard`: every endpoint and every rollout as web pages on this machine."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

import click
import msgspec

from rollout.cli import exits, options
from rollout.cli.context import actor
from rollout.cli.extras import needing
from rollout.cli.running import run
from rollout.errors import UsageError
from rollout.plan.load import find_fleets, find_plans


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
@options.layers
@options.target
@options.who
@options.option("--read-only", is_flag=True, help="Without buttons: nobody can change anything here.")
@options.option("--port", default=8750, show_default=True, type=click.IntRange(0, 65535), help="0: any that is free.")
@options.option("--every", type=options.DurationType(), default="5s", show_default=True, help="Look so often.")
@options.option(
    "--reads", default=10.0, show_default=True, type=click.FloatRange(0.1, 1000), help="Reads a second, at most."
)
def dashboard(
    paths: tuple[Path, ...],
    target: str | None,
    who: str | None,
    read_only: bool,
    port: int,
    every: float,
    reads: float,
) -> int:
    """Show every endpoint of PATHS (plans, fleets, or folders that are searched; by default here) and of --target as
    web pages.

    On this machine only, for whoever has the printed address. What the buttons do is what the commands of the same
    name do; nothing is written but by them.
    """
    fleets = find_fleets(paths or (Path(),))
    plans = [path for path in find_plans(paths or (Path(),)) if path not in fleets]
    if not plans and not fleets and not target:
        raise UsageError("no plan here, and no target", hint="give paths of plans, or --target for all its endpoints")
    with needing("dashboard"):
        import starlette  # noqa: F401 - found here, so that a missing extra is told in a sentence
        import uvicorn  # noqa: F401
    found = Found(plans=tuple(plans), fleets=tuple(fleets))
    return run(_serve(found, target, actor(who or os.environ.get("ROLLOUT_WHO")), read_only, port, every, reads))


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The files that are shown."""

    plans: tuple[Path, ...]
    fleets: tuple[Path, ...]


async def _serve(
    found: Found, target: str | None, who: str, read_only: bool, port: int, every: float, reads: float
) -> int:
    from rollout.cli.dashboard_fleets import FleetFiles
    from rollout.cli.dashboard_office import Office
    from rollout.cli.dashboard_plans import Plans
    from rollout.dashboard.app import Dashboard
    from rollout.dashboard.guard import new_keys
    from rollout.dashboard.server import serve
    from rollout.dashboard.watching import Pace

    keys = new_keys()
    async with AsyncExitStack() as stack:
        known = Plans(found.plans, target, FleetFiles(found.fleets, target))
        reading = asyncio.create_task(known.read_all())
        office = Office(stack, known, target, who)
        pages = Dashboard(office, keys, read_only=read_only, pace=Pace(every=every, reads=reads))
        try:
            await serve(pages, keys, port, lambda address: click.echo(f"Dashboard: {address}"))
        finally:
            reading.cancel()
    return exits.OK
