"""What a decision depends on, field by field; and what is told where it is another one."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from rollout.core.fingerprint import Changed, Fingerprint, differences, fingerprint, told
from rollout.core.observed import Deployment, Endpoint, Observation, weights
from rollout.core.progress import Progress, Promoted, to_tags
from rollout.core.release import EndpointSpec
from tests.cases.world import at
from tests.worlds.plans import roles

PLAN = roles("v2")
RELEASE = replace(
    PLAN,
    endpoint=EndpointSpec(name="house", fields={"auth_mode": "key", "tags": {"team": "ml"}, "identity": {"type": "x"}}),
    candidate=replace(PLAN.candidate, settings={"description": "the v2", "tags": {"cost": "7"}}),
)
BLUE = Deployment(
    name="blue",
    state="Succeeded",
    count=3,
    revision="v1",
    born="b1",
    content="c1",
    instance_type="Standard_DS3_v2",
    fields={
        "model": "azureml:m:v1",
        "instance_type": "Standard_DS3_v2",
        "description": "the v1",
        "properties.team": "ml",
        "environment_variables.MODE": "fast",
        "environment_variables.API_KEY": "hunter2",
        "egress": None,
    },
)
GREEN = replace(
    BLUE,
    name="green",
    count=1,
    revision="v2",
    born="b2",
    content="c2",
    fields={
        "model": "sha256:aa",
        "code": "sha256:bb",
        "environment": "azureml:e:1",
        "environment.image": "i:1",
        "description": "old",
        "x": "1",
    },
    tags={"cost": "8", "theirs": "9"},
)
RECORD = Progress(plan="plan", promoted=Promoted(name="blue", revision="v1", born="b1", content="c1"))
LIVE = Endpoint(
    name="house",
    weights=weights({"blue": 90, "green": 10}, {"red": 5}),
    deployments=(BLUE, GREEN),
    tags=to_tags(RECORD),
    fields={"auth_mode": "aad_token", "tags": {"team": "web", "theirs": "1"}, "identity": None, "description": "x"},
)
LOOK: Fingerprint = {
    "endpoint": {
        "state": "Succeeded",
        "traffic": "blue=90 green=10",
        "mirror": "red=5",
        "promoted": "blue v1",
        "auth_mode": "aad_token",
        "tags.team": "web",
        "identity.type": None,
    },
    "blue": {
        "state": "Succeeded",
        "revision": "v1",
        "instance_type": "standard_ds3_v2",
        "instance_count": 3,
        "content": "c1",
        "model": "azureml:m:v1",
        "environment_variables.MODE": "sha256:115dc3606fbf",
    },
    "green": {
        "state": "Succeeded",
        "revision": "v2",
        "instance_type": "standard_ds3_v2",
        "instance_count": 1,
        "description": "old",
        "tags.cost": "8",
        "content": "c2",
        "model": "sha256:aa",
        "code": "sha256:bb",
        "environment": "azureml:e:1",
        "environment.image": "i:1",
        "x": "1",
    },
    "red": {"exists": False},
}


def printed(live: Endpoint | None = LIVE, made: frozenset[str] = frozenset(), **release: Any) -> Fingerprint:
    """The fingerprint of that look."""
    return fingerprint(replace(RELEASE, **release), Observation(live, at(60)), made)


def test_a_look() -> None:
    """Whatever the plan manages or relies on: the settings of its own goal, the content of whatever has weight."""
    assert printed() == LOOK
    assert printed(None) == {"endpoint": {"exists": False}}


def test_what_was_made_on_the_way_is_known_by_its_declaration() -> None:
    """Not what the service will call its local parts, nor the digest of what it will echo."""
    missing = {"content", "model", "code", "environment.image"}
    expected = {path: value for path, value in LOOK["green"].items() if path not in missing}

    assert printed(made=frozenset({"green"})) == {**LOOK, "green": expected}


def test_whose_endpoint_it_is() -> None:
    """Another plan's is told as such; of what is promoted nothing where nobody knows."""
    others = replace(LIVE, tags=to_tags(replace(RECORD, plan="other")))
    bare = replace(LIVE, tags={})

    assert printed(others)["endpoint"]["plan"] == "other"
    assert "plan" not in printed()["endpoint"]
    assert printed(bare)["endpoint"]["promoted"] == ""


@pytest.mark.parametrize(
    ("blue", "capacity", "counted"),
    [
        pytest.param(BLUE, "match", ["blue", "green"], id="nobody else counts"),
        pytest.param(replace(BLUE, autoscaled=True), "match", [], id="green follows blue's autoscaler"),
        pytest.param(replace(BLUE, autoscaled=True), "declared", ["green"], id="green is as declared"),
    ],
)
def test_whose_counts_are_a_part_of_it(blue: Deployment, capacity: str, counted: list[str]) -> None:
    """Not those that an autoscaler moves, directly or by what is matched to it."""
    found = printed(replace(LIVE, deployments=(blue, GREEN)), capacity=capacity)

    assert [name for name, fields in found.items() if "instance_count" in fields] == counted


def moved(live: Fingerprint) -> list[str]:
    """What is told of a world that was as in `LOOK` when it was approved."""
    return [str(one) for one in differences(LOOK, live)]


def test_what_is_told_of_another_world() -> None:
    """The endpoint first; a deployment that came or went in one line; its content only where nothing else shows it."""
    assert moved(LOOK) == []
    assert moved(
        {**LOOK, "endpoint": {**LOOK["endpoint"], "mirror": ""}, "blue": {"exists": False}, "red": {"x": 1}}
    ) == [
        "endpoint: mirror is none, approved was red=5",
        "blue: exists is false, approved was true",
        "red: exists is true, approved was false",
    ]
    assert moved({"endpoint": LOOK["endpoint"], "green": {**LOOK["green"], "content": "c3"}}) == [
        "blue: exists is false, approved was true",
        "green: content is c3, approved was c2",
    ]
    assert moved({**LOOK, "green": {**LOOK["green"], "content": "c3", "x": "2"}}) == ["green: x is 2, approved was 1"]


def test_both_sides_of_a_change() -> None:
    """As they are, for whoever reads the document."""
    assert differences(LOOK, {**LOOK, "blue": {}}) == tuple(
        Changed(target="blue", path=path, approved=LOOK["blue"][path], live=None)
        for path in sorted(LOOK["blue"])
        if path != "content"
    )
    assert differences({"blue": {}}, {}) == (Changed(target="blue", path="exists", approved=True, live=False),)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "none"),
        ("", "none"),
        (True, "true"),
        (False, "false"),
        ("x", "x"),
        (3, "3"),
        ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
    ],
)
def test_a_value_in_a_sentence(value: Any, said: str) -> None:
    """As JSON, in one order; texts without quotes."""
    assert told(value) == said
