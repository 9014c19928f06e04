"""The mutants are the mistakes meant, each is put where it is run, and what is said of them is true."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation import kept, page
from tests.mutation.mutants import mutants_of

EXAMPLE = '''\
"""A module."""

LIMIT = 3


class Shelf:
    """Of jars."""

    def __init__(self, jars: int) -> None:
        self.jars = jars

    @property
    def full(self) -> bool:
        """No room."""
        return self.jars >= LIMIT and not self.wide

    @property
    def wide(self) -> bool:
        """Never reached by a test below LIMIT."""
        return False


def told(shelf: Shelf) -> str:
    """In words."""
    match shelf.full:
        case True:
            return "full"
        case _:
            return f"{shelf.jars}"
'''
TESTS = """\
from shelf import Shelf, told

def test_full():
    assert told(Shelf(3)) == "full"

def test_not_full():
    assert told(Shelf(2)) == "2"
"""
RUN = """\
import json, sys
from pathlib import Path
import pytest
from tests.mutation.trial import Trials
trials = Trials({"shelf": Path("shelf.py").resolve()}, lambda mutant: True, lambda outcome: None)
pytest.main(["-q", "-p", "no:cacheprovider", "test_shelf.py"], plugins=[trials])
told = [[one.mutant.function, one.mutant.was, one.mutant.now, one.word] for one in trials.outcomes]
Path("told.json").write_text(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What became of each mutant of the example."""
    folder = tmp_path_factory.mktemp("mutants")
    (folder / "shelf.py").write_text(EXAMPLE)
    (folder / "test_shelf.py").write_text(TESTS)
    path = {"PYTHONPATH": f"{kept.ROOT}:{folder}"}
    subprocess.run([sys.executable, "-c", RUN], cwd=folder, env=path, check=True, capture_output=True, timeout=100)
    found: list[list[str]] = json.loads((folder / "told.json").read_text())
    return found


def test_a_mistake_that_a_test_sees_is_killed(told: list[list[str]]) -> None:
    """A comparison, a condition that is not there, a text, a case: also in a property."""
    killed = [one[:3] for one in told if one[3] == "killed"]

    assert ["Shelf.full", ">= LIMIT", "> LIMIT"] in killed
    assert ["Shelf.full", "self.jars >= LIMIT and not self.wide", "(not self.wide)"] in killed
    assert ["told", '"full"', '"fullXX"'] in killed
    assert ["told", "True", "True if False"] in killed


def test_a_mistake_that_no_test_sees_survives(told: list[list[str]]) -> None:
    """All of them, and no other."""
    assert [one[:3] for one in told if one[3] not in ("killed", "same")] == [
        ["Shelf.full", "self.jars >= LIMIT and not self.wide", "(self.jars >= LIMIT)"],
        ["Shelf.wide", "False", "None"],
    ]


def test_every_mutant_can_be_told_from_the_code(tmp_path: Path) -> None:
    """What it says was there is on its line, and its source is another one."""
    (tmp_path / "shelf.py").write_text(EXAMPLE)
    mutants = mutants_of(tmp_path / "shelf.py", "shelf")

    assert [m.key for m in mutants if m.text not in EXAMPLE or m.source == EXAMPLE] == []
    assert {m.function for m in mutants} == {"", "Shelf.__init__", "Shelf.full", "Shelf.wide", "told"}


def test_the_page_is_what_the_figures_say() -> None:
    """docs/mutation.md is generated; a module that is new since then is not missed."""

    def told(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.startswith(page.UNTRIED)]

    shown = page.PAGE.read_text(encoding="utf-8")
    assert told(shown) == told(page.page())
    assert len(told(shown)) == len(shown.splitlines()) - 1


@pytest.mark.parametrize("module", kept.justified())
def test_a_reason_is_about_code_that_is_there(module: str) -> None:
    """Its line is in the module; every one says why."""
    lines = {line.strip() for line in kept.modules()[module].read_text(encoding="utf-8").splitlines()}

    assert [one for one in kept.justified()[module] if one.line not in lines or not one.why] == []


@pytest.mark.parametrize("score", list(kept.scores()), ids=lambda score: score.module)
def test_every_survivor_is_listed(score: kept.Score) -> None:
    """None is lost between the figures and the page."""
    assert score.mutants == score.killed + score.justified + len(score.open)
