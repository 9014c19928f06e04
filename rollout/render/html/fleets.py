"""A fleet as its pages want it: waves in order, who is how in each, what is waited for, the error budget. Pure.

What is told is `rollout.render.document.Fleet`, which `rollout status FLEET` shows as well; here it only gets words,
signs and places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from rollout.core.fleet import SETTLED, FleetStatus, Standing, WaveState
from rollout.render import words
from rollout.render.document import Fleet, FleetMember, FleetWave
from rollout.render.fleet_text import SIGNS

_RANKED: Final = ("rolled-back", "held", "releasing", "idle")
_TROUBLE: Final = (Standing.FAILED, Standing.HELD, Standing.UNKNOWN, Standing.IN_FLIGHT)
UNSEEN: Final = "not looked at yet"
WAVE_MEMBERS: Final = 6
"""Members of a wave that the overview names; the fleet's page has all of them."""
WAVES: Final = 8
"""Waves of a fleet that the overview shows."""
LOOKS: Final[Mapping[Standing, str]] = MappingProxyType(
    {
        Standing.PENDING: "idle",
        Standing.IN_FLIGHT: "releasing",
        Standing.RELEASED: "complete",
        Standing.FAILED: "rolled-back",
        Standing.HELD: "held",
        Standing.UNKNOWN: "error",
    }
)
"""The colours that an endpoint's phase has."""
_WAVES: Final[Mapping[WaveState, tuple[str, str]]] = MappingProxyType(
    {
        WaveState.WAITING: ("·", "idle"),
        WaveState.OPEN: ("▶", "releasing"),
        WaveState.BAKING: ("~", "releasing"),
        WaveState.COMPLETE: ("✓", "complete"),
        WaveState.BLOCKED: ("✗", "rolled-back"),
    }
)


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a fleet. `keys`: the endpoint's key by member; `unseen`: so many members nobody has looked at
    yet, so that it cannot be told how it stands; `fault`: why its file cannot be read; `returns`: whether any member
    has something to give back."""

    key: str
    file: str
    told: Fleet | None = None
    fault: str = ""
    keys: Mapping[str, str] = {}
    unseen: int = 0
    returns: bool = False


class Mark(msgspec.Struct, frozen=True):
    """A state: a sign, a word, and the name of its colours."""

    sign: str
    word: str
    look: str


class MemberItem(msgspec.Struct, frozen=True, kw_only=True):
    """A member in its line."""

    name: str
    key: str
    wave: str
    mark: Mark
    state: str
    weight: int
    stage: str
    reason: str
    next: str


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """So many members of a wave are like that."""

    mark: Mark
    count: int


class WaveItem(msgspec.Struct, frozen=True, kw_only=True):
    """A wave. `why`: what it waits for, or why it stopped; `named`: the members that the overview names."""

    name: str
    mark: Mark
    why: str
    after: tuple[str, ...]
    settled: int
    counts: tuple[Count, ...]
    members: tuple[MemberItem, ...]
    named: tuple[MemberItem, ...]

    @property
    def total(self) -> int:
        """How many members it has."""
        return len(self.members)


class FleetItem(msgspec.Struct, frozen=True, kw_only=True):
    """A fleet. `used`: percent of its error budget that is used up; `rank`: the smaller, the sooner a person should
    see it."""

    key: str
    name: str
    file: str
    mark: Mark
    reason: str
    next: str = ""
    total: int = 0
    settled: int = 0
    unseen: int = 0
    failed: int = 0
    budget: int = 0
    used: int = 0
    waves: tuple[WaveItem, ...] = ()
    rank: int = 0

    @property
    def members(self) -> tuple[MemberItem, ...]:
        """All of them, in the order of the file."""
        return tuple(member for wave in self.waves for member in wave.members)

    @property
    def shown(self) -> tuple[WaveItem, ...]:
        """The waves for the overview: where there are many, those around the first that is not complete."""
        at = next((index for index, wave in enumerate(self.waves) if wave.settled < wave.total), len(self.waves))
        first = max(0, min(at - 2, len(self.waves) - WAVES))
        return self.waves[first : first + WAVES]


def fleet_item(group: Group) -> FleetItem:
    """The fleet as it is shown."""
    found = group.told
    if found is None:
        mark = Mark("!", "cannot be read", "error") if group.fault else Mark("…", UNSEEN, "unknown")
        return FleetItem(key=group.key, name=group.file, file=group.file, mark=mark, reason=group.fault)
    total, mark = len(found.members), _mark(found, group.unseen)
    return FleetItem(
        key=group.key,
        name=found.fleet,
        file=found.file,
        mark=mark,
        reason=f"{group.unseen:,} of {total:,} members were not looked at yet" if group.unseen else found.reason,
        next=words.moment(found.next_after) if found.next_after and found.status is not FleetStatus.DONE else "",
        total=total,
        settled=sum(map(_settled, found.members)),
        unseen=group.unseen,
        failed=found.failed,
        budget=found.error_budget,
        used=min(100, round(100 * found.failed / found.error_budget))
        if found.error_budget
        else 100 * bool(found.failed),
        waves=tuple(_wave(group, found, wave) for wave in found.waves),
        rank=_RANKED.index(mark.look) if mark.look in _RANKED else 9,
    )


def _mark(found: Fleet, unseen: int) -> Mark:
    """How the whole stands."""
    if unseen:
        return Mark("…", UNSEEN, "unknown")
    match found.status:
        case FleetStatus.DONE:
            return Mark("✓", "released", "complete")
        case FleetStatus.WAIT:
            return Mark("~", "waiting", "releasing")
        case FleetStatus.HOLD:
            over = found.failed > found.error_budget
            return Mark("✗", "stopped", "rolled-back") if over else Mark("‖", "a person must act", "held")
        case FleetStatus.ACT:
            over = found.failed > found.error_budget
            if over:
                return Mark("✗", "stopping", "rolled-back")
            return Mark("▶", "releasing", "releasing") if found.begun else Mark("○", "not begun", "idle")


def _wave(group: Group, found: Fleet, wave: FleetWave) -> WaveItem:
    members = tuple(_member(group, wave.name, member) for member in wave.members)
    counted = Counter(member.state for member in wave.members)
    troubled = sorted(range(len(members)), key=lambda at: (_trouble(wave.members[at]), at))
    sign, look = _WAVES[wave.state]
    told = not group.unseen
    return WaveItem(
        name=wave.name,
        mark=Mark(sign, wave.state.value, look) if told else Mark("…", UNSEEN, "unknown"),
        why=_why(found, wave) if told else "",
        after=wave.after,
        settled=sum(map(_settled, wave.members)),
        counts=tuple(Count(mark=_of(each), count=counted[each]) for each in Standing if counted[each]),
        members=members,
        named=tuple(members[at] for at in sorted(troubled[:WAVE_MEMBERS])),
    )


def _why(found: Fleet, wave: FleetWave) -> str:
    """What a wave waits for, or why it stopped, in a sentence."""
    if wave.until is not None:
        return f"bakes until {words.moment(wave.until)}"
    if wave.state is WaveState.WAITING:
        return f"waits for {', '.join(_behind(found, wave))}"
    if wave.reason or wave.state is not WaveState.OPEN:
        return wave.reason
    reasons = Counter(member.reason for member in wave.members if member.state is Standing.PENDING and member.reason)
    return "; ".join(f"{count} pending: {reason}" for reason, count in reasons.most_common(2))


def _behind(found: Fleet, wave: FleetWave) -> Iterator[str]:
    """The waves in front of it that are not complete, and how far they are."""
    for other in found.waves:
        if other.name in wave.after and other.state is not WaveState.COMPLETE:
            done = sum(map(_settled, other.members))
            yield f"{other.name} ({other.state.value}, {done} of {len(other.members)} settled)"


def _member(group: Group, wave: str, member: FleetMember) -> MemberItem:
    return MemberItem(
        name=member.name,
        key=group.keys.get(member.name, ""),
        wave=wave,
        mark=_of(member.state),
        state=member.state.value,
        weight=member.weight,
        stage=member.stage,
        reason=member.reason,
        next=words.moment(member.next_after) if member.next_after else "",
    )


def _of(state: Standing) -> Mark:
    return Mark(SIGNS[state][0], state.value.replace("_", " "), LOOKS[state])


def _settled(member: FleetMember) -> bool:
    return member.state in SETTLED


def _trouble(member: FleetMember) -> int:
    """Its place in the order of attention."""
    return _TROUBLE.index(member.state) if member.state in _TROUBLE else len(_TROUBLE)
