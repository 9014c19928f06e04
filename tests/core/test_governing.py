"""The last word of a policy: what it stops, what waits, what never asks. Windows are in minutes; it is minute 60."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from rollout.core.actions import CreateEndpoint, Record
from rollout.core.decide import decide
from rollout.core.decision import Decision, Phase, Status
from rollout.core.governing import activity_of, named, refusal
from rollout.core.hazards import ANY
from rollout.core.observed import Observation
from rollout.core.policy import Limits, Policy, Rule
from rollout.core.progress import Progress, remember, to_tags
from tests.cases.telling import action as told
from tests.cases.world import World, at

BOTH: dict[str, Any] = {"live": {"blue": "v1", "green": "v2"}, "verdicts": {"1-smoke-0": "PASS"}}
AT_TEN: dict[str, Any] = {
    "live": {"blue": "v1", "green": "v2"},
    "split": "blue=90 green=10",
    "record": {"run": "v2 in green exposed", "passed": ["1-smoke-0"]},
}
DELETES: dict[str, Any] = {
    "live": {"blue": "v1", "green": "v2"},
    "split": "green=100",
    "now": 200,
    "record": {"promoted": "green=v2", "former": "blue=v1"},
}
FAILED: dict[str, Any] = {
    "live": {"blue": "v1", "green": "v2"},
    "record": {"run": "v2 in green ended", "quarantine": [{"goal": "v2", "gate": "1-smoke-0"}]},
}


def decided(*, instead: Progress | None = None, also: Sequence[str] = (), **case: Any) -> Decision:
    """The decision of a case, with another record if there is one."""
    world = World(case)
    seen = world.observation
    if instead is not None and seen.endpoint is not None:
        seen = Observation(replace(seen.endpoint, tags=to_tags(instead)), seen.now)
    return decide(world.release, seen, world.verdicts, world.allowed | set(also))


def done(decision: Decision) -> str:
    """What is done now, or how it stands."""
    return told(decision.actions[0]) if decision.actions else decision.status.value


STOPPED = {"stopped": "an incident"}


@pytest.mark.parametrize(
    ("case", "found"),
    [
        pytest.param({}, "refuse", id="a run starts"),
        pytest.param({**AT_TEN, "verdicts": {"3-bake-30": "PASS"}}, "refuse", id="it goes on"),
        pytest.param({"live": {"blue": "v1", "green": "v2"}}, "wait", id="it measures"),
        pytest.param({**AT_TEN, "verdicts": {"3-bake-30": "FAIL"}}, "put blue=100", id="it rolls back"),
        pytest.param({**AT_TEN, "goal": "v3"}, "put blue=100", id="it takes back what is not the goal any more"),
        pytest.param({**FAILED, "on_failure": {"candidate": "delete"}}, "delete green", id="it cleans up"),
        pytest.param({**FAILED, "declared": {"description": "x"}}, "refuse", id="it heals a setting meanwhile"),
        pytest.param(
            {"plan": "deploy, approval, traffic 100", "live": {"blue": "v1", "green": "v2"}},
            "wait",
            id="it waits for a person",
        ),
        pytest.param(
            {
                "plan": "deploy, smoke, bake 30, traffic 100",
                "live": {"blue": "v1", "green": "v2"},
                "verdicts": {"1-smoke-0": "PASS"},
            },
            "marker",
            id="it keeps the record",
        ),
    ],
)
def test_a_stopped_line(case: dict[str, Any], found: str) -> None:
    """Nothing goes on but the way back, what only looks, and the record of what was passed."""
    decision = decided(**case, policy=STOPPED)

    assert done(decision) == found
    if found == "refuse":
        assert (decision.phase, decision.actions) == (Phase.REFUSED, ())
        assert decision.reason == "the line is stopped: an incident"


def test_a_look_ahead_is_not_refused() -> None:
    """It shows what would be done."""
    assert done(decided(also=(ANY,), policy=STOPPED)) == "create green: v2 x1"
    assert done(decided(also=(ANY,), policy={"broken": ["everything"]})) == "create green: v2 x1"


def test_stable_is_enlarged_on_the_way_back_as_far_as_a_rule_allows() -> None:
    """That is no part of what never asks: it is capacity like any other."""
    case: dict[str, Any] = {
        "live": {"blue": "v1", "green": "v2 x3"},
        "split": "blue=33 green=67",
        "record": {"run": "v2 in green exposed ended of 3", "outcome": "going_back", "since": 59},
    }

    assert done(decided(**case, policy={"most_instances": 3})) == "scale blue: 1 to 3"
    found = decided(**case, policy={"most_instances": 2})
    assert found.reason == (
        "refused by policy: blue would have 3 instances, at most 2 are allowed (rule `small`, policy.yaml:4:5)"
    )


@pytest.mark.parametrize(
    ("case", "window", "found"),
    [
        pytest.param({}, "start", "wait", id="a create"),
        pytest.param({"live": {"blue": "v1", "green": "v0 Failed"}}, "start", "wait", id="what is in its place first"),
        pytest.param({"live": {"blue": "v1", "green": "v0 Failed"}}, "delete", "delete green", id="which is no delete"),
        pytest.param(DELETES, "delete", "wait", id="a delete when all is done"),
        pytest.param(DELETES, "start", "delete blue", id="which starts nothing"),
        pytest.param(BOTH, "advance", "wait", id="weight"),
        pytest.param(BOTH, "start", "put blue=90 green=10", id="which is no start"),
    ],
)
def test_what_a_window_is_about(case: dict[str, Any], window: str, found: str) -> None:
    """The first writes of a run, its deletes, everything else."""
    shut = {"windows": {"freeze": f"deny {window} 0 900"}}

    assert done(decided(policy=shut, **case)) == found
    plain = decided(**case)
    assert (activity_of(plain) == window) is (found == "wait")


def test_a_promotion_waits_but_a_record_of_gates_does_not() -> None:
    """The marker behind the last gate changes what is promoted."""
    case: dict[str, Any] = {
        "plan": "deploy, traffic 100, bake 30",
        "live": {"blue": "v1", "green": "v2"},
        "split": "green=100",
        "record": {"run": "v2 in green exposed"},
        "verdicts": {"2-bake-30": "PASS"},
    }
    shut = {"windows": {"freeze": "deny all 0 900"}}

    assert done(decided(**case)) == "marker"
    assert done(decided(**case, policy=shut)) == "wait"


LONG = "deploy, bake 10, mirror 10, bake 20, mirror none, bake 5, traffic 10, bake 30, traffic 100"
FIRST: dict[str, Any] = {
    "endpoint": "none",
    "live": {},
    "split": "none",
    "record": "none",
    "allowed": ["creates-endpoint"],
}


@pytest.mark.parametrize(
    ("case", "minutes"),
    [
        pytest.param({}, 10, id="the create, and the bake behind it"),
        pytest.param(
            {"live": {"blue": "v1", "green": "v2"}, "verdicts": {"1-bake-10": "PASS"}},
            20,
            id="the mirror, and its bake",
        ),
        pytest.param(
            {
                "live": {"blue": "v1", "green": "v2"},
                "record": {"run": "v2 in green exposed", "passed": ["1-bake-10", "3-bake-20"]},
                "verdicts": {"5-bake-5": "PASS"},
            },
            30,
            id="weight, and its bake",
        ),
        pytest.param(
            {"live": {"blue": "v1", "green": "v2"}, "plan": "deploy, mirror 1, bake 15, traffic 100"},
            15,
            id="one percent is mirrored",
        ),
        pytest.param(FIRST, 0, id="the first endpoint"),
        pytest.param(
            {"record": {"promoted": "blue=v2"}, "live": {"blue": "v2"}, "declared": {"d": "x"}}, 0, id="drift"
        ),
    ],
)
def test_how_long_a_window_must_be_open(case: dict[str, Any], minutes: int) -> None:
    """As long as the bakes that stand behind what is done, to the second."""

    def starts(closes: float) -> bool:
        shut = {"windows": {"freeze": f"deny all {closes} 900"}}
        return decided(**{"plan": LONG, **case, "policy": shut}).status is Status.ACT

    assert decided(**{"plan": LONG, **case}).status is Status.ACT
    assert starts(60 + minutes + 1 / 120)
    assert not starts(60 + minutes - 1 / 120)


GLASS = {"break_glass": "the model fails open"}
LINE = "break-glass: the model fails open"


@pytest.mark.parametrize(
    ("policy", "found"),
    [
        pytest.param({**GLASS, "windows": {"freeze": "deny start 0 90"}}, "marker", id="a closed window"),
        pytest.param({**GLASS, **STOPPED}, "marker", id="a stopped line"),
        pytest.param(
            {**GLASS, "windows": {"freeze": "deny start 100 190"}}, "create green: v2 x1", id="nothing closed"
        ),
        pytest.param({**GLASS, "broken": ["everything"]}, "refuse", id="a broken rule"),
    ],
)
def test_what_broken_glass_opens(policy: dict[str, Any], found: str) -> None:
    """Windows and a stopped line; only where there is one."""
    assert done(decided(policy=policy)) == found


SHUT = {**GLASS, "windows": {"freeze": "deny start 0 90"}}


def marked(record: Progress) -> Record:
    """The first action with that record."""
    (found,) = decided(instead=record, policy=SHUT).actions
    assert isinstance(found, Record)
    return found


def test_who_broke_it_is_written_down() -> None:
    """Behind what happened before, once; with the weights as they are where none are on record."""
    world = World({})
    assert world.record is not None
    past = remember(remember(world.record, at(1), "started"), at(2), "promoted blue")

    (first,) = decided(policy=SHUT).actions
    assert isinstance(first, Record)
    assert (first.reason, first.progress) == (LINE, remember(world.record, at(60), LINE, "ann"))
    assert marked(past).progress == remember(past, at(60), LINE, "ann")
    assert marked(replace(past, written=None)).progress == remember(past, at(60), LINE, "ann")
    assert done(decided(instead=remember(past, at(60), LINE, "ann"), policy=SHUT)) == "create green: v2 x1"


def test_a_creation_carries_it() -> None:
    """The first write of all is also the first record."""
    plain, broken = (decided(**FIRST, policy=policy).actions[0] for policy in (None, SHUT))
    assert isinstance(plain, CreateEndpoint)
    assert isinstance(broken, CreateEndpoint)

    assert broken == replace(plain, progress=remember(plain.progress, at(60), LINE, "ann"))


def test_what_cannot_be_written_down_is_not_done() -> None:
    """The record has no room for another line."""
    world = World({})
    assert world.record is not None
    crowded = replace(world.record, passed=tuple(f"{n:010}" for n in range(150)))

    found = decided(instead=crowded, policy=SHUT)

    assert (found.status, found.phase, found.actions) == (Status.REFUSE, Phase.REFUSED, ())
    assert found.reason == "the record is full: who breaks the glass could not be written down"


def test_every_rule_that_speaks_against_it_is_named() -> None:
    """With its place, where it has one."""
    rules = (Rule(name="kept", limits=Limits(deletes=False), where="a.yaml:1:1"), Rule(name="few", limits=Limits()))
    policy = Policy(rules=(*rules, Rule(name="mine", limits=Limits(deletes=False))), broken=("the plan is wrong",))
    create, delete = (decided(**case).actions[0] for case in ({}, DELETES))

    assert refusal(policy, delete) == (
        "the plan is wrong; blue would be deleted (rule `kept`, a.yaml:1:1); blue would be deleted (rule `mine`)"
    )
    assert refusal(policy, create) == "the plan is wrong"
    assert named(rules[0]) == "rule `kept`, a.yaml:1:1"
