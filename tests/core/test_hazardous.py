"""What makes an action hazardous, in whole hazards: which, about whom, why, and whether the plan says so itself."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from rollout.core.decide import decide
from rollout.core.hazards import Hazard
from rollout.core.observed import Observation
from rollout.core.release import EndpointSpec
from tests.cases.telling import action as told
from tests.cases.world import World

BOTH = {"blue": "v1", "green": "v2"}
RUN = {"run": "v2 in green exposed"}
RUN_OF_TWO = {"run": "v2 in green exposed of 2"}
Found = list[tuple[str, str, str, bool]]


def found(done: str, *, declared: Any = None, shown: Any = None, fields: Any = None, **case: Any) -> Found:
    """The hazards of the next action, which must be that one; all of them are let pass."""
    world = World(case)
    release, seen = world.release, world.observation
    if shown and seen.endpoint is not None:
        seen = Observation(replace(seen.endpoint, fields=shown), seen.now)
    if declared:
        release = replace(release, endpoint=EndpointSpec(name="house", fields=declared))
    if fields:
        release = replace(release, candidate=replace(release.candidate, fields=fields))
    action = decide(release, seen, world.verdicts, frozenset({"*"})).actions[0]
    assert told(action) == done
    return [_plain(one) for one in action.hazards]


def _plain(one: Hazard) -> tuple[str, str, str, bool]:
    return one.name, one.target, one.why, one.declared


UNMANAGED = ("takes-unmanaged-traffic", "red", "red has traffic and is not in the plan", False)


@pytest.mark.parametrize(
    ("done", "case", "hazards"),
    [
        pytest.param(
            "put blue=90 green=10",
            {"live": {**BOTH, "red": "v0"}, "split": "blue=90 red=10", "verdicts": {"1-smoke-0": "PASS"}},
            [UNMANAGED],
            id="taken by a stage",
        ),
        pytest.param(
            "put blue=90 red=10, mirror green=5",
            {
                "live": {**BOTH, "red": "v0"},
                "split": "blue=90 red=10",
                "plan": "deploy, smoke, mirror 5, bake 30, traffic 100",
                "verdicts": {"1-smoke-0": "PASS"},
            },
            [],
            id="left as it is",
        ),
    ],
)
def test_traffic_of_somebody_else(done: str, case: dict[str, Any], hazards: Found) -> None:
    """Of a deployment that plays no role in this plan."""
    assert found(done, **case) == hazards


def ungated(weight: int, declared: bool) -> tuple[str, str, str, bool]:
    """No gate at all before that weight."""
    return "ungated-traffic", "green", f"green gets {weight} % of the traffic and no gate stands before that", declared


def jump(weight: int, before: int, guarded: bool) -> tuple[str, str, str, bool]:
    """More than half at once."""
    end = "" if guarded else ", and no gate stands between"
    return "traffic-jump", "green", f"green gets {weight} % at once, {before} % before{end}", guarded


def both(weight: int, guarded: bool) -> Found:
    """Without any gate."""
    return [jump(weight, 0, guarded), ungated(weight, False)]


@pytest.mark.parametrize(
    ("plan", "split", "done", "hazards"),
    [
        ("deploy, mirror 10, bake 1, traffic 100", "blue=100", "put blue=100, mirror green=10", []),
        ("deploy, traffic 50, smoke, traffic 100", "blue=100", "put blue=50 green=50", [ungated(50, True)]),
        ("deploy, traffic 51, traffic 100", "blue=100", "put blue=49 green=51", both(51, True)),
        ("deploy, traffic 90, traffic 100", "blue=100", "put blue=10 green=90", both(90, True)),
        ("deploy, traffic 91, traffic 100", "blue=100", "put blue=9 green=91", both(91, False)),
        ("deploy, traffic 5, smoke, traffic 100", "blue=95 green=5", "put green=100", [jump(100, 5, True)]),
        ("deploy, smoke, traffic 5, traffic 100", "blue=95 green=5", "put green=100", [jump(100, 5, False)]),
        ("deploy, traffic 5, smoke, scale 2, traffic 100", "blue=95 green=5", "put green=100", [jump(100, 5, True)]),
        ("deploy, traffic 5, scale 2, smoke, traffic 100", "blue=95 green=5", "put green=100", [jump(100, 5, True)]),
        ("deploy, smoke, traffic 50, traffic 100", "blue=50 green=50", "put green=100", []),
    ],
)  # fmt: skip
def test_weight_and_the_gates_before_it(plan: str, split: str, done: str, hazards: Found) -> None:
    """A jump, and weight that no gate has looked at."""
    gate = next((f"{n}-smoke-0" for n, word in enumerate(plan.split(", ")) if word == "smoke"), None)
    passed = [gate] if gate else []
    live = {"blue": "v1 x2", "green": "v2 x2"}

    assert found(done, plan=plan, split=split, live=live, record={**RUN_OF_TWO, "passed": passed}) == hazards


def test_back_to_what_served_before() -> None:
    """A revert jumps, and no gate stands before it: `on_revert: fast` says so."""
    record = {"promoted": "blue=v1", "former": "green=v2"}

    assert found("put green=100", plan="deploy, traffic 5, traffic 100", live=BOTH, record=record) == [
        jump(100, 0, True)
    ]


@pytest.mark.parametrize(("split", "done", "told_of"), [("blue=100", 10, True), ("blue=90 green=10", 50, False)])
def test_what_a_rollback_returns_to_is_told_once(split: str, done: int, told_of: bool) -> None:
    """With the first weight."""
    line = "deploy, smoke, traffic 10, traffic 50, traffic 100"
    live = {"blue": "v1 untagged", "green": "v2"}
    record = {"promoted": "blue=~content-v1", "run": "v2 in green", "passed": ["1-smoke-0"]}
    why = "a rollback returns to blue, which nobody has proven to be what a file declares"

    hazards = found(f"put blue={100 - done} green={done}", plan=line, live=live, split=split, record=record)

    assert hazards == ([("unverified-content", "blue", why, True)] if told_of else [])
    mirror = "deploy, smoke, mirror 10, bake 1, traffic 100"
    only = {"plan": mirror, "live": live, "record": {**record, "passed": ["1-smoke-0"]}}
    assert found("put blue=100, mirror green=10", **only) == []


@pytest.mark.parametrize(
    ("blue", "green", "said"),
    [
        ("v1 x4", "v2", True),
        ("v1 x4", "v2 x4", False),
        ("v1 x4 autoscaled", "v2", False),
        ("v1 x4", "v2 autoscaled", False),
    ],
)
def test_fewer_instances_for_all_of_the_traffic(blue: str, green: str, said: bool) -> None:
    """Where the plan declares its counts, and nobody else moves them."""
    line = "deploy, smoke, traffic 50, traffic 100"
    record = {**RUN, "passed": ["1-smoke-0"]}
    case = {"plan": line, "capacity": "declared", "split": "blue=50 green=50", "record": record}
    why = "green takes all traffic with 1 instances, blue has 4"

    hazards = found("put green=100", live={"blue": blue, "green": green}, **case)

    assert hazards == ([("scale-down", "green", why, True)] if said else [])


def test_fewer_instances_for_a_part_of_it_are_enough() -> None:
    """Half of the traffic."""
    case = {
        "plan": "deploy, smoke, traffic 50, traffic 100",
        "capacity": "declared",
        "live": {"blue": "v1 x4", "green": "v2"},
    }

    assert found("put blue=50 green=50", **case, verdicts={"1-smoke-0": "PASS"}) == []


def test_who_may_call() -> None:
    """Sign-in, network and identity, also one part of it; other fields are none of it."""
    shown = {"auth_mode": "key", "description": "old", "public_network_access": "enabled"}
    asked = {"auth_mode": "aad_token", "description": "new", "identity": {"type": "x"}, "public_network_access": None}
    done = (
        "update endpoint: auth_mode 'key' to 'aad_token', description 'old' to 'new',"
        " identity.type None to 'x', public_network_access 'enabled' to None"
    )

    def change(path: str, why: str) -> tuple[str, str, str, bool]:
        return "auth-change", path, f"the endpoint's {path} changes from {why}", False

    assert found(done, declared=asked, shown=shown, goal="v1", live={"blue": "v1"}) == [
        change("auth_mode", "key to aad_token"),
        change("identity.type", "none to x"),
        change("public_network_access", "enabled to none"),
    ]


def test_a_label_moves() -> None:
    """In any field that names an asset by one."""
    fields = {"model": "azureml:m@latest", "code": "azureml:c:1", "environment": "azureml://r/labels/new", "port": 3}

    assert found("create green: v2 x1", fields=fields) == [
        ("unpinned-asset", "environment", "environment of green is azureml://r/labels/new", False),
        ("unpinned-asset", "model", "model of green is azureml:m@latest", False),
    ]


UPDATED = "green, which served before, is updated: there is no way back to what it was"
GONE = "green, which served before, is gone: `rollback --to former` is over"


@pytest.mark.parametrize(
    ("live", "former", "done", "hazards"),
    [
        ("v0", "green=v0", "update green: v2 x1", [("blocks-rollback", "green", UPDATED, True)]),
        ("v0", "red=v0", "update green: v2 x1", []),
        (None, "green=v0", "create green: v2 x1", []),
        (
            "v0 Standard_F2s_v2",
            "green=v0",
            "delete green",
            [
                ("deletes-deployment", "green", "green is deleted", True),
                ("blocks-rollback", "green", GONE, True),
            ],
        ),
        (
            "v0 Standard_F2s_v2",
            "red=v0",
            "delete green",
            [("deletes-deployment", "green", "green is deleted", True)],
        ),
        (
            "v0 untagged Standard_F2s_v2",
            None,
            "delete green",
            [("deletes-deployment", "green", "green is deleted, and no plan has made it", False)],
        ),
        (
            "v9 untagged Standard_F2s_v2",
            "green=v0",
            "delete green",
            [
                ("deletes-deployment", "green", "green is deleted", True),
                ("blocks-rollback", "green", GONE, True),
            ],
        ),
    ],
)
def test_what_served_before(live: str | None, former: str | None, done: str, hazards: Found) -> None:
    """Updated in place, deleted, or gone already; and what no plan has made."""
    deployments = {"blue": "v1", **({"green": live} if live else {})}

    assert found(done, live=deployments, record={"former": former}) == hazards
