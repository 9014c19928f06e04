"""`rollout queue setup|add|status`: the queue that workers take passes from."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from rollout.cli import exits, options, queue_options
from rollout.cli.options import Output
from rollout.cli.printing import publish_value, say
from rollout.errors import UsageError
from rollout.render.styled import line

if TYPE_CHECKING:
    from rollout.store.address import Address
    from rollout.store.jobs import PassJob

_SILENT: Final = 75.0
"""Seconds after which a worker that was not heard of is not counted."""


@click.group()
def queue() -> None:
    """The queue in Postgres that workers take passes from."""


@queue.command()
@queue_options.queue
@queue_options.auth
def setup(queue: str | None) -> int:
    """Make the queue's tables and functions, or bring them forward; doing it twice does nothing."""
    where = queue_options.address(queue)
    from rollout.store import schema

    say(f"{where.shown}: the queue {asyncio.run(schema.setup(where))}")
    return exits.OK


@queue.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@queue_options.queue
@queue_options.auth
@queue_options.queue_name
@queue_options.repository
@options.layers
@options.target
@options.expect_files
def add(
    paths: tuple[Path, ...],
    queue: str | None,
    queue_name: str,
    repository: Path,
    target: str | None,
    expect: tuple[Path, ...],
) -> int:
    """Queue a pass, now, over every plan and fleet in PATHS (files, or folders that are searched). A plan that waits is
    brought forward; none is ever queued twice."""
    where = queue_options.address(queue)
    from rollout.cli.expected import expected
    from rollout.cli.queued import Checkout
    from rollout.plan.load import find_fleets, find_plans

    fleets = find_fleets(paths)
    plans = [plan for plan in find_plans(paths) if plan not in fleets]
    if not (plans or fleets):
        raise UsageError(f"no plan in {', '.join(map(str, paths))}", hint="a plan has `version:` and `stages:`")
    saved = expected(expect)
    if strangers := saved.strangers([*plans, *fleets]):
        raise UsageError(f"--expect is about {strangers[0]}, which is not among the plans")
    name = queue_options.full_name(queue_name)
    checkout = Checkout(root=repository, queue=name, target=target)
    jobs = [checkout.fleet_job(fleet, given=saved.fleets.get(fleet.resolve())) for fleet in fleets]
    for plan in plans:
        given = saved.plans.get(plan.resolve())
        jobs.append(checkout.job(plan, approved=given.approved if given else None))
    asyncio.run(_add(where, name, jobs))
    return exits.OK


async def _add(where: Address, name: str, jobs: list[PassJob]) -> None:
    from rollout.store.queue import opened

    async with opened(where, name) as found:
        for job in jobs:
            say(f"{job.plan}: {await found.add_now(job)}")


@queue.command()
@queue_options.queue
@queue_options.auth
@queue_options.queue_name
@options.layers
@options.plain_output
def status(queue: str | None, queue_name: str, outputs: tuple[Output, ...]) -> int:
    """How many jobs wait, are due, run and have failed, and how many workers there are."""
    where = queue_options.address(queue)
    name = queue_options.full_name(queue_name)
    asyncio.run(_status(where, name, outputs))
    return exits.OK


async def _status(where: Address, name: str, outputs: tuple[Output, ...]) -> None:
    from rollout.store.queue import opened

    async with opened(where, name) as found:
        counts = await found.counts(_SILENT)
    late = f", the oldest for {counts.late:.0f} s" if counts.due and counts.late else ""
    lines = (
        line(f"{name}: {counts.queued} queued, {counts.due} of them due{late}; {counts.running} running"),
        line(f"{counts.failed} failed in the last three days; {counts.workers} workers"),
    )
    publish_value({"queue": name, **msgspec.structs.asdict(counts)}, lines, outputs)
