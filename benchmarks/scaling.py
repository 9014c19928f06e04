"""How the core's costs grow: with plans, stages, deployments and minutes of metrics. In this process, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from msgspec.structs import replace

from benchmarks.curve import Curve, measured
from benchmarks.planning import TEN, Case, fleet, midway
from benchmarks.table import Row
from rollout.core.canonical import read_endpoint
from rollout.core.change_set import change_set
from rollout.core.decide import decide
from rollout.core.evidence.counts import Arm, Block
from rollout.core.evidence.judge import Check, Finding, History, Terms, examine

LINEAR: Final = 1.05
BEGUN: Final = datetime(2026, 1, 1, tzinfo=UTC)


def rows() -> Iterator[Row | Curve]:
    """One curve for each thing that there can be many of."""
    ten = midway(TEN, 50)
    plans = measured((10, 100, 1000, 10_000), partial(_first_of_each, ten))
    yield Curve(name="first decisions", x="plans", unit="ms", points=plans, most=LINEAR)
    stages = measured((5, 10, 20, 50, 100, 200, 500), _first_decision, 25)
    yield Curve(name="a first decision", x="stages", unit="ms", points=stages, most=LINEAR)
    ahead = measured((5, 10, 20, 50, 100, 200), _whole_change_set)
    yield Curve(name="a whole change set, which decides once for each stage", x="stages", unit="ms", points=ahead)
    live = measured((1, 2, 5, 10, 20, 50), _read)
    yield Curve(name="reading an endpoint", x="deployments", unit="ms", points=live, most=LINEAR)
    judged = measured((10, 30, 100, 300, 1000, 3000, 10_000), _judge, 3)
    yield Curve(name="judging a bake", x="minutes of metrics", unit="ms", points=judged, most=LINEAR)


def long_plan(stages: int) -> tuple[str, int]:
    """A plan of so many stages, of which none lowers a weight, and the weight at a fifth of its way."""
    steps = max(1, min(98, (stages - 4) // 2))
    bakes = stages - 4 - steps
    words = ["deploy", "smoke"]
    for step in range(steps):
        here = range(bakes * step // steps, bakes * (step + 1) // steps)
        words += [f"traffic {step + 1}", *(f"bake {step + 1 + 200 * bake}" for bake in here)]
    return ", ".join([*words, "traffic 100", "bake 60"]), max(1, steps // 5)


def _first_of_each(case: Case, size: int) -> Callable[[], object]:
    cases = fleet(case, size)
    return lambda: [decide(replace(release), seen) for release, seen in cases]


def _first_decision(stages: int) -> Callable[[], object]:
    cases = fleet(midway(*long_plan(stages)), 20)
    assert len(cases[0][0].stages) == stages
    return lambda: [decide(replace(release), seen) for release, seen in cases]


def _whole_change_set(stages: int) -> Callable[[], object]:
    release, seen = midway(*long_plan(stages))
    return lambda: change_set(replace(release), seen)


def _read(deployments: int) -> Callable[[], object]:
    names = [f"slot-{number}" for number in range(deployments)]
    body = {
        "name": "many",
        "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
        "/onlineEndpoints/many",
        "properties": {"authMode": "Key", "provisioningState": "Succeeded", "traffic": {names[0]: 100}},
    }
    parts = [_deployment(name) for name in names]
    return lambda: [read_endpoint(body, parts) for _ in range(20)]


def _deployment(name: str) -> dict[str, object]:
    return {
        "name": name,
        "tags": {"team": "ml", "rollout.revision": "r1" * 8, "rollout.born": "20260101T000000Z"},
        "sku": {"name": "Default", "capacity": 2},
        "properties": {
            "endpointComputeType": "Managed",
            "instanceType": "Standard_DS3_v2",
            "model": "azureml:prices:3",
            "environmentVariables": {"A": "1", "B": "2"},
            "provisioningState": "Succeeded",
            "requestSettings": {"requestTimeout": "PT5S", "maxConcurrentRequestsPerInstance": 4},
            "livenessProbe": {"period": "PT10S", "initialDelay": "PT10S", "timeout": "PT2S", "failureThreshold": 30},
        },
    }


def _judge(minutes: int) -> Callable[[], Finding]:
    """Nobody is worse, and no minute is left out: the whole of a long bake, as every look judges it anew."""
    blocks = tuple(
        Block(BEGUN + timedelta(minutes=number), Arm(270, number % 3), Arm(30, int(number % 20 == 7)))
        for number in range(minutes)
    )
    baseline = tuple(Arm(300, number % 3) for number in range(60))
    history = History(blocks=blocks, stage=BEGUN, baseline=baseline)
    return lambda: examine(Check(name="error_rate"), Terms(), history)
