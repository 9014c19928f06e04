"""A fleet walked to its end without any service: which wave begins when, by the walks of its members. Pure.

Who may start is asked of `decide_fleet`, so that it cannot disagree with what will be done. Quota is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from rollout.core.decision import Phase
from rollout.core.fleet import FleetDecision, FleetPlan, Member, Standing
from rollout.core.fleet_decide import decide_fleet
from rollout.core.rehearsal import Rehearsal

Event = Literal["begins", "released", "failed", "held", "taken back"]
_ENDS: Final[Mapping[Standing, Event]] = {
    Standing.RELEASED: "released",
    Standing.FAILED: "failed",
    Standing.HELD: "held",
}


class FleetMoment(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to members of one wave at the same time, `at` seconds after the fleet begins."""

    at: float
    wave: str
    event: Event
    members: tuple[str, ...]


class FleetRehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """The whole walk; `last` is what is decided at its end, `seconds` after its beginning."""

    moments: tuple[FleetMoment, ...]
    last: FleetDecision
    seconds: float


def rehearse_fleet(plan: FleetPlan, walks: Mapping[str, Rehearsal], start: datetime) -> FleetRehearsal:
    """Walk the fleet to its end; `walks` are those of all of its members, by name."""
    members = {name: Member(name=name, standing=Standing.PENDING) for name in walks}
    ends: dict[str, float] = {}
    moments: list[FleetMoment] = []
    at = 0.0
    while True:
        now = start + timedelta(seconds=at)
        decision = decide_fleet(plan, members, now)
        if decision.take_back:
            moments += _moments(plan, at, "taken back", decision.take_back)
            members |= {name: Member(name=name, standing=Standing.FAILED) for name in decision.take_back}
            continue
        moments += _moments(plan, at, "begins", decision.start)
        members |= {name: Member(name=name, standing=Standing.IN_FLIGHT, begun=True) for name in decision.start}
        ends |= {name: at + walks[name].settled for name in decision.start}
        bakes = [(decision.next_after - start).total_seconds()] if decision.next_after else []
        if not (ends or bakes):
            return FleetRehearsal(moments=tuple(moments), last=decision, seconds=at)
        at = min((*ends.values(), *bakes))
        over = [name for name, end in ends.items() if end <= at]
        for standing, event in _ENDS.items():
            mine = [name for name in over if _standing(walks[name]) is standing]
            moments += _moments(plan, at, event, mine)
            members |= {name: _settled(members[name], standing, start + timedelta(seconds=at)) for name in mine}
        ends = {name: end for name, end in ends.items() if name not in over}


def _standing(walk: Rehearsal) -> Standing:
    """How a member stands at the end of its walk."""
    match walk.last.phase:
        case Phase.COMPLETE:
            return Standing.RELEASED
        case Phase.ROLLED_BACK:
            return Standing.FAILED
    return Standing.HELD


def _settled(member: Member, standing: Standing, now: datetime) -> Member:
    released = standing is Standing.RELEASED
    return replace(member, standing=standing, since=now if released else None, returnable=released)


def _moments(plan: FleetPlan, at: float, event: Event, names: Iterable[str]) -> list[FleetMoment]:
    """One for each wave that has some of these members."""
    wanted = set(names)
    found = ((wave.name, tuple(name for name in wave.members if name in wanted)) for wave in plan.waves)
    return [FleetMoment(at=at, wave=wave, event=event, members=mine) for wave, mine in found if mine]
