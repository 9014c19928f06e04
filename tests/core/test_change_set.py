"""The look ahead is what will be done; its digest is about nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from rollout.core.actions import Action, Record, ScaleDeployment
from rollout.core.change_set import ChangeSet, WayBack, approve, change_set, essence
from rollout.core.codes import codes
from rollout.core.decision import Status
from rollout.core.differences import Difference
from rollout.core.fingerprint import fingerprint
from rollout.core.observed import Observation, all_to
from rollout.core.progress import Progress, to_tags
from rollout.core.release import Gate, Release
from tests.cases.telling import action as told
from tests.cases.world import World
from tests.worlds import plans
from tests.worlds.generated import some_stages
from tests.worlds.history import ALLOWED, History, finish
from tests.worlds.plane import NAME

HISTORIES: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "golden" / "histories.yaml").read_text())


def _lines() -> Iterator[str]:
    yield plans.USUAL
    for case in HISTORIES.values():
        if "stages" in case:
            yield case["stages"]
        yield from (verb.removeprefix("stages ") for verb in case["do"] if verb.startswith("stages "))


LINES = tuple(dict.fromkeys(_lines()))


def look(history: History) -> Observation:
    """What is there now."""
    return finish(history.plane.observe(NAME))


def ahead(history: History) -> tuple[Action, ...]:
    """What the change set says."""
    return change_set(history.release, look(history), ALLOWED).actions


def carried_out(history: History) -> tuple[Action, ...]:
    """What is really done until it converges, without markers; approvals are given."""
    before = len(history.plane.written)
    while (last := history.run()).status is Status.WAIT:
        history.approve(last)
    assert last.status is Status.DONE, last.reason
    return tuple(action for action in history.plane.written[before:] if not isinstance(action, Record))


def essences(actions: tuple[Action, ...]) -> list[str]:
    """In words, each with what is approved of it."""
    return [f"{told(action)} {essence(action)}" for action in actions]


def released(line: str = plans.USUAL) -> History:
    """`v1` serves from blue; the plan wants `v2`."""
    history = History(plans.roles("v1", line))
    carried_out(history)
    history.release = plans.roles("v2", line)
    return history


@pytest.mark.parametrize("line", LINES)
def test_what_is_shown_is_what_is_done(line: str) -> None:
    """First release, second release, revert: all plans of the golden histories, every gate passing."""
    history = History(plans.roles("v1", line))
    for goal in ("v1", "v2", "v1", "v3"):
        history.release = plans.roles(goal, line)
        shown = ahead(history)

        assert essences(shown) == essences(carried_out(history))


@pytest.mark.parametrize("seed", range(40))
def test_what_is_shown_is_what_is_done_for_any_plan(seed: int) -> None:
    """Plans from dice, from each pass of the way: the change set loses its first action and nothing else."""
    history = released(some_stages(random.Random(seed)))
    rest = ahead(history)
    while (last := history.once()).status in (Status.ACT, Status.WAIT):
        if last.status is Status.WAIT:
            assert last.next_after is not None
            history.plane.now = max(history.plane.now, last.next_after)
        elif not isinstance(last.actions[0], Record):
            assert essences(last.actions[:1]) == essences(rest[:1])
            rest = rest[1:]
        assert essences(ahead(history)) == essences(rest)
    assert rest == ()


def test_literal_plans_too() -> None:
    """The bootstrap, and then all of the stages."""
    history = History(plans.literal(("blue", "v1"), ("green", "v2")))

    shown = ahead(history)

    assert [told(action) for action in shown] == [
        "create endpoint house",
        "create blue: v1 x2",
        "put blue=100",
        "create green: v2 x1",
        "put blue=100, mirror green=10",
        "put blue=90 green=10",
        "put blue=50 green=50",
        "scale green: 1 to 2",
        "put green=100",
        "delete blue",
    ]
    assert essences(shown) == essences(carried_out(history))


def test_a_converged_endpoint_has_nothing_ahead() -> None:
    """And says that the way is complete."""
    history = released()
    carried_out(history)

    found = change_set(history.release, look(history))

    assert (found.actions, found.complete, found.decision.status) == ((), True, Status.DONE)
    assert found.essences == ()


def test_a_way_that_a_hold_ends_is_not_complete() -> None:
    """What would be done until then is shown."""
    history = released()
    history.until(10)
    history.plane.hand_weights({"blue": 100})

    found = change_set(history.release, look(history))

    assert (found.actions, found.complete) == ((), False)
    assert found.decision.reason == "the weights were changed outside: blue=100"


def test_golden_digests() -> None:
    """An approval that was given before an upgrade of the tool is good after it."""
    history = History(plans.roles("v1"))
    first = change_set(history.release, look(history), ALLOWED).digest
    carried_out(history)
    history.release = plans.roles("v2")

    assert (first, change_set(history.release, look(history)).digest) == ("5f2d9f101c165235", "954bb8a05f0e4c2c")


def digests(release: Release, observation: Observation) -> str:
    """The digest of what is ahead."""
    return change_set(release, observation, ALLOWED).digest


def test_the_digest_knows_no_time_and_no_commit() -> None:
    """Looked at tomorrow, from another commit of the same files: the same change set."""
    history = released()
    now = look(history)
    later = Observation(now.endpoint, now.now + timedelta(days=1))

    assert digests(history.release, now) == digests(history.release, later)
    assert digests(history.release, now) == digests(replace(history.release, commit="c0ffee"), now)


@pytest.mark.parametrize("candidate", ["v2", "v2 x2", "v2 x{count} autoscaled"])
@pytest.mark.parametrize("split", ["blue=100", "blue=90 green=10"])
def test_the_digest_knows_no_count_of_an_autoscaler(split: str, candidate: str) -> None:
    """What was approved in the morning is what is applied at noon, with twice the load."""
    record = {"run": "v2 in green exposed of 3"} if "green" in split else {}
    found = set()
    for count in (3, 5, 9):
        live = {"blue": f"v1 x{count} autoscaled", "green": candidate.format(count=count)}
        plan = "deploy, traffic 10, traffic 50, traffic 100"
        world = World({"split": split, "record": record, "plan": plan, "live": live})
        found.add(digests(world.release, world.observation))

    assert len(found) == 1


def test_counts_that_nobody_else_moves_are_part_of_it() -> None:
    """They cost money: more instances are another change set."""
    found = [World({"live": {"blue": f"v1 x{count}", "green": "v2"}}) for count in (3, 5)]
    one, other = (change_set(world.release, world.observation) for world in found)

    assert any(isinstance(action, ScaleDeployment) for action in one.actions)
    assert one.digest != other.digest


@pytest.mark.parametrize(
    "other",
    [
        plans.roles("v3"),
        plans.roles("v2", "deploy, smoke, traffic 20, traffic 100"),
        replace(plans.roles("v2"), slots=("red", "green")),
    ],
    ids=["goal", "weights", "slots"],
)
def test_the_digest_is_of_what_is_done(other: Release) -> None:
    """Another goal, other weights, another place."""
    history = released()
    now = look(history)

    assert digests(history.release, now) != digests(other, now)


def test_gates_are_part_of_it() -> None:
    """The same weights with a weaker gate are not what was approved."""
    history = released("deploy, smoke, traffic 10, bake 30, traffic 100")
    now = look(history)
    other = plans.roles("v2", "deploy, smoke!b, traffic 10, bake 30, traffic 100")

    assert digests(history.release, now) != digests(other, now)


def test_an_approval_is_recorded_once() -> None:
    """Given again, by another person: the newest counts, and the rest of the record is as it was."""
    world = World({"plan": "deploy, approval, traffic 100", "live": {"blue": "v1", "green": "v2"}})
    key = world.keys["1-approval-0"]

    first = approve(world.release, world.observation, key, "ann")
    assert world.observation.endpoint is not None
    assert world.record is not None
    again = approve(world.release, world.observation, key, "bob")

    assert [(entry.key, entry.who) for entry in first.approvals] == [(key, "ann")]
    assert replace(again, approvals=()) == world.record
    assert isinstance(again, Progress)


def test_an_unknown_gate_cannot_be_approved() -> None:
    """Its key is in the fault."""
    world = World({})

    with pytest.raises(KeyError, match="nothing"):
        approve(world.release, world.observation, "nothing", "ann")


STEPS = (
    "blue has 1 of the 3 instances that all of the traffic needs: a failed gate gives it 33 % at once and the rest when"
    " {} 3, after 15 minutes at the latest; a dead candidate, and `rollout rollback`, give it everything in one"
    " write"
)


@pytest.mark.parametrize(
    ("stable", "said"),
    [
        ("v1 x3", "a failed gate, or `rollout rollback`, gives all traffic back to blue in one write"),
        ("v1", STEPS.format("it has been given")),
        ("v1 scaled:cpu", STEPS.format("its autoscaler has given it")),
    ],
)
def test_the_way_back_of_a_stable_that_was_scaled_down(stable: str, said: str) -> None:
    """Before anybody approves it: what a failure would do, and how long that takes."""
    record = {"run": "v2 in green exposed of 3", "passed": ["1-smoke-0"]}
    world = World({"live": {"blue": stable, "green": "v2 x3"}, "split": "blue=10 green=90", "record": record})
    assert change_set(world.release, world.observation).way_back.text == said


def shown(release: Release | None = None, **case: Any) -> ChangeSet:
    """The change set of a case, of its own plan or another."""
    world = World(case)
    return change_set(release or world.release, world.observation, frozenset({"traffic-jump", "ungated-traffic"}))


BOTH: dict[str, Any] = {"live": {"blue": "v1", "green": "v2"}}


def test_what_it_stands_on() -> None:
    """What was seen of all that it depends on; nothing where nothing was looked at."""
    world = World(BOTH)
    found = shown(**BOTH)

    assert found.preconditions == fingerprint(world.release, world.observation)
    assert replace(found, situations=()).preconditions == {}


def test_the_way_back() -> None:
    """To what is promoted; nowhere, where nothing is."""
    one = "a failed gate, or `rollout rollback`, gives all traffic back to blue in one write"
    none = WayBack(text="nothing serves yet: a failed gate holds and leaves the weights")

    assert shown(**BOTH).way_back == WayBack(text=one, weights=all_to("blue"))
    assert shown(live={}, split="none", record="none").way_back == none
    assert shown(live={}, endpoint="none").way_back == none
    steps = shown(
        live={"blue": "v1", "green": "v2 x3"}, split="blue=10 green=90", record={"run": "v2 in green exposed of 3"}
    )
    assert (steps.way_back.text, steps.way_back.weights) == (STEPS.format("it has been given"), all_to("blue"))


def test_hazards_are_weighed_action_by_action() -> None:
    """As the command line and the plan say, though all of them were let pass on the way."""
    found = shown(plan="deploy, traffic 51, traffic 100", **BOTH)

    assert [[(one.name, one.state) for one in action.hazards] for action in found.actions] == [
        [("traffic-jump", "shown"), ("ungated-traffic", "allowed")],
        [("ungated-traffic", "allowed")],
    ]
    assert shown(plan="deploy, smoke, traffic 10, traffic 20, traffic 100", **BOTH).actions[0].hazards == ()


def test_an_autoscaler_of_one_does_not_hide_the_count_of_another() -> None:
    """Green is scaled by nobody: how many instances it has is approved."""
    found = {
        digests(world.release, world.observation)
        for count in (2, 3)
        for world in [World({"live": {"blue": "v1 autoscaled", "green": f"v2 x{count}"}, "capacity": "declared"})]
    }

    assert len(found) == 2


def test_whose_counts_are_left_alone() -> None:
    """Said of the slots and of what serves; of nobody else."""
    live = {"blue": "v1 autoscaled", "green": "v2", "red": "v0 autoscaled", "white": "v0 autoscaled"}
    said = "the instance count of {} is left to its autoscale setting"

    assert shown(live=live, split="blue=90 red=10").decision.notes == (said.format("blue"), said.format("red"))
    assert shown(live={}, endpoint="none").decision.notes == ()


DECLARED = {"description": "new"}
MOVED = Difference(target="endpoint", path="description", before="old", after="new")


@pytest.mark.parametrize(
    ("record", "tamper", "pending", "drift"),
    [
        pytest.param(None, "", (MOVED,), (), id="no record"),
        pytest.param("", "", (MOVED,), (), id="never written"),
        pytest.param(codes(DECLARED), "", (), (MOVED,), id="written once"),
        pytest.param("", "edited", (), (), id="a record that nobody believes"),
    ],
)
def test_what_differs(record: str | None, tamper: str, pending: Any, drift: Any) -> None:
    """By what the record says was written."""
    world = World({"goal": "v1", "declared": DECLARED, "description": "old"})
    live = world.observation.endpoint
    assert world.record is not None
    assert live is not None
    tags = {} if record is None else to_tags(replace(world.record, declared=record))
    if tamper:
        tags["rollout.plan"] = "edited"
    found = change_set(world.release, Observation(replace(live, tags=tags), world.now))

    assert (found.pending, found.drift) == (pending, drift)
    assert bool(found.unchanged) is not bool(tamper)


@pytest.mark.parametrize(
    ("plan", "record", "minutes"),
    [
        pytest.param("deploy, traffic 100", {}, 0, id="no gates"),
        pytest.param("deploy, smoke, traffic 100", {}, 60, id="the limit of a gate"),
        pytest.param("deploy, approval, traffic 100", {}, 24 * 60, id="a person's day"),
        pytest.param("deploy, traffic 10, bake 30, traffic 100", {}, 90, id="a bake and its limit"),
        pytest.param("deploy, smoke, bake 90, traffic 100", {"passed": ["1-smoke-0"]}, 90, id="what was passed"),
    ],
)
def test_how_long_it_may_take(plan: str, record: Any, minutes: float) -> None:
    """Bakes, and all that gates that are still to come may take longer; each write is a second."""
    found = shown(plan=plan, record={"run": "v2 in green", **record}, **BOTH)

    assert found.waits == pytest.approx(minutes * 60, abs=5)


def test_a_stages_own_time_out_counts() -> None:
    """In place of the gate's limit."""
    world = World({"plan": "deploy, smoke, approval, traffic 100", **BOTH})
    stages = tuple(replace(one, timeout=60.0) if isinstance(one, Gate) else one for one in world.release.stages)

    assert shown(replace(world.release, stages=stages), **BOTH).waits == pytest.approx(120, abs=5)
