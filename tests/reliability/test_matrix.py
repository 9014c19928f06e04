"""Every fault at every request of every life: each end is that of the life without it, and every state is lawful.

In one process and one thread (`tests.reliability.alone`), where each fault begins in a copy of the world right before
its request. `test_faults` does a sample of the same with a process, sockets and scoring processes.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from tests.reliability.alone.bench import LATER, AloneBench, alone
from tests.reliability.alone.branches import Branch, Grown, grown, trunk
from tests.reliability.figures import keep, whole
from tests.reliability.lives import LIVES, Life, own_words
from tests.reliability.test_faults import EXITS
from tests.reliability.test_operations import helped
from tests.reliability.trials import NEVER, OPERATIONS, Trial, trials

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
STUBBORN: Final = 6
"""Times in a row: more often than any client of ours asks again by itself."""
EACH: Final = 40
"""One branch in so many is followed to its end although it is in the trunk's track again."""


class _Faults:
    """The branches of one life. `times`: how often in a row a fault happens."""

    def __init__(self, life: Life, bench: AloneBench, times: int, share: float) -> None:
        self._life = life
        self._bench = bench
        self._times = times
        self._share = share
        self._dice = random.Random(f"{life.name} {times}")

    def __call__(self, number: int, request: str) -> Iterator[Branch]:
        """What can happen to that request: all of it, or in the quick form a sample."""
        method, _, url = request.partition(" ")
        path = urlsplit(url).path
        for trial in trials(method, path, self._times, self._bench.exists(path)):
            if self._dice.random() < self._share:
                whole = self._dice.randrange(EACH) == 0
                anew = trial.fault in OPERATIONS
                yield Branch(trial.fault, self._judge(trial), self._begin(trial), anew=anew, whole=whole)

    def _begin(self, trial: Trial) -> Any:
        def begin(bench: AloneBench) -> None:
            bench.emulator.faults(*trial.rules)
            bench.emulator.network.late = trial.late

        return begin

    def _judge(self, trial: Trial) -> Any:
        def judge(bench: AloneBench, code: int, told: str) -> str:
            if code not in EXITS or "Traceback" in own_words(told):
                return f"exit {code}\n{told}"
            bench.emulator.network.late = 0
            bench.emulator.faults()
            bench.instant.sleep(NEVER if "never" in trial.fault else LATER)
            if trial.person:
                helped(bench, self._life)
                return ""
            return bench.until_ended(self._life) or lawful(bench, self._life)

        return judge


def lawful(bench: AloneBench, life: Life) -> str:
    """What is wrong with the end, or with a state on the way; "" for nothing."""
    try:
        bench.judge(life)
    except AssertionError as error:
        return f"unlawful: {error}"
    return ""


def _exits(found: list[Grown]) -> dict[str, dict[str, int]]:
    exits: dict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        exits[one.what]["same track" if one.exit is None else str(one.exit)] += 1
    return {fault: dict(seen) for fault, seen in exits.items()}


@pytest.mark.parametrize("times", [1, STUBBORN] if whole() else [1])
@pytest.mark.parametrize("life", LIVES if whole() else LIVES[2:3], ids=lambda life: life.name)
def test_every_fault_at_every_request(tmp_path: Path, life: Life, times: int) -> None:
    """Once, and more often in a row than anybody asks again by itself."""
    share = 1.0 if whole() else 0.01
    with alone(life, tmp_path) as bench:
        steps = trunk(bench, life)
    (tmp_path / "again").mkdir()
    with alone(life, tmp_path / "again") as bench:
        found = grown(bench, life, steps, _Faults(life, bench, times, share))
    lost = [one for one in found if one.trouble]
    assert not lost, f"{len(lost)} of {len(found)}: {lost[:5]}"
    figures = {
        "life": life.name,
        "times": times,
        "places": len(steps),
        "reached": len(steps),
        "branches": len(found),
        "lost": len(lost),
        "exits": _exits(found),
    }
    keep(f"matrix-{LIVES.index(life)}-{times}", figures)
