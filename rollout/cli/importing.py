"""`rollout import`: a plan for an endpoint that serves already."""

from __future__ import annotations

from pathlib import Path

import click

from rollout.cli import exits, options
from rollout.cli.place import Place
from rollout.cli.printing import say
from rollout.cli.running import run
from rollout.cli.session import load
from rollout.cli.targets import resolve_endpoint
from rollout.core.change_set import change_set
from rollout.core.observed import Observation
from rollout.errors import RolloutError, UsageError
from rollout.plan.importing import PLAN, Imported, imported
from rollout.render import words


@click.command(name="import")
@click.argument("endpoint")
@options.target
@options.option("--out", type=click.Path(path_type=Path), help="The folder to write to; by default ENDPOINT's name.")
@options.option("--force", is_flag=True, help="Replace files that are there.")
def import_(endpoint: str, target: str | None, out: Path | None, force: bool) -> int:
    """Write a plan for the live ENDPOINT (its name or ARM id): plan.yml, endpoint.yml and deployment.yml.

    Its first diff is empty: what serves is adopted as it is, by its registered assets.
    """
    place, name = resolve_endpoint(endpoint, target)
    folder = out or Path(name)
    found, seen = run(_read(place, name, target))
    _write(folder, found, force=force)
    for note in found.notes:
        say(f"note: {note}", err=True)
    _tell(folder, seen)
    return exits.OK


async def _read(place: Place, name: str, flag: str | None) -> tuple[Imported, Observation]:
    from rollout.azure.target import connect

    async with connect(place.target) as connection:
        seen = await connection.control_plane.observe(name)
        bodies = await connection.control_plane.bodies(name)
    if seen.endpoint is None or bodies.endpoint is None:
        raise UsageError(f"there is no endpoint {name} in {place.label}")
    by_name = {str(body.get("name")).lower(): body for body in bodies.deployments}
    return imported(seen.endpoint, bodies.endpoint, by_name, _target(place, flag)), seen


def _target(place: Place, flag: str | None) -> str:
    """The plan's `target:`; none for the emulator, which no plan should name."""
    if flag == "emulator":
        return ""
    known = place.target
    lines = (
        "target:",
        f"  subscription_id: {known.subscription_id}",
        f"  resource_group: {known.resource_group}",
        f"  workspace: {known.workspace}",
    )
    return "\n".join(lines) + "\n"


def _write(folder: Path, found: Imported, *, force: bool) -> None:
    there = [name for name in found.files if (folder / name).exists()]
    if there and not force:
        raise UsageError(f"{folder / there[0]} is there already", hint="--out another folder, or --force")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in found.files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise RolloutError(f"cannot write {folder}: {error.strerror}") from error


def _tell(folder: Path, seen: Observation) -> None:
    """The proof: the plan as written, compared with what was seen."""
    changes = change_set(load(folder / PLAN).release, seen)
    say(f"{folder / PLAN}: {changes.decision.reason}")
    for action in changes.actions:
        target = words.target_of(action) or "the endpoint"
        say(f"would change {target}: {words.action_text(action)} ({action.reason})")
