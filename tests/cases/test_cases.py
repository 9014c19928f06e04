"""Golden decisions as data: docs/decisions.md, row by row. Each case says which row it is an example of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollout.core.decide import RULES, decide
from rollout.core.progress import Damaged, from_tags
from tests.cases.telling import told
from tests.cases.world import World

HERE = Path(__file__).parent
TABLE = HERE.parents[1] / "docs" / "decisions.md"


def _read() -> dict[str, Any]:
    cases: dict[str, Any] = {}
    for file in sorted(HERE.glob("*.yaml")):
        found = yaml.safe_load(file.read_text())
        assert not found.keys() & cases.keys(), f"{file.name} repeats a name"
        cases |= found
    return cases


CASES = _read()
ROWS_OF_THE_RUNNER = {"26e"}
"""Decided by what the service answers to a write: tests/runner/test_deploys.py."""


@pytest.mark.parametrize("name", CASES)
def test_is_decided_as_the_table_says(name: str) -> None:
    """Status, reason, first action, tags and times: all that a decision says."""
    world = World(CASES[name])

    decision = decide(world.release, world.observation, world.verdicts, world.allowed)

    assert told(world, decision) == CASES[name]["decision"]


@pytest.mark.parametrize("name", CASES)
def test_is_decided_again_in_the_same_way(name: str) -> None:
    """The same inputs, made anew, give an equal decision (law 10)."""
    first, second = World(CASES[name]), World(CASES[name])

    assert decide(first.release, first.observation, first.verdicts, first.allowed) == decide(
        second.release, second.observation, second.verdicts, second.allowed
    )


def test_every_row_of_the_table_has_a_case() -> None:
    """And no case names a row that is not there."""
    rows = re.findall(r"^\| (\d+[a-z]?) \|", TABLE.read_text(), re.MULTILINE)

    assert {str(case["row"]) for case in CASES.values()} == set(rows) - ROWS_OF_THE_RUNNER
    assert len(rows) == len(set(rows))


def test_every_rule_decides_a_case() -> None:
    """No rule of the core is without an example."""
    assert {_rule_of(World(case)) for case in CASES.values()} == {"", *(rule.__name__ for rule in RULES)}


def _rule_of(world: World) -> str:
    """The rule that answers; "" where the answer comes before all rules."""
    live = world.observation.endpoint
    record = from_tags(live.tags) if live else None
    if live is None or live.in_flight or isinstance(record, Damaged):
        return ""
    if record is not None and record.plan != world.release.name:
        return ""
    return next(rule.__name__ for rule in RULES if rule(world.scene) is not None)
