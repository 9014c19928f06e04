"""A person's rollback, from the tags alone: what becomes of the weights, the run, the goals and the holds."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from msgspec.structs import replace

from rollout.core.actions import Action, Record, SetTraffic
from rollout.core.observed import all_to, weights
from rollout.core.progress import Hold, Progress, Promoted, Quarantined, Transition
from rollout.core.quarantine import BY_HAND
from rollout.core.rollback import rollback
from rollout.core.stamp import born_stamp
from rollout.errors import Refused
from tests.cases.world import World, at

NOW = at(60)
SPLIT = "blue=90 green=10"
HALFWAY: dict[str, Any] = {
    "live": {"blue": "v1", "green": "v2"},
    "split": SPLIT,
    "plan": "deploy, smoke, approval, traffic 10, traffic 100",
    "record": {
        "run": "v2 in green exposed",
        "passed": ["1-smoke-0"],
        "approvals": [{"gate": "2-approval-0", "who": "ann"}],
    },
}


def taken_back(world: World, to: Literal["stable", "former"] = "stable", *, plan: bool = True) -> Action:
    """What `rollback` by ann does, with the plan or without."""
    (action,) = rollback(world.release if plan else None, world.observation, "ann", "slow", to=to)
    return action


def record(action: Action) -> Progress:
    """What it writes down."""
    assert isinstance(action, SetTraffic | Record)
    assert action.progress is not None
    return action.progress


def by_hand(*goals: str, slot: str = "green") -> tuple[Quarantined, ...]:
    """What is not tried again."""
    return tuple(Quarantined(goal=goal, key=BY_HAND, slot=slot, at=NOW) for goal in goals)


def test_in_the_middle_of_a_run() -> None:
    """One write: all weight to what is promoted, and the whole record of it."""
    world = World(HALFWAY)
    assert world.record is not None
    assert world.record.run is not None

    found = taken_back(world)

    what = "rolled back by ann: slow"
    assert found == SetTraffic(
        reason=what,
        before=weights({"blue": 90, "green": 10}),
        weights=all_to("blue"),
        endpoint=None,
        progress=replace(
            world.record,
            run=replace(world.record.run, ended=True),
            passed=(),
            approvals=(),
            written=all_to("blue"),
            since=NOW,
            outcome="rolled_back",
            quarantine=by_hand("v2"),
            history=(Transition(at=NOW, what=what, kind="rolled_back", number=1),),
        ),
    )
    assert taken_back(world, plan=False) == found


def test_where_nothing_has_weight_yet() -> None:
    """The weights are as they shall be: only the record is written."""
    world = World({"live": {"blue": "v1", "green": "v2"}, "record": {"run": "v2 in green"}})
    found = taken_back(world)

    assert isinstance(found, Record)
    assert (found.reason, record(found).quarantine) == ("rolled back by ann: slow", by_hand("v2"))


@pytest.mark.parametrize(
    ("case", "goals", "slot"),
    [
        pytest.param({"live": {"blue": "v1", "green": "v2"}}, ["v2"], "", id="the plan's goal, deployed"),
        pytest.param({"goal": "v3", "split": SPLIT}, ["v2", "v3"], "", id="what has weight, and the plan's goal"),
        pytest.param(
            {
                "split": SPLIT,
                "goal": "v1",
                "live": {"blue": "v1", "green": "v2 untagged"},
                "record": {"run": "v2 in green ended"},
            },
            ["v2"],
            "green",
            id="its tags are lost, the record knows it",
        ),
        pytest.param(
            {"split": SPLIT, "goal": "v1", "live": {"blue": "v1", "green": "v2 untagged"}}, [], "", id="nobody knows it"
        ),
        pytest.param(
            {"split": SPLIT, "record": {"quarantine": [{"goal": "v2", "gate": "1-smoke-0"}]}},
            ["v2"],
            "",
            id="it failed a gate: a person's word is for all of them",
        ),
    ],
)
def test_what_is_not_tried_again(case: dict[str, Any], goals: list[str], slot: str) -> None:
    """The run's goal, whatever has weight, and what the plan wants now; never what serves."""
    world = World({"live": {"blue": "v1", "green": "v2"}, **case})

    ring = record(taken_back(world)).quarantine
    assert [entry for entry in ring if entry.key == BY_HAND] == list(by_hand(*goals, slot=slot))


