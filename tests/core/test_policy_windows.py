"""Windows that allow something: how they are named, and what need not end in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from rollout.core.policy import Policy, Span, Window
from rollout.core.policy_windows import HORIZON, Closed, closed

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Once(msgspec.Struct, frozen=True):
    """Each window once, at these times."""

    times: tuple[Span, ...]

    def spans(self, index: int, year: int) -> tuple[Span, ...]:
        """See `core.policy.Calendar`."""
        span = self.times[index]
        return (span,) if year in (span.start.year, span.end.year) else ()


def policy(*spans: tuple[timedelta, timedelta], opens: bool = True, whole: bool = True) -> Policy:
    """Windows a, b, … from so long after noon until so long after it."""
    windows = tuple(
        Window(name="abc"[index], opens=opens, activities=("start",), whole=whole) for index in range(len(spans))
    )
    return Policy(windows=windows, calendar=Once(tuple(Span(NOON + begin, NOON + end) for begin, end in spans)))


def test_outside_of_several() -> None:
    """All are named; it opens when the next one does."""
    found = closed(policy((HOUR, 2 * HOUR), (3 * HOUR, 4 * HOUR)), "start", NOON, 0)
    assert found == Closed(why="outside of `a`, `b`", until=NOON + HOUR)


def test_what_need_only_begin_there() -> None:
    """`whole: false`: longer than the window is no matter."""
    spans = (timedelta(), HOUR)
    assert closed(policy(spans, whole=False), "start", NOON, 7200) is None
    why = "`a` closes at 2026-01-01 13:00:00Z, before it would end"
    assert closed(policy(spans), "start", NOON, 7200) == Closed(why=why, until=None)
    assert closed(policy(spans), "start", NOON, 3600) is None


@pytest.mark.parametrize(("begin", "found"), [(HORIZON, NOON + HORIZON), (HORIZON + HOUR, None)])
def test_how_far_is_looked(begin: timedelta, found: datetime | None) -> None:
    """A year and a day, the last moment included."""
    said = closed(policy((begin, begin + HOUR)), "start", NOON, 0)
    assert said == Closed(why="outside of `a`", until=found)


def test_one_that_closes() -> None:
    """Until its end; then it opens."""
    found = closed(policy((-HOUR, HOUR), opens=False), "start", NOON, 0)
    assert found == Closed(why="closed by `a`", until=NOON + HOUR)
