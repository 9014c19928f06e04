"""Everything worked out once: which slot, which way, which run, and since when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from rollout.core.identity import Known
from rollout.core.journey import JourneyKind
from rollout.core.observed import Deployment, Endpoint, weights
from rollout.core.progress import Progress, Promoted, Run
from rollout.core.scene import Scene, choose_journey, scene
from tests.cases.world import World, at
from tests.worlds import plans


def seen(**case: Any) -> Scene:
    """The scene of a case."""
    return World(case).scene


RED: dict[str, Any] = {"split": "red=100", "record": {"promoted": "red=v0"}}
"""Something that is in no slot serves: both slots are free to take."""


@pytest.mark.parametrize(
    ("case", "slot"),
    [
        pytest.param({"live": {"blue": "v1"}}, "green", id="the one that is not promoted"),
        pytest.param({"live": {"green": "v1"}, "record": {"promoted": "green=v1"}}, "blue", id="or the other"),
        pytest.param({"live": {"blue": "v1", "green": "v7"}}, "green", id="whoever lives there"),
        pytest.param({**RED, "live": {"red": "v0"}}, "blue", id="two are free: the first"),
        pytest.param({**RED, "live": {"red": "v0", "blue": "v7"}}, "green", id="the empty one"),
        pytest.param({**RED, "live": {"red": "v0", "blue": "v7", "green": "v2"}}, "green", id="the one with the goal"),
        pytest.param(
            {"live": {"red": "v0", "blue": "v7", "green": "v8"}, "split": "red=90 blue=10", "record": RED["record"]},
            "green",
            id="the one without weight",
        ),
        pytest.param(
            {
                "live": {"red": "v0"},
                "split": "red=100",
                "record": {"promoted": "red=v0", "run": "v2 in green"},
            },
            "green",
            id="the one of the run",
        ),
        pytest.param({"literal": ["blue=v1", "red=v2"], "live": {"blue": "v1"}}, "red", id="a literal plan's"),
        pytest.param(
            {"live": {"red": "v0"}, "split": "red=100", "record": {"promoted": "red=v0", "run": "v9 in green"}},
            "blue",
            id="a run for another goal does not count",
        ),
    ],
)
def test_the_slot_of_the_candidate(case: dict[str, Any], slot: str) -> None:
    """Never the promoted one."""
    assert seen(**case).journey.slot == slot


FORMER: dict[str, Any] = {
    "goal": "v1",
    "live": {"blue": "v1", "green": "v2"},
    "split": "green=100",
    "record": {"promoted": "green=v2", "former": "blue=v1"},
}


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        pytest.param({"live": {"blue": "v1"}}, JourneyKind.RUN, id="something serves"),
        pytest.param({"live": {}, "split": "none", "record": "none"}, JourneyKind.FIRST, id="nothing serves"),
        pytest.param(
            {"live": {"blue": "v1", "green": "v2"}, "split": "blue=50 green=50", "record": "none"},
            JourneyKind.RUN,
            id="nobody knows",
        ),
        pytest.param(FORMER, JourneyKind.EXPEDITED, id="what was stable before"),
        pytest.param({**FORMER, "on_revert": "full"}, JourneyKind.RUN, id="the plan wants the whole way"),
        pytest.param({**FORMER, "live": {"blue": "v1 Failed", "green": "v2"}}, JourneyKind.RUN, id="it is broken"),
        pytest.param({**FORMER, "live": {"green": "v2"}}, JourneyKind.RUN, id="it is gone"),
        pytest.param({**FORMER, "live": {"blue": "v1 changed", "green": "v2"}}, JourneyKind.RUN, id="it was changed"),
        pytest.param({**FORMER, "goal": "v3"}, JourneyKind.RUN, id="another goal"),
        pytest.param(
            {**FORMER, "record": {"promoted": "green=v2", "former": "red=v1"}}, JourneyKind.RUN, id="it was elsewhere"
        ),
        pytest.param(
            {**FORMER, "record": {"promoted": "green=v2", "former": "blue=v0 is v1"}},
            JourneyKind.RUN,
            id="it was something else",
        ),
    ],
)
def test_the_way(case: dict[str, Any], kind: JourneyKind) -> None:
    """First release, run, or revert."""
    assert seen(**case).journey.kind is kind


@pytest.mark.parametrize(
    ("run", "live", "mine"),
    [
        pytest.param("v2 in green", "v2", True, id="its own"),
        pytest.param("v2 in green ended", "v2", False, id="it has ended"),
        pytest.param("v2 in green @9", "v2", False, id="another creation"),
        pytest.param("v3 in green @9", "v2", False, id="another goal"),
        pytest.param("v2 in red", "v2", False, id="another slot"),
        pytest.param("v2 in green", "v2 changed", False, id="changed in place"),
        pytest.param("v2 in green", "v0 @9", False, id="not the goal"),
    ],
)
def test_the_run_that_counts(run: str, live: str, mine: bool) -> None:
    """Keys belong to one goal in one slot in one creation."""
    record = {"run": run, "passed": ["1-smoke-0"]}
    view = seen(live={"blue": "v1", "green": live}, record=record)

    assert (view.run is not None) is mine
    assert bool(view.passed) is mine


@pytest.mark.parametrize(
    ("case", "since"),
    [
        pytest.param({"live": {"blue": "v1", "green": "v2 @5"}}, at(5), id="its creation, before any record"),
        pytest.param(
            {"live": {"blue": "v1", "green": "v2 @5"}, "record": {"run": "v2 in green", "since": 20}},
            at(20),
            id="the record of its run",
        ),
        pytest.param(
            {"live": {"blue": "v1", "green": "v2 @50"}, "record": {"run": "v2 in green", "since": 20}},
            at(50),
            id="whichever is later",
        ),
        pytest.param(
            {"live": {"blue": "v1", "green": "v2 @5"}, "record": {"since": 20}}, at(5), id="the record of another run"
        ),
        pytest.param(
            {"live": {"blue": "v1", "green": "v2 @5"}, "split": "blue=90 green=10", "record": {"since": 20}},
            at(20),
            id="the last write of its weight",
        ),
        pytest.param(
            {"live": {"blue": "v1", "green": "v2 untagged"}, "record": {"since": None}}, at(0), id="the service's time"
        ),
    ],
)
def test_since_when(case: dict[str, Any], since: datetime) -> None:
    """What a bake counts from."""
    view = seen(**case)

    assert view.since == since
    assert view.after(90) == since + (at(1.5) - at(0))


def test_who_is_who() -> None:
    """Names, deployments and weights of both roles."""
    view = seen(live={"blue": "v1 x2", "green": "v2"}, split="blue=90 green=10", record={"run": "v2 in green exposed"})

    assert view.promoted is not None
    assert view.stable is not None
    assert view.candidate is not None
    assert (view.promoted.name, view.stable.count) == ("blue", 2)
    assert (view.candidate.name, view.carries_goal, view.exposure) == ("green", True, 10)


def test_without_a_record_it_is_a_blank_one() -> None:
    """Signed by the plan; and it is known that there was none."""
    view = seen(record="none")

    assert (view.recorded, view.progress.plan, view.progress.written) == (False, "plan", None)
    assert seen().recorded


def test_a_blank_record_is_signed_by_the_commit() -> None:
    """So that the first write says where it comes from."""
    world = World({"record": "none"})
    live = world.observation.endpoint
    assert live is not None
    view = scene(replace(world.release, commit="abc1234"), live, None, world.now, {}, frozenset())

    assert view.progress == Progress(plan="plan", commit="abc1234")


def test_the_pass_itself_where_no_time_is_known() -> None:
    """Neither a record nor a stamp nor the service's word."""
    view = seen(live={"blue": "v1", "green": "v2 untagged"}, record={"since": None})

    assert replace(view, endpoint=replace(view.endpoint, modified=None)).since == view.now


