"""A fleet as Markdown: its waves, a table of its members, the troubled ones first, and what would be done to them.

What is the same for many members (one plan for twenty endpoints) is told once, with their names.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from rollout.core.decision import Status
from rollout.core.fleet import Standing
from rollout.render import harmless, words
from rollout.render.budget import Block
from rollout.render.document import Document, Fleet, FleetMember, Hazard
from rollout.render.fleet_life import would_change
from rollout.render.fleet_text import SIGNS, drift_texts, former_text, wave_text, what
from rollout.render.markdown_plan import STATUS_SIGNS, fenced, hazard_text, step_lines
from rollout.render.styled import plural

_ORDINARY: Final = frozenset({0, 2, 7, 10})
"""Exit codes that say no more than the status: done, changes, waiting, held."""
_CALM: Final = (Standing.RELEASED, Standing.PENDING, Standing.IN_FLIGHT)
_NAMED: Final = 8
_LISTED: Final = 50
_ITS: Final = "endpoint (its own name)"


def fleet_sign(fleet: Fleet) -> str:
    """How it stands, as for a plan; or that something went wrong."""
    return STATUS_SIGNS[Status(fleet.status.value)] if fleet.exit_code in _ORDINARY else "⛔"


def fleet_blocks(fleet: Fleet) -> Iterator[Block]:
    """The pieces, in the order in which they are read."""
    yield Block(rank=0, what="the budget", head=f"Error budget: {fleet.failed} failed, {fleet.error_budget} may.")
    waves = [f"- **{harmless.prose(wave.name)}**: {harmless.prose(wave_text(wave))}" for wave in fleet.waves]
    yield Block(rank=1, what="waves", items=tuple(waves), more="- … and {} more")
    yield _members(fleet)
    if fleet.former:
        head = "No members any more; they stay as they are:\n\n"
        items = tuple(f"- {harmless.prose(former_text(one))}" for one in fleet.former)
        yield Block(rank=1, what="former members", head=head, items=items, more="- … and {} more")
    if fleet.command == "diff":
        yield from _drift(fleet)
        yield from _hazards(fleet)
        yield from _changes(fleet)
        yield from _footer(fleet)


def _members(fleet: Fleet) -> Block:
    rows = [
        (member.state in _CALM, _cells(wave.name, member, fleet.command))
        for wave in fleet.waves
        for member in wave.members
    ]
    head = "| | wave | member | state | weight | stage | what |\n|---|---|---|---|---|---|---|\n"
    items = tuple(row for _, row in sorted(rows, key=lambda each: each[0]))
    return Block(rank=1, what="members", head=head, items=items, more="| … | | and {} more | | | | |")


def _cells(wave: str, member: FleetMember, command: str) -> str:
    sign, _ = SIGNS[member.state]
    state = member.state.value.replace("_", " ")
    texts = (wave, member.name, state, f"{member.weight} %", member.stage or "–", what(member, command))
    return f"| {sign} | " + " | ".join(map(harmless.cell, texts)) + " |"


def _drift(fleet: Fleet) -> Iterator[Block]:
    """What somebody else moved, member by member."""
    items = tuple(
        f"- {harmless.code(member.name)} {harmless.code(text)}"
        for member in fleet.members
        for text in drift_texts(member, fleet.command)
    )
    if items:
        yield Block(rank=5, what="drift", head="#### Drift\n\n", items=items, more="- … and {} more")


def _hazards(fleet: Fleet) -> Iterator[Block]:
    """Each hazard once, the refused ones first, with the members that have it."""
    found: dict[tuple[str, str], tuple[Hazard, list[str]]] = {}
    for member in fleet.members:
        for hazard in member.change_set.hazards if member.change_set else ():
            _, names = found.setdefault((hazard.name, hazard.state), (hazard, []))
            names.append(member.name)
    ordered = sorted(found.values(), key=lambda each: not each[0].refused)
    items = tuple(f"{hazard_text(hazard)}: {_code(list(dict.fromkeys(names)))}" for hazard, names in ordered)
    if items:
        yield Block(rank=2, what="hazards", head="#### Hazards\n\n", items=items, more="- … and {} more")


def _changes(fleet: Fleet) -> Iterator[Block]:
    """What would be done if every gate passes, folded: a fence for all members to which the same is done."""
    groups: dict[tuple[str, ...], list[tuple[FleetMember, Document]]] = {}
    for member in fleet.members:
        if member.change_set is not None and member.change_set.actions:
            groups.setdefault(_shared(member, member.change_set), []).append((member, member.change_set))
    for shared, mine in groups.items():
        names, (_, first) = [member.name for member, _ in mine], mine[0]
        others = f" and {plural(len(names) - 1, 'other')}" if len(names) > 1 else ""
        lines = [harmless.line(f"# {', '.join(names[:_LISTED])}{_more(names, _LISTED)}"), *shared]
        title = f"What is done to {harmless.html(names[0])}{others}"
        yield fenced("", "diff", lines if others else step_lines(first), rank=4, what="lines of changes", fold=title)


def _shared(member: FleetMember, change_set: Document) -> tuple[str, ...]:
    """The lines of its change set, as any other endpoint would have them."""
    return tuple(text.replace(f"endpoint {member.endpoint}", _ITS) for text in step_lines(change_set))


def _footer(fleet: Fleet) -> Iterator[Block]:
    """What is approved, and how it is applied."""
    if fleet.approval is None or not would_change(fleet):
        return
    until = f", valid until {words.moment(fleet.valid_until)}" if fleet.valid_until else ""
    command = f"rollout apply {shlex.quote(fleet.file[:1_000])} --expect {fleet.digest}"
    lines = (
        f"- **Digest** of the whole fleet {harmless.code(fleet.digest)}{until}",
        f"- **Apply** {harmless.code(command, 1_200)}",
    )
    yield Block(rank=3, what="how to apply", head="\n".join(lines))


def _code(names: Sequence[str]) -> str:
    """The first of them, in Markdown."""
    return ", ".join(map(harmless.code, names[:_NAMED])) + _more(names, _NAMED)


def _more(names: Sequence[str], most: int) -> str:
    return f" and {len(names) - most} more" if len(names) > most else ""
