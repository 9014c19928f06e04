"""Declared and live, field by field: what the plan moved is pending, what the world moved is drift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from rollout.core import untaken
from rollout.core.actions import FieldChange
from rollout.core.codes import codes
from rollout.core.differences import Compared, Difference, Same, compared, settings_spec
from rollout.core.observed import Deployment, Endpoint, all_to
from rollout.core.progress import Progress, Promoted
from rollout.core.release import EndpointSpec, Release
from rollout.core.scene import scene
from rollout.core.stamp import SETTINGS_TAG
from tests.cases.world import at
from tests.worlds.plans import literal, roles

DECLARED: dict[str, Any] = {"description": "new", "auth_mode": "key", "tags": {"team": "ml"}}
SETTINGS: dict[str, Any] = {"description": "new", "tags": {"team": "ml"}}
BLUE = Deployment(
    name="blue",
    state="Succeeded",
    count=2,
    revision="v1",
    born="b",
    content="c1",
    fields={"model": "azureml:m:v1", "description": "old"},
    tags={"team": "web"},
)
LIVE = Endpoint(
    name="house",
    weights=all_to("blue"),
    deployments=(BLUE,),
    fields={"description": "old", "auth_mode": "key", "tags": {"team": "web", "theirs": "x"}},
)
RECORD = Progress(plan="plan", promoted=Promoted(name="blue", revision="v1", count=2, born="b", content="c1"))
COUNT = Same(target="blue", path="instance_count", value=2)
DESCRIPTION: dict[str, Any] = {"path": "description", "before": "old", "after": "new"}
TEAM: dict[str, Any] = {"path": "tags.team", "before": "web", "after": "ml"}


def declaring(fields: Mapping[str, Any], settings: Mapping[str, Any] | None = None, count: int = 1) -> Release:
    """A plan whose goal serves already, with those endpoint fields and settings."""
    release = roles("v1")
    candidate = replace(release.candidate, settings=settings or {}, count=count)
    return replace(release, endpoint=EndpointSpec(name="house", fields=fields), candidate=candidate)


def told(release: Release, live: Endpoint = LIVE, record: Progress = RECORD) -> Compared:
    """What comparing shows."""
    return compared(scene(release, live, record, at(60), {}, frozenset()))


def serving(blue: Deployment) -> Endpoint:
    """The same endpoint with that deployment."""
    return replace(LIVE, deployments=(blue,))


@pytest.mark.parametrize(
    ("written", "pending", "drift"),
    [
        pytest.param({}, [DESCRIPTION, TEAM], [], id="never written"),
        pytest.param(DECLARED, [], [DESCRIPTION, TEAM], id="written as declared"),
        pytest.param({"description": "new", "tags": {"team": "other"}}, [TEAM], [DESCRIPTION], id="one of the two"),
    ],
)
def test_who_moved_an_endpoint_field(written: Any, pending: list[Any], drift: list[Any]) -> None:
    """A value that we have written was live once: that it is not any more is drift."""
    found = told(declaring(DECLARED), record=replace(RECORD, declared=codes(written) if written else ""))

    assert found == Compared(
        pending=tuple(Difference(target="endpoint", **each) for each in pending),
        drift=tuple(Difference(target="endpoint", **each) for each in drift),
        unchanged=(Same(target="endpoint", path="auth_mode", value="key"), COUNT),
    )


@pytest.mark.parametrize(("written", "known"), [({}, False), (SETTINGS, True)])
def test_who_moved_a_setting(written: Any, known: bool) -> None:
    """Of what serves, by the codes in its own tags."""
    blue = replace(BLUE, tags={**BLUE.tags, **({SETTINGS_TAG: codes(written)} if known else {})})
    found = told(declaring({}, SETTINGS), serving(blue))

    moved = (Difference(target="blue", **DESCRIPTION), Difference(target="blue", **TEAM))
    assert (found.pending, found.drift) == (((), moved) if known else (moved, ()))
    assert found.unchanged == (COUNT,)


def test_settings_are_those_of_the_file_that_serves() -> None:
    """Another goal's file says nothing about it; without a stable there is nothing to compare."""
    release = replace(roles("v2"), candidate=replace(roles("v2").candidate, settings=SETTINGS))

    assert told(release).pending == (
        Difference(target="green", path="model", before="azureml:m:v1", after="azureml:m:v2"),
    )
    nothing = scene(release, Endpoint(name="house"), None, at(60), {}, frozenset())
    assert settings_spec(nothing) is None
    here = scene(declaring({}, SETTINGS), LIVE, RECORD, at(60), {}, frozenset())
    assert settings_spec(here) == declaring({}, SETTINGS).candidate


