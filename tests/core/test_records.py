"""How the record moves: one test for each thing that can happen, on whole records."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from rollout.core import records
from rollout.core.observed import all_to, weights
from rollout.core.progress import Hold, Kind, Progress, Promoted, Quarantined, Run, Transition
from rollout.core.scene import Scene
from rollout.core.stamp import born_stamp
from tests.cases.world import World, at

NOW = at(60)
BLUE = Promoted(name="blue", revision="v1", born=born_stamp(at(0)), content="content-v1")
GREEN = Promoted(name="green", revision="v2", count=2, born=born_stamp(at(5)), content="content-v2")
RUN = Run(goal="v2", slot="green", born=born_stamp(at(5)), content="content-v2", total=1, started=at(0), exposed=at(0))
SPLIT = weights({"blue": 90, "green": 10})
HALFWAY: dict[str, Any] = {
    "live": {"blue": "v1", "green": "v2 x2 @5"},
    "split": "blue=90 green=10",
    "record": {"run": "v2 in green exposed", "passed": ["1-smoke-0"]},
}


@pytest.fixture
def halfway() -> Scene:
    """A run at 10 %, its smoke test passed."""
    return World(HALFWAY).scene


@pytest.fixture
def fresh() -> Scene:
    """The candidate is deployed, and nothing of its run is recorded yet."""
    return World({"live": {"blue": "v1 x3", "green": "v2 x2 @5"}}).scene


def line(what: str, kind: Kind = "") -> tuple[Transition, ...]:
    """The first line of history, now."""
    return (Transition(at=NOW, what=what, kind=kind, number=1),)


def test_blank_signs_the_record(halfway: Scene) -> None:
    """With this plan and commit, and what is promoted; a hold that has ended goes."""
    held = replace(
        halfway,
        progress=replace(halfway.progress, hold=Hold(kind="outside", why="x"), promoted=None),
        release=replace(halfway.release, commit="c0ffee"),
    )

    assert records.blank(held) == replace(halfway.progress, commit="c0ffee", promoted=BLUE)


def test_a_run_begins_with_its_first_record(fresh: Scene) -> None:
    """Whose it is, which creation, and how large stable was; not exposed as long as it has no weight."""
    found = records.advanced(fresh, all_to("blue"), ("a",), "passed before bake")

    run = replace(RUN, total=3, started=NOW, exposed=None)
    assert found == Progress(
        plan="plan",
        promoted=replace(BLUE),
        run=run,
        passed=("a",),
        written=all_to("blue"),
        since=NOW,
        history=line("passed before bake", "started"),
    )


@pytest.mark.parametrize("split", [SPLIT, weights({"blue": 100}, {"green": 5})], ids=["live", "mirrored"])
def test_exposure_is_when_the_first_request_came(fresh: Scene, split: Any) -> None:
    """Live or mirrored; statistics are counted from there."""
    found = records.advanced(fresh, split, (), "traffic")

    assert found.run is not None
    assert (found.run.exposed, found.written) == (NOW, split)


def test_a_run_goes_on(halfway: Scene) -> None:
    """Keys are added, the first exposure stays, the bake counts from now."""
    split = weights({"blue": 50, "green": 50})
    found = records.advanced(halfway, split, ("b", "c"), "traffic-50")

    passed = (*halfway.progress.passed, "b", "c")
    assert found == replace(
        halfway.progress, passed=passed, written=split, since=NOW, history=line("traffic-50", "advanced"), outcome=""
    )
    assert found.run == RUN


def test_a_key_is_recorded_once(halfway: Scene) -> None:
    """Also if it was measured again."""
    key = halfway.progress.passed[0]

    assert records.advanced(halfway, SPLIT, (key, "b"), "again").passed == (key, "b")


def test_keys_of_another_creation_are_not_taken_over() -> None:
    """They were passed by something that is gone."""
    scene = World({**HALFWAY, "record": {"run": "v2 in green exposed @0", "passed": ["1-smoke-0"]}}).scene

    found = records.advanced(scene, SPLIT, ("b",), "bake")

    assert found.passed == ("b",)
    assert found.run == replace(RUN, started=NOW, exposed=NOW)


def test_promotion(halfway: Scene) -> None:
    """The candidate is what is promoted, stable becomes former, the run is over, its goal out of quarantine."""
    ring = (Quarantined(goal="v2", key="old"), Quarantined(goal="v0", key="old"))
    scene = replace(halfway, progress=replace(halfway.progress, quarantine=ring))

    assert records.promoted_now(scene, all_to("green")) == Progress(
        plan="plan",
        promoted=GREEN,
        former=BLUE,
        written=all_to("green"),
        since=NOW,
        outcome="complete",
        quarantine=ring[1:],
        history=line("promoted green", "promoted"),
    )


def test_a_first_promotion_has_no_former() -> None:
    """Nothing served before."""
    scene = World({"live": {"blue": "v2"}, "split": "none", "record": "none"}).scene

    found = records.promoted_now(scene, all_to("blue"))

    assert (found.former, found.promoted) == (None, replace(BLUE, revision="v2", content="content-v2"))


def test_failure(halfway: Scene) -> None:
    """The goal is quarantined with its gate, keys go, the run is kept as ended: its deployment shall be known again."""
    assert records.failed(halfway, all_to("blue"), "key", "bake: worse") == Progress(
        plan="plan",
        promoted=BLUE,
        run=replace(RUN, ended=True),
        written=all_to("blue"),
        since=NOW,
        outcome="failed",
        quarantine=(Quarantined(goal="v2", key="key", slot="green", at=NOW),),
        history=line("bake: worse", "rolled_back"),
    )


def test_a_failure_before_any_record_knows_its_run(fresh: Scene) -> None:
    """So that the failed deployment is not taken for somebody else's. It had no weight: nothing is rolled back."""
    found = records.failed(fresh, all_to("blue"), "key", "smoke: wrong")

    assert found.history[-1].kind == "failed"
    assert found.run == replace(RUN, total=3, started=NOW, exposed=None, ended=True)


