"""Durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.plan.durations import parse_duration, show_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90), ("30m", 1800), ("1h30m", 5400), ("2d", 172800), ("1w", 604800), ("250ms", 0.25), ("1.5h", 5400),
        ("PT30M", 1800), ("PT1H30M", 5400), ("P1D", 86400), ("P1DT1S", 86401), ("PT0.5S", 0.5), ("P2W", 1209600),
        ("0s", 0),
    ],
)  # fmt: skip
def test_accepted(text: str, seconds: float) -> None:
    """Units in words of one or two letters, or ISO 8601."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "10", "1x", "m", "-5m", "1m 30s", "1m1m", "P", "PT", "P1DT", "PT1M2", "1h30", "9999999d", "PT1H\n", "٣m"],
)
def test_refused(text: str) -> None:
    """Bare numbers, unknown and repeated units, signs, spaces and eternities are no durations."""
    with pytest.raises(ValueError):
        parse_duration(text)


@given(st.integers(0, 300 * 86_400_000))
def test_shown_durations_are_read_back(milliseconds: int) -> None:
    """What is shown means the same when it is read."""
    assert round(parse_duration(show_duration(milliseconds / 1000)) * 1000) == milliseconds


def test_shown_short() -> None:
    """The shortest form."""
    assert [show_duration(s) for s in (0, 90, 1800, 5400, 86400, 0.25)] == [
        "0s",
        "1m30s",
        "30m",
        "1h30m",
        "1d",
        "250ms",
    ]
