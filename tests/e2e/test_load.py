"""Under load from another process: the split is the one that was written, and no request fails while it moves."""

from __future__ import annotations

import math
from typing import Final

import pytest

from tests.e2e.harness import Desk
from tests.e2e.watched import creations, watched
from tests.reliability.figures import whole

pytestmark = pytest.mark.slow
REQUESTS: Final = 2000 if whole() else 600
SHARE: Final = 0.1
WAYS: Final = {
    "house-prices": ("traffic-100", "house-prices", ("green", "blue")),
    "safe-rollout": ("deploy", "my-endpoint", ("green",)),
}
"""For each plan the stage that it serves from, its endpoint, and the slots of the releases that follow."""
SAMPLES: Final = ("house-prices/sample-request.json", "house-prices/live-request.json")


def test_the_split_is_measured(desk: Desk) -> None:
    """Of 600 requests (2,000 in the long form) at 90/10 green answers a tenth, within 4 standard errors; none fails."""
    assert (ran := desk.apply("safe-rollout.rollout.yml", "--until", "traffic-10")).code == 0, ran.told
    with desk.load("my-endpoint", *SAMPLES, rate=400) as load:
        seen = load.reached(REQUESTS)
    assert (seen["failed"], set(seen["deployments"])) == (0, {"blue", "green"}), seen["failures"]
    error = math.sqrt(SHARE * (1 - SHARE) / seen["sent"])
    assert abs(seen["deployments"]["green"] / seen["sent"] - SHARE) <= 4 * error, seen["deployments"]


@pytest.mark.parametrize("plan", ["house-prices", "safe-rollout"])
def test_no_request_fails(desk: Desk, plan: str) -> None:
    """From the first release to the last deletion, by roles through two more releases: every answer is a 200."""
    first, name, slots = WAYS[plan]
    assert (ran := desk.apply(f"{plan}.rollout.yml", "--until", first)).code == 0, ran.told
    with desk.load(name, *SAMPLES, rate=25) as load:
        load.reached(5)
        for number, slot in enumerate(slots, start=1):
            if plan == "house-prices":
                desk.edit("house-prices/deployment.yml", f"path: models/v{number}", f"path: models/v{number + 1}")
            ran = desk.waited(f"{plan}.rollout.yml")
            assert (ran.code, ran.json["endpoint"]["traffic"]) == (0, {slot: 100}), ran.told
            load.reached(load.seen["sent"] + 20)
    seen = load.seen
    assert (seen["failed"], seen["statuses"]) == (0, {"200": seen["sent"]}), seen["failures"]
    assert set(seen["deployments"]) == {"blue", "green"}
    history = desk.emulator.history(name)
    watched(history)
    assert creations(history) == ["blue", *slots]
