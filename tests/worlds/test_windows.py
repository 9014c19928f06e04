"""No write but rolling back, and what keeps the record, inside a closed window: over generated histories."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from rollout.core import actions
from rollout.core.decision import Phase, Status
from rollout.core.observed import Endpoint, all_to
from rollout.core.policy import ACTIVITIES, Policy, Span, Window
from rollout.core.progress import Progress, from_tags
from rollout.core.verdict import Outcome, Verdict
from tests.worlds import plans
from tests.worlds.generated import Generated
from tests.worlds.history import History
from tests.worlds.laws import BrokenLawError

HISTORIES = int(os.environ.get("ROLLOUT_HISTORIES", "80"))
PERIODS = 8 * 30
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
PERIOD, SHUT = timedelta(hours=3), timedelta(minutes=100)


class EveryThreeHours:
    """Closed for the last 100 of every 180 minutes."""

    def spans(self, index: int, year: int) -> tuple[Span, ...]:
        """Those of the worlds' first month; later everything is open."""
        if year != 2026:
            return ()
        return tuple(Span(start=BEGIN + n * PERIOD - SHUT, end=BEGIN + n * PERIOD) for n in range(1, PERIODS))


CALENDAR = EveryThreeHours()
POLICY = Policy(windows=(Window(name="often", opens=False, activities=ACTIVITIES, whole=False),), calendar=CALENDAR)


def is_shut(now: datetime) -> bool:
    """By arithmetic, not by the code that decides."""
    return now < BEGIN + (PERIODS - 1) * PERIOD and (now - BEGIN) % PERIOD >= PERIOD - SHUT


def watched(history: History, seen: list[str]) -> None:
    """From now on a write in a closed window breaks the law, unless it is one of those that never ask."""
    inner = history.watch.apply

    async def apply(action: actions.Action, before: Endpoint | None) -> None:
        if is_shut(history.plane.now):
            seen.append(type(action).__name__)
            if not _never_asks(action, before):
                raise BrokenLawError(f"{type(action).__name__} at {history.plane.now}: {action.reason}")
        await inner(action, before)

    history.watch.apply = apply  # type: ignore[method-assign]


def _never_asks(action: actions.Action, before: Endpoint | None) -> bool:
    """The way back, its clean-up, and the record."""
    record = from_tags(before.tags) if before is not None else None
    known = record if isinstance(record, Progress) else None
    promoted = known.promoted.name if known and known.promoted else ""
    stable = promoted or (before.weights.serving[0] if before and len(before.weights.serving) == 1 else "")
    match action:
        case actions.Record(progress=progress):
            kept = progress is None or progress.promoted is None or progress.promoted.name == stable
            return kept or (before is not None and before.deployment(promoted) is None)
        case actions.SetTraffic(weights=weights):
            gone = before is not None and before.deployment(stable) is None
            return weights == all_to(stable) or (gone and len(weights.traffic) == 1)
        case actions.DeleteDeployment(deployment=name) | actions.ScaleDeployment(deployment=name):
            rolled_back = known is not None and bool(known.quarantine)
            return rolled_back and name != stable and before is not None and not before.weights.touches(name)
        case _:
            return False


def test_no_write_but_rolling_back_in_a_closed_window() -> None:
    """Half of the histories are killed at random; each ends as lawfully as without windows."""
    seen: list[str] = []
    for seed in range(HISTORIES):
        world = Generated(random.Random(seed), kills=seed % 2 == 1)
        world.history.release = replace(world.history.release, policy=POLICY)
        watched(world.history, seen)
        try:
            world.check_the_end(world.play())
        except AssertionError as error:
            raise AssertionError(f"history {seed}: {error}") from error
    assert "Record" in seen  # what keeps the record goes on


def test_a_gate_that_fails_in_a_closed_window_rolls_back_there() -> None:
    """The candidate is watched all through it; nothing is waited for."""
    history = History(plans.roles("v1"))
    history.run()
    history.release = replace(plans.roles("v2"), policy=POLICY)
    history.until(10)
    history.plane.now = BEGIN + ((history.plane.now - BEGIN) // PERIOD + 1) * PERIOD - SHUT / 2
    assert is_shut(history.plane.now)
    history.judge = lambda gate, goal: Verdict(outcome=Outcome.FAIL, reason="errors")
    begin = history.plane.now
    assert history.passes(lambda live, decision: decision.phase is Phase.ROLLED_BACK).status is Status.ACT
    assert (history.serves(), history.plane.now - begin < timedelta(minutes=5)) == ("v1", True)


def test_a_release_with_windows_ends_as_one_without() -> None:
    """It takes longer, and no more writes that change something."""
    ends: list[Any] = []
    for policy in (None, POLICY):
        history = History(plans.roles("v1"))
        history.run()
        history.release = replace(plans.roles("v2"), policy=policy)
        last = history.run()
        live = history.live
        assert live is not None
        assert last.status is Status.DONE
        written = [type(action).__name__ for action in history.plane.written]
        ends.append(([name for name in written if name != "Record"], live.weights, history.serves()))
    assert ends[0] == ends[1]


def test_the_law_can_be_broken() -> None:
    """Without the policy the same watch finds a lawless write: it looks."""
    history = History(plans.roles("v1"))
    history.plane.now += PERIOD - SHUT
    watched(history, [])
    with pytest.raises(BrokenLawError, match="CreateEndpoint at 2026"):
        history.run()
