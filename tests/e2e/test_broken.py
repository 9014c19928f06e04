"""Broken models: no traffic where the smoke test sees it, all of it back at stable where one crashes at 10 %."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.e2e.harness import Desk, Ran
from tests.e2e.watched import splits, watched

pytestmark = pytest.mark.slow
LIVE: Final = "house-prices/live-request.json"
BLUE: Final[dict[str, Any]] = {"blue": ("Succeeded", 1, "v1")}


def _nothing_more(desk: Desk, plan: str) -> Ran:
    """A further `apply` writes nothing and exits 10."""
    desk.emulator.reset()
    ran = desk.apply(plan, "--output", "json")
    assert (ran.code, ran.json["decision"]["phase"]) == (10, "rolled_back"), ran.told
    assert (desk.emulator.served()["reads"], desk.emulator.served()["writes"]) == (3, 0)
    return ran


def _converged(desk: Desk, plan: str, name: str, model: str) -> None:
    """The new goal has ended where it wants to."""
    ran = desk.waited(plan)
    assert (ran.code, ran.json["decision"]["status"]) == (0, "done"), ran.told
    assert desk.emulator.standing(name) == {
        "traffic": {"green": 100},
        "mirror": {},
        "deployments": {"green": ("Succeeded", 1, model)},
    }
    watched(desk.emulator.history(name))


def test_seen_by_the_smoke_test(desk: Desk) -> None:
    """Prices in thousands: never any traffic; it is deleted when its time is over; a corrected model converges."""
    plan, name = "broken-smoke.rollout.yml", "broken-smoke"
    desk.edit(plan, "for: 1h", "for: 2d")
    ran = desk.apply(plan)
    assert ran.code == 4, ran.told
    assert next(event for event in ran.events if event.startswith("fail")) == (
        "fail smoke: house-prices/sample-request.json: "
        "expected 387714.7 at $.predictions[0], got 387.72 (tolerance 0.2 of it)"
    )
    assert splits(desk.emulator.history(name)) == [{}, {"blue": 100}]
    assert _nothing_more(desk, plan).json["decision"]["next_after"] is not None
    assert sorted(desk.emulator.standing(name)["deployments"]) == ["blue", "green"]

    desk.emulator.advance(2 * 86400)
    assert (ran := desk.apply(plan)).code == 10, ran.told
    assert desk.emulator.standing(name) == {"traffic": {"blue": 100}, "mirror": {}, "deployments": BLUE}
    _nothing_more(desk, plan)

    desk.edit("broken/smoke-green-deployment.yml", "path: models/in-thousands", "path: ../house-prices/models/v2")
    _converged(desk, plan, name, "v2")
    assert splits(desk.emulator.history(name)) == [{}, {"blue": 100}, {"blue": 90, "green": 10}, {"green": 100}]


def test_crashes_at_ten_per_cent(desk: Desk) -> None:
    """Real requests take its container down: all weight returns to stable for good; then a new goal converges."""
    plan, name = "broken.rollout.yml", "broken"
    assert (ran := desk.apply(plan, "--until", "deploy")).code == 0, ran.told
    with desk.load(name, LIVE, rate=15):
        ran = desk.apply(plan, "--wait")
    assert ran.code == 4, ran.told
    assert any(event.startswith("fail watch: ") for event in ran.events), ran.told
    way = [{}, {"blue": 100}, {"blue": 90, "green": 10}, {"blue": 100}]
    assert splits(desk.emulator.history(name)) == way
    _nothing_more(desk, plan)
    _nothing_more(desk, plan)
    assert splits(desk.emulator.history(name)) == way
    assert desk.emulator.standing(name)["deployments"]["blue"] == BLUE["blue"]

    desk.edit("broken/green-deployment.yml", "code: src", "code: ../house-prices/src")
    with desk.load(name, LIVE, rate=15) as load:
        load.reached(1)
        _converged(desk, plan, name, "v2")
    assert load.seen["failed"] == 0, load.seen["failures"]
