"""Where are we? Each row of the table of design §4: when a stage's answer is yes."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from rollout.core.decision import StageState
from rollout.core.gating import Ask, Failed, Passed
from rollout.core.journey import Step
from rollout.core.place import Place, find_place, satisfied, stage_views
from rollout.core.release import Delete, Role, Scale
from rollout.core.scene import scene
from tests.cases.world import World

BOTH = {"blue": "v1", "green": "v2"}


def place(**case: Any) -> str:
    """The name of the stage where we are; "" if all are satisfied."""
    view = World({"live": BOTH, **case}).scene
    found = find_place(view)
    return "" if found.index is None else found.step(view).stage.name


DEPLOY = "deploy, traffic 100"
MIRROR = "deploy, mirror 10, bake 10, traffic 100"
TRAFFIC = "deploy, traffic 25, traffic 100"
SCALE = "deploy, scale 3, traffic 100"
RUN = {"run": "v2 in green exposed"}

TABLE: dict[str, tuple[str, dict[str, Any]]] = {
    "deploy: nothing in the slot": ("0-deploy-0", {"plan": DEPLOY, "live": {"blue": "v1"}}),
    "deploy: another revision": ("0-deploy-0", {"plan": DEPLOY, "live": {"blue": "v1", "green": "v0"}}),
    "deploy: changed in place": (
        "0-deploy-0",
        {"plan": DEPLOY, "live": {"blue": "v1", "green": "v2 changed"}, "record": {"run": "v2 in green"}},
    ),
    "deploy: not ready": ("0-deploy-0", {"plan": DEPLOY, "live": {"blue": "v1", "green": "v2 Failed"}}),
    "deploy: the goal, ready": ("1-traffic-100", {"plan": DEPLOY}),
    "gate: never passed": ("1-smoke-0", {"plan": "deploy, smoke, traffic 100"}),
    "gate: passed in this run": (
        "2-traffic-100",
        {"plan": "deploy, smoke, traffic 100", "record": {**RUN, "passed": ["1-smoke-0"]}},
    ),
    "gate: passed in another run": (
        "1-smoke-0",
        {"plan": "deploy, smoke, traffic 100", "record": {"run": "v3 in green @9", "passed": ["1-smoke-0"]}},
    ),
    "gate: passed in a run that has ended": (
        "1-smoke-0",
        {"plan": "deploy, smoke, traffic 100", "record": {"run": "v2 in green ended", "passed": ["1-smoke-0"]}},
    ),
    "gate: passed by another creation": (
        "1-smoke-0",
        {"plan": "deploy, smoke, traffic 100", "record": {"run": "v2 in green @9", "passed": ["1-smoke-0"]}},
    ),
    "gate: passes now": ("2-traffic-100", {"plan": "deploy, smoke, traffic 100", "verdicts": {"1-smoke-0": "PASS"}}),
    "mirror: none yet": ("1-mirror-10", {"plan": MIRROR}),
    "mirror: exactly so": ("2-bake-10", {"plan": MIRROR, "split": "blue=100, mirror green=10", "record": RUN}),
    "mirror: more than that": ("1-mirror-10", {"plan": MIRROR, "split": "blue=100, mirror green=20", "record": RUN}),
    "mirror: overtaken by weight": ("2-bake-10", {"plan": MIRROR, "split": "blue=90 green=10", "record": RUN}),
    "mirror: overtaken by one percent": ("2-bake-10", {"plan": MIRROR, "split": "blue=99 green=1", "record": RUN}),
    "mirror: only a scale before the traffic": ("3-traffic-100", {"plan": "deploy, mirror 10, scale 1, traffic 100"}),
    "mirror: nobody asks any more": (
        "3-traffic-100",
        {"plan": MIRROR, "record": {**RUN, "passed": ["2-bake-10"]}},
    ),
    "mirror: another one follows at once": (
        "2-mirror-20",
        {"plan": "deploy, mirror 10, mirror 20, bake 10, traffic 100"},
    ),
    "mirror: ended before the approval": (
        "3-mirror-none",
        {
            "plan": "deploy, mirror 10, bake 10, mirror none, approval, traffic 100",
            "split": "blue=100, mirror green=10",
            "record": {**RUN, "passed": ["2-bake-10"]},
        },
    ),
    "traffic: none yet": ("1-traffic-25", {"plan": TRAFFIC}),
    "traffic: less": ("1-traffic-25", {"plan": TRAFFIC, "split": "blue=90 green=10", "record": RUN}),
    "traffic: exactly so": ("2-traffic-100", {"plan": TRAFFIC, "split": "blue=75 green=25", "record": RUN}),
    "traffic: more": ("2-traffic-100", {"plan": TRAFFIC, "split": "blue=50 green=50", "record": RUN}),
    "traffic: all": ("", {"plan": TRAFFIC, "split": "green=100", "record": RUN}),
    "scale: fewer": ("1-scale-3", {"plan": SCALE, "live": {"blue": "v1", "green": "v2 x2"}}),
    "scale: as many": ("2-traffic-100", {"plan": SCALE, "live": {"blue": "v1", "green": "v2 x3"}}),
    "scale: more": ("2-traffic-100", {"plan": SCALE, "live": {"blue": "v1", "green": "v2 x9"}}),
    "scale: an autoscaler counts": ("2-traffic-100", {"plan": SCALE, "live": {"blue": "v1", "green": "v2 autoscaled"}}),
    "delete: no part of the way": ("", {"plan": TRAFFIC + ", delete 0", "split": "green=100", "record": RUN}),
}


@pytest.mark.parametrize("row", TABLE)
def test_the_first_stage_whose_answer_is_no(row: str) -> None:
    """The table, row by row."""
    expected, case = TABLE[row]

    assert place(**case) == expected


def test_a_scale_of_stable_asks_stable() -> None:
    """Its count, not the candidate's."""
    world = World({"live": {"blue": "v1", "green": "v2 x3"}, "plan": SCALE})
    stages = tuple(replace(s, role=Role.STABLE) if isinstance(s, Scale) else s for s in world.release.stages)
    view = world.scene
    asked = scene(replace(world.release, stages=stages), view.endpoint, world.record, world.now, {}, frozenset())

    assert satisfied(view, 1, frozenset())
    assert not satisfied(asked, 1, frozenset())


