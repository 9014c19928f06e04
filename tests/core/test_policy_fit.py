"""Which stages no window ever lets begin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec
import pytest

from rollout.core.policy import Policy, Span, Window
from rollout.core.policy_fit import Unfit, bakes, unfit
from tests.worlds.plans import stages

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STAGES = stages(
    "deploy, smoke, bake 30, approval, bake 45, mirror 10, bake 60, traffic 10, bake 20, traffic 100, delete 0"
)


class Hourly(msgspec.Struct, frozen=True):
    """One hour at noon of each day of the year."""

    def spans(self, index: int, year: int) -> tuple[Span, ...]:
        """See `core.policy.Calendar`."""
        first = datetime(year, 1, 1, 12, tzinfo=UTC)
        return tuple(Span(first + timedelta(days=day), first + timedelta(days=day, hours=1)) for day in range(365))


def windows(*activities: Literal["start", "advance"]) -> Policy:
    """These are let begin at noon only."""
    window = Window(name="noon", opens=True, activities=activities)
    return Policy(windows=(window,), calendar=Hourly())


@pytest.mark.parametrize(("index", "minutes"), [(1, 75), (3, 45), (6, 60), (8, 20), (10, 0), (0, 75)])
def test_bakes_in_front_of_the_next_change(index: int, minutes: int) -> None:
    """Up to the next weight or mirror; only bakes take a known time."""
    assert bakes(STAGES[index:]) == minutes * 60


def test_what_does_not_fit() -> None:
    """A start with 75 minutes of bakes behind it, and the mirror with its hour at most; the others fit in the hour."""
    why = "`noon` closes at 2026-01-01 13:00:00Z, before it would end"
    at_noon = NOW.replace(hour=12)
    assert list(unfit(windows("start", "advance"), STAGES, at_noon)) == [Unfit(0, "start", 4500.0, why)]
    assert list(unfit(windows("start"), STAGES, NOW)) == [Unfit(0, "start", 4500.0, "outside of `noon`")]
    assert list(unfit(windows("advance"), STAGES, NOW)) == []
    longer = stages("deploy, mirror 10, bake 61, traffic 10, bake 61, traffic 100")
    assert [(one.index, one.activity) for one in unfit(windows("start", "advance"), longer, NOW)] == [
        (1, "advance"), (3, "advance"),
    ]  # fmt: skip
