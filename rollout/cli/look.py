"""`rollout diff` and `rollout status`: they look, and change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click
import msgspec

from rollout.cli import ending, options
from rollout.cli.authors import with_authors
from rollout.cli.foresight import with_foresight
from rollout.cli.options import Output
from rollout.cli.printing import failures_told, publish
from rollout.cli.room import with_capacity
from rollout.cli.running import run
from rollout.cli.session import CREATES, load, opened, place_of, report_on
from rollout.core.change_set import LIFETIME
from rollout.render.from_report import document
from rollout.render.report import Report


@click.command()
@options.plan_argument()
@options.target
@options.output
@options.detailed
@options.allow_hazard
@options.option("--out", type=click.Path(path_type=Path), help="Write the change set as JSON to this file, too.")
@options.lifetime
def diff(
    plan: Path,
    target: str | None,
    outputs: tuple[Output, ...],
    detailed: bool,
    hazards: tuple[str, ...],
    out: Path | None,
    lifetime: float,
) -> int:
    """Show what PLAN would still do, if every gate passes: the change set and its digest. Changes nothing.

    What --out writes can be approved and given to `rollout apply`, which then does exactly that and nothing else.
    """
    extra = (Output("json", out),) if out else ()
    return _look(plan, target, (*(outputs or (Output("text"),)), *extra), detailed, hazards, "diff", lifetime)


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
        report = run(_report(plan, target, frozenset(hazards), lifetime, capacity=command == "diff"))
        code = ending.of_look(report.changes, detailed=True)
        publish(document(msgspec.structs.replace(report, command=command, exit_code=code)), outputs)
    return ending.of_look(report.changes, detailed=detailed)


async def _report(
    plan: Path, target: str | None, hazards: frozenset[str], lifetime: float, *, capacity: bool
) -> Report:
    loaded = load(plan)
    async with opened(place_of(loaded, target)) as session:
        seen = await session.plane.observe(loaded.release.endpoint.name)
        allowed = hazards | {CREATES}
        report = report_on(session, loaded, seen, allowed, lifetime)
        report = await with_authors(report, session.activity)
        if capacity:
            report = await with_foresight(report, session.sources)
        return await with_capacity(report, session.quota, allowed) if capacity else report
