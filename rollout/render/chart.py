"""A curve in a terminal: blocks of an eighth of a line, with the limit across it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import exp
from typing import Final

_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
_LIMIT: Final = "┄"
LABEL: Final = 9
"""Characters of the axis, with the space behind it."""
_ROOM: Final = 1.25
"""How far the chart goes beyond the limit where the curve does not reach it."""


def chart(logs: Sequence[float], limit: float, width: int, height: int = 8) -> Iterator[str]:
    """log E over time, in lines from the top; each column is the highest of its minutes, the axis says E. Values below
    1 are on the ground. Nothing without values."""
    columns = _columns(logs, max(width - LABEL, 1))
    if not columns:
        return
    top = max(limit * _ROOM, *columns)
    step = top / height
    crossed = int(limit / step)
    for row in range(height - 1, -1, -1):
        cells = "".join(_cell(value, row * step, step, _LIMIT if row == crossed else " ") for value in columns)
        label = _e(limit) if row == crossed else _e(top) if row == height - 1 else "1" if row == 0 else ""
        yield f"{label:>{LABEL - 2}} │{cells}".rstrip()


def _columns(logs: Sequence[float], most: int) -> list[float]:
    count = min(most, len(logs))
    edges = [round(number * len(logs) / count) for number in range(count + 1)] if count else []
    return [max(0.0, *logs[start:end]) for start, end in pairwise(edges)]


def _cell(value: float, ground: float, step: float, empty: str) -> str:
    eighths = max(0, min(8, round(8 * (value - ground) / step)))
    return _EIGHTHS[eighths] if eighths else empty


def _e(log_e: float) -> str:
    return f"{exp(log_e):,.0f}" if log_e < 10 else f"10^{log_e / 2.302585:.0f}"
