"""No request is lost: constant load from another process through releases, rollbacks, crashes and faults.

Real scoring processes; what is counted are the callers' own requests, and every answer must be a 200. The faults are
those of Resource Manager: one of the data plane would be a lost request by itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import pytest

from tests.e2e.harness import Desk
from tests.reliability.conftest import World
from tests.reliability.figures import keep, whole
from tests.reliability.lives import LIVES, TRIES, Bench, killed, release
from tests.reliability.trials import FAULTS
from tests.reliability.wire import Wire, dying, tapped

pytestmark = pytest.mark.slow
ROUNDS: Final = 5 if whole() else 1
RATE: Final = 25
SAMPLES: Final = ("house-prices/sample-request.json", "house-prices/live-request.json")
MODELS: Final = ("v1", "v2", "v3")
LIFE: Final = LIVES[1]
REQUESTS: Final = 60
"""As many as a release makes."""

Disturb = Callable[[Bench, random.Random], None]
"""Starts a job and lets something happen to it."""


def _nothing(bench: Bench, dice: random.Random) -> None:
    """The job of a quiet day."""
    bench.apply(LIFE)


def _killed(bench: Bench, dice: random.Random) -> None:
    """The job dies, and so does the one after it."""
    for _ in range(2):
        at = dying(dice.randrange(REQUESTS))
        with tapped(Wire(before=at) if dice.random() < 0.5 else Wire(after=at)):
            killed(bench, LIFE)


def _let_down(bench: Bench, dice: random.Random) -> None:
    """The service does something to every tenth request of the job or so."""
    faults = [effect for name, effect in FAULTS.items() if "clock" not in name]

    def hook(number: int) -> None:
        if dice.random() < 0.1:
            bench.emulator.faults({"effect": dice.choice(faults), "area": "arm"})

    with tapped(Wire(before=hook)):
        bench.apply(LIFE)
    bench.emulator.faults()


def _released(bench: Bench, number: int, disturb: Disturb, dice: random.Random) -> None:
    """One more release, to its end."""
    old, new = MODELS[number % 3], MODELS[(number + 1) % 3]
    release(old, new)(bench.desk)
    disturb(bench, dice)
    for _ in range(TRIES):
        code, told = bench.apply(LIFE)
        standing = bench.emulator.standing(LIFE.endpoint)
        if code == 0 and [model for _, _, model in standing["deployments"].values()] == [new]:
            return
    raise AssertionError(f"{new} does not serve alone: exit {code}, {standing}\n{told}")


WAYS: Final[dict[str, Disturb]] = {
    "releases": _nothing,
    "releases whose jobs are killed twice": _killed,
    "releases whose service lets them down": _let_down,
}


@pytest.mark.parametrize("what", WAYS if whole() else list(WAYS)[2:])
def test_no_request_is_lost_in_releases(world: World, what: str) -> None:
    """From release to release; two slots take turns."""
    dice = random.Random(what)
    with (
        world(replace(LIFE, last=_stay)) as bench,
        bench.desk.load(LIFE.endpoint, *SAMPLES, rate=RATE, seconds=1200) as load,
    ):
        load.reached(5)
        for number in range(ROUNDS):
            _released(bench, number, WAYS[what], dice)
        load.reached(load.seen["sent"] + RATE)
    _judge(what, load.seen, f"{ROUNDS} releases")


@pytest.mark.skipif(not whole(), reason="the long form; tests/e2e/test_load.py has releases")
def test_no_request_is_lost_in_rollbacks(world: World) -> None:
    """A candidate that answers wrong is seen through at 10 % and taken back, again and again."""
    sent, failed = 0, 0
    for _ in range(ROUNDS):
        with world(LIVES[2]) as bench:
            with bench.desk.load(LIFE.endpoint, *SAMPLES, rate=RATE, seconds=120) as load:
                load.reached(5)
                assert bench.until_ended(LIVES[2]) == ""
                load.reached(load.seen["sent"] + RATE)
            bench.judge(LIVES[2])
        sent, failed = sent + load.seen["sent"], failed + load.seen["failed"]
    _judge("rollbacks", {**load.seen, "sent": sent, "failed": failed}, f"{ROUNDS} rollbacks at 10 %")


def _stay(desk: Desk) -> None:
    """The last release is yet to come."""


def _judge(what: str, seen: Mapping[str, Any], events: str) -> None:
    assert seen["failed"] == 0, seen["failures"]
    keep(f"load-{what}", {"what": what, "requests": seen["sent"], "failed": seen["failed"], "events": events})
