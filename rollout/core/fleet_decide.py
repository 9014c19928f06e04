"""Which members of a fleet may start, go on, or go back. Pure: the same looks give the same decision.

A member that is under way always goes on: its candidate has traffic, and is not left unwatched. Everything else is
about *starting* one: not before the waves in front are complete, not more than `max_in_flight`, not over the budget,
not without the quota that its whole way needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from rollout.core.capacity import Usage
from rollout.core.fleet import (
    SETTLED,
    FleetDecision,
    FleetPlan,
    FleetStatus,
    Member,
    Standing,
    Wave,
    WaveState,
    WaveView,
)
from rollout.core.fleet_quota import Room

_STUCK = (Standing.HELD, Standing.UNKNOWN)


def decide_fleet(
    plan: FleetPlan, members: Mapping[str, Member], now: datetime, usages: Mapping[str, Sequence[Usage]] | None = None
) -> FleetDecision:
    """What may happen to the fleet now. `members` by name, all of them; `usages` by pool, where they are known."""
    failed = sum(member.standing is Standing.FAILED for member in members.values())
    over = failed > plan.error_budget
    views = _views(plan, members, now, failed)
    waiting: dict[str, str] = {}
    start = () if over else _starting(plan, members, views, Room(usages or {}), waiting)
    if over:
        waiting = {name: _over(failed, plan) for name, each in members.items() if each.standing is Standing.PENDING}
    found = FleetDecision(
        status=FleetStatus.DONE,
        reason=_counted(members.values()),
        start=start,
        advance=_named(plan, members, lambda each: each.standing is Standing.IN_FLIGHT or each.unfinished),
        give_back=_named(plan, members, lambda each: each.astray and each.name not in start),
        take_back=_going_back(plan, members) if over and plan.on_failure == "roll_back" else (),
        waves=tuple(views.values()),
        waiting=waiting,
        failed=failed,
        next_after=min((view.until for view in views.values() if view.until is not None), default=None),
    )
    return _concluded(plan, members, found, over)


def _views(plan: FleetPlan, members: Mapping[str, Member], now: datetime, failed: int) -> dict[str, WaveView]:
    """Every wave as it stands, in the order of the file."""
    ends = {wave.name: _end(wave, members) for wave in plan.waves}
    complete = {
        wave.name
        for wave in plan.waves
        if all(_settled(members[name]) for name in wave.members) and not _later(ends[wave.name], now)
    }
    over = failed > plan.error_budget
    found: dict[str, WaveView] = {}
    for wave in plan.waves:
        behind = [name for name in wave.after if name not in complete]
        found[wave.name] = _view(wave, members, ends[wave.name], now, behind, _over(failed, plan) if over else "")
    return found


def _view(
    wave: Wave,
    members: Mapping[str, Member],
    end: datetime | None,
    now: datetime,
    behind: Sequence[str],
    over: str,
) -> WaveView:
    mine = [members[name] for name in wave.members]
    if all(map(_settled, mine)):
        if _later(end, now):
            return WaveView(name=wave.name, state=WaveState.BAKING, reason="all members are settled", until=end)
        failed = sum(member.standing is Standing.FAILED for member in mine)
        told = f"{failed} of {len(mine)} failed" if failed else ""
        state = WaveState.BLOCKED if failed and over else WaveState.COMPLETE
        return WaveView(name=wave.name, state=state, reason=told)
    under_way = any(member.standing is Standing.IN_FLIGHT for member in mine)
    fresh = any(member.standing is Standing.PENDING for member in mine)
    if fresh and over:
        return WaveView(name=wave.name, state=WaveState.BLOCKED, reason=over)
    if fresh and behind:
        return WaveView(name=wave.name, state=WaveState.WAITING, reason=f"after {', '.join(behind)}")
    if not under_way and not fresh:
        stuck = ", ".join(member.name for member in mine if member.standing in _STUCK)
        return WaveView(name=wave.name, state=WaveState.BLOCKED, reason=f"somebody must see to {stuck}")
    return WaveView(name=wave.name, state=WaveState.OPEN)


def _starting(
    plan: FleetPlan, members: Mapping[str, Member], views: Mapping[str, WaveView], room: Room, waiting: dict[str, str]
) -> tuple[str, ...]:
    """Who starts now, in the order of the file; who does not is told in `waiting`."""
    room.taken(member for member in members.values() if member.standing is Standing.IN_FLIGHT)
    start: list[str] = []
    for wave in plan.waves:
        places = wave.max_in_flight - sum(_takes_place(members[name]) for name in wave.members)
        for member in (members[name] for name in wave.members if members[name].standing is Standing.PENDING):
            if views[wave.name].state is WaveState.WAITING:
                waiting[member.name] = f"waits for {views[wave.name].reason.removeprefix('after ')}"
            elif places <= 0:
                waiting[member.name] = f"waits for a place: {wave.max_in_flight} at a time"
            elif why := room.refuses(member):
                waiting[member.name] = why
            else:
                room.taken((member,))
                places -= 1
                start.append(member.name)
    return tuple(start)


def _concluded(plan: FleetPlan, members: Mapping[str, Member], found: FleetDecision, over: bool) -> FleetDecision:
    """The decision with its status and a reason."""
    counted = found.reason
    if found.start or found.advance or found.give_back or found.take_back:
        return msgspec.structs.replace(found, status=FleetStatus.ACT)
    if over:
        return msgspec.structs.replace(found, status=FleetStatus.HOLD, reason=f"{_over(found.failed, plan)}; {counted}")
    if all(map(_settled, members.values())):
        return found
    if any(view.state is WaveState.BAKING for view in found.waves):
        return msgspec.structs.replace(found, status=FleetStatus.WAIT, reason=f"a wave bakes; {counted}")
    return msgspec.structs.replace(found, status=FleetStatus.HOLD, reason=f"somebody must act; {counted}")


def _going_back(plan: FleetPlan, members: Mapping[str, Member]) -> tuple[str, ...]:
    """The released members that can go back, the latest wave first."""
    named = _named(plan, members, lambda each: each.standing is Standing.RELEASED and each.returnable)
    return named[::-1]


def _named(plan: FleetPlan, members: Mapping[str, Member], wanted: Callable[[Member], bool]) -> tuple[str, ...]:
    return tuple(name for wave in plan.waves for name in wave.members if wanted(members[name]))


def _settled(member: Member) -> bool:
    return member.standing in SETTLED


def _takes_place(member: Member) -> bool:
    return member.standing is Standing.IN_FLIGHT or (member.begun and member.standing in _STUCK)


def _end(wave: Wave, members: Mapping[str, Member]) -> datetime | None:
    """When its bake is over; None: nobody knows when its members were promoted."""
    times = [found for name in wave.members if (found := members[name].since) is not None]
    return max(times) + timedelta(seconds=wave.bake) if times else None


def _later(end: datetime | None, now: datetime) -> bool:
    return end is not None and end > now


def _over(failed: int, plan: FleetPlan) -> str:
    return f"the error budget is exceeded: {failed} failed, {plan.error_budget} may"


def _counted(members: Iterable[Member]) -> str:
    found = [member.standing for member in members]
    parts = (f"{found.count(each)} {each.value.replace('_', ' ')}" for each in Standing if each in found)
    return ", ".join(parts)
