"""`rollout validate`: offline, and fast: imports nothing that it does not need."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from rollout.cli import exits, options
from rollout.cli.complain import fault_text
from rollout.cli.options import Output
from rollout.errors import Fault, PlanError, RolloutError, UsageError
from rollout.plan.lint import lint
from rollout.plan.load import find_plans, inspect_plan
from rollout.plan.origins import Origin, origins
from rollout.plan.variables import Used


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
    """Check PLANS (files, or folders that are searched) and the files that they name.

    Offline. All faults are shown at once; exit 3 if there is any. Warnings do not change the exit code.
    """
    found = find_plans(plans)
    if not found:
        raise UsageError(f"no plan in {', '.join(map(str, plans))}", hint="a plan has `version:` and `stages:`")
    results = [_checked(path, origins_too) for path in found]
    for output in outputs or (Output("text"),):
        _tell(results, output)
    wrong = any(result.faults or (strict and result.warnings) for result in results)
    return exits.INVALID if wrong else exits.OK


def _checked(path: Path, origins_too: bool) -> Checked:
    try:
        found = inspect_plan(path, overlay=options.overlay_for(path))
    except PlanError as error:
        return Checked(path=path, faults=error.faults)
    release = found.loaded.release
    count = len(release.stages)
    return Checked(
        path=path,
        summary=f"{release.name}: {count} stage{'s' if count != 1 else ''} for endpoint {release.endpoint.name}",
        warnings=lint(found),
        variables=found.loaded.variables,
        origins=tuple(origins(found.plan)) if origins_too else (),
    )


def _tell(results: list[Checked], output: Output) -> None:
    text = _json(results) if output.form == "json" else "".join(_text(result) for result in results)
    if output.path is not None:
        _write(output.path, text)
    else:
        click.echo(text, nl=False)
    faults = tuple(fault for result in results for fault in (*result.faults, *result.warnings))
    if faults and output.form == "text":
        click.echo(fault_text(faults), err=True, nl=False)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RolloutError(f"cannot write {path}: {error.strerror}") from error


def _text(result: Checked) -> str:
    if result.faults:
        return ""
    return f"{result.path}: valid ({result.summary})\n" + "".join(f"  {line}\n" for line in _details(result))


def _details(result: Checked) -> Iterator[str]:
    for used in result.variables:
        yield str(used)
    for origin in result.origins:
        yield str(origin)


def _json(results: list[Checked]) -> str:
    plans = [_plan(result) for result in results]
    document = {"format_version": "1.0", "valid": all(plan["valid"] for plan in plans), "plans": plans}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _plan(result: Checked) -> dict[str, Any]:
    found: dict[str, Any] = {"file": str(result.path), "valid": not result.faults}
    for key in ("faults", "warnings", "variables"):
        found[key] = msgspec.to_builtins(getattr(result, key))
    if result.origins:
        found["origins"] = msgspec.to_builtins(result.origins)
    return found
