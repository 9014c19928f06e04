"""A scheduled job with short passes brings all plans of a folder to where `apply` would have brought them."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.e2e.harness import Desk, Ran
from tests.e2e.watched import creations, splits, watched

pytestmark = pytest.mark.slow
EVERY: Final = 900.0
"""Seconds of the service's time between two passes."""
END: Final[dict[str, dict[str, Any]]] = {
    "house-prices": {
        "traffic": {"green": 100},
        "mirror": {},
        "deployments": {"green": ("Succeeded", 1, "v2")},
    },
    "my-endpoint": {
        "traffic": {"green": 100},
        "mirror": {},
        "deployments": {"green": ("Succeeded", 2, "v2")},
    },
}


def _pass(desk: Desk, *flags: str) -> tuple[Ran, dict[str, str]]:
    """One pass, and how it left each plan."""
    ran = desk.rollout("reconcile", "plans/", "--target", "emulator", "--output", "json", *flags)
    return ran, {one["file"].rpartition("/")[2].split(".")[0]: one["status"] for one in ran.json["plans"]}


def test_a_cron_loop(desk: Desk) -> None:
    """It never creates an endpoint unasked; every pass that waits exits 0; it ends as `apply` does, and then rests."""
    for plan in desk.root.glob("plans/*.rollout.yml"):
        if plan.name not in ("house-prices.rollout.yml", "safe-rollout.rollout.yml"):
            desk.git("rm", "--quiet", f"plans/{plan.name}")
    desk.git("rm", "--quiet", "-r", "plans/fleet")
    desk.commit("Two plans that end well")

    ran, statuses = _pass(desk)
    assert (ran.code, statuses) == (10, {"house-prices": "hold", "safe-rollout": "hold"}), ran.told
    assert desk.emulator.served()["writes"] == 0

    ran, statuses = _pass(desk, "--allow-hazard", "creates-endpoint")
    assert (ran.code, statuses) == (0, {"house-prices": "done", "safe-rollout": "done"}), ran.told

    desk.edit("house-prices/deployment.yml", "path: models/v1", "path: models/v2")
    waited = 0
    while (ended := _pass(desk))[1]["house-prices"] == "wait":
        assert ended[0].code == 0, ended[0].told
        waited += 1
        assert waited < 20, ended[0].told
        desk.emulator.advance(EVERY)
    assert (ended[0].code, ended[1]) == (0, {"house-prices": "done", "safe-rollout": "done"}), ended[0].told
    assert waited >= 3, "the bakes are waited for; the shortest may pass within a pass of a slow machine"

    for name, end in END.items():
        assert desk.emulator.standing(name) == end
        history = desk.emulator.history(name)
        watched(history)
        assert creations(history) == ["blue", "green"]
        assert splits(history)[:3] == [{}, {"blue": 100}, {"blue": 90, "green": 10}]

    desk.emulator.reset()
    ran, _ = _pass(desk, "--detailed-exitcode")
    assert ran.code == 0, ran.told
    assert (desk.emulator.served()["reads"], desk.emulator.served()["writes"]) == (5, 0), "one list for both endpoints"
