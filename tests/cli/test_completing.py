"""What a shell offers behind TAB."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PLAN = "plans/house-prices.rollout.yml"


def offered(*words: str) -> list[str]:
    """What bash would offer for the last word."""
    typed = " ".join(["rollout", *words])
    asked = {"_ROLLOUT_COMPLETE": "bash_complete", "COMP_WORDS": typed, "COMP_CWORD": str(len(words))}
    program = "from rollout.cli.start import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env={**os.environ, **asked}, capture_output=True, text=True
    )
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("pub",), ["publish"]),
        (("publish", "re"), ["revert"]),
        (("apply", PLAN, "--until", "s"), ["smoke", "settle"]),
        (("apply", "plans/nowhere.yml", "--until", "s"), []),
        (("ci", "rec"), ["reconcile"]),
    ],
)
def test_words_are_completed(words: tuple[str, ...], told: list[str]) -> None:
    """Commands, what is below them, stages of the plan; a plan that is not there offers nothing."""
    assert offered(*words) == told
