"""The walk-through of the safe-rollout article, from one plan file, each state seen from outside."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.e2e.harness import REPOSITORY, Desk, Ran
from tests.e2e.outside import Outside, outside
from tests.e2e.watched import creations, splits, watched

# The SDK itself warns of what its own dependencies deprecate.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
PLAN: Final = "safe-rollout.rollout.yml"
NAME: Final = "my-endpoint"
SAMPLE: Final = REPOSITORY / "plans/house-prices/sample-request.json"

KINDS: Final = ("OnlineEndpoints", "OnlineDeployments")
ARTICLE: Final = {
    "az ml online-endpoint create": {"OnlineEndpoints": 1},
    "az ml online-deployment create --name blue --all-traffic": {"OnlineDeployments": 1, "OnlineEndpoints": 1},
    "az ml online-deployment update --name blue --set instance_count=2": {"OnlineDeployments": 1},
    "az ml online-deployment create --name green": {"OnlineDeployments": 1},
    'az ml online-endpoint update --traffic "blue=90 green=10"': {"OnlineEndpoints": 1},
    'az ml online-endpoint update --traffic "blue=0 green=100"': {"OnlineEndpoints": 1},
    "az ml online-deployment delete --name blue": {"OnlineDeployments": 1},
}
"""The article's commands up to the deletion of blue, and the writes that each makes of itself."""


@pytest.fixture
def seen(desk: Desk) -> Iterator[Outside]:
    """The clients from outside."""
    with outside(desk.emulator) as clients:
        yield clients


def _writes(desk: Desk) -> dict[str, int]:
    """Writes on endpoints and deployments since the counts were reset, by resource."""
    found = dict.fromkeys(KINDS, 0)
    for operation, count in desk.emulator.served()["by_operation"].items():
        resource, _, verb = operation.partition("_")
        if resource in found and verb in ("CreateOrUpdate", "Update", "Delete"):
            found[resource] += count
    return found


def _state(traffic: dict[str, int], **deployments: int) -> dict[str, Any]:
    named = {name: ("Succeeded", count) for name, count in deployments.items()}
    return {"traffic": traffic, "mirror": {}, "deployments": named}


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
def test_the_walk_through(desk: Desk, seen: Outside) -> None:
    """Stage by stage by `apply --until`: what is there is what the article says, for the SDK, the client and curl."""

    def until(stage: str) -> Ran:
        return desk.apply(PLAN, "--until", stage)

    assert seen.names() == []

    assert (ran := until("deploy")).code == 0, ran.told
    assert seen.agreed(NAME) == _state({"blue": 100}, blue=2, green=1)
    assert seen.curl(NAME, SAMPLE) == (200, "blue", "v1")
    assert seen.curl(NAME, SAMPLE, "green") == (200, "green", "v2")

    assert (ran := until("smoke")).code == 0, ran.told
    assert ran.events[-1] == "pass smoke: green answered 1 request as expected"
    assert seen.agreed(NAME) == _state({"blue": 100}, blue=2, green=1)

    assert (ran := until("traffic-10")).code == 0, ran.told
    assert seen.agreed(NAME) == _state({"blue": 90, "green": 10}, blue=2, green=1)

    assert (ran := until("traffic-100")).code == 0, ran.told
    assert seen.agreed(NAME) == _state({"green": 100}, blue=2, green=2)
    assert seen.curl(NAME, SAMPLE) == (200, "green", "v2")
    assert seen.curl(NAME, SAMPLE, "blue") == (200, "blue", "v1")

    assert (ran := until("delete-stable")).code == 0, ran.told
    assert seen.agreed(NAME) == _state({"green": 100}, green=2)
    assert seen.curl(NAME, SAMPLE, "blue")[0] == 404

    history = desk.emulator.history(NAME)
    watched(history)
    assert splits(history) == [{}, {"blue": 100}, {"blue": 90, "green": 10}, {"green": 100}]
    assert creations(history) == ["blue", "green"]

    ran = desk.rollout("destroy", f"plans/{PLAN}", "--target", "emulator", "--yes")
    assert ran.code == 0, ran.told
    assert seen.names() == []


def test_the_first_half(desk: Desk, seen: Outside) -> None:
    """Before green there is blue alone: created, with all traffic, on two instances; seen while green is kept back."""
    green = {"method": "PUT", "path": "/deployments/green", "effect": {"kind": "delay", "seconds": 60}}
    desk.emulator.faults(green)
    with desk.start("apply", f"plans/{PLAN}", "--target", "emulator", "--auto-approve") as running:
        try:
            desk.emulator.until(NAME, lambda state: state["traffic"].get("blue") == 100)
            assert seen.agreed(NAME) == _state({"blue": 100}, blue=2)
        finally:
            running.kill()
    history = desk.emulator.history(NAME)
    assert next(sorted(state["deployments"]) for state in history if not state["traffic"]) == []
    watched(history)


def test_no_more_writes_than_the_article(desk: Desk) -> None:
    """From nothing to the end: the writes of the article's commands, no marker. Again: 2 reads, 0 writes."""
    ran = desk.apply(PLAN, "--output", "json")
    assert (ran.code, ran.json["decision"]["status"], ran.json["result"]["writes"]) == (0, "done", 8), ran.told
    commanded = {kind: sum(made.get(kind, 0) for made in ARTICLE.values()) for kind in KINDS}
    assert commanded == {"OnlineEndpoints": 4, "OnlineDeployments": 4}
    assert _writes(desk) == commanded
    again = (("apply", "--auto-approve"), ("diff", "--detailed-exitcode"), ("reconcile", "--detailed-exitcode"))
    for command, flag in again:
        desk.emulator.reset()
        ran = desk.rollout(command, f"plans/{PLAN}", "--target", "emulator", flag)
        assert ran.code == 0, ran.told
        served = desk.emulator.served()
        assert (served["reads"], served["writes"], served["polls"]) == (3, 0, 0), served["by_operation"]
        assert served["by_operation"] == {
            "OnlineEndpoints_Get": 1,
            "OnlineDeployments_List": 1,
            "AutoscaleSettings_List": 1,
        }


def test_until_a_stage_that_is_not_there(desk: Desk) -> None:
    """A misspelt stage is a usage error with a suggestion, and nothing was written."""
    ran = desk.apply(PLAN, "--until", "smok")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == "error: the plan has no stage smok\nhint: did you mean smoke?\n"
    assert desk.emulator.served()["writes"] == 0
