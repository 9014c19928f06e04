"""The plans that a dashboard shows: found, loaded one after the other in a thread, and read again now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from rollout.cli import options
from rollout.cli.dashboard_fleets import FleetFile, FleetFiles
from rollout.cli.fleet_desk import Fleet
from rollout.cli.place import Place
from rollout.cli.session import load
from rollout.cli.targets import resolve
from rollout.errors import RolloutError
from rollout.plan.load import LoadedPlan, Target
from rollout.render.html.rows import Row

AGAIN: Final = 30.0
"""Seconds after which the overview reads a plan's files again; its own page and every button read them at once."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan's file, and what it says; `fault` where it cannot be read. `read`: when, in seconds of our clock. Of a
    fleet's member: the `fleet`'s key, its `wave`, and what it is called there."""

    path: Path
    overlay: Path | None
    loaded: LoadedPlan | None = None
    place: Place | None = None
    fault: str = ""
    read: float = 0.0
    fleet: str = ""
    wave: str = ""
    member: str = ""


class Plans:
    """All plans by the key of their endpoint."""

    def __init__(self, paths: Iterable[Path], target: str | None, fleets: FleetFiles) -> None:
        self.by_key: dict[str, Plan] = {}
        self.complete = asyncio.Event()
        self._files = [(path, options.overlay_for(path)) for path in paths]
        self.fleets = fleets
        self._adopted: dict[str, Fleet | None] = {}
        self._target = target
        self._places: dict[Target | None, Place] = {}

    async def read_all(self) -> None:
        """Load every plan and every fleet once."""
        for path, overlay in self._files:
            plan = await self._read(path, overlay)
            self.by_key[self._key(plan)] = plan
        await self.fleets.read_all()
        for file in self.fleets.by_key.values():
            self._adopt(file)
        self.complete.set()

    @property
    def members(self) -> dict[str, dict[str, str]]:
        """By fleet and member the key of its endpoint."""
        found: dict[str, dict[str, str]] = {}
        for key, plan in self.by_key.items():
            if plan.fleet:
                found.setdefault(plan.fleet, {})[plan.member] = key
        return found

    async def fresh(self, key: str, most: float = 0.0) -> Plan | None:
        """That endpoint's plan, at most so many seconds old; None where there is none."""
        known = self.by_key.get(key)
        if known is not None and known.fleet:
            self._adopt(await self.fleets.fresh(known.fleet, most))
            return self.by_key.get(key)
        if known is None or (most and time.monotonic() - known.read <= most):
            return known
        again = await self._read(known.path, known.overlay)
        self.by_key[key] = again
        return again

    def place_of(self, target: Target | None) -> Place:
        """Where a target is; asked once, for an emulator is asked where it runs."""
        if target not in self._places:
            self._places[target] = resolve(self._target, target)
        return self._places[target]

    def _adopt(self, file: FleetFile) -> None:
        """The plans of a fleet's members, as its file says now."""
        if file.key in self._adopted and self._adopted[file.key] is file.fleet:
            return
        self._adopted[file.key] = fleet = file.fleet
        self.by_key = {key: plan for key, plan in self.by_key.items() if plan.fleet != file.key}
        for wave in fleet.plan.waves if fleet is not None else ():
            for name in wave.members:
                assert fleet is not None, "it has waves"
                loaded, place = fleet.members[name], fleet.places[name]
                plan = Plan(path=loaded.path, overlay=None, loaded=loaded, place=place, read=file.read)
                plan = msgspec.structs.replace(plan, fleet=file.key, wave=wave.name, member=name)
                self.by_key[self._key(plan)] = plan

    async def _read(self, path: Path, overlay: Path | None) -> Plan:
        now = time.monotonic()
        try:
            loaded = await asyncio.to_thread(load, path, overlay)
            return Plan(path=path, overlay=overlay, loaded=loaded, place=self.place_of(loaded.target), read=now)
        except RolloutError as error:
            return Plan(path=path, overlay=overlay, fault=str(error), read=now)

    def _key(self, plan: Plan) -> str:
        """`workspace/endpoint`; of a file that cannot be read `file/NAME`; with a number where that is taken."""
        where = plan.place.target.workspace if plan.place else "file"
        name = plan.loaded.release.endpoint.name if plan.loaded else plan.path.name
        wanted = key = f"{where}/{name}"
        number = 2
        while key in self.by_key:
            key, number = f"{wanted}-{number}", number + 1
        return key


def row_unseen(key: str, plan: Plan) -> Row:
    """The row of a plan whose endpoint nobody has looked at yet, or which cannot be read."""
    if plan.loaded is None:
        return Row(key=key, name=plan.path.name, phase="error", reason=plan.fault)
    place = plan.place.label if plan.place else ""
    row = Row(key=key, name=plan.loaded.release.endpoint.name, plan=plan.loaded.release.name, place=place)
    return of_fleet(row, plan)


def of_fleet(row: Row, plan: Plan, *, pending: bool = False) -> Row:
    """The row, with the fleet and the wave that its plan is a part of. `pending`: its wave decides when it starts."""
    upcoming = "when its wave lets it start" if pending else row.upcoming
    return msgspec.structs.replace(row, fleet=plan.fleet, wave=plan.wave, upcoming=upcoming)
