"""The record of a verdict: which minutes are good for what, and judging them again by the same or other terms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from rollout.core.evidence.counts import Arm, Block
from rollout.core.evidence.judge import Check, History, Terms, examine
from rollout.core.evidence.recorded import Change, Recorded, Span, read, record, rejudged

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SPAN = Span(start=NOON, stage=NOON + MINUTE, horizon=NOON + 3 * MINUTE, end=NOON + 5 * MINUTE, since=NOON)


def block(minute: int) -> Block:
    """So many minutes after noon: 90 requests of stable, 10 of the candidate, one of which fails."""
    return Block(NOON + minute * MINUTE, Arm(90, 1), Arm(10, 1))


BLOCKS = [block(minute) for minute in range(-2, 5)]
EVIDENCE: dict[str, Any] = {
    "checks": [
        {"check": "error_rate", "tolerate": 0.01, "at_most": None, "minutes": record(BLOCKS)},
        {"check": "slow", "tolerate": 0.0, "at_most": 0.2, "minutes": record(BLOCKS[2:])},
    ],
    "span": msgspec.to_builtins(SPAN),
    "sides": {"stable": "blue", "candidate": "green"},
    "terms": {"alpha": 0.05, "share": 0.025, "least": 5},
}


def test_which_minutes_are_good_for_what() -> None:
    """Before the first exposure; final; and not final yet. Each border belongs to what begins there."""
    assert SPAN.history(BLOCKS) == History(
        baseline=(Arm(90, 1), Arm(90, 1)),
        blocks=tuple(BLOCKS[2:5]),
        provisional=tuple(BLOCKS[5:]),
        stage=SPAN.stage,
    )


def test_nothing_is_final_before_the_start() -> None:
    """A horizon that has not reached the first exposure: everything from there on is provisional."""
    early = msgspec.structs.replace(SPAN, horizon=NOON - MINUTE)
    assert early.history(BLOCKS) == History(
        baseline=(Arm(90, 1), Arm(90, 1)), blocks=(), provisional=tuple(BLOCKS[2:]), stage=SPAN.stage
    )


def test_minutes_as_json() -> None:
    """In this order; read as the same again."""
    assert record([block(0)]) == [["2026-01-01T12:00:00Z", 90, 1, 10, 1]]
    assert read(EVIDENCE).checks[0].minutes[2] == (NOON, 90.0, 1.0, 10.0, 1.0)


def test_what_is_no_record() -> None:
    """Another verdict's evidence."""
    with pytest.raises(msgspec.ValidationError):
        read({"alerts": []})


def again(change: Change, check: Check, terms: Terms, blocks: list[Block]) -> None:
    """The first or second check, judged again by hand."""
    found, by = rejudged(read(EVIDENCE), change)
    assert by == terms
    assert examine(check, terms, SPAN.history(blocks)) in found


def test_without_a_change_it_is_the_same() -> None:
    """Each check by its own tolerance or objective and its own minutes."""
    again(Change(), Check(name="error_rate", tolerate=0.01), Terms(alpha=0.05, share=0.025, least=5), BLOCKS)
    again(Change(), Check(name="slow", at_most=0.2), Terms(alpha=0.05, share=0.025, least=5), BLOCKS[2:])


def test_by_another_alpha() -> None:
    """The check keeps its part of it: half of α stays half."""
    terms = Terms(alpha=0.01, share=0.005, least=5)
    again(Change(alpha=0.01), Check(name="error_rate", tolerate=0.01), terms, BLOCKS)


@pytest.mark.parametrize(
    ("change", "first", "second"),
    [
        (Change(tolerate=0.05), (0.05, None), (0.05, 0.2)),
        (Change(at_most=0.3), (0.01, 0.3), (0.0, 0.3)),
        (Change(tolerate=0.02, at_most=0.4), (0.02, 0.4), (0.02, 0.4)),
    ],
)
def test_by_other_terms(change: Change, first: tuple[float, float | None], second: tuple[float, float | None]) -> None:
    """What is not said stays as it was."""
    found, _ = rejudged(read(EVIDENCE), change)
    assert [(one.check.tolerate, one.check.at_most) for one in found] == [first, second]
    assert isinstance(read(EVIDENCE), Recorded)
