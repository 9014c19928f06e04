"""The suite itself: its cases are told apart, and docs/emulator.md tells of all of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rollout.emulator.settings import Settings
from tests.conformance.page import AREAS, page, proven

COMMITTED = Path(__file__).parents[2] / "docs/emulator.md"


def test_the_page_is_made_from_the_suite() -> None:
    """Write it again with `make pages`; edit tests/conformance/emulator.template.md, not the page."""
    assert COMMITTED.read_text(encoding="utf-8") == page()


def test_every_case_has_a_name_of_its_own() -> None:
    """Also across modules."""
    counted = Counter(one.case.id for one in proven())
    assert [name for name, count in counted.items() if count > 1] == []


def test_every_case_names_a_source() -> None:
    """With where it is."""
    assert [one.case.id for one in proven() if not one.case.sources] == []
    assert [one.case.id for one in proven() if not all(source.where for source in one.case.sources)] == []


def test_every_area_has_cases() -> None:
    """Nothing that the page promises is empty."""
    assert {one.case.area for one in proven()} == set(AREAS)


def test_every_setting_is_told() -> None:
    """By its name, with its text."""
    text = page()
    assert [name for name in Settings.__slots__ if f"| `{name}` |" not in text] == []
