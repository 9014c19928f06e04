"""Whether something may be done now, and when it may: windows as spans of time, the moment as an argument."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from rollout.core.policy import Activity, Policy, Span, Window

HORIZON: Final = timedelta(days=366)
"""So far is looked for an opening."""


class Closed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """It must not be done now. `until` None: there is no opening within a year."""

    why: str
    until: datetime | None


class _Set(msgspec.Struct, frozen=True):
    """A window with its spans, in order, and how long the longest of them is."""

    window: Window
    spans: tuple[Span, ...]
    longest: timedelta

    def near(self, at: datetime, length: timedelta) -> tuple[Span, ...]:
        """Those that may touch the time from `at` on that takes so long."""
        first = bisect_left(self.spans, at - self.longest, key=_start)
        return self.spans[first : bisect_right(self.spans, at + length, key=_start)]


def _start(span: Span) -> datetime:
    return span.start


def closed(policy: Policy, activity: Activity, now: datetime, seconds: float) -> Closed | None:
    """Why that activity, which takes so long, must not begin now; None if it may.

    Deny windows close whatever they touch; where a file has windows that allow the activity, it must lie in one of
    them, and so for each file.
    """
    sets = tuple(_around(policy, activity, now))
    length = timedelta(seconds=seconds)
    why = _obstacle(sets, now, length)
    if not why:
        return None
    moments = sorted({moment for moment in _turns(sets) if now < moment <= now + HORIZON})
    return Closed(why=why, until=next((each for each in moments if not _obstacle(sets, each, length)), None))


def _around(policy: Policy, activity: Activity, now: datetime) -> Iterator[_Set]:
    calendar = policy.calendar
    if calendar is None:
        return
    for index, window in enumerate(policy.windows):
        if activity in window.activities:
            years = range(now.year, now.year + 3)
            found = {span for year in years for span in calendar.spans(index, year)}
            spans = tuple(sorted(found, key=_start))
            yield _Set(window, spans, max((span.end - span.start for span in spans), default=timedelta()))


def _turns(sets: Iterable[_Set]) -> Iterator[datetime]:
    """The moments at which something can open."""
    for each in sets:
        yield from (span.start if each.window.opens else span.end for span in each.spans)


def _obstacle(sets: tuple[_Set, ...], at: datetime, length: timedelta) -> str:
    """What closes at that moment, in words; "" where nothing does."""
    for each in sets:
        if not each.window.opens:
            end = at + length if each.window.whole else at
            last = max(at, end - _MOMENT)
            hit = next((span for span in each.near(at, length) if span.start <= last and at < span.end), None)
            if hit is not None:
                return _said(each.window, hit, at)
    for layer in sorted({each.window.layer for each in sets if each.window.opens}):
        why = _outside([each for each in sets if each.window.opens and each.window.layer == layer], at, length)
        if why:
            return why
    return ""


_MOMENT: Final = timedelta(microseconds=1)


def _said(window: Window, hit: Span, at: datetime) -> str:
    if hit.start <= at:
        return f"closed by `{window.name}`"
    return f"`{window.name}` closes at {shown(hit.start)}, before it would end"


def _outside(sets: list[_Set], at: datetime, length: timedelta) -> str:
    """Why it does not lie in any of these windows; what touches counts as one."""
    names = ", ".join(dict.fromkeys(f"`{each.window.name}`" for each in sets))
    inside = [each for each in sets if any(span.start <= at < span.end for span in each.near(at, length))]
    if not inside:
        return f"outside of {names}"
    if not all(each.window.whole for each in inside):
        return ""
    end = _end_of(at, [span for each in sets for span in each.near(at, length)])
    return "" if at + length <= end else f"{names} closes at {shown(end)}, before it would end"


def _end_of(at: datetime, spans: list[Span]) -> datetime:
    """Until when these spans, one behind the other, hold on from that moment."""
    end = at
    for span in sorted(spans, key=lambda found: found.start):
        if span.start <= end:
            end = max(end, span.end)
    return end


def shown(moment: datetime) -> str:
    """A moment for people."""
    return f"{moment:%Y-%m-%d %H:%M:%SZ}"
