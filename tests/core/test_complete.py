"""The goal is promoted: settings, left-overs, and then nothing; in this order."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from rollout.core.actions import Action, DeleteDeployment, FieldChange, ScaleDeployment, UpdateDeployment
from rollout.core.complete import complete, drift_of, left_over
from rollout.core.decision import Decision, StageState, Status
from rollout.core.release import AnyStage, Release, Role, Scale
from rollout.core.scene import Scene, scene
from tests.cases.telling import action as told
from tests.cases.world import World, at
from tests.worlds import plans

PROMOTED: dict[str, Any] = {
    "live": {"blue": "v1", "green": "v2"},
    "split": "green=100",
    "record": {"promoted": "green=v2", "former": "blue=v1"},
}


def settled(release: Release | None = None, **case: Any) -> Scene:
    """`v2` is promoted in green; blue is left over. `release` in place of the case's plan."""
    world = World({**PROMOTED, **case})
    view = world.scene
    if release is None:
        return view
    return scene(release, view.endpoint, world.record, world.now, {}, frozenset())


def decided(view: Scene) -> Decision:
    """What `complete` says; it must say something."""
    found = complete(view)
    assert found is not None
    return found


def warm(count: int, line: str = "deploy, traffic 100, delete 100") -> Release:
    """A plan whose stable stays warm with that many instances behind the last traffic stage."""
    release = plans.roles("v2", line)
    stages: list[AnyStage] = list(release.stages)
    stages.insert(2, Scale(name="warm", role=Role.STABLE, count=count))
    return replace(release, stages=tuple(stages))


@pytest.mark.parametrize(
    "case",
    [
        pytest.param({"record": {"promoted": "blue=v1"}, "split": "blue=100"}, id="another revision is promoted"),
        pytest.param({"live": {}, "split": "none", "record": "none"}, id="nothing is promoted"),
        pytest.param(
            {"literal": ["blue=v1", "red=v2"], "record": {"promoted": "green=v2"}}, id="a literal plan's other name"
        ),
    ],
)
def test_it_is_not_for_it_to_say(case: dict[str, Any]) -> None:
    """A run, or another rule, decides."""
    assert complete(settled(**case)) is None


def test_settings_come_before_deletes() -> None:
    """One write after the other: endpoint, count, settings, deletes."""
    release = replace(
        plans.roles("v2", "deploy, scale 3, traffic 100, delete 0"),
        candidate=plans.spec("v2", description="new"),
        endpoint=replace(plans.roles("v2").endpoint, fields={"description": "house prices"}),
    )
    view = settled(release)

    assert [told(action) for action in drift_of(view)] == [
        "update endpoint: description None to 'house prices'",
        "scale green: 1 to 3",
        "update green: description None to 'new'",
    ]
    assert decided(view).actions == drift_of(view)[:1]


def test_drift_is_named_field_by_field() -> None:
    """Also where it is only reported."""
    release = replace(
        plans.roles("v2", "deploy, scale 3, traffic 100"), candidate=plans.spec("v2", description="new"), drift="report"
    )

    found = decided(settled(release))

    assert (found.status, found.drift) == (
        Status.DONE,
        (FieldChange("green.instance_count", 1, 3), FieldChange("description", None, "new")),
    )


def test_reported_drift_does_not_keep_from_cleaning_up() -> None:
    """A left-over is deleted when its time has come."""
    release = replace(plans.roles("v2", "deploy, scale 3, traffic 100, delete 0"), drift="report")

    assert [told(action) for action in decided(settled(release)).actions] == ["delete blue"]


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        pytest.param("v1", "scale blue: 1 to 2", id="fewer"),
        pytest.param("v1 x5", "scale blue: 5 to 2", id="more"),
        pytest.param("v1 x2", "", id="as many"),
        pytest.param("v1 x5 autoscaled", "", id="an autoscaler counts"),
        pytest.param("v1 x5 Failed", "", id="not ready"),
    ],
)
def test_what_was_stable_stays_warm(live: str, expected: str) -> None:
    """Behind promotion and without weight, a scale of stable is exact."""
    drift = drift_of(settled(warm(2), live={"blue": live, "green": "v2"}))

    assert [told(action) for action in drift] == ([expected] if expected else [])


