"""`rollout validate`: offline, and fast: imports nothing that it does not need."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from rollout.cli import exits, options
from rollout.cli.complain import fault_text
from rollout.cli.options import Output
from rollout.cli.printing import publish, show
from rollout.errors import Fault, PlanError, UsageError
from rollout.plan.lint import lint
from rollout.plan.load import find_fleets, find_plans, inspect_plan, is_fleet
from rollout.plan.origins import Origin, origins
from rollout.plan.variables import Used
from rollout.render.styled import Line, line, plural

if TYPE_CHECKING:  # every start pays for what is imported here
    from rollout.render.document import Validation


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about one plan: a summary of a good one, or the faults of a bad one."""

    path: Path
    summary: str = ""
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    variables: tuple[Used, ...] = ()
    origins: tuple[Origin, ...] = ()


@click.command()
@click.argument("plans", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.layers
@options.output
@options.option("--strict", is_flag=True, help="Exit 3 for warnings, too.")
@options.option("--show-origins", "origins_too", is_flag=True, help="Show every value and the file that says it.")
def validate(plans: tuple[Path, ...], outputs: tuple[Output, ...], strict: bool, origins_too: bool) -> int:
    """Check PLANS (files, or folders that are searched; fleets too) and the files that they name.

    Offline. All faults are shown at once; exit 3 if there is any. Warnings do not change the exit code.
    """
    found = list(dict.fromkeys((*find_plans(plans), *find_fleets(plans))))
    if not found:
        raise UsageError(f"no plan in {', '.join(map(str, plans))}", hint="a plan has `version:` and `stages:`")
    results = [_checked(path, origins_too) for path in found]
    wrong = any(result.faults or (strict and result.warnings) for result in results)
    code = exits.INVALID if wrong else exits.OK
    for output in outputs or (Output("text"),):
        if output == Output("text"):
            _tell(results)
        else:
            publish(_document(results, code), (output,))
    return code


def _checked(path: Path, origins_too: bool) -> Checked:
    if is_fleet(path):
        return _checked_fleet(path)
    try:
        found = inspect_plan(path, overlay=options.overlay_for(path))
    except PlanError as error:
        return Checked(path=path, faults=error.faults)
    if found.broken:
        return Checked(path=path, faults=found.broken)
    release = found.loaded.release
    count = len(release.stages)
    return Checked(
        path=path,
        summary=f"{release.name}: {count} stage{'s' if count != 1 else ''} for endpoint {release.endpoint.name}",
        warnings=lint(found, datetime.now(UTC)),
        variables=found.loaded.variables,
        origins=tuple(origins(found.plan)) if origins_too else (),
    )


def _checked_fleet(path: Path) -> Checked:
    """A fleet with the plans of all members; each fault and each warning once."""
    from rollout.plan.fleet_files import inspect_fleet

    try:
        found = inspect_fleet(path, overlay_for=options.overlay_for)
    except PlanError as error:
        return Checked(path=path, faults=error.faults)
    members = found.members.values()
    broken = tuple(dict.fromkeys(fault for member in members for fault in member.broken))
    if broken:
        return Checked(path=path, faults=broken)
    waves, now = plural(len(found.plan.waves), "wave"), datetime.now(UTC)
    return Checked(
        path=path,
        summary=f"{found.plan.name}: {waves}, {plural(len(members), 'member')}",
        warnings=tuple(dict.fromkeys(warning for member in members for warning in lint(member, now))),
        variables=tuple(dict.fromkeys(used for member in members for used in member.loaded.variables)),
    )


def _tell(results: list[Checked]) -> None:
    """What is valid on stdout, what is wrong on stderr."""
    show([found for result in results for found in _lines(result)], sys.stdout)
    faults = tuple(fault for result in results for fault in (*result.faults, *result.warnings))
    if faults:
        click.echo(fault_text(faults), err=True, nl=False)


def _lines(result: Checked) -> Iterator[Line]:
    if not result.faults:
        yield line(f"{result.path}: valid ({result.summary})")
        yield from (line(f"  {text}") for text in _details(result))


def _details(result: Checked) -> Iterator[str]:
    for used in result.variables:
        yield str(used)
    for origin in result.origins:
        yield str(origin)


def _document(results: list[Checked], code: int) -> Validation:
    from rollout.render.document import CheckedPlan, Validation

    plans = tuple(
        CheckedPlan(
            file=str(result.path),
            valid=not result.faults,
            summary=result.summary,
            faults=result.faults,
            warnings=result.warnings,
            variables=tuple(map(msgspec.to_builtins, result.variables)),
            origins=tuple(map(msgspec.to_builtins, result.origins)),
        )
        for result in results
    )
    return Validation(exit_code=code, valid=all(plan.valid for plan in plans), plans=plans)
