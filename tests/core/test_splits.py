"""Since when the endpoint was told to split its requests how, from the record's history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from rollout.core.observed import weights
from rollout.core.progress import Progress, Promoted, Run, Transition
from rollout.core.release import Traffic
from rollout.core.splits import configured, promoted_in

NOON: Final = datetime(2026, 1, 5, 12, tzinfo=UTC)
STAGES: Final = (Traffic(name="ten", weight=10), Traffic(name="half", weight=50), Traffic(name="all", weight=100))
BLUE: Final = Promoted(name="blue", revision="v1")


def history(*lines: str) -> tuple[Transition, ...]:
    """One line for each minute from noon on."""
    return tuple(Transition(at=NOON + timedelta(minutes=minute), what=what) for minute, what in enumerate(lines))


def told(progress: Progress) -> list[tuple[str, dict[str, int]]]:
    """What happened, and the live split that it left."""
    return [(entry.what, dict(split.traffic)) for entry, split in configured(STAGES, progress)]


def test_a_run_from_its_first_step_to_its_promotion() -> None:
    """Each step by the plan's weight, the promotion with all; what is no step tells nothing."""
    record = Progress(
        plan="house",
        promoted=Promoted(name="green", revision="v2"),
        former=BLUE,
        history=history("promoted blue", "deploy", "ten", "smoke passed", "half", "all", "promoted green"),
    )
    assert told(record) == [
        ("promoted blue", {"blue": 100}),
        ("ten", {"blue": 90, "green": 10}),
        ("half", {"blue": 50, "green": 50}),
        ("all", {"green": 100}),
        ("promoted green", {"green": 100}),
    ]


def test_a_run_under_way() -> None:
    """Its slot is in the record, stable is what is promoted; the last change is what was really written."""
    record = Progress(
        plan="house",
        promoted=BLUE,
        run=Run(goal="v2", slot="green"),
        written=weights({"blue": 88, "green": 12}),
        since=NOON + timedelta(minutes=1),
        history=history("ten", "half"),
    )
    assert told(record) == [("ten", {"blue": 90, "green": 10}), ("half", {"blue": 88, "green": 12})]


def test_two_runs_swap_their_slots() -> None:
    """Who is stable in the second one is whom the first one promoted."""
    record = Progress(plan="house", promoted=BLUE, history=history("ten", "promoted green", "ten", "promoted blue"))
    assert told(record) == [
        ("ten", {"green": 10}),
        ("promoted green", {"green": 100}),
        ("ten", {"green": 90, "blue": 10}),
        ("promoted blue", {"blue": 100}),
    ]


def test_a_stage_that_is_not_in_the_plan_any_more() -> None:
    """Nobody knows which weight it stood for."""
    record = Progress(plan="house", promoted=BLUE, run=Run(goal="v2", slot="green"), history=history("twenty", "half"))
    assert told(record) == [("half", {"blue": 50, "green": 50})]


def test_without_a_run_a_step_is_nobodys() -> None:
    """Taken back long ago: the record has forgotten its slot."""
    assert told(Progress(plan="house", promoted=BLUE, history=history("ten", "rolled back"))) == []


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("promoted green", "green"),
        ("promoted past watch", ""),
        ("promoted fully", ""),
        ("ten", ""),
        ("not promoted green", ""),
    ],
)
def test_who_was_promoted(what: str, name: str) -> None:
    """A person's `promote` past a gate, or to all traffic, is no promotion."""
    assert promoted_in(Transition(at=NOON, what=what)) == name
