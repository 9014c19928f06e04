"""`kill -9` at random moments, then the same command again: the end is the same, and nothing was done twice."""

from __future__ import annotations

import random
import signal
import time
from typing import Any, Final

import pytest

from tests.e2e.harness import Desk
from tests.e2e.watched import creations, splits, watched
from tests.reliability.figures import keep, whole

pytestmark = pytest.mark.slow
PLAN: Final = "safe-rollout.rollout.yml"
NAME: Final = "my-endpoint"
ROUNDS: Final = 60 if whole() else 5
"""Rollouts, each killed three times: 15 random moments, 180 in the long form."""
MOMENTS: Final = ((5, 0.8), (4, 0.3), (3, 0.2))
"""For each kill the most lines of progress, and the most seconds after the last of them, that it comes after."""
END: Final[dict[str, Any]] = {
    "traffic": {"green": 100},
    "mirror": {},
    "deployments": {"green": ("Succeeded", 2, "v2")},
}


def _killed(desk: Desk, lines: int, delay: float) -> None:
    """Start `apply`, kill it some seconds after so many lines of progress."""
    with desk.start("apply", f"plans/{PLAN}", "--target", "emulator", "--auto-approve") as running:
        assert running.stderr is not None
        for _ in range(lines):
            running.stderr.readline()
        time.sleep(delay)
        running.kill()
    assert running.returncode == -signal.SIGKILL, "it had ended before it could be killed"


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_killed(desk: Desk, seed: int) -> None:
    """Killed again and again on its way, the next `apply` ends as if nothing had been: each deployment made once."""
    moments = random.Random(seed)
    for lines, seconds in MOMENTS:
        _killed(desk, moments.randint(0, lines), moments.uniform(0, seconds))
    ran = desk.apply(PLAN, "--output", "json")
    assert (ran.code, ran.json["decision"]["status"]) == (0, "done"), ran.told
    assert desk.emulator.standing(NAME) == END
    history = desk.emulator.history(NAME)
    watched(history)
    assert creations(history) == ["blue", "green"]
    assert splits(history) == [{}, {"blue": 100}, {"blue": 90, "green": 10}, {"green": 100}]
    assert desk.emulator.served()["by_operation"]["OnlineDeployments_CreateOrUpdate"] == 2
    keep(f"kills-{seed:02}", {"kills": len(MOMENTS)})
