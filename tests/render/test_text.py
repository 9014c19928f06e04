"""What people read, whole: each text is a file below `golden/`, made anew with `ROLLOUT_GOLDEN=write`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rollout.render.change_text import diff_lines, status_lines
from rollout.render.styled import plain
from tests.render import worlds
from tests.worlds.history import History

GOLDEN = Path(__file__).parent / "golden"
FORMS = {"diff": diff_lines, "status": status_lines}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "world",
    [worlds.nothing_yet, worlds.converged, worlds.at_ten_percent, worlds.rolled_back, worlds.drifted],
    ids=lambda world: world.__name__,
)
def test_the_text_is_the_golden_one(world: Callable[[], History], form: str) -> None:
    """Every word of it."""
    text = plain(FORMS[form](worlds.report(world())))
    path = GOLDEN / f"{world.__name__}-{form}.txt"
    if os.environ.get("ROLLOUT_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
