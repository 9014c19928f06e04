"""Killed before and after a request, and started again: the same end, and no law broken in any state on the way.

The quick form takes seeded places; `ROLLOUT_RELIABILITY=all` takes each request of each life.
"""

from __future__ import annotations

import random
from typing import Final

import pytest

from tests.reliability.conftest import World
from tests.reliability.figures import keep, whole
from tests.reliability.lives import LIVES, Life, killed
from tests.reliability.wire import Wire, dying, tapped

pytestmark = pytest.mark.slow
SAMPLE: Final = 1
"""Places for each life in the quick form."""


def _requests(world: World, life: Life) -> int:
    """How many requests the last release makes when nothing happens."""
    with world(life) as bench:
        with tapped(Wire()) as wire:
            code, told = bench.apply(life)
        assert code in (0, 4), told
        bench.judge(life)
    return len(wire.sent)


def _places(life: Life, requests: int) -> list[tuple[int, str]]:
    """Numbers of requests, and whether the process dies before or after them."""
    every = [(number, when) for number in range(requests) for when in ("before", "after")]
    return every if whole() else random.Random(life.name).sample(every, SAMPLE)


def _wire(number: int, when: str) -> Wire:
    return Wire(before=dying(number)) if when == "before" else Wire(after=dying(number))


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
def test_killed_once(world: World, life: Life) -> None:
    """Wherever the job dies, the next ones end where it would have ended."""
    requests, deaths, lost = _requests(world, life), 0, {}
    for number, when in _places(life, requests):
        with world(life) as bench:
            with tapped(_wire(number, when)) as wire:
                deaths += killed(bench, life)
            if trouble := bench.until_ended(life):
                lost[number, when, wire.sent[-1]] = trouble
            else:
                bench.judge(life)
    assert not lost, sorted(lost)
    keep(f"crashes-{LIVES.index(life)}", {"life": life.name, "requests": requests, "deaths": deaths, "lost": len(lost)})


@pytest.mark.parametrize("life", LIVES if whole() else LIVES[1:2], ids=lambda life: life.name)
def test_killed_twice(world: World, life: Life) -> None:
    """Killed, and the job that carries on is killed too."""
    moments = random.Random(f"twice {life.name}")
    rounds = 40 if whole() else 1
    for _ in range(rounds):
        with world(life) as bench:
            for _ in range(2):
                with tapped(_wire(moments.randrange(30), moments.choice(["before", "after"]))):
                    killed(bench, life)
            assert bench.until_ended(life) == ""
            bench.judge(life)
    keep(f"crashes-twice-{LIVES.index(life)}", {"life": life.name, "rounds": rounds})
