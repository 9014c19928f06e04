"""The house rules that can be counted, and the table of docs/architecture.md."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests import shape

_NUMBER: Final = re.compile(r"\d[\d,.]*")


def test_no_module_over_400_lines() -> None:
    """A longer one has two jobs."""
    assert [(one.path, one.lines) for one in shape.modules() if one.lines > 400] == []


def test_no_function_over_60_lines() -> None:
    """A longer one is two."""
    assert [(one.place, one.name) for module in shape.modules() for one in module.functions if one.lines > 60] == []


def test_every_function_says_its_types() -> None:
    """All arguments, and what comes back."""
    assert [one.place for module in shape.modules() for one in module.functions if not one.annotated] == []


def test_every_public_name_says_what_it_is() -> None:
    """Modules, classes, functions and methods without an underscore have a docstring."""
    assert [place for module in shape.modules() for place in module.undocumented] == []


def test_the_page_shows_about_this() -> None:
    """Every package is there with its imports, every number within a tenth: `make pages` writes it again."""
    page = shape.PAGE.read_text(encoding="utf-8")
    shown = page.split(shape.BEGIN)[1].split(shape.END)[0]
    assert _NUMBER.sub("N", shown.strip()) == _NUMBER.sub("N", shape.table().strip())
    numbers = [
        [float(one.replace(",", "").strip(".")) for one in _NUMBER.findall(text)] for text in (shown, shape.table())
    ]
    assert numbers[0] == pytest.approx(numbers[1], rel=0.1, abs=5)


def test_writing_it_twice_changes_nothing() -> None:
    """What is around the table stays."""
    page = shape.PAGE.read_text(encoding="utf-8")
    once = shape.written(page)
    assert shape.written(once) == once
    assert once.split(shape.BEGIN)[0] == page.split(shape.BEGIN)[0]
