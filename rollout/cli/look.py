"""`rollout diff` and `rollout status`: they look, and change nothing."""

from __future__ import annotations

from pathlib import Path

import click

from rollout.cli import ending, options
from rollout.cli.options import Output
from rollout.cli.printing import Form, publish
from rollout.cli.room import with_capacity
from rollout.cli.running import run
from rollout.cli.session import CREATES, load, opened, place_of, report_on
from rollout.render.change_text import diff_lines, status_lines
from rollout.render.report import Report


@click.command()
@options.plan_argument()
@options.target
@options.output
@options.detailed
@options.allow_hazard
@options.option("--out", type=click.Path(path_type=Path), help="Write the change set as JSON to this file, too.")
def diff(
    plan: Path,
    target: str | None,
    outputs: tuple[Output, ...],
    detailed: bool,
    hazards: tuple[str, ...],
    out: Path | None,
) -> int:
    """Show what PLAN would still do, if every gate passes: the change set and its digest. Changes nothing."""
    extra = (Output("json", out),) if out else ()
    return _look(plan, target, (*(outputs or (Output("text"),)), *extra), detailed, hazards, diff_lines)


@click.command()
@options.plan_argument()
@options.target
@options.output
@options.detailed
def status(plan: Path, target: str | None, outputs: tuple[Output, ...], detailed: bool) -> int:
    """Show how the rollout of PLAN stands: who serves, which stages are passed, what is waited for."""
    return _look(plan, target, outputs, detailed, (), status_lines)


def _look(
    plan: Path,
    target: str | None,
    outputs: tuple[Output, ...],
    detailed: bool,
    hazards: tuple[str, ...],
    form: Form,
) -> int:
    report = run(_report(plan, target, frozenset(hazards), capacity=form is diff_lines))
    publish(report, outputs, form)
    return ending.of_look(report.changes, detailed=detailed)


async def _report(plan: Path, target: str | None, hazards: frozenset[str], *, capacity: bool) -> Report:
    loaded = load(plan)
    async with opened(place_of(loaded, target)) as session:
        seen = await session.plane.observe(loaded.release.endpoint.name)
        report = report_on(session, loaded, seen, hazards | {CREATES})
        return await with_capacity(report, session.quota) if capacity else report
