"""From numbers over time to the paths of an SVG. Pure.

Drawn here and not by a library: a chart is one path for each line in the page's own colours, without styles or scripts
in it (the pages allow none), and its labels are text of the page, which stays readable on a phone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil, floor, log10
from typing import Final, Literal

import msgspec

WIDTH: Final = 1000
HEIGHT: Final = 200
Look = Literal["stable", "candidate", "other", "configured", "limit"]
Point = tuple[datetime, float | None]
_STEPS: Final = (1, 2, 2.5, 5, 10)
_TICKS: Final = 4
_TIMES: Final = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)
_MOST_ROWS: Final = 400


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a chart; None is a gap. A `stepped` one keeps each value until the next."""

    name: str
    look: Look
    points: tuple[Point, ...]
    stepped: bool = False


class Path(msgspec.Struct, frozen=True):
    """A curve as it is drawn, and the last value that it has, in words."""

    name: str
    look: Look
    d: str
    last: str


class Tick(msgspec.Struct, frozen=True):
    """A label of an axis, `at` so many percent of it."""

    at: float
    text: str


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """All that is drawn. `table` says the same in rows: the time, then a value for each path."""

    key: str
    title: str
    unit: str
    summary: str
    paths: tuple[Path, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    table: tuple[tuple[str, ...], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to be seen."""
        return not any(path.d for path in self.paths)


class Window(msgspec.Struct, frozen=True):
    """The part of the plane that is shown: two instants, and the value at the top; 0 is at the bottom."""

    start: datetime
    end: datetime
    top: float

    def x(self, at: datetime) -> float:
        """From 0 at the left to `WIDTH`."""
        whole = max((self.end - self.start).total_seconds(), 1.0)
        return round(min(1.0, max(0.0, (at - self.start).total_seconds() / whole)) * WIDTH, 1)

    def y(self, value: float) -> float:
        """From `HEIGHT` at the bottom to 0."""
        return round(HEIGHT - min(1.0, max(0.0, value / self.top)) * HEIGHT, 1)


def chart(
    key: str,
    title: str,
    unit: str,
    curves: Sequence[Curve],
    start: datetime,
    end: datetime,
    *,
    top: float | None = None,
    label: Callable[[float], str] | None = None,
) -> Chart:
    """The chart of these curves from `start` to `end`. `label` says a value in words; by default the number."""
    say = label or (lambda value: f"{number(value)} {unit}".rstrip())
    known = [value for curve in curves for _, value in curve.points if value is not None]
    window = Window(start, end, top or nice(max(known, default=0.0)))
    paths = tuple(_path(curve, window, say) for curve in curves)
    told = "; ".join(f"{path.name}: {path.last} at last" for path in paths if path.last)
    return Chart(
        key=key,
        title=title,
        unit=unit,
        summary=told or "nothing was measured",
        paths=paths,
        across=tuple(_times(window)),
        up=tuple(Tick(100 * part / _TICKS, say(window.top * part / _TICKS)) for part in range(_TICKS + 1)),
        table=tuple(_table(curves, say)),
    )


def nice(value: float) -> float:
    """The smallest round number that is not below it; 1 for nothing."""
    if value < 1e-300:
        return 1.0
    size: float = 10.0 ** floor(log10(value))
    return next(step * size for step in _STEPS if step * size >= value * 0.9999)


def number(value: float) -> str:
    """As people write it: three digits, thousands with a comma."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _path(curve: Curve, window: Window, say: Callable[[float], str]) -> Path:
    last = next((value for _, value in reversed(curve.points) if value is not None), None)
    d = " ".join(_stepped(curve, window) if curve.stepped else _joined(curve, window))
    return Path(curve.name, curve.look, d, "" if last is None else say(last))


def _joined(curve: Curve, window: Window) -> Iterator[str]:
    """Straight lines; a gap begins a new one, and a point between two gaps is a short dash."""
    pen = "M"
    for index, (at, value) in enumerate(curve.points):
        if value is None:
            pen = "M"
            continue
        yield f"{pen}{window.x(at):g} {window.y(value):g}"
        pen, after = "L", curve.points[index + 1 :][:1]
        if not after or after[0][1] is None:
            yield "h3"


def _stepped(curve: Curve, window: Window) -> Iterator[str]:
    for index, (at, value) in enumerate(curve.points):
        if value is not None:
            goes_on = index and curve.points[index - 1][1] is not None
            yield f"{'V' if goes_on else f'M{window.x(at):g} '}{window.y(value):g}"
            until = curve.points[index + 1][0] if index + 1 < len(curve.points) else window.end
            yield f"H{window.x(until):g}"


def _times(window: Window) -> Iterator[Tick]:
    """Round times, at most six of them."""
    whole = (window.end - window.start).total_seconds()
    step = next((one for one in _TIMES if whole / one <= 6), _TIMES[-1])
    first = ceil(window.start.timestamp() / step) * step
    form = "%m-%d" if step >= 86400 else "%H:%M"
    for seconds in range(first, floor(window.end.timestamp()) + 1, step):
        at = datetime.fromtimestamp(seconds, UTC)
        yield Tick(window.x(at) * 100 / WIDTH, f"{at:{form}}")


def _table(curves: Sequence[Curve], say: Callable[[float], str]) -> Iterator[tuple[str, ...]]:
    """One row for each instant that any curve has, the newest first."""
    found = [dict(curve.points) for curve in curves]
    moments = sorted({at for points in found for at in points}, reverse=True)[:_MOST_ROWS]
    for at in moments:
        values = [points.get(at) for points in found]
        yield (f"{at.astimezone(UTC):%m-%d %H:%MZ}", *("–" if value is None else say(value) for value in values))


def filled(
    points: Iterable[Point], start: datetime, end: datetime, grain: float, otherwise: float | None
) -> list[Point]:
    """The points with every whole span of `grain` seconds between, also those of which nothing is said."""
    known = dict(points)
    each, found, at = timedelta(seconds=grain), list[Point](), start
    while at + each <= end:
        found.append((at, known.get(at, otherwise)))
        at += each
    return found
