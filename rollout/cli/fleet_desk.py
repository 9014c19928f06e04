"""All that a command needs of a fleet: its members' plans, an open door to each of their workspaces, and a look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Final

import msgspec

from rollout.cli import options
from rollout.cli.approving import Saved
from rollout.cli.context import commit
from rollout.cli.place import Place
from rollout.cli.planned import Planned
from rollout.cli.session import Doors, Session, doors, signed
from rollout.cli.sourcing import with_sources
from rollout.cli.targets import resolve
from rollout.core import fleet_members
from rollout.core.approval import Approved
from rollout.core.capacity import Usage
from rollout.core.decide import decide
from rollout.core.decision import Decision
from rollout.core.fleet import FleetDecision, FleetPlan, Member, Standing
from rollout.core.fleet_decide import decide_fleet
from rollout.core.fleet_members import may_go_on, member_of, needed, release_of
from rollout.core.observed import Endpoint, Observation
from rollout.core.release import Release
from rollout.core.stamp import FLEET
from rollout.errors import PlanError, RolloutError
from rollout.plan.fleet_files import Inspected, inspect_fleet
from rollout.plan.load import LoadedPlan

AT_ONCE: Final = 16
"""So many looks are under way at the same time."""


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """A fleet, ready to be decided about: the plan of each member and its workspace, by the member's name."""

    plan: FleetPlan
    path: Path
    members: Mapping[str, LoadedPlan]
    places: Mapping[str, Place]


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One member at one look; `seen`, `decision` and `loaded` (the plan with what other environments show, where its
    policy asks) are None where it could not be looked at."""

    member: Member
    seen: Observation | None = None
    decision: Decision | None = None
    loaded: LoadedPlan | None = None


def read(
    path: Path,
    target: str | None,
    overlay_for: Callable[[Path], Path | None] = options.overlay_for,
    approved: str = "",
) -> Fleet:
    """The fleet at `path`; `approved`: the digest of its approval. Raises PlanError with every fault of it and of its
    members' plans, UsageError: no target."""
    found = inspect_fleet(path, commit=commit(path), overlay_for=overlay_for)
    places: dict[object, Place] = {}
    for loaded in found.loaded.values():
        if loaded.target not in places:
            places[loaded.target] = resolve(target, loaded.target)
    where = {name: places[loaded.target] for name, loaded in found.loaded.items()}
    _once(found, where)
    goals = {name: loaded.release.goal for name, loaded in found.loaded.items()}
    label = release_of(found.plan.name, goals)
    members = {name: _labelled(loaded, label, approved) for name, loaded in found.loaded.items()}
    return Fleet(plan=found.plan, path=path, members=members, places=where)


def _once(found: Inspected, where: Mapping[str, Place]) -> None:
    """One target for all (on the command line) may make two endpoints one. Raises PlanError."""
    first: dict[tuple[str, str], str] = {}
    faults = []
    for name, loaded in found.loaded.items():
        endpoint, label = loaded.release.endpoint.name, where[name].label
        if first.setdefault((endpoint, label), name) != name:
            faults.append(found.fault_at(name, f"the endpoint `{endpoint}` is there already in {label}"))
    if faults:
        raise PlanError(faults)


def _labelled(loaded: LoadedPlan, label: str, approved: str) -> LoadedPlan:
    """The plan with its provenance, and of which release of the fleet it is a part."""
    loaded = signed(loaded, approved)
    provenance = {**loaded.release.provenance, FLEET: label}
    return msgspec.structs.replace(loaded, release=msgspec.structs.replace(loaded.release, provenance=provenance))


