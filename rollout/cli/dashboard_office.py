"""What the dashboard stands on: the same looks, decisions and commands as the command line's own."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final

import msgspec

from rollout.cli.carry_out import Asked, carry_out, told
from rollout.cli.dashboard_fleets import FleetHalls
from rollout.cli.dashboard_plans import AGAIN, Plan, Plans, of_fleet, row_unseen
from rollout.cli.place import Place
from rollout.cli.session import CREATES, Session, doors, report_on
from rollout.cli.sight import story_of
from rollout.cli.sourcing import with_sources
from rollout.core import commands
from rollout.core.change_set import change_set
from rollout.core.commands import Actions
from rollout.core.observed import Endpoint, Observation
from rollout.core.release import Release
from rollout.dashboard.office import COMMANDS, Found, Offer, Preview, Sight, fleet_of
from rollout.errors import PlanError, Refused, RolloutError, Stale, UsageError
from rollout.plan.load import LoadedPlan
from rollout.render.document import Measurement
from rollout.render.from_report import document
from rollout.render.html.fleets import Group
from rollout.render.html.rows import Row, row_of, row_without_plan

_Doing = Callable[[Release | None, Observation, str, str], Actions]
_ALLOWED: Final = frozenset({CREATES})
_MOST_KEPT: Final = 20
"""Verdicts of past gates that are remembered for each rollout."""


def _needs(command: Callable[[Release, Observation, str, str], Actions]) -> _Doing:
    def doing(release: Release | None, seen: Observation, who: str, why: str) -> Actions:
        if release is None:
            raise Refused("this needs the plan, and none was given for this endpoint", hint="rollout dashboard PATH…")
        return command(release, seen, who, why)

    return doing


DOINGS: Final[Mapping[str, _Doing]] = {
    "approve": _needs(commands.approve),
    "promote": _needs(commands.promote),
    "hold": commands.hold,
    "resume": commands.resume,
    "rollback": commands.rollback,
}


class Office:
    """Implements `rollout.dashboard.office.Office`. Connections are opened when first needed, one for a workspace."""

    def __init__(self, stack: AsyncExitStack, plans: Plans, target: str | None, who: str) -> None:
        self._stack = stack
        self._plans = plans
        self._target = target
        self._who = who
        self._halls = FleetHalls(plans.fleets, self._door, who)
        self._unplanned: dict[str, tuple[str, Place]] = {}
        self._showed: dict[str, tuple[str, tuple[Measurement, ...]]] = {}
        self._opening = asyncio.Lock()

    @property
    def who(self) -> str:
        """See `Office`."""
        return self._who

    async def census(self) -> Sequence[Found]:
        """See `Office`."""
        listed = {place.label: (place, await self._listed(place)) for place in self._places()}
        found = list(self._planned({label: by_name for label, (_, by_name) in listed.items()}))
        if self._plans.complete.is_set():
            for place, by_name in listed.values():
                found += self._others(place, by_name.values())
        return found

    async def look(self, key: str) -> Row:
        """See `Office`."""
        plan = await self._plans.fresh(key, AGAIN)
        if plan is None or plan.loaded is None or plan.place is None:
            return await self._bare(key, plan)
        door = await self._door(plan.place)
        seen, loaded = await self._seen(door, plan, plan.loaded)
        return self._told(key, door, plan, loaded, seen)

    async def _seen(self, door: Session, plan: Plan, loaded: LoadedPlan) -> tuple[Observation, LoadedPlan]:
        """A look at a plan's endpoint, and the plan with what its policy's environments show; its fleet, where it is a
        part of one, hears of it."""
        try:
            seen = await door.plane.observe(loaded.release.endpoint.name)
            loaded = await with_sources(door, loaded, seen)
        except RolloutError as error:
            if plan.fleet:
                await self._halls.missed(plan.fleet, plan.member, str(error))
            raise
        if plan.fleet:
            await self._halls.saw(plan.fleet, plan.member, seen, loaded)
        return seen, loaded

    def _told(self, key: str, door: Session, plan: Plan, loaded: LoadedPlan, seen: Observation) -> Row:
        row = row_of(key, document(report_on(door, loaded, seen, _ALLOWED)), door.place.label)
        return of_fleet(row, plan, pending=self._halls.is_pending(plan.fleet, plan.member))

    async def fleets(self) -> Sequence[Group]:
        """See `Office`."""
        return await self._halls.groups(self._plans.members)

    def fleet_offers(self, group: Group) -> Sequence[Offer]:
        """See `Office`."""
        return self._halls.offers(group)

    async def sight(self, key: str) -> Sight:
        """See `Office`."""
        plan = await self._plans.fresh(key)
        if plan is None or plan.loaded is None or plan.place is None:
            row = await self._bare(key, plan)
            offers = () if plan is not None else tuple(await self._offers_without_plan(key))
            return Sight(row=row, story=None, offers=offers)
        door = await self._door(plan.place)
        seen, loaded = await self._seen(door, plan, plan.loaded)
        story = await story_of(door, loaded, seen, self._kept(key, plan.loaded.release.goal))
        self._showed[key] = (plan.loaded.release.goal, story.measurements[-_MOST_KEPT:])
        offers = tuple(_offers(plan.loaded.release, seen))
        return Sight(row=self._told(key, door, plan, loaded, seen), story=story, offers=offers)

    def _kept(self, key: str, goal: str) -> tuple[Measurement, ...]:
        """What the gates of that goal have shown here: each is asked once, when it is over."""
        of, found = self._showed.get(key, ("", ()))
        return found if of == goal else ()

    async def preview(self, key: str, command: str, why: str) -> Preview:
        """See `Office`."""
        if fleet := fleet_of(key):
            return await self._halls.preview(fleet, command)
        wish = await self._asked(key, why)
        seen = await (await self._door(wish.place)).plane.observe(wish.endpoint)
        actions = DOINGS[command](wish.release, seen, self._who, why)
        effects = tuple(told(action, wish.endpoint) for action in actions)
        return Preview(effects=effects, digest=_digest(wish.release, seen))

    async def act(self, key: str, command: str, why: str, digest: str) -> Sequence[str]:
        """See `Office`."""
        if fleet := fleet_of(key):
            return await self._halls.act(fleet, command, why)
        wish = await self._asked(key, why)

        def doing(seen: Observation) -> Actions:
            if digest and digest != _digest(wish.release, seen):
                raise _Moved("what follows is not what was shown any more")
            return DOINGS[command](wish.release, seen, self._who, why)

        done: list[str] = []
        try:
            await carry_out(wish, doing, done.append)
        except _Moved as error:
            raise Stale(str(error)) from error
        return done

    async def _asked(self, key: str, why: str) -> Asked:
        plan = await self._plans.fresh(key)
        if plan is not None:
            if plan.loaded is None or plan.place is None:
                raise Refused(f"{plan.path} is not valid", hint="rollout validate says what is wrong with it")
            release = plan.loaded.release
            return Asked(release=release, endpoint=release.endpoint.name, place=plan.place, who=self._who, why=why)
        name, place = self._known(key)
        return Asked(release=None, endpoint=name, place=place, who=self._who, why=why)

    def _known(self, key: str) -> tuple[str, Place]:
        if key not in self._unplanned:
            raise UsageError(f"no endpoint {key} is known here", hint="the list of endpoints has all that there are")
        return self._unplanned[key]

    async def _bare(self, key: str, plan: Plan | None) -> Row:
        """The row of an endpoint without a plan, or of a plan that cannot be read."""
        if plan is not None:
            return row_unseen(key, plan)
        name, place = self._known(key)
        seen = await (await self._door(place)).plane.observe(name)
        return row_without_plan(key, seen.endpoint or Endpoint(name=name), place.label, seen.now)

    async def _offers_without_plan(self, key: str) -> Iterator[Offer]:
        name, place = self._known(key)
        return _offers(None, await (await self._door(place)).plane.observe(name))

    async def _door(self, place: Place) -> Session:
        async with self._opening:
            if self._halls.doors is None:
                self._halls.doors = await self._stack.enter_async_context(doors())
            return await self._halls.doors.common(place)

    def _places(self) -> list[Place]:
        known = [plan.place for plan in self._plans.by_key.values() if plan.place is not None]
        given = [self._plans.place_of(None)] if self._target else []
        return list({place.label: place for place in (*given, *known)}.values())

    async def _listed(self, place: Place) -> dict[str, Endpoint]:
        listed = await (await self._door(place)).census.endpoints()
        return {endpoint.name: endpoint for endpoint in listed}

    def _planned(self, listed: Mapping[str, Mapping[str, Endpoint]]) -> Iterator[Found]:
        for key, plan in self._plans.by_key.items():
            endpoint = None
            if plan.loaded is not None and plan.place is not None:
                endpoint = listed.get(plan.place.label, {}).get(plan.loaded.release.endpoint.name)
            goal = plan.loaded.release.goal if plan.loaded else plan.fault
            yield Found(row_unseen(key, plan), f"{goal} {_mark(endpoint)}")

    def _others(self, place: Place, endpoints: Iterable[Endpoint]) -> Iterator[Found]:
        """The endpoints of a workspace for which no plan was given."""
        mine = {
            plan.loaded.release.endpoint.name
            for plan in self._plans.by_key.values()
            if plan.loaded is not None and plan.place is not None and plan.place.label == place.label
        }
        for endpoint in endpoints:
            if endpoint.name not in mine:
                key = f"{place.target.workspace}/{endpoint.name}"
                self._unplanned[key] = (endpoint.name, place)
                yield Found(row_without_plan(key, endpoint, place.label, None), _mark(endpoint))


class _Moved(Refused):
    """Another world than the one that was shown. No `Stale`: it must not be tried again by itself."""


def _offers(release: Release | None, seen: Observation) -> Iterator[Offer]:
    for command in COMMANDS:
        try:
            DOINGS[command.name](release, seen, "", "")
            yield Offer(command.name, command.label)
        except (Refused, PlanError) as error:
            yield Offer(command.name, command.label, str(error))


def _digest(release: Release | None, seen: Observation) -> str:
    """Of what a yes would stand on: all that follows, and the split and record of now."""
    follows = change_set(release, seen, _ALLOWED).digest if release is not None else ""
    return hashlib.sha256(f"{follows} {_mark(seen.endpoint)}".encode()).hexdigest()[:16]


def _mark(endpoint: Endpoint | None) -> str:
    """Another one whenever weights, tags or the state have changed."""
    if endpoint is None:
        return "none"
    value = (endpoint.state, endpoint.weights, sorted(endpoint.tags.items()))
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()[:16]
