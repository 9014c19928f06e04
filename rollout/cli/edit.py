"""`rollout fmt` and `rollout set`: files change, comments stay."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from rollout.cli import exits, options
from rollout.cli.printing import say
from rollout.errors import Fault, PlanError, RolloutError, UsageError
from rollout.plan.checking import faults_in
from rollout.plan.documents import value_at
from rollout.plan.editing import edited, formatted, parse_path, removed, replaced, value_of
from rollout.plan.load import find_plans
from rollout.plan.loader import load_text, read_text
from rollout.plan.positions import Path as Place
from rollout.plan.positions import show


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.option("--check", is_flag=True, help="Change nothing; exit 3 if a file is not formatted.")
def fmt(files: tuple[Path, ...], check: bool) -> int:
    """Format FILES (plans, overlays, `az ml` files; folders are searched for plans). Comments stay."""
    changed = 0
    for path in find_plans(files):
        text = read_file(path)
        found = formatted(text, str(path))
        if found == text:
            continue
        changed += 1
        say(f"{path}: {'not formatted' if check else 'formatted'}")
        if not check:
            write_file(path, found)
    return exits.INVALID if check and changed else exits.OK


@click.command(name="set")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("assignments", nargs=-1, metavar="PATH=VALUE…")
@options.option("--unset", multiple=True, metavar="PATH", help="Remove what is at PATH, as PATH= does. Repeatable.")
def set_(file: Path, assignments: tuple[str, ...], unset: tuple[str, ...]) -> int:
    """Set values in FILE, a plan or an `az ml` file: `model=azureml:house-prices:8`, `stages.watch.bake=1h`.

    VALUE is YAML; without one (`PATH=`) the key is removed. Comments and all other lines stay as they are. Nothing is
    written if the file would have a fault that it does not have now.
    """
    if not assignments and not unset:
        raise UsageError("nothing to set", hint="PATH=VALUE, or --unset PATH")
    before = read_file(file)
    text, changes = _assigned(before, str(file), (*assignments, *(f"{path}=" for path in unset)))
    _refuse_new_faults(file, before, text)
    if text != before:
        write_file(file, text)
    for change in changes:
        say(f"{file}: {change}")
    return exits.OK


def _assigned(text: str, name: str, assignments: Sequence[str]) -> tuple[str, list[str]]:
    """The changed text, and each change in words."""
    changes = []
    for assignment in assignments:
        target, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(
                f"`{assignment}` sets nothing", hint="PATH=VALUE, for example model=azureml:house-prices:8"
            )
        data = load_text(text, name).data
        path = parse_path(target, data)
        if not value.strip():
            text = removed(text, name, path)
            changes.append(f"{show(path)}: {_shown(_old(data, path))} removed")
            continue
        wanted = value_of(value)
        replaced(data, path, wanted)  # says what is wrong with the path before the file is looked at
        text = edited(text, name, path, wanted)
        changes.append(_change(path, _old(data, path), wanted))
    return text, changes


def _old(data: Any, path: Place) -> Any:
    for part in path:
        if isinstance(part, int) and isinstance(data, list):
            data = data[part] if part < len(data) else None
        else:
            data = value_at(data, (part,))
    return data


def _change(path: Place, old: Any, new: Any) -> str:
    if old == new:
        return f"{show(path)} is {_shown(new)} already"
    return f"{show(path)}: {_shown(old)} → {_shown(new)}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _refuse_new_faults(path: Path, before: str, after: str) -> None:
    known = {_identity(fault) for fault in faults_in(path, before)}
    fresh = [fault for fault in faults_in(path, after) if _identity(fault) not in known]
    if fresh:
        raise PlanError(fresh)


def _identity(fault: Fault) -> tuple[str, str, str]:
    return fault.code, fault.path, fault.message


def read_file(path: Path) -> str:
    """The text of a file that a plan may consist of. Raises PlanError where it cannot be read."""
    found = read_text(path, str(path))
    if isinstance(found, Fault):
        raise PlanError([found])
    return found


def write_file(path: Path, text: str) -> None:
    """All or nothing: a new file takes the old one's place, with its permissions; links stay links."""
    real = path.resolve()
    try:
        handle, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(name).chmod(real.stat().st_mode & 0o7777)
        Path(name).replace(real)
    except OSError as error:
        raise RolloutError(f"cannot write {path}: {error.strerror}") from error