class Desk:
    """A fleet with the open doors to its workspaces. `given`: by member what was approved, where that is known."""

    def __init__(
        self,
        fleet: Fleet,
        doors: Doors,
        sessions: Mapping[str, Session],
        allowed: frozenset[str],
        given: Mapping[str, Approved],
    ) -> None:
        self.fleet = fleet
        self.doors = doors
        self.allowed = allowed
        self._given = given
        self._sessions = sessions
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._known: set[str] = set()
        self._homes: dict[str, str] = {}

    def session(self, name: str) -> Session:
        """The door to a member's workspace."""
        return self._sessions[self.fleet.places[name].label]

    def planned(self, name: str) -> Planned:
        """A member, as a pass wants its plan."""
        loaded, place = self.fleet.members[name], self.fleet.places[name]
        key = place.target.paths.endpoint(loaded.release.endpoint.name).lower()
        approved = self._given.get(name)
        given = Saved(approved=approved, plan=loaded.path, overlay=None) if approved is not None else None
        return Planned(path=loaded.path, key=key, loaded=loaded, place=place, given=given)

    async def look(self, names: Iterable[str]) -> dict[str, Sight]:
        """A look at each of these members; who cannot be looked at is told as `unknown`. The first look at a member may
        come from a list of its workspace."""
        wanted = list(names)
        for name in wanted:
            if name not in self._known:
                self.doors.expect(self.fleet.places[name], self.fleet.members[name].release.endpoint.name)
        self._known.update(wanted)
        return dict(zip(wanted, await asyncio.gather(*map(self._look, wanted)), strict=True))

    def may_go_on(self, sights: Mapping[str, Sight]) -> bool:
        """Whether a schedule may carry the fleet on, by what was seen (`core.fleet_members.may_go_on`)."""
        return may_go_on(*_seen(self.fleet, sights))

    def is_begun(self, sights: Mapping[str, Sight]) -> bool:
        """Whether somebody has begun this release of the fleet."""
        return is_begun(self.fleet, sights)

    async def decided(self, sights: Mapping[str, Sight]) -> FleetDecision:
        """What may happen now. The quota is read only where a member that needs some could start."""
        members = {name: sight.member for name, sight in sights.items()}
        times = [sight.seen.now for sight in sights.values() if sight.seen is not None]
        if not times:
            raise RolloutError(f"no member of {self.fleet.plan.name} could be looked at: {_first_reason(members)}")
        decision = decide_fleet(self.fleet.plan, members, max(times))
        pools = {members[name].pool: name for name in decision.start if members[name].need.cores}
        if not pools:
            return decision
        return decide_fleet(self.fleet.plan, members, max(times), await self._usages(pools))

    async def _look(self, name: str) -> Sight:
        async with self._turns:
            loaded, session = self.fleet.members[name], self.session(name)
            try:
                seen = await session.plane.observe(loaded.release.endpoint.name)
                return await self.sight(name, seen, await with_sources(session, loaded, seen))
            except RolloutError as error:
                return unknown(name, str(error))

    async def sight(self, name: str, seen: Observation, loaded: LoadedPlan) -> Sight:
        """How the member stands by that look at its endpoint. `loaded`: its plan, with what its policy asks for."""
        release = loaded.release
        decision = decide(release, seen, {}, self.allowed)
        found = member_of(release, seen, decision)
        if found.standing in (Standing.PENDING, Standing.IN_FLIGHT):
            pool = await self._pool(name, seen)
            found = msgspec.structs.replace(found, need=needed(release, seen, self.allowed), pool=pool)
        return Sight(member=found, seen=seen, decision=decision, loaded=loaded)

    async def _pool(self, name: str, seen: Observation) -> str:
        """The subscription and region whose quota the member takes from."""
        place = self.fleet.places[name]
        if seen.endpoint is not None and seen.endpoint.location:
            return f"{place.target.subscription_id}/{seen.endpoint.location}"
        if place.label not in self._homes:
            self._homes[place.label] = await self.session(name).quota.home()
        return f"{place.target.subscription_id}/{self._homes[place.label]}"

    async def _usages(self, pools: Mapping[str, str]) -> dict[str, Sequence[Usage]]:
        """The usages by pool, each read through one of its members; none where they cannot be read: the member's own
        pass then says that capacity cannot be proven."""
        found: dict[str, Sequence[Usage]] = {}
        for pool, name in pools.items():
            try:
                found[pool] = await self.session(name).quota.usages(pool.rpartition("/")[2])
            except RolloutError:
                continue
        return found


def unknown(name: str, why: str) -> Sight:
    """A member that was not looked at."""
    return Sight(member=Member(name=name, standing=Standing.UNKNOWN, reason=why))


def is_begun(fleet: Fleet, sights: Mapping[str, Sight]) -> bool:
    """Whether somebody has begun this release of the fleet, by what was seen (`core.fleet_members.is_begun`)."""
    return fleet_members.is_begun(*_seen(fleet, sights))


def _seen(
    fleet: Fleet, sights: Mapping[str, Sight]
) -> tuple[Iterable[Member], Iterable[Release], Iterable[Endpoint | None]]:
    """The members, their releases, and the endpoints that could be looked at."""
    members = [sight.member for sight in sights.values()]
    releases = [loaded.release for loaded in fleet.members.values()]
    return members, releases, [sight.seen.endpoint for sight in sights.values() if sight.seen is not None]


def _first_reason(members: Mapping[str, Member]) -> str:
    return next((member.reason for member in members.values()), "it has none")


@asynccontextmanager
async def desk(
    fleet: Fleet, allowed: frozenset[str], through: Doors | None = None, given: Mapping[str, Approved] | None = None
) -> AsyncIterator[Desk]:
    """Open the doors, through one set of connections: given ones, or those that are closed at the end. `given`: what
    was approved of each member; then nothing else is done to it."""
    async with nullcontext(through) if through else doors(bulk=True) as shared:
        sessions: dict[str, Session] = {}
        for place in fleet.places.values():
            if place.label not in sessions:
                sessions[place.label] = await shared.session(place)
        yield Desk(fleet, shared, sessions, allowed, given or {})
