"""Killed before, while or after any write of any named history, and started again: the same end."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from rollout.core import actions
from rollout.core.decision import Decision, Phase, Status
from tests.golden.script import ENDS, Script
from tests.golden.test_histories import CASES
from tests.worlds.history import History
from tests.worlds.plane import Killed


class KillOnce:
    """A hook that kills at the n-th boundary (three a write), once."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.seen = -1

    def __call__(self, when: str, action: actions.Action) -> None:
        """Count, and die when it is time."""
        self.seen += 1
        if self.seen == self.at:
            raise Killed


class Stubborn(History):
    """A history whose passes may die; the next one then comes a second later."""

    def once(self) -> Decision:
        """One pass; a killed one decides nothing that anybody saw."""
        with contextlib.suppress(Killed):
            return super().once()
        return Decision(status=Status.WAIT, phase=Phase.IDLE, reason="killed", next_after=self.plane.now)


def play(case: dict[str, Any], at: int) -> tuple[list[str], int]:
    """The end of the history with one kill at boundary `at`, and how many boundaries there were."""
    script = Script(case)
    script.history.__class__ = Stubborn
    script.history.plane.hook = hook = KillOnce(at)
    script.play()
    assert script.last is not None, "every history ends with a run"
    return [ENDS[script.last.status], script.history.serves()], hook.seen + 1


@pytest.mark.parametrize("name", CASES)
def test_the_end_is_the_same_after_a_kill_anywhere(name: str) -> None:
    """Every boundary of every write."""
    case = CASES[name]
    _, boundaries = play(case, -2)

    ends = {at: end for at in range(boundaries) if (end := play(case, at)[0]) != case["end"]}

    assert ends == {}
