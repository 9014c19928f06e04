"""What a simulation tells: its timeline as lines, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from rollout.render import harmless
from rollout.render.styled import Line, Meaning, line, spans

_SIGNS: Final = {"PASS": "✓", "FAIL": "✗", "INCONCLUSIVE": "?", "NO_DATA": "∅", "ERROR": "!"}
_MEANINGS: Final[dict[str, Meaning]] = {"PASS": "good", "FAIL": "bad", "ERROR": "warn"}


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, `at` seconds after the release began: an action that was carried out, what a gate said
    (`looks` times in a row, until `to`; the checks are those of the last time), or trouble. `traffic` is the split of
    that time."""

    at: float
    to: float
    kind: str
    stage: str
    text: str
    traffic: str
    outcome: str = ""
    looks: int = 1
    checks: tuple[dict[str, Any], ...] = ()


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """A simulation from its beginning to its end. `asked` says under what, `notes` what is otherwise than in life."""

    plan: str
    endpoint: str
    asked: str
    notes: tuple[str, ...]
    moments: tuple[Moment, ...]
    status: str
    reason: str
    seconds: float
    writes: int
    traffic: dict[str, int]
    exit_code: int


def clock(seconds: float) -> str:
    """`+2h 05m`, `+9m 30s`."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"+{hours}h {minutes:02}m" if hours else f"+{minutes}m {whole % 60:02}s"


def lines(told: Simulation) -> Iterator[Line]:
    """For people."""
    yield spans((told.plan, "title"), (f"  endpoint {told.endpoint}, simulated: {told.asked}", ""))
    for note in told.notes:
        yield line(f"  note: {note}", "dim")
    for one in told.moments:
        meaning = _MEANINGS.get(one.outcome, "")
        yield spans(
            (f"  {clock(one.to):>9}  {_sign(one)} {one.stage:12} ", meaning),
            (f"{one.traffic:20} ", "dim"),
            (_said(one), ""),
        )
    good = told.status == "done"
    yield spans((f"  {clock(told.seconds):>9}  ", ""), (f"{told.status}: {told.reason}", "good" if good else "warn"))
    split = ", ".join(f"{name} {weight}" for name, weight in told.traffic.items())
    yield line(f"  {told.writes} writes; traffic ends {split}; exit code {told.exit_code}")


def markdown(told: Simulation) -> str:
    """A heading and a table."""
    head = f"### {harmless.prose(told.plan)}, simulated\n\n{harmless.prose(told.asked)}\n\n"
    notes = "".join(f"* {harmless.prose(note)}\n" for note in told.notes)
    rows = "".join(_row(one) for one in told.moments)
    table = f"| when | stage | traffic | what |\n| --- | --- | --- | --- |\n{rows}"
    ended = f"**{told.status}** after {clock(told.seconds)[1:]}: {harmless.prose(told.reason)}"
    return head + (notes + "\n" if notes else "") + table + f"\n{ended} (exit code {told.exit_code})\n"


def _row(one: Moment) -> str:
    cells = (clock(one.to), one.stage, one.traffic, f"{_sign(one)} {_said(one)}")
    return "| " + " | ".join(harmless.cell(cell, 500) for cell in cells) + " |\n"


def _sign(one: Moment) -> str:
    return "→" if one.kind == "action" else _SIGNS.get(one.outcome, "!")


def _said(one: Moment) -> str:
    if one.kind != "gate":
        return one.text
    many = f" ({one.looks} looks since {clock(one.at)})" if one.looks > 1 else ""
    return f"{one.outcome}{many}: {one.text}"