def test_a_scale_of_stable_before_the_end_is_none_of_it() -> None:
    """It was for stable while it served."""
    release = warm(2, "deploy, traffic 10, traffic 100")
    assert isinstance(release.stages[2], Scale)

    assert drift_of(settled(release, live={"blue": "v1 x5", "green": "v2"})) == ()


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        pytest.param({}, ["blue"], id="the other slot"),
        pytest.param({"live": {"blue": "v1", "green": "v2", "red": "v0"}}, ["blue"], id="a stranger is nobody's"),
        pytest.param(
            {"live": {"live": "v0", "green": "v2"}, "record": {"promoted": "green=v2", "former": "live=v0"}},
            ["live"],
            id="what was adopted and replaced",
        ),
        pytest.param({"split": "blue=5 green=95"}, [], id="it has weight"),
        pytest.param({"split": "green=100, mirror blue=5"}, [], id="it is mirrored"),
        pytest.param({"live": {"green": "v2"}}, [], id="it is gone"),
        pytest.param({"literal": ["blue=v1", "green=v2"]}, ["blue"], id="a literal plan's stable"),
        pytest.param(
            {
                "literal": ["blue=v1", "green=v2"],
                "live": {"blue": "v1", "green": "v2", "red": "v0"},
                "record": {"promoted": "green=v2", "former": "red=v0"},
            },
            ["blue"],
            id="a literal plan knows two names",
        ),
        pytest.param({"split": "none"}, ["blue"], id="what is promoted is none, whatever became of its traffic"),
    ],
)
def test_what_is_left_over(case: dict[str, Any], expected: list[str]) -> None:
    """The former stable and free slots that live, without weight."""
    assert [found.name for found in left_over(settled(**case))] == expected


@pytest.mark.parametrize(
    ("line", "minute", "until"),
    [
        ("deploy, traffic 100", 10_000, "stays"),
        ("deploy, traffic 100, delete 0", 0, "now"),
        ("deploy, traffic 100, delete 100", 99, at(100)),
        ("deploy, traffic 100, delete 100", 100, "now"),
        ("deploy, traffic 100, delete 100, delete 20", 20, "now"),
    ],
)
def test_deletes_are_due_after_promotion(line: str, minute: int, until: Any) -> None:
    """Without such a stage nothing is deleted; of two the sooner counts."""
    found = decided(settled(plan=line, now=minute))

    match until:
        case "stays":
            assert (found.status, found.actions) == (Status.DONE, ())
        case "now":
            assert [type(action) for action in found.actions] == [DeleteDeployment]
        case _:
            assert (found.status, found.next_after) == (Status.WAIT, until)


def test_stages_are_all_behind() -> None:
    """Only a delete is open while something is left over."""
    line = "deploy, smoke, traffic 100, delete 100"

    assert [view.state for view in decided(settled(plan=line)).stages] == [StageState.SATISFIED] * 3 + [
        StageState.ACTIVE
    ]
    assert tuple(view.stage for view in decided(settled(plan=line)).stages) == plans.stages(line)
    assert {view.state for view in decided(settled(plan=line, live={"green": "v2"})).stages} == {StageState.SATISFIED}


def test_kinds_of_drift() -> None:
    """Counts are scaled, settings are updated: never one for the other."""
    release = replace(plans.roles("v2", "deploy, scale 3, traffic 100"), candidate=plans.spec("v2", description="new"))
    kinds: list[type[Action]] = [type(action) for action in drift_of(settled(release))]

    assert kinds == [ScaleDeployment, UpdateDeployment]


def test_drift_says_what_differs() -> None:
    """All the fields of one write, by name, and whose they are."""
    release = replace(
        plans.roles("v2", "deploy, traffic 100"),
        candidate=replace(plans.spec("v2"), settings={"description": "new", "tags": {"team": "ml"}}),
        endpoint=replace(plans.roles("v2").endpoint, fields={"description": "house prices", "owner": "ann"}),
    )

    assert [action.reason for action in drift_of(settled(release))] == [
        "the endpoint's description, owner differs from the file",
        "description, tags.team of green differs",
    ]
    assert [action.reason for action in drift_of(settled(warm(2)))] == ["blue stays warm with 2"]


def test_the_candidates_own_scale_is_none_of_stables() -> None:
    """Behind the last traffic stage, too; and it does not matter what else stands there."""
    candidate = plans.roles("v2", "deploy, traffic 100, scale 1")
    behind = plans.roles("v2", "deploy, traffic 100, bake 10")
    behind = replace(behind, stages=(*behind.stages, Scale(name="warm", role=Role.STABLE, count=2)))

    assert drift_of(settled(candidate, live={"blue": "v1 x5", "green": "v2"})) == ()
    assert [told(action) for action in drift_of(settled(behind))] == ["scale blue: 1 to 2"]


@pytest.mark.parametrize(
    ("since", "modified", "until"),
    [
        pytest.param(30, at(10), 130, id="since it is on record"),
        pytest.param(None, at(10), 110, id="since the service's last write"),
        pytest.param(None, None, 160, id="from now on"),
    ],
)
def test_what_a_delete_counts_from(since: int | None, modified: Any, until: int) -> None:
    """The best that is known."""
    view = settled(plan="deploy, traffic 100, delete 100", record={**PROMOTED["record"], "since": since})
    found = decided(replace(view, endpoint=replace(view.endpoint, modified=modified)))

    assert (found.status, found.next_after) == (Status.WAIT, at(until))
