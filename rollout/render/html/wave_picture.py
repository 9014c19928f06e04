"""The waves of a fleet as boxes and arrows: a column for each step behind one another. Pure.

Unlike a chart it has its labels inside, and keeps its size: the page lets it be scrolled where there is no room.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from rollout.render.html.fleets import Mark, WaveItem

MOST: Final = 60
"""Waves that are drawn, at most: of more the list below says all."""
_WIDE: Final = 200
_HIGH: Final = 86
_ACROSS: Final = 52
_DOWN: Final = 22
_EDGE: Final = 6
_INSIDE: Final = _WIDE - 24
_LONGEST: Final = 21


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a wave's bar: so many of its members are like that."""

    look: str
    x: float
    width: float


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """A wave, its left upper corner at `x`, `y`."""

    name: str
    label: str
    mark: Mark
    done: str
    x: int
    y: int
    segments: tuple[Segment, ...]


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """All that is drawn; `summary` says it in words. `arrows` are paths, each with its head."""

    width: int
    height: int
    wide: int = _WIDE
    high: int = _HIGH
    boxes: tuple[Box, ...]
    arrows: tuple[str, ...]
    summary: str


def picture(waves: Sequence[WaveItem]) -> Picture | None:
    """The picture of these waves; None where there are too many for one."""
    if not waves or len(waves) > MOST:
        return None
    places = _places(waves)
    boxes = tuple(_box(wave, *places[wave.name]) for wave in waves)
    return Picture(
        width=max(box.x for box in boxes) + _WIDE + _EDGE,
        height=max(box.y for box in boxes) + _HIGH + _EDGE,
        boxes=boxes,
        arrows=tuple(_arrow(*places[name], *places[wave.name]) for wave in waves for name in wave.after),
        summary="; ".join(_said(wave) for wave in waves),
    )


def _places(waves: Sequence[WaveItem]) -> dict[str, tuple[int, int]]:
    """Where each wave's box is: as many columns to the right as there are waves in front of it, one behind another.
    Waves have no cycle; one may stand in the file before those that it comes after."""
    by_name = {wave.name: wave for wave in waves}
    columns: dict[str, int] = {}

    def column(name: str) -> int:
        if name not in columns:
            columns[name] = max((column(other) + 1 for other in by_name[name].after), default=0)
        return columns[name]

    used: dict[int, int] = {}
    found: dict[str, tuple[int, int]] = {}
    for wave in waves:
        at = column(wave.name)
        row = used[at] = used.get(at, -1) + 1
        found[wave.name] = (_EDGE + at * (_WIDE + _ACROSS), _EDGE + row * (_HIGH + _DOWN))
    return found


def _box(wave: WaveItem, x: int, y: int) -> Box:
    short = wave.name if len(wave.name) <= _LONGEST else wave.name[: _LONGEST - 1] + "…"
    done = f"{wave.settled:,} of {wave.total:,}"
    return Box(name=wave.name, label=short, mark=wave.mark, done=done, x=x, y=y, segments=tuple(_segments(wave)))


def _segments(wave: WaveItem) -> Iterator[Segment]:
    at = 0.0
    for each in wave.counts:
        width = round(_INSIDE * each.count / wave.total, 1)
        yield Segment(look=each.mark.look, x=round(at, 1), width=width)
        at += width


def _arrow(left: int, top: int, right: int, bottom: int) -> str:
    """From the right side of one box to the left side of another."""
    x, y, end, down = left + _WIDE, top + _HIGH // 2, right - 2, bottom + _HIGH // 2
    half = _ACROSS // 2
    head = f"M{end - 8} {down - 5}L{end} {down}L{end - 8} {down + 5}"
    return f"M{x} {y}C{x + half} {y} {end - half} {down} {end} {down}{head}"


def _said(wave: WaveItem) -> str:
    after = f", after {' and '.join(wave.after)}" if wave.after else ""
    counted = ", ".join(f"{each.count} {each.mark.word}" for each in wave.counts)
    return f"{wave.name}{after}: {wave.mark.word}, {counted}"
