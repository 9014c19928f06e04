"""Numbers as characters."""

from __future__ import annotations

from rollout.render.sparks import meter, spark


def test_a_line_of_bars_keeps_its_width_and_its_peaks() -> None:
    """Each bar is the highest value of its part; full height is the limit, and what is beyond it is cut."""
    assert spark([0.0, 1.0, 2.0], 2.0, 60) == "▁▄█"
    assert len(spark([0.0] * 1000, 3.0, 60)) == 60
    assert "█" in spark([0.0] * 500 + [9.0] + [-5.0] * 500, 3.0, 60)
    assert spark([], 1.0, 60) == ""


def test_a_meter_is_full_at_the_limit() -> None:
    """From empty to full, and never beyond."""
    assert meter(0.0, 4) == "╌╌╌╌"
    assert meter(0.5, 4) == "━━╌╌"
    assert meter(7.0, 4) == "━━━━"
    assert meter(-1.0, 4) == "╌╌╌╌"