GREEN = Deployment(name="green", state="Succeeded", count=1, revision="v2", born="t2", content="c2")


def bare(found: Deployment, run: Run) -> Scene:
    """A record that does not say what the run's content was: an older one, or of a deployment that was not ready."""
    blue = Deployment(name="blue", state="Succeeded", count=1, revision="v1", born="t1", content="c1")
    live = Endpoint(name="house", weights=weights({"blue": 100}), deployments=(blue, found))
    record = Progress(plan="plan", promoted=Promoted(name="blue", revision="v1", born="t1"), run=run)
    return scene(plans.roles("v2"), live, record, at(0), {}, frozenset())


def test_a_run_counts_for_its_goal_alone() -> None:
    """In the very creation that carries it, also where only the tags say so."""
    mine = Run(goal="v2", slot="green", born="t2")

    assert bare(GREEN, mine).run == mine
    assert bare(GREEN, replace(mine, goal="v3")).run is None
    assert bare(replace(GREEN, revision="v9"), mine).run is None


def test_a_revert_goes_to_what_was_promoted() -> None:
    """The very creation, but with another revision on it by now: the whole way."""
    release, record = plans.roles("v2"), Progress(plan="plan", former=Promoted(name="green", revision="v2", born="t2"))
    promotion = Known(Promoted(name="blue", revision="v1"), False)

    def way(found: Deployment, record: Progress = record) -> JourneyKind:
        return choose_journey(release, Endpoint(name="house", deployments=(found,)), promotion, record).kind

    assert way(GREEN) is JourneyKind.EXPEDITED
    assert way(replace(GREEN, revision="v9")) is JourneyKind.RUN
    assert record.former is not None
    assert way(GREEN, replace(record, former=replace(record.former, revision="v9"))) is JourneyKind.RUN