def test_said_twice_it_is_done_once() -> None:
    """The goal is on record already; only its weight is taken."""
    told: dict[str, Any] = {**HALFWAY, "record": {"quarantine": [{"goal": "v2", "gate": BY_HAND}]}}
    world = World(told)
    assert world.record is not None

    assert record(taken_back(world)).quarantine == world.record.quarantine
    with pytest.raises(Refused):
        taken_back(World({**told, "split": "blue=100"}))


@pytest.mark.parametrize(
    ("hold", "stands"),
    [
        pytest.param({"kind": "person", "why": "night"}, True, id="a person's"),
        pytest.param({"kind": "person", "why": "lunch", "until": 61}, True, id="a person's, not over yet"),
        pytest.param({"kind": "person", "why": "lunch", "until": 60}, False, id="it is over"),
        pytest.param({"kind": "outside", "why": "moved"}, False, id="from outside"),
    ],
)
def test_which_hold_stands(hold: dict[str, Any], stands: bool) -> None:
    """A person's, until it is over."""
    world = World({**HALFWAY, "record": {**HALFWAY["record"], "hold": hold}})
    assert world.record is not None
    assert isinstance(world.record.hold, Hold)

    assert record(taken_back(world)).hold == (world.record.hold if stands else None)


def test_back_to_what_served_before() -> None:
    """The two swap their places; neither what is given up nor the goal of the run is tried again."""
    told = {"promoted": "green=v2", "former": "blue=v1", "run": "v3 in red"}
    world = World({"goal": "v3", "live": {"blue": "v1", "green": "v2"}, "split": "green=100", "record": told})
    assert world.record is not None

    found = taken_back(world, "former")

    assert isinstance(found, SetTraffic)
    assert (found.reason, found.weights) == ("rolled back to former by ann: slow", all_to("blue"))
    after = record(found)
    assert (after.promoted, after.former) == (
        Promoted(name="blue", revision="v1", born=born_stamp(at(0)), content="content-v1"),
        world.record.promoted,
    )
    assert after.quarantine == by_hand("v2", "v3", slot="red")
    ended = World(
        {"live": {"blue": "v1", "green": "v2"}, "split": "green=100", "record": {**told, "run": "v3 in red ended"}}
    )
    assert record(taken_back(ended, "former")).quarantine == by_hand("v2", slot="red")


@pytest.mark.parametrize(
    ("case", "to", "sentence", "hint"),
    [
        pytest.param(
            {"live": {"blue": "v1"}},
            "stable",
            "blue has all traffic and no run is under way",
            "rollout status shows what serves",
            id="nothing to take back",
        ),
        pytest.param(
            {"live": {"blue": "v1", "green": "v2"}, "split": "blue=50 green=50", "record": "none"},
            "stable",
            "blue, green share the traffic",
            "say it: rollout adopt --stable NAME",
            id="nobody knows who is stable",
        ),
        pytest.param(
            {"live": {"blue": "v1"}, "split": "none", "record": {"promoted": None}},
            "stable",
            "nothing was ever promoted here, so there is nothing to go back to",
            "rollout hold",
            id="nothing was promoted",
        ),
        pytest.param(
            {"live": {"blue": "v1 Failed", "green": "v2"}, "split": SPLIT},
            "stable",
            "blue is Failed, it cannot take traffic",
            "repair it, or adopt another",
            id="what is promoted is broken",
        ),
        pytest.param(
            {**HALFWAY, "record": {"promoted": "green=v2", "former": "blue=v0 is v0"}, "split": "green=100"},
            "former",
            "blue carries another revision by now",
            "git revert, then rollout apply",
            id="what served before was replaced",
        ),
    ],
)
def test_what_is_refused(case: dict[str, Any], to: Literal["stable", "former"], sentence: str, hint: str) -> None:
    """With the way out."""
    with pytest.raises(Refused) as refused:
        taken_back(World(case), to)

    assert (str(refused.value), refused.value.hint) == (sentence, hint)
