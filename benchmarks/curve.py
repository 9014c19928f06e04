"""How a cost grows: measured points, and the exponent that fits them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import log

from benchmarks.table import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """`points`: size → cost in `unit`. Kept if the fitted exponent is at most `most`; without it it is only told.

    Constant costs pull the exponent down, so that of the last two points is told, too.
    """

    name: str
    x: str
    unit: str
    points: Mapping[int, float]
    most: float | None = None

    @property
    def exponent(self) -> float:
        """k of the cost c·nᵏ that fits best: the slope of the least squares of the logarithms."""
        return slope(self.points)

    @property
    def last(self) -> float:
        """The exponent between the two largest sizes."""
        return slope(dict(list(self.points.items())[-2:]))

    @property
    def row(self) -> Row:
        """The exponent as a line of the table."""
        return Row(name=f"{self.name}: exponent in {self.x}", value=self.exponent, most=self.most)


def slope(points: Mapping[int, float]) -> float:
    """The slope of the line through the logarithms of the points."""
    pairs = [(log(size), log(cost)) for size, cost in points.items()]
    mean_x = sum(x for x, _ in pairs) / len(pairs)
    mean_y = sum(y for _, y in pairs) / len(pairs)
    return sum((x - mean_x) * (y - mean_y) for x, y in pairs) / sum((x - mean_x) ** 2 for x, _ in pairs)


def measured(sizes: Iterable[int], make: Callable[[int], Callable[[], object]], turns: int = 5) -> dict[int, float]:
    """CPU milliseconds of the work that `make` prepares for each size: the best of some turns, in which the sizes
    alternate, because noise only ever adds."""
    work = {size: make(size) for size in sizes}
    best = dict.fromkeys(work, float("inf"))
    for _ in range(turns):
        for size, one in work.items():
            best[size] = min(best[size], 1000 * seconds(one))
    return best


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process for that work, once."""
    started = time.process_time()
    work()
    return time.process_time() - started
