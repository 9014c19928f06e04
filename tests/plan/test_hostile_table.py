"""The table of hostile inputs: every answer is ours, is the one that was meant, and takes less than a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plan import hostile
from tests.plan.hostile import CASES, SLOWEST, Case, answer

COMMITTED = Path(__file__).parents[2] / "docs/hostile-inputs.md"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_the_answer(case: Case) -> None:
    """The fault that tells it is among the faults; or the plan is valid, and the table says what it means."""
    lines, seconds = answer(case)
    assert bool(lines) == bool(case.code)
    assert bool(lines) != bool(case.meaning)
    assert not lines or any(f": {case.code}: " in line for line in lines), lines[0]
    assert seconds < 3 * SLOWEST, "of a core that others use, too"
    assert len(lines) <= 51
    assert max(map(len, lines), default=0) < 1000


def test_the_committed_table_is_the_generated_one() -> None:
    """Write it again with `python -m tests.plan.hostile > docs/hostile-inputs.md`."""
    assert len(CASES) >= 60
    assert len({case.title for case in CASES}) == len(CASES)
    assert COMMITTED.read_text() == hostile.page()
