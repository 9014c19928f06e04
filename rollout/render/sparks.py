"""Numbers as characters: a line of bars, a meter. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

BARS: Final = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float], top: float, width: int) -> str:
    """The values over time on at most `width` characters, each the highest of its part; full height is `top`."""
    if not values:
        return ""
    count = min(width, len(values))
    edges = [round(number * len(values) / count) for number in range(count + 1)]
    highest = (max(values[start:end]) for start, end in pairwise(edges))
    most = len(BARS) - 1
    return "".join(BARS[max(0, min(most, int(value / top * most)))] for value in highest)


def meter(part: float, width: int) -> str:
    """How much of the whole `part` (0 to 1) is."""
    full = round(max(0.0, min(1.0, part)) * width)
    return "━" * full + "╌" * (width - full)