@pytest.mark.parametrize(
    ("asked", "had", "pending", "drift"),
    [
        pytest.param(1, 2, [], [], id="more than declared"),
        pytest.param(2, 2, [], [], id="as declared"),
        pytest.param(3, 2, [3], [], id="the plan wants more"),
        pytest.param(3, 3, [], [3], id="somebody took one"),
        pytest.param(3, 5, [], [3], id="somebody took some"),
    ],
)
def test_counts_are_floors(asked: int, had: int, pending: list[int], drift: list[int]) -> None:
    """Fewer than declared is drift where there were enough when it was promoted."""
    assert RECORD.promoted is not None
    found = told(declaring({}, count=asked), record=replace(RECORD, promoted=replace(RECORD.promoted, count=had)))

    def short(counts: list[int]) -> tuple[Difference, ...]:
        return tuple(Difference(target="blue", path="instance_count", before=2, after=count) for count in counts)

    assert (found.pending, found.drift) == (short(pending), short(drift))
    assert found.unchanged == (() if pending or drift else (COUNT,))


def test_an_autoscalers_count_is_not_compared() -> None:
    """It is somebody else's."""
    assert told(declaring({}, count=9), serving(replace(BLUE, autoscaled=True))) == Compared()


@pytest.mark.parametrize(
    ("change", "noted"),
    [
        pytest.param(FieldChange("description", "old", "new"), "endpoint", id="of the endpoint"),
        pytest.param(FieldChange("blue.description", "old", "new"), "blue", id="of a deployment"),
        pytest.param(FieldChange("blue.description", "older", "new"), "", id="it had another value then"),
        pytest.param(FieldChange("description", "old", "newer"), "", id="another one was asked for"),
    ],
)
def test_what_the_service_did_not_take_is_neither(change: FieldChange, noted: str) -> None:
    """It is a note instead, as long as nothing changes."""
    fields = {"description": "new"}
    found = told(declaring(fields, fields), record=replace(RECORD, untaken=(untaken.code(change),)))

    assert [one.target for one in found.pending] == [one for one in ("endpoint", "blue") if one != noted]
    assert (found.drift, found.unchanged) == ((), (COUNT,))


def test_what_the_candidate_will_be() -> None:
    """Field by field beside what serves, whatever else is in its slot; what stays the same is told as such."""
    release = roles("v2")
    spec = replace(release.candidate, fields={"model": "azureml:m:v2", "scoring_script": "score.py"})
    blue = replace(BLUE, fields={"model": "azureml:m:v1", "scoring_script": "score.py"})
    red = replace(BLUE, name="green", revision="v0", fields={"model": "azureml:m:v0"})

    assert told(replace(release, candidate=spec), replace(LIVE, deployments=(blue, red))) == Compared(
        pending=(Difference(target="green", path="model", before="azureml:m:v1", after="azureml:m:v2"),),
        unchanged=(Same(target="green", path="scoring_script", value="score.py"),),
    )


def test_what_a_first_candidate_will_be() -> None:
    """Beside what is in its slot, where nothing serves."""
    there = (replace(BLUE, revision="v0"), replace(BLUE, name="green", revision="v9"))
    idle = Endpoint(name="house", deployments=there)

    (found,) = told(roles("v2"), idle, Progress(plan="plan")).pending

    assert (found.target, found.before, found.after) == ("blue", "azureml:m:v1", "azureml:m:v2")


@pytest.mark.parametrize("slot", ["blue", "green"])
def test_a_goal_that_lives_has_no_differences(slot: str) -> None:
    """Promoted, or on its way there."""
    green = replace(BLUE, name="green", revision="v2", content="c2", fields={"model": "azureml:m:v0"})
    live = LIVE if slot == "blue" else replace(LIVE, deployments=(BLUE, green))

    assert told(roles("v1" if slot == "blue" else "v2"), live).pending == ()


@pytest.mark.parametrize(("goal", "shown"), [("v1", True), ("v2", False)])
def test_what_was_changed_outside(goal: str, shown: bool) -> None:
    """On what is promoted, under its very name: told where its file is known."""
    changed = replace(BLUE, content="c9", fields={**BLUE.fields, "model": "azureml:m:v9"})
    drift = Difference(target="blue", path="model", before="azureml:m:v9", after="azureml:m:v1")

    assert told(roles(goal), serving(changed)).drift == ((drift,) if shown else ())
    by_name = literal(("blue", "v1"), ("green", "v2"))
    assert told(by_name, serving(changed)).drift == (drift,)
    assert told(by_name).drift == ()
