"""A fleet as lines: wave by wave, a row for each member, and why the ones that wait do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from rollout.core.fleet import FleetStatus, Standing, WaveState
from rollout.render import harmless, words
from rollout.render.change_text import field_text
from rollout.render.document import Fleet, FleetMember, FleetWave
from rollout.render.former import FormerMember
from rollout.render.headline import headline
from rollout.render.styled import Line, Meaning, line, spans

SIGNS: Final[Mapping[Standing, tuple[str, Meaning]]] = MappingProxyType(
    {
        Standing.PENDING: ("·", "dim"),
        Standing.IN_FLIGHT: ("~", "change"),
        Standing.RELEASED: ("✓", "good"),
        Standing.FAILED: ("✗", "bad"),
        Standing.HELD: ("!", "warn"),
        Standing.UNKNOWN: ("?", "bad"),
    }
)
_LOOKS: Final[Mapping[WaveState, Meaning]] = MappingProxyType(
    {
        WaveState.WAITING: "dim",
        WaveState.OPEN: "change",
        WaveState.BAKING: "change",
        WaveState.COMPLETE: "good",
        WaveState.BLOCKED: "bad",
    }
)
_WIDEST: Final = 32
_LONGEST: Final = 300
_FIELDS: Final = 5


def fleet_lines(fleet: Fleet) -> Iterator[Line]:
    """Everything, the fleet itself first."""
    yield line(f"{fleet.fleet}: {headline(fleet)}", "title")
    names = [member.name for member in fleet.members]
    width = min(_WIDEST, max(map(len, names), default=0))
    for wave in fleet.waves:
        yield line()
        yield spans((wave.name, "title"), ("  ", ""), (wave_text(wave), _LOOKS[wave.state]))
        for member in wave.members:
            yield _row(member, width, fleet.command)
            yield from (line(f"      {text}", "warn") for text in drift_texts(member, fleet.command))
    if fleet.former:
        yield line()
        yield line("no members any more; they stay as they are", "warn")
        for one in fleet.former:
            yield line(f"  {former_text(one)}")
    yield line()
    yield line(f"error budget: {fleet.failed} failed, {fleet.error_budget} may")
    if fleet.next_after and fleet.status is not FleetStatus.DONE:
        yield line(f"next: {words.moment(fleet.next_after)}")
    if fleet.digest:
        yield line(f"digest: {fleet.digest}")


def former_text(one: FormerMember) -> str:
    """A former member: its plan, and where its endpoint is."""
    called = "" if one.name == one.endpoint else f"{one.name}, "
    return f"{called}endpoint {one.endpoint} in {one.target}"


def wave_text(wave: FleetWave) -> str:
    """How a wave stands, in a few words."""
    until = f" until {words.moment(wave.until)}" if wave.until else ""
    return wave.state.value + until + (f": {wave.reason}" if wave.reason else "")


def drift_texts(member: FleetMember, command: str) -> Iterator[str]:
    """Of a diff, what somebody else moved on that member: each field, since when and by whom, where that is known."""
    drift = member.change_set.drift if command == "diff" and member.change_set is not None else ()
    for change in drift[:_FIELDS]:
        yield f"drift: {field_text(change)[1]}"
    if len(drift) > _FIELDS:
        yield f"drift: … and {len(drift) - _FIELDS} fields more"


def _row(member: FleetMember, width: int, command: str) -> Line:
    sign, look = SIGNS[member.state]
    state = member.state.value.replace("_", " ")
    told = f"{member.weight:3} %  {member.stage or '–':12}  {what(member, command)}"
    return spans(("  ", ""), (sign, look), (f" {member.name:{width}}  ", ""), (f"{state:9}", look), (f"  {told}", ""))


def what(member: FleetMember, command: str) -> str:
    """What is told of one member: of a diff what would be done, else how it stands."""
    mine = member.change_set
    if command == "diff" and mine is not None and (mine.actions or mine.drift):
        return headline(mine)
    return harmless.first_line(member.reason)[:_LONGEST]
