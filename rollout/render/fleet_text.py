"""A fleet as lines and as Markdown: wave by wave, a row for each member, and why the ones that wait do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from rollout.core.fleet import FleetStatus, Standing, WaveState
from rollout.render import harmless, words
from rollout.render.budget import Block
from rollout.render.document import Fleet, FleetMember, FleetWave
from rollout.render.headline import headline
from rollout.render.styled import Line, Meaning, line, spans

_SIGNS: Final[Mapping[Standing, tuple[str, Meaning]]] = MappingProxyType(
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
    yield line()
    yield line(f"error budget: {fleet.failed} failed, {fleet.error_budget} may")
    if fleet.next_after and fleet.status is not FleetStatus.DONE:
        yield line(f"next: {words.moment(fleet.next_after)}")
    if fleet.digest:
        yield line(f"digest: {fleet.digest}")


def wave_text(wave: FleetWave) -> str:
    """How a wave stands, in a few words."""
    until = f" until {words.moment(wave.until)}" if wave.until else ""
    return wave.state.value + until + (f": {wave.reason}" if wave.reason else "")


def _row(member: FleetMember, width: int, command: str) -> Line:
    sign, look = _SIGNS[member.state]
    state = member.state.value.replace("_", " ")
    told = f"{member.weight:3} %  {member.stage or '–':12}  {_what(member, command)}"
    return spans(("  ", ""), (sign, look), (f" {member.name:{width}}  ", ""), (f"{state:9}", look), (f"  {told}", ""))


def _what(member: FleetMember, command: str) -> str:
    """What is told of one member: of a diff what would be done, else how it stands."""
    if command == "diff" and member.change_set is not None and member.change_set.actions:
        return headline(member.change_set)
    return harmless.first_line(member.reason)[:_LONGEST]


def fleet_blocks(fleet: Fleet) -> Iterator[Block]:
    """The same in pieces of Markdown: a table with the members, the troubled ones first."""
    yield Block(rank=0, what="the budget", head=f"Error budget: {fleet.failed} failed, {fleet.error_budget} may.")
    waves = [f"- **{harmless.prose(wave.name)}**: {harmless.prose(wave_text(wave))}" for wave in fleet.waves]
    yield Block(rank=1, what="waves", items=tuple(waves), more="- … and {} more")
    calm = (Standing.RELEASED, Standing.PENDING, Standing.IN_FLIGHT)
    rows = [
        (member.state in calm, _cells(wave.name, member, fleet.command))
        for wave in fleet.waves
        for member in wave.members
    ]
    head = "| | wave | member | state | weight | stage | what |\n|---|---|---|---|---|---|---|\n"
    items = tuple(row for _, row in sorted(rows, key=lambda each: each[0]))
    yield Block(rank=1, what="members", head=head, items=items, more="| … | | and {} more | | | | |")


def _cells(wave: str, member: FleetMember, command: str) -> str:
    sign, _ = _SIGNS[member.state]
    state = member.state.value.replace("_", " ")
    texts = (wave, member.name, state, f"{member.weight} %", member.stage or "–", _what(member, command))
    return f"| {sign} | " + " | ".join(map(harmless.cell, texts)) + " |"
