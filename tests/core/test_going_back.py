"""The way back where stable is too small for all of the traffic: which step comes next, and when there is none."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from rollout.core.decision import Decision
from rollout.core.going_back import bearable, first_step, going_back, repaired, told
from rollout.core.observed import Deployment, weights
from rollout.core.progress import Progress
from tests.cases.telling import action, split
from tests.cases.world import World

FAILED: dict[str, Any] = {
    "live": {"blue": "v1", "green": "v2 x3"},
    "split": "blue=33 green=67",
    "record": {"run": "v2 in green exposed ended of 3", "outcome": "going_back", "since": 50},
}


def done(found: Decision | None) -> str:
    """What is done, or until when is waited."""
    if found is None:
        return ""
    if found.actions:
        return action(found.actions[0])
    return f"wait until {found.next_after:%H:%M}: {found.reason}"


def after(**case: Any) -> Decision | None:
    """The rule's answer in that case of a failed candidate."""
    record = {**FAILED["record"], **case.pop("record", {})}
    return going_back(World({**FAILED, **case, "record": record}).scene)


@pytest.mark.parametrize(("count", "total", "share"), [(1, 3, 33), (2, 3, 66), (3, 3, 100), (4, 3, 133), (1, 0, 100)])
def test_what_stable_can_bear(count: int, total: int, share: int) -> None:
    """In percent of all traffic, rounded down."""
    assert bearable(Deployment(name="blue", state="Succeeded", count=count), total) == share


HALF: dict[str, Any] = {"live": {"blue": "v1", "green": "v2 x3"}, "split": "blue=10 green=90"}


@pytest.mark.parametrize(
    ("case", "total", "step"),
    [
        pytest.param(HALF, 3, "blue=33 green=67", id="what it can bear"),
        pytest.param({**HALF, "split": "blue=50 green=50"}, 3, "blue=50 green=50", id="never less than it has"),
        pytest.param(HALF, 1, "", id="it can bear everything"),
        pytest.param({**HALF, "live": {"blue": "v1 x2", "green": "v2"}}, 2, "", id="just everything"),
        pytest.param({**HALF, "live": {"blue": "v1 x2", "green": "v2"}}, 1, "", id="more than everything"),
        pytest.param({**HALF, "live": {"blue": "v1", "green": "v2 Failed"}}, 3, "", id="the candidate is dead"),
        pytest.param({**HALF, "live": {"blue": "v1"}}, 3, "", id="the candidate is gone"),
        pytest.param({**HALF, "capacity": "declared"}, 3, "", id="the plan declares its counts"),
        pytest.param({**HALF, "split": "blue=100, mirror green=10"}, 3, "", id="it has no live weight"),
        pytest.param({**HALF, "split": "red=100"}, 3, "", id="somebody else has all of it"),
        pytest.param(
            {"live": {**HALF["live"], "red": "v0"}, "split": "blue=10 green=80 red=10"}, 3, "", id="a third has weight"
        ),
        pytest.param(
            {"live": {**HALF["live"], "red": "v0"}, "split": "blue=10 green=80 red=10"}, 1, "", id="and stable is large"
        ),
    ],
)
def test_the_first_step(case: dict[str, Any], total: int, step: str) -> None:
    """A part of the traffic, where all of it would be too much and the candidate can still answer the rest."""
    found = first_step(World(case).scene, total)

    assert (split(found) if found else "") == step


@pytest.mark.parametrize(
    ("case", "found"),
    [
        pytest.param({}, "scale blue: 1 to 3", id="it gets its instances"),
        pytest.param({"live": {"blue": "v1 x3", "green": "v2 x3"}}, "put blue=100", id="it has them"),
        pytest.param({"live": {"blue": "v1", "green": "v2 Failed"}}, "put blue=100", id="the candidate is dead"),
        pytest.param({"live": {"blue": "v1"}}, "put blue=100", id="the candidate is gone"),
        pytest.param({"now": 64}, "scale blue: 1 to 3", id="there is time"),
        pytest.param({"now": 65}, "put blue=100", id="time is over"),
        pytest.param(
            {"live": {"blue": "v1 autoscaled", "green": "v2 x3"}},
            "wait until 01:05: blue has 1 of 3 instances; it gets the rest when it has grown",
            id="its autoscaler gives them",
        ),
        pytest.param(
            {"live": {"blue": "v1 x2 autoscaled", "green": "v2 x3"}}, "put blue=66 green=34", id="it has given some"
        ),
        pytest.param({"split": "blue=100"}, "", id="nothing is left to give back"),
        pytest.param({"record": {"outcome": "failed"}}, "", id="it is over"),
        pytest.param({"record": {"run": None}}, "", id="whose run it was is lost"),
        pytest.param({"record": {"promoted": "green=v2"}}, "", id="it is what is promoted by now"),
        pytest.param({"live": {"green": "v2"}, "split": "none"}, "", id="stable is gone"),
    ],
)
def test_the_next_step(case: dict[str, Any], found: str) -> None:
    """Instances first, then the rest; all of it where waiting helps nobody."""
    assert done(after(**case)) == found


@pytest.mark.parametrize(
    ("case", "found"),
    [
        pytest.param({"live": {"blue": "v1 Failed", "green": "v2"}}, "scale blue: 1 to 3", id="asked for again"),
        pytest.param({"live": {"blue": "v1", "green": "v2"}}, "", id="it did not fail"),
        pytest.param({"live": {"blue": "v1 Failed autoscaled", "green": "v2"}}, "", id="its autoscaler's business"),
        pytest.param({"live": {"blue": "v1 Failed", "green": "v2"}, "now": 65}, "", id="time is over"),
    ],
)
def test_a_scaling_that_failed(case: dict[str, Any], found: str) -> None:
    """Of stable, on the way back."""
    assert done(repaired(World({**FAILED, **case}).scene)) == found


def test_what_is_told_before() -> None:
    """Only where a failure now would go in steps."""
    world = World({**HALF, "record": {"run": "v2 in green exposed of 3"}})
    seen = world.observation.endpoint
    assert seen is not None

    assert told(seen, world.record, "blue").startswith("blue has 1 of the 3 instances that all of the traffic needs")
    assert told(replace(seen, weights=weights({"blue": 100})), world.record, "blue") == ""
    assert told(seen, world.record, "red") == ""
    assert told(seen, Progress(plan="plan"), "blue") == ""
    assert told(seen, None, "blue") == ""
