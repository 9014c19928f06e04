"""What was approved of a fleet: its waves, and of every member exactly what an approval of its plan alone says. Pure.

Each member is held to its own approval before each of its writes (`core.approval`); here is what holds them together.
A member of a later wave may be started later: as much as the waves in front of its own may take.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from graphlib import TopologicalSorter
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from rollout.core.approval import Approved
from rollout.core.fleet import FleetPlan, Wave
from rollout.errors import Unapproved

FORMAT: Final = 1
ROUND_SECONDS: Final = 3600.0
"""What the service may take for the operations of members that go side by side; their stages' own times come on top."""
_MOST_TOLD: Final = 4


class ApprovedFleet(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A fleet as it was approved, beside the approvals of its members.

    `digest` is the one that people see; `meaning` of the waves and what holds across them. The first wave may be
    started until `valid_until`. `overlays`: by the file of a plan, the one that the command line asked for. `seal`
    tells an edit by hand, also of a member's approval.
    """

    format: Annotated[int, Meta(description="The version of this part.")] = FORMAT
    tool: str = ""
    digest: str
    fleet: str
    file: str = ""
    meaning: str
    overlays: Mapping[str, str] = {}
    valid_until: datetime
    seal: str = ""

    @property
    def key(self) -> str:
        """What tells it from any other approval, also of the same changes: `DIGEST.SEAL`."""
        return f"{self.digest}.{self.seal}"


class GivenFleet(msgspec.Struct, frozen=True, kw_only=True):
    """What was approved of a fleet, with what was approved of each member, by its name."""

    approved: ApprovedFleet
    members: Mapping[str, Approved]

    @property
    def allowed(self) -> frozenset[str]:
        """The hazards that were allowed when it was looked at."""
        return frozenset(name for one in self.members.values() for name in one.allowed)


def digest_of(plan: FleetPlan, digests: Mapping[str, str]) -> str:
    """One digest of the waves and of the change sets of all members, by name; no times, no commits."""
    return _digest("\n".join((meaning_of(plan), *_told(digests))))


def meaning_of(plan: FleetPlan) -> str:
    """16 hex digits over the waves, their order and limits, the error budget and what becomes of a failure."""
    return _digest(msgspec.json.encode(plan, order="deterministic").decode())


def delays(plan: FleetPlan, waits: Mapping[str, float], complete: Collection[str] = ()) -> dict[str, float]:
    """By wave: how many seconds after the fleet has begun its last members may start, at the latest.

    `waits`: how long the stages of each member may take that has something to do; `complete` waves hold nobody up.
    """
    rounds = {wave.name: [] if wave.name in complete else _rounds(wave, waits) for wave in plan.waves}
    begins: dict[str, float] = {}
    waves = {wave.name: wave for wave in plan.waves}
    for name in _in_turn(plan):
        ends = (begins[one] + sum(rounds[one]) + (waves[one].bake if rounds[one] else 0.0) for one in waves[name].after)
        begins[name] = max(ends, default=0.0)
    return {name: begins[name] + sum(rounds[name][:-1]) for name in waves}


def approved_fleet(
    plan: FleetPlan,
    members: Mapping[str, Approved],
    *,
    digest: str,
    file: str,
    overlays: Mapping[str, str],
    valid_until: datetime,
    tool: str,
) -> ApprovedFleet:
    """What is to be approved of the fleet, beside the approvals of all of its members."""
    value = ApprovedFleet(
        tool=tool,
        digest=digest,
        fleet=plan.name,
        file=file,
        meaning=meaning_of(plan),
        overlays=overlays,
        valid_until=valid_until,
    )
    return msgspec.structs.replace(value, seal=_seal(value, members))


def must_be_that_fleet(what: ApprovedFleet, plan: FleetPlan, members: Mapping[str, Approved], tool: str) -> None:
    """Raise Unapproved unless it is the approval of this fleet, with these members and waves, by such a tool."""
    hint = _again(what)
    if what.seal != _seal(what, members):
        raise Unapproved("the saved change set was edited after it was written", hint=hint)
    if (what.format, what.tool) != (FORMAT, tool):
        raise Unapproved(
            f"the change set was approved for version {what.tool or '?'} of rollout, this is {tool}", hint=hint
        )
    now = {name for wave in plan.waves for name in wave.members}
    if changed := sorted(now ^ set(members)):
        told = ", ".join(f"{name} ({'new' if name in now else 'gone'})" for name in changed[:8])
        raise Unapproved(f"the fleet {plan.name} has other members than were approved: {told}", hint=hint)
    if what.meaning != meaning_of(plan):
        raise Unapproved(f"the fleet {plan.name} is not as it was approved: its waves were edited", hint=hint)


def must_be_in_time(what: ApprovedFleet, now: datetime) -> None:
    """Raise Unapproved if it is too late to begin the fleet."""
    if now > what.valid_until:
        raise Unapproved(
            f"the approval of {what.digest} expired at {what.valid_until:%Y-%m-%d %H:%M:%SZ}", hint=_again(what)
        )


def not_as_approved(what: ApprovedFleet, faults: Mapping[str, Unapproved]) -> Unapproved:
    """One refusal that tells of every member why it is not what was approved, the first few in full."""
    told = [f"{name}: {faults[name]}" for name in list(faults)[:_MOST_TOLD]]
    more = [f"and {len(faults) - _MOST_TOLD} more members"] if len(faults) > _MOST_TOLD else []
    return Unapproved("; ".join([*told, *more]), hint=_again(what))


def _again(what: ApprovedFleet) -> str:
    return f"look at it again and have it approved: rollout diff {what.file or 'FLEET'} --out FILE"


def _rounds(wave: Wave, waits: Mapping[str, float]) -> list[float]:
    """How long a wave may take: its members in rounds of `max_in_flight`, each as long as the slowest of them all."""
    mine = [waits[name] for name in wave.members if name in waits]
    return [max(mine, default=0.0) + ROUND_SECONDS] * -(-len(mine) // wave.max_in_flight)


def _in_turn(plan: FleetPlan) -> list[str]:
    """The waves, each behind those that it comes after: there is no cycle among them."""
    return list(TopologicalSorter({wave.name: wave.after for wave in plan.waves}).static_order())


def _told(values: Mapping[str, str]) -> list[str]:
    return [f"{name}={values[name]}" for name in sorted(values)]


def _seal(what: ApprovedFleet, members: Mapping[str, Approved]) -> str:
    bare = msgspec.json.encode(msgspec.structs.replace(what, seal=""), order="deterministic").decode()
    return _digest("\n".join((bare, *_told({name: one.seal for name, one in members.items()}))))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