def test_a_run_that_is_superseded() -> None:
    """Its weight is back; nobody is quarantined for it."""
    scene = World({**HALFWAY, "goal": "v3"}).scene

    found = records.given_back(scene, all_to("blue"), "green is not the goal any more")

    assert found == Progress(
        plan="plan",
        promoted=BLUE,
        run=replace(RUN, ended=True),
        written=all_to("blue"),
        since=NOW,
        outcome="superseded",
        history=line("green is not the goal any more", "superseded"),
    )


def test_a_hand_from_outside(halfway: Scene) -> None:
    """What is there now becomes what we know; what was passed is forgotten, whose run it was is not."""
    split = all_to("green")

    found = records.held_outside(halfway, split, "the weights were changed outside")

    assert found == replace(
        halfway.progress,
        passed=(),
        written=split,
        since=NOW,
        hold=Hold(kind="outside", why="the weights were changed outside", goal="v2", at=NOW),
        history=line("the weights were changed outside", "held"),
    )


@pytest.mark.parametrize(("before", "after"), [("going_back", "failed"), ("superseded", "superseded"), ("", "")])
def test_a_hand_ends_the_way_back(halfway: Scene, before: str, after: str) -> None:
    """What was on its way back has failed, and whoever moved the weights goes on from there; other ends stay known."""
    scene = replace(halfway, progress=replace(halfway.progress, outcome=before))

    assert records.held_outside(scene, all_to("blue"), "why").outcome == after


@pytest.mark.parametrize("end", ["promoted_now", "failed", "given_back", "held_outside", "settled"])
def test_a_persons_yes_ends_with_what_it_was_for(end: str) -> None:
    """Approved was one way of one run, not the next one."""
    told: dict[str, Any] = {**HALFWAY, "plan": "deploy, smoke, approval, traffic 10, bake 30, traffic 100"}
    told["record"] = {**HALFWAY["record"], "approvals": [{"gate": "2-approval-0", "who": "ann"}]}
    if end == "settled":
        told |= {"live": {"green": "v2 x2 @5"}, "split": "green=100"}
    scene = World(told).scene
    assert scene.progress.approvals

    match end:
        case "promoted_now":
            found = records.promoted_now(scene, all_to("green"))
        case "failed":
            found = records.failed(scene, all_to("blue"), "key", "why")
        case "given_back":
            found = records.given_back(scene, all_to("blue"), "why")
        case "held_outside":
            found = records.held_outside(scene, all_to("blue"), "why")
        case _:
            found = records.settled(scene, "why")

    assert (found.approvals, found.passed) == ((), ())


def test_a_stable_that_was_deleted() -> None:
    """The candidate that serves in its place is promoted, and its run is over."""
    record = {**HALFWAY["record"], "former": "red=v0", "written": "blue=90 green=10"}
    case = {"live": {"green": "v2 x2 @5"}, "split": "green=100", "record": record}

    found = records.settled(World(case).scene, "blue is gone; green serves")

    assert found == Progress(
        plan="plan",
        promoted=GREEN,
        written=all_to("green"),
        since=NOW,
        outcome="complete",
        history=line("blue is gone; green serves"),
    )


def test_a_stable_that_was_deleted_while_another_serves() -> None:
    """A run of somebody else's slot goes on."""
    case = {**HALFWAY, "live": {"red": "v0", "green": "v2 x2 @5"}, "split": "red=100"}

    found = records.settled(World(case).scene, "blue is gone; red serves")

    assert found.promoted is not None
    assert (found.promoted.name, found.run, found.outcome) == ("red", RUN, "")


def test_who_ran_it_is_told() -> None:
    """Where the run knows its actor."""
    view = World({"live": {"blue": "v1", "green": "v2"}}).scene
    named = replace(view, release=replace(view.release, provenance={"actor": "ann"}))

    assert [records.given_back(one, view.endpoint.weights, "x").history[-1].who for one in (named, view)] == ["ann", ""]


def test_a_run_may_begin_before_its_candidate() -> None:
    """A gate in front of the deploy stage passed: nothing lives in the slot yet."""
    view = World({"live": {"blue": "v1"}}).scene
    run = records.advanced(view, view.endpoint.weights, (), "approved").run

    assert run == Run(goal="v2", slot="green", born="", content="", total=1, started=view.now)


def test_where_nothing_ran_nothing_ends() -> None:
    """Neither a run on record nor a candidate that carries the goal."""
    view = World({"live": {"blue": "v1", "green": "v0"}}).scene

    assert records.given_back(view, view.endpoint.weights, "x").run is None
