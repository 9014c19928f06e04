"""`rollout reconcile` of fleets: their passes, through the doors that the whole process shares."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rollout.cli.collecting import collecting_seldom
from rollout.cli.complain import complain
from rollout.cli.fleet import carried
from rollout.cli.fleet_desk import Fleet, desk, read
from rollout.cli.fleet_told import as_passes, bare
from rollout.cli.passes import Visit, Wish
from rollout.cli.printing import say
from rollout.cli.session import Doors
from rollout.errors import RolloutError
from rollout.render.document import Pass


def read_each(paths: Sequence[Path], target: str | None, doors: Doors) -> list[Fleet | Visit]:
    """The fleets, or how the pass of one ended that cannot be read. The members of all of them are going to be looked
    at: their workspaces may be read by list, once for all."""
    found: list[Fleet | Visit] = []
    for path in paths:
        try:
            fleet = read(path, target)
        except RolloutError as error:
            found.append(_failed(path, error))
            continue
        for name, loaded in fleet.members.items():
            doors.expect(fleet.places[name], loaded.release.endpoint.name)
        found.append(fleet)
    return found


async def reconciled(found: Fleet | Visit, wish: Wish, parallel: int, doors: Doors) -> list[Visit]:
    """One bounded pass over a fleet: its members as rows, the fleet itself as the last one."""
    if isinstance(found, Visit):
        return [found]
    try:
        with collecting_seldom():
            async with desk(found, wish.allowed, doors) as at:
                told = await carried(at, wish, "reconcile", parallel)
    except RolloutError as error:
        return [_failed(found.path, error)]
    whole = Pass(
        file=str(found.path),
        exit_code=told.exit_code,
        status=told.status.value,
        reason=told.reason,
        next_after=told.next_after,
        fleet=bare(told),
    )
    return [*(Visit(told=row, plan=name) for name, row in as_passes(told)), Visit(told=whole)]


def _failed(path: Path, error: RolloutError) -> Visit:
    say(f"{path}:", err=True)
    return Visit(told=Pass(file=str(path), exit_code=complain(error), status="error", reason=str(error)))
