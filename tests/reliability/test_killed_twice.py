"""Killed at every request, and the job that carries on is killed too: the same end, and every state lawful.

In one process and one thread (`tests.reliability.alone`): the first death is in a copy of the world at its place, the
second one at a random request of the job that follows.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.reliability.alone.bench import LATER, AloneBench, alone
from tests.reliability.alone.branches import KILLED, Branch, Step, grown, trunk
from tests.reliability.figures import keep, whole
from tests.reliability.lives import LIVES, Life
from tests.reliability.test_matrix import lawful
from tests.reliability.wire import Wire, dying

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
SHARE: Final = 1.0 if whole() else 0.03


class _Deaths:
    """The branches of one life: the job dies before the request, or after it, by turns."""

    def __init__(self, life: Life, steps: tuple[Step, ...]) -> None:
        self._life = life
        self._steps = steps
        self._dice = random.Random(f"twice {life.name}")

    def __call__(self, number: int, request: str) -> Iterator[Branch]:
        """One death; it is told where it was."""
        if self._dice.random() < SHARE:
            second = self._dice.randrange(len(self._steps)), self._dice.choice(["before", "after"])
            dies: Any = ("before", "after")[number % 2]
            yield Branch(where(self._steps, number), self._judge, dies=dies, then=_dying(*second))

    def _judge(self, bench: AloneBench, code: int, told: str) -> str:
        if code != KILLED:
            return f"it was not killed: exit {code}\n{told}"
        bench.instant.sleep(LATER)
        return bench.until_ended(self._life) or lawful(bench, self._life)


def _dying(number: int, when: str) -> Wire:
    return Wire(before=dying(number)) if when == "before" else Wire(after=dying(number))


def where(steps: tuple[Step, ...], number: int) -> str:
    """What was going on at that request: an upload, a rollback, or anything else."""
    if ".blob." in steps[number].request:
        return "during an upload"
    return "during a rollback" if number >= _rollback(steps) else "elsewhere"


def _rollback(steps: tuple[Step, ...]) -> int:
    """The request that takes the candidate's weight back, or records that it has failed; behind all where none does."""
    failed = [number for number, step in enumerate(steps) if "'failed'" in str(step.world)]
    before = steps[: failed[0]] if failed else ()
    writes = [number for number, step in enumerate(before) if not step.request.startswith(("GET", "POST"))]
    return writes[-1] if writes else len(steps)


@pytest.mark.parametrize("life", LIVES if whole() else LIVES[2:3], ids=lambda life: life.name)
def test_killed_twice(tmp_path: Path, life: Life) -> None:
    """At every request once, and then at any."""
    for folder in ("once", "again"):
        (tmp_path / folder).mkdir()
    with alone(life, tmp_path / "once") as bench:
        steps = trunk(bench, life)
    with alone(life, tmp_path / "again") as bench:
        found = grown(bench, life, steps, _Deaths(life, steps))
    lost = [one for one in found if one.trouble]
    assert not lost, f"{len(lost)} of {len(found)}: {lost[:3]}"
    assert found, "nobody was killed"
    places = Counter(one.what for one in found)
    figures = {"life": life.name, "requests": len(steps), "rounds": len(found), "lost": len(lost), "places": places}
    keep(f"twice-{LIVES.index(life)}", figures)
