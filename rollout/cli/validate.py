"""`rollout validate`: offline, and fast: imports nothing that it does not need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import msgspec

from rollout.cli import exits, options
from rollout.cli.complain import fault_text
from rollout.cli.options import Output
from rollout.errors import Fault, PlanError, UsageError
from rollout.plan.load import find_plans, load_release


@click.command()
@click.argument("plans", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.output
def validate(plans: tuple[Path, ...], outputs: tuple[Output, ...]) -> int:
    """Check PLANS (files, or folders that are searched) and the files that they name.

    Offline. All faults are shown at once; exit 3 if there is any.
    """
    found = find_plans(plans)
    if not found:
        raise UsageError(f"no plan in {', '.join(map(str, plans))}", hint="a plan has `version:` and `stages:`")
    results = [(path, *_checked(path)) for path in found]
    for output in outputs or (Output("text"),):
        _tell(results, output)
    return exits.INVALID if any(faults for _, _, faults in results) else exits.OK


def _checked(path: Path) -> tuple[str, tuple[Fault, ...]]:
    """A summary of a good plan, or the faults of a bad one."""
    try:
        release = load_release(path).release
    except PlanError as error:
        return "", error.faults
    count = len(release.stages)
    return f"{release.name}: {count} stage{'s' if count != 1 else ''} for endpoint {release.endpoint.name}", ()


def _tell(results: list[tuple[Path, str, tuple[Fault, ...]]], output: Output) -> None:
    if output.form == "json":
        plans = [
            {"file": str(path), "valid": not faults, "faults": [_as_json(fault) for fault in faults]}
            for path, _, faults in results
        ]
        document = {"format_version": "1.0", "valid": all(plan["valid"] for plan in plans), "plans": plans}
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    else:
        text = "".join(f"{path}: valid ({summary})\n" for path, summary, faults in results if not faults)
    faults = tuple(fault for _, _, some in results for fault in some)
    if output.path is not None:
        output.path.write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=False)
    if faults and output.form == "text":
        click.echo(fault_text(faults), err=True, nl=False)


def _as_json(fault: Fault) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(fault)
    return found
