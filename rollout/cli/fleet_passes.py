"""`rollout reconcile` of fleets: their passes, through the doors that the whole process shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from rollout.cli.collecting import collecting_seldom
from rollout.cli.complain import complain
from rollout.cli.fleet import carried_out
from rollout.cli.fleet_approving import SavedFleet, as_approved
from rollout.cli.fleet_desk import Fleet, read
from rollout.cli.fleet_told import as_passes, bare
from rollout.cli.passes import Visit, Wish
from rollout.cli.printing import say
from rollout.cli.session import Doors
from rollout.errors import RolloutError
from rollout.render.document import Pass


class Mine(msgspec.Struct, frozen=True):
    """A fleet that could be read, and what was approved of it, where that is known."""

    fleet: Fleet
    saved: SavedFleet | None = None


def read_each(
    paths: Sequence[Path], target: str | None, doors: Doors, approved: Mapping[Path, SavedFleet]
) -> list[Mine | Visit]:
    """The fleets, or how the pass of one ended that cannot be read, or is not as it was `approved` (by its absolute
    file). The members of all of them are going to be looked at: their workspaces may be read by list, once for all."""
    found: list[Mine | Visit] = []
    for path in paths:
        try:
            mine = _read(path, target, approved.get(path.resolve()))
        except RolloutError as error:
            found.append(_failed(path, error))
            continue
        for name, loaded in mine.fleet.members.items():
            doors.expect(mine.fleet.places[name], loaded.release.endpoint.name)
        found.append(mine)
    return found


def _read(path: Path, target: str | None, saved: SavedFleet | None) -> Mine:
    if saved is None:
        return Mine(read(path, target))
    saved = msgspec.structs.replace(saved, file=path)
    return Mine(as_approved(saved, target), saved)


async def reconciled(found: Mine | Visit, wish: Wish, parallel: int, doors: Doors) -> list[Visit]:
    """One bounded pass over a fleet: its members as rows, the fleet itself as the last one."""
    if isinstance(found, Visit):
        return [found]
    fleet, saved = found.fleet, found.saved
    try:
        with collecting_seldom():
            told = await carried_out(fleet, saved, wish, "reconcile", parallel, doors)
    except RolloutError as error:
        return [_failed(fleet.path, error)]
    whole = Pass(
        file=str(fleet.path),
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
