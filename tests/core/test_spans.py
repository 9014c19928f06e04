"""Lengths of time in words."""

from __future__ import annotations

import pytest

from rollout.core.spans import span


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0s"),
        (0.4, "0s"),
        (1, "1s"),
        (59.6, "1m"),
        (60, "1m"),
        (61, "1m1s"),
        (3599, "59m59s"),
        (3600, "1h"),
        (3725, "1h2m5s"),
        (86_399, "23h59m59s"),
        (86_400, "1d"),
        (90_061, "1d1h1m1s"),
        (172_800, "2d"),
    ],
)
def test_a_span(seconds: float, words: str) -> None:
    """To the second; what is nothing is left out."""
    assert span(seconds) == words
