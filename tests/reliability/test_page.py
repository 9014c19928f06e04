"""The page of figures is what its generator makes of the kept figures."""

from __future__ import annotations

from tests.reliability.page import PAGE, page


def test_the_page_is_generated() -> None:
    """Nobody has typed a figure into it."""
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.reliability.page"
