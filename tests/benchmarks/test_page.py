"""The page of performance is what its generator makes of the kept figures; nothing here is timed."""

from __future__ import annotations

from benchmarks.__main__ import ALL, main, on_page
from benchmarks.curve import Curve, slope
from benchmarks.figures import KEPT, kept
from benchmarks.page import IMAGES, PAGE, page
from benchmarks.table import Row


def test_the_page_is_generated() -> None:
    """Nobody has typed a figure into it."""
    assert PAGE.read_text(encoding="utf-8") == page(on_page()), "python -m benchmarks --page-only"


def test_nothing_is_left_of_a_benchmark_that_is_gone() -> None:
    """All kept figures are on the page, and each with curves has its plot."""
    names = [name for name, _ in kept(on_page())]
    assert sorted(path.stem for path in KEPT.glob("*.json")) == sorted(names)
    plots = sorted(f"performance-{name}.svg" for name, figures in kept(names) if figures["curves"])
    assert sorted(path.name for path in IMAGES.glob("performance-*.svg")) == plots


def test_every_benchmark_says_what_it_measures() -> None:
    """Its docstring becomes the text of its section."""
    assert all((module.__doc__ or "").strip().endswith(".") for module in ALL.values())


def test_an_exponent_is_the_slope_of_the_logarithms() -> None:
    """Cost that grows with the square has 2, whatever it is multiplied with; a constant has 0."""
    square = Curve(name="c", x="n", unit="ms", points={size: 0.3 * size**2 for size in (5, 70, 900)}, most=1.05)
    assert round(square.exponent, 9) == round(square.last, 9) == 2
    assert not square.row.kept
    assert slope({1: 7.0, 10: 7.0, 100: 7.0}) == 0


def test_a_broken_budget_is_seen() -> None:
    """Above the most, below the least; what is only told is never broken."""
    assert not Row(name="slow", value=1.51, most=1.5).kept
    assert not Row(name="few", value=19_999, least=20_000).kept
    assert Row(name="told", value=1e9).kept


def test_a_name_that_does_not_exist_is_said() -> None:
    """Exit 3, as everywhere."""
    assert main(["no-such-benchmark"]) == 3
