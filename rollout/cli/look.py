"""`rollout diff` and `rollout status`: they look, and change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click
import msgspec

from rollout.cli import ending, options
from rollout.cli.authors import with_authors
from rollout.cli.looks import Look, diff_many, report_of
from rollout.cli.options import Output
from rollout.cli.printing import failures_told, publish, say
from rollout.cli.running import run
from rollout.cli.session import CREATES, load, opened, place_of, report_on
from rollout.cli.sourcing import with_sources
from rollout.core.change_set import LIFETIME
from rollout.core.shards import Shard
from rollout.errors import UsageError
from rollout.plan.load import find_fleets, is_fleet
from rollout.render.from_report import document
from rollout.render.report import Report


@click.command()
@click.argument("plans", metavar="PLAN…", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.layers
@options.target
@options.many_output
@options.detailed
@options.allow_hazard
@options.option("--out", type=click.Path(path_type=Path), help="Write the change set as JSON to this file, too.")
@options.lifetime
@options.parallel
@options.shard
def diff(
    plans: tuple[Path, ...],
    target: str | None,
    outputs: tuple[Output, ...],
    detailed: bool,
    hazards: tuple[str, ...],
    out: Path | None,
    lifetime: float,
    parallel: int,
    shard: Shard | None,
) -> int:
    """Show what PLAN would still do, if every gate passes: the change set and its digest. Changes nothing.

    Of several plans, or those in folders, a line each and a summary. What --out writes of one plan can be approved and
    given to `rollout apply`, which then does exactly that and nothing else. PLAN may be a fleet: all of its members,
    wave by wave.
    """
    text, extra = (Output("text"),), (Output("json", out),) if out else ()
    alone = plans[0] if len(plans) == 1 and shard is None and not plans[0].is_dir() else None
    if alone is not None and is_fleet(alone):
        from rollout.cli import fleet

        return fleet.look(alone, target, (*(outputs or text), *extra), detailed, hazards, "diff", lifetime)
    if alone is not None and not any(output.form == "jsonl" for output in outputs):
        return _look(alone, target, (*(outputs or text), *extra), detailed, hazards, "diff", lifetime)
    if out is not None:
        raise UsageError("--out is for the change set of one plan", hint="--output json=FILE holds all of them")
    for found in find_fleets(plans):
        say(f"warning: {found} is a fleet, to be looked at by itself: rollout diff {found}", err=True)
    wish = Look(target=target, hazards=frozenset(hazards), detailed=detailed, lifetime=lifetime)
    return diff_many(plans, wish, outputs=outputs, parallel=parallel, shard=shard)


@click.command()
@options.plan_argument()
@options.target
@options.output
@options.detailed
@options.option("--watch", "watching", is_flag=True, help="Look again and again, until the rollout has ended.")
def status(plan: Path, target: str | None, outputs: tuple[Output, ...], detailed: bool, watching: bool) -> int:
    """Show how the rollout of PLAN stands: who serves, which stages are passed, what is waited for.

    With --watch a terminal shows it live: deployments, split, stages, errors, evidence. Elsewhere: a line for each
    change.
    """
    if is_fleet(plan):
        from rollout.cli import fleet

        fleet.refuse_overlooked({"--watch": watching}, "status")
        return fleet.look(plan, target, outputs, detailed, (), "status")
    if watching:
        from rollout.cli.watching import watch

        return run(watch(plan, target, detailed=detailed))
    return _look(plan, target, outputs, detailed, (), "status")


def _look(
    plan: Path,
    target: str | None,
    outputs: tuple[Output, ...],
    detailed: bool,
    hazards: tuple[str, ...],
    command: Literal["diff", "status"],
    lifetime: float = LIFETIME,
) -> int:
    with failures_told(command, plan, outputs):
        report = run(_report(plan, target, frozenset(hazards), lifetime, whole=command == "diff"))
        code = ending.of_look(report.changes, detailed=True)
        publish(document(msgspec.structs.replace(report, command=command, exit_code=code)), outputs)
    return ending.of_look(report.changes, detailed=detailed)


async def _report(plan: Path, target: str | None, hazards: frozenset[str], lifetime: float, *, whole: bool) -> Report:
    loaded = load(plan)
    async with opened(place_of(loaded, target)) as session:
        if whole:
            return await report_of(session, loaded, hazards, lifetime)
        seen = await session.plane.observe(loaded.release.endpoint.name)
        loaded = await with_sources(session, loaded, seen)
        report = report_on(session, loaded, seen, hazards | {CREATES}, lifetime)
        return await with_authors(report, session.activity)