def test_gates_that_pass_in_one_pass_are_earned_together() -> None:
    """Their keys go in the next write; the first that does not pass is the place."""
    world = World(
        {
            "live": BOTH,
            "plan": "deploy, smoke, smoke!b, bake 10, traffic 100",
            "verdicts": {"1-smoke-0": "PASS", "2-smoke-0": "PASS", "3-bake-10": "FAIL slow"},
        }
    )
    found = find_place(world.scene)

    keys = [world.scene.journey.steps[index].key for index in (1, 2)]
    assert found == Place(index=3, answer=Failed("slow"), earned=tuple(keys))


def test_what_was_passed_before_is_not_earned_again() -> None:
    """Only what this pass's verdicts let us through is new."""
    world = World(
        {
            "live": BOTH,
            "plan": "deploy, smoke, smoke!b, traffic 100",
            "record": {**RUN, "passed": ["1-smoke-0"]},
            "verdicts": {"2-smoke-0": "PASS"},
        }
    )

    assert find_place(world.scene).earned == (world.keys["2-smoke-0"],)


def test_what_is_earned_behind_the_last_stage_is_kept() -> None:
    """All are satisfied, the last gate by this pass."""
    world = World(
        {
            "live": BOTH,
            "plan": "deploy, traffic 100, smoke",
            "split": "green=100",
            "record": RUN,
            "verdicts": {"2-smoke-0": "PASS"},
        }
    )

    assert find_place(world.scene) == Place(index=None, answer=None, earned=(world.keys["2-smoke-0"],))


def test_what_asks_for_nothing_is_satisfied() -> None:
    """A mirror behind everything, and a delete wherever it stands."""
    view = World({"live": BOTH, "plan": "deploy, traffic 100, mirror 10"}).scene
    delete = replace(view.journey, steps=(Step(Delete(name="delete", after=0.0), "", 0),))

    assert satisfied(view, 2, frozenset())
    assert satisfied(replace(view, journey=delete), 0, frozenset())


def states(**case: Any) -> list[str]:
    """How the stages of a plan are shown."""
    view = World({"live": BOTH, **case}).scene
    return [found.state.value for found in stage_views(view, find_place(view))]


def test_stages_are_shown_as_they_stand() -> None:
    """Behind us, here, and before us; deletes come last of all."""
    assert states(split="blue=90 green=10", record={**RUN, "passed": ["1-smoke-0"]}) == [
        "satisfied",
        "satisfied",
        "satisfied",
        "active",
        "pending",
        "pending",
    ]


def test_a_gate_that_fails_is_shown_as_failed() -> None:
    """The others are not to blame."""
    shown = states(verdicts={"1-smoke-0": "FAIL wrong"})

    assert shown == ["satisfied", "failed", "pending", "pending", "pending", "pending"]


def test_what_a_first_release_skips_is_shown_as_skipped() -> None:
    """There is nothing to compare with."""
    shown = states(live={}, split="none", record="none")

    assert shown == ["active", "pending", "skipped", "skipped", "pending", "pending"]


def test_gates_are_shown_with_their_keys() -> None:
    """An approval is given by key; mutations have none."""
    world = World({"live": BOTH})
    views = stage_views(world.scene, find_place(world.scene))

    assert [view.key for view in views] == ["", world.keys["1-smoke-0"], "", world.keys["3-bake-30"], "", ""]


def test_a_bootstrap_is_shown_before_the_plan() -> None:
    """Its stages are not the plan's; those are skipped meanwhile."""
    case = {"literal": ["blue=v1", "green=v2"], "plan": DEPLOY, "live": {}, "split": "none", "record": "none"}
    view = World(case).scene
    views = stage_views(view, find_place(view))

    assert [(v.stage.name, v.state) for v in views] == [
        ("deploy", StageState.ACTIVE),
        ("traffic-100", StageState.PENDING),
        ("0-deploy-0", StageState.SKIPPED),
        ("1-traffic-100", StageState.SKIPPED),
    ]


def test_the_answer_of_the_gate_comes_along() -> None:
    """Whoever decides need not ask again."""
    assert find_place(World({"live": BOTH}).scene).answer == Ask()
    assert not isinstance(find_place(World({"live": BOTH, "verdicts": {"1-smoke-0": "PASS"}}).scene).answer, Passed)
