"""The fleets that a dashboard shows: their files, and how each member was seen last.

A fleet is told by the functions of `rollout status FLEET`; only the looks come one by one, as the dashboard has its
turns, instead of all at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from rollout.cli.fleet import rolled_back, way
from rollout.cli.fleet_desk import Desk, Fleet, Sight, desk, read, unknown
from rollout.cli.fleet_run import Ended
from rollout.cli.fleet_told import told
from rollout.cli.place import Place
from rollout.cli.session import CREATES, Doors, Session
from rollout.cli.sourcing import with_sources
from rollout.core import commands
from rollout.core.fleet import Member, Standing
from rollout.core.observed import Observation
from rollout.dashboard.office import Offer, Preview
from rollout.errors import Refused, RolloutError
from rollout.plan.load import LoadedPlan
from rollout.render import words
from rollout.render.html.fleets import UNSEEN, Group

PATIENCE: Final = 4.0
"""A fleet is not read again before that many times the seconds that reading it took have passed."""
MOST_EFFECTS: Final = 50
"""Sentences of a preview; of the others it says how many there are."""
_ALLOWED: Final = frozenset({CREATES})
_NONE: Final = "no member has anything to give back"


class FleetFile(msgspec.Struct, frozen=True, kw_only=True):
    """A fleet's file, and what it says; `fault` where it cannot be read. `read`: when (seconds of our clock), `took`:
    how many seconds that was."""

    key: str
    path: Path
    fleet: Fleet | None = None
    fault: str = ""
    read: float = 0.0
    took: float = 0.0


class FleetFiles:
    """All fleets by key: what each is called, with a number where two are called the same."""

    def __init__(self, paths: Iterable[Path], target: str | None) -> None:
        self.by_key: dict[str, FleetFile] = {}
        self._paths = list(paths)
        self._target = target
        self._turn = asyncio.Lock()

    async def read_all(self) -> None:
        """Load every fleet once."""
        for path in self._paths:
            found = await self._read(path, "")
            name = wanted = found.fleet.plan.name if found.fleet else path.name
            number = 2
            while name in self.by_key:
                name, number = f"{wanted}-{number}", number + 1
            self.by_key[name] = msgspec.structs.replace(found, key=name)

    async def fresh(self, key: str, most: float) -> FleetFile:
        """That fleet, at most so many seconds old; a large one may be older. The same value where nothing changed."""
        async with self._turn:
            known = self.by_key[key]
            if time.monotonic() - known.read <= max(most, PATIENCE * known.took):
                return known
            again = await self._read(known.path, key)
            if again.fleet is not None and again.fleet == known.fleet:
                again = msgspec.structs.replace(again, fleet=known.fleet)
            self.by_key[key] = again
            return again

    async def _read(self, path: Path, key: str) -> FleetFile:
        began = time.monotonic()
        try:
            found, fault = await asyncio.to_thread(read, path, self._target), ""
        except RolloutError as error:
            found, fault = None, str(error)
        now = time.monotonic()
        return FleetFile(key=key, path=path, fleet=found, fault=fault, read=now, took=now - began)


class _Hall:
    """One fleet with its desk, and how each of its members was seen last."""

    def __init__(self, fleet: Fleet, at: Desk) -> None:
        self.fleet = fleet
        self.desk = at
        self.sights: dict[str, Sight] = {}

    @property
    def whole(self) -> dict[str, Sight]:
        """Every member, also those that nobody has looked at."""
        return {name: self.sights.get(name) or unknown(name, UNSEEN) for name in self.fleet.members}


class FleetHalls:
    """What is known of all fleets. `door` opens a workspace, `doors` the connections behind it."""

    def __init__(self, files: FleetFiles, door: Callable[[Place], Awaitable[Session]], who: str) -> None:
        self._files = files
        self._door = door
        self._who = who
        self._halls: dict[str, _Hall] = {}
        self.doors: Doors | None = None

    async def saw(self, key: str, member: str, seen: Observation, loaded: LoadedPlan) -> None:
        """Somebody has looked at a member's endpoint. `loaded`: its plan, with what its policy asks for."""
        hall = await self._hall(key)
        if hall is not None and member in hall.fleet.members:
            hall.sights[member] = await hall.desk.sight(member, seen, loaded)

    async def missed(self, key: str, member: str, why: str) -> None:
        """A member's endpoint could not be looked at."""
        hall = await self._hall(key)
        if hall is not None:
            hall.sights[member] = unknown(member, why)

    def is_pending(self, key: str, member: str) -> bool:
        """Whether nothing of a member's goal is there, by the last look; not so where there is no such fleet."""
        found = self._halls[key].sights.get(member) if key in self._halls else None
        return found is not None and found.member.standing is Standing.PENDING

    async def groups(self, keys: Mapping[str, Mapping[str, str]]) -> Sequence[Group]:
        """Every fleet as it stands. `keys`: by fleet and member the key of its endpoint."""
        return [await self._group(file, keys.get(key, {})) for key, file in self._files.by_key.items()]

    def offers(self, group: Group) -> tuple[Offer, ...]:
        """The buttons of its page."""
        return (Offer("rollback", "Roll back", "" if group.returns or group.unseen else _NONE),)

    async def preview(self, key: str, command: str) -> Preview:
        """What the command would do to each member, by a look of now. Raises Refused where that is nothing."""
        fleet = await self._asked(key, command)
        async with desk(fleet, _ALLOWED) as at:
            sights = await at.look(fleet.members)
        found = {name: self._back(fleet, name, sights[name]) for name in [*fleet.members][::-1]}
        if not any(found.values()):
            raise Refused(_NONE)
        effects = [f"{name}: {effect}" for name, effect in found.items() if effect]
        more = len(effects) - MOST_EFFECTS
        stay = sum(not effect for effect in found.values())
        told_too = [f"and {more:,} members more"] if more > 0 else []
        told_too += [f"{stay:,} of {len(found):,} members stay as they are"] if stay else []
        return Preview(effects=(*effects[:MOST_EFFECTS], *told_too), digest="")

    async def act(self, key: str, command: str, why: str) -> Sequence[str]:
        """As `rollout rollback FLEET` does; what was done."""
        fleet = await self._asked(key, command)
        found = await rolled_back(fleet, [*fleet.members], None, self._who, why)
        wrong = [f"{member.name}: {member.reason}" for member in found.members if member.exit_code]
        if wrong:
            raise RolloutError(f"{len(wrong)} of {len(found.members)} members could not go back: {wrong[0]}")
        return [f"{member.name}: {member.reason}" for member in found.members if member.writes]

    async def _asked(self, key: str, command: str) -> Fleet:
        if command != "rollback":
            raise Refused(f"a fleet knows no {command}", hint="its members' own pages have that button")
        if key not in self._files.by_key:
            raise Refused(f"no fleet {key} is known here")
        found = await self._files.fresh(key, 0.0)
        if found.fleet is None:
            raise Refused(f"{found.path} is not valid", hint="rollout validate says what is wrong with it")
        return found.fleet

    def _back(self, fleet: Fleet, name: str, sight: Sight) -> str:
        """What the way back of one member is; "" where it stays as it is."""
        if sight.seen is None:
            return f"cannot be looked at: {sight.member.reason}"
        release = fleet.members[name].release
        try:
            actions = commands.rollback(release, sight.seen, self._who, "", to=way(sight))
        except Refused:
            return ""
        return "; ".join(f"{words.action_text(action)} ({action.reason})" for action in actions)

    async def _group(self, file: FleetFile, keys: Mapping[str, str]) -> Group:
        hall = await self._hall(file.key)
        shown = str(file.path)
        if hall is None:
            return Group(key=file.key, file=shown, fault=file.fault)
        sights = hall.whole
        members = [sight.member for sight in sights.values()]
        unseen = sum(name not in hall.sights for name in sights)
        try:
            decision = await hall.desk.decided(sights)
        except RolloutError as error:
            return Group(key=file.key, file=shown, fault=str(error) if hall.sights else "")
        return Group(
            key=file.key,
            file=shown,
            told=told("status", hall.fleet, Ended(decision=decision, sights=sights), 0),
            keys=keys,
            unseen=unseen,
            returns=any(map(_returns, members)),
        )

    async def _hall(self, key: str) -> _Hall | None:
        """The fleet as its file says now; what was seen of members whose plan is another now is seen anew."""
        file = self._files.by_key.get(key)
        if file is None or file.fleet is None:
            return None
        known = self._halls.get(key)
        if known is not None and known.fleet is file.fleet:
            return known
        sessions = {place.label: await self._door(place) for place in file.fleet.places.values()}
        assert self.doors is not None, "a door was opened"
        hall = self._halls[key] = _Hall(file.fleet, Desk(file.fleet, self.doors, sessions, _ALLOWED, {}))
        for name, sight in (known.sights if known is not None else {}).items():
            if name in file.fleet.members:
                hall.sights[name] = await _judged(hall.desk, name, sight)
        return hall


async def _judged(at: Desk, name: str, sight: Sight) -> Sight:
    """The same look, by the plan as it is now."""
    if sight.seen is None:
        return sight
    try:
        loaded = await with_sources(at.session(name), at.fleet.members[name], sight.seen)
        return await at.sight(name, sight.seen, loaded)
    except RolloutError as error:
        return unknown(name, str(error))


def _returns(member: Member) -> bool:
    """Whether a rollback would find something to give back, as far as a look can tell."""
    return member.standing is not Standing.FAILED and (member.begun or member.returnable or member.astray)
