"""Let down by the service at a request, once and three times in a row, and started again: the same end.

Each fault is put into the emulator the moment before the request leaves, so it hits exactly that one (and those that
follow, if it comes three times). The quick form takes seeded places; `ROLLOUT_RELIABILITY=all` takes each of them.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from tests.reliability.conftest import World
from tests.reliability.figures import keep, whole
from tests.reliability.lives import LIVES, Bench, Life, own_words
from tests.reliability.trials import FAULTS
from tests.reliability.wire import Wire, tapped

pytestmark = pytest.mark.slow
EXITS: Final = frozenset({0, 1, 4, 5, 8, 9, 10})
"""How a job may end that the service has let down: never with a traceback, nor as if the plan were wrong."""
REQUESTS: Final = 66
"""As many as the lives have; what comes later than the last one hits nothing, and is told apart."""


def _at(number: int, put: Callable[[], None]) -> Callable[[int], None]:
    """A hook that puts the fault before the request with that number."""

    def hook(seen: int) -> None:
        if seen == number:
            put()

    return hook


def _let_down(bench: Bench, life: Life, effect: Mapping[str, Any], number: int, times: int) -> int | None:
    """The exit code of a job that this fault hits at that request; None: it never came so far."""
    rule = {"effect": dict(effect), "times": times, "area": "any"}
    with tapped(Wire(before=_at(number, lambda: bench.emulator.faults(rule)))) as wire:
        code, told = bench.apply(life)
    bench.emulator.faults()
    assert "Traceback" not in own_words(told), told
    assert code in EXITS, told
    return code if len(wire.sent) > number else None


def _trouble(bench: Bench, life: Life) -> str:
    """What is wrong with the end after further jobs without a fault; "" for nothing."""
    if trouble := bench.until_ended(life):
        return trouble
    try:
        bench.judge(life)
    except AssertionError as error:
        return str(error)
    return ""


def _places(fault: str, life: Life) -> list[tuple[int, int]]:
    """Numbers of requests, and how often in a row."""
    if whole():
        return [(number, 1 + 2 * (number % 2)) for number in range(REQUESTS)]
    moments = random.Random(f"{fault} {life.name}")
    return [(moments.randrange(5, 60), moments.choice([1, 3]))]


@pytest.mark.parametrize("fault", FAULTS if whole() else random.Random(5).sample(sorted(FAULTS), 8))
def test_let_down(world: World, fault: str) -> None:
    """Whatever the service does to a request, the jobs that follow end where they would have ended."""
    lives = LIVES if whole() else (random.Random(fault).choice(LIVES),)
    for life in lives:
        codes: Counter[str] = Counter()
        lost: dict[tuple[int, int], str] = {}
        for number, times in _places(fault, life):
            with world(life) as bench:
                code = _let_down(bench, life, FAULTS[fault], number, times)
                codes["not reached" if code is None else str(code)] += 1
                if trouble := _trouble(bench, life):
                    lost[number, times] = trouble
        assert not lost, f"{life.name}: {lost}"[:4000]
        keep(f"faults-{fault}-{LIVES.index(life)}", {"fault": fault, "life": life.name, "exits": codes})
