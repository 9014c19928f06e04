"""When a policy's windows are: recurrences on the wall clock of a zone, and days of calendars, as instants.

Where a time on the wall clock comes twice or not at all (the clocks change), the stricter reading counts: what is
denied begins at the earlier and ends at the later of the two instants, what is allowed the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from rollout.core.policy import Span
from rollout.plan.policy_models import HolidaysModel, WindowModel

_A_DAY: Final = timedelta(days=1)
_FIRST: Final = 1970
_LAST: Final = 9000


class Times(msgspec.Struct, frozen=True):
    """One window as it is written, with the calendars that it may name."""

    window: WindowModel
    calendars: Mapping[str, HolidaysModel]


class Expanded(msgspec.Struct, frozen=True):
    """`core.policy.Calendar` of some windows; a year is worked out once."""

    windows: tuple[Times, ...]
    known: dict[tuple[int, int], tuple[Span, ...]] = {}

    def spans(self, index: int, year: int) -> tuple[Span, ...]:
        """The times of window `index` that touch that year of UTC, in order, in full."""
        key = (index, year)
        if key not in self.known:
            self.known[key] = tuple(expanded(self.windows[index], year)) if _FIRST < year < _LAST else ()
        return self.known[key]


def expanded(times: Times, year: int) -> Iterator[Span]:
    """Every time that touches that year of UTC, in order; what has no length is left out."""
    window, zone = times.window, ZoneInfo(times.window.zone)
    opens = window.allow is not None
    for begin, end in _wall(times, year):
        first, last = instants(begin, zone), instants(end, zone)
        start, stop = (max(first), min(last)) if opens else (min(first), max(last))
        if start.year <= year <= stop.year and start < stop:
            yield Span(start=start, end=stop)


def instants(wall: datetime, zone: ZoneInfo) -> frozenset[datetime]:
    """The instants (UTC) that a time on the wall clock may mean: one, or two where the clocks change."""
    return frozenset(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


def _wall(times: Times, year: int) -> Iterator[tuple[datetime, datetime]]:
    """Begins and ends on the wall clock, of that year and the days around it."""
    window = times.window
    if window.days is not None:
        for found in days_of(times.calendars[window.days], year):
            yield _midnight(found), _midnight(found + _A_DAY)
        return
    assert window.from_ is not None, "the model asks for it"
    length = window.until - window.from_ if window.until else timedelta(seconds=window.for_ or 0)
    begins = tuple(_begins(window, year, length))
    skipped = _skipped(times, {begin.year for begin in begins})
    yield from ((begin, begin + length) for begin in begins if begin.date() not in skipped)


def _skipped(times: Times, years: Set[int]) -> frozenset[date]:
    """The days on which it does not begin."""
    if times.window.except_ is None:
        return frozenset()
    return frozenset(day for year in years for day in days_of(times.calendars[times.window.except_], year))


def _begins(window: WindowModel, year: int, length: timedelta) -> Iterable[datetime]:
    first = window.from_
    assert first is not None, "the model asks for it"
    if window.every is None:
        return (first,)
    from dateutil.rrule import rrulestr

    after, before = _midnight(date(year, 1, 1)) - 2 * _A_DAY - length, _midnight(date(year + 1, 1, 1)) + 2 * _A_DAY
    found: list[datetime] = rrulestr(window.every, dtstart=first).between(after, before, inc=True)
    return found


def days_of(calendar: HolidaysModel, year: int) -> tuple[date, ...]:
    """The calendar's days in that year and at the edges of its neighbours, in order. Raises LookupError where the
    country is not known, ImportError where the library for countries is not installed."""
    years = (year - 1, year, year + 1)
    found = {day for each in years for text in calendar.dates if (day := _dated(text, each)) is not None}
    if calendar.country is not None:
        found |= set(_public(calendar.country, calendar.subdivision, years))
    return tuple(sorted(found))


def _dated(text: str, year: int) -> date | None:
    """That day; None for the 29th of February in a year that has none."""
    try:
        return date.fromisoformat(text if len(text) > len("12-24") else f"{year}-{text}")
    except ValueError:
        return None


def _public(country: str, subdivision: str | None, years: tuple[int, ...]) -> Iterable[date]:
    import holidays

    try:
        return tuple(holidays.country_holidays(country, subdiv=subdivision, years=years))
    except NotImplementedError as error:
        raise LookupError(str(error)) from error


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - wall clock
