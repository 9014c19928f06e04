"""What differs in place: only what is declared, and never what others have set."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rollout.core.actions import FieldChange
from rollout.core.observed import Deployment, Endpoint
from rollout.core.release import EndpointSpec
from rollout.core.settings import (
    alike,
    deployment_changes,
    differences,
    endpoint_changes,
    is_pinned,
    revision_changes,
)
from rollout.core.stamp import CONTENTS_TAG, deployment_tags
from tests.worlds.plans import spec

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
paths = st.sampled_from(["description", "auth_mode", "tags", "identity", "cost", "team"])
fields = st.dictionaries(paths, scalars | st.dictionaries(paths, scalars, max_size=3), max_size=4)


def merged(live: dict[str, Any], declared: dict[str, Any]) -> dict[str, Any]:
    """`live` after what is declared was written: maps are merged, the rest is replaced."""
    result = dict(live)
    for path, value in declared.items():
        inner = result.get(path)
        result[path] = merged(inner if isinstance(inner, dict) else {}, value) if isinstance(value, dict) else value
    return result


@given(declared=fields)
def test_what_is_as_declared_does_not_differ(declared: dict[str, Any]) -> None:
    """A converged endpoint is quiet."""
    assert list(differences(declared, merged({}, declared))) == []


@given(declared=fields, live=fields)
def test_what_is_not_declared_is_not_ours(declared: dict[str, Any], live: dict[str, Any]) -> None:
    """However much others have set: once ours is written, nothing differs."""
    assert list(differences(declared, merged(live, declared))) == []


@given(live=fields)
def test_nothing_declared_nothing_differs(live: dict[str, Any]) -> None:
    """A plan that says nothing about an endpoint leaves it alone."""
    assert list(differences({}, live)) == []


@given(declared=fields, live=fields)
def test_only_declared_paths_are_named(declared: dict[str, Any], live: dict[str, Any]) -> None:
    """Each with its live value and the declared one, which are not equal."""
    for change in differences(declared, live):
        wanted, found = _at(declared, change.path), _at(live, change.path)
        assert (change.before, change.after) == (found, wanted)
        assert found != wanted


@given(declared=fields, live=fields)
def test_every_change_is_named_once(declared: dict[str, Any], live: dict[str, Any]) -> None:
    """In the order of the names."""
    named = [change.path for change in differences(declared, live)]

    assert named == sorted(set(named), key=lambda path: path.split("."))


def _at(document: Any, path: str) -> Any:
    for part in path.split("."):
        document = document.get(part) if isinstance(document, dict) else None
    return document


LIVE = Deployment(
    name="blue",
    state="Succeeded",
    count=1,
    fields={"model": "azureml:m:v1", "description": "old"},
    tags={"team": "ml", "cost": "7"},
)


def test_endpoint_fields() -> None:
    """One tag of two, and the description; foreign tags are not in it."""
    live = Endpoint(name="house", fields={"description": "old", "auth_mode": "key", "tags": {"team": "ml", "x": "y"}})
    declared = EndpointSpec(name="house", fields={"description": "new", "auth_mode": "key", "tags": {"team": "web"}})

    assert endpoint_changes(declared, live) == (
        FieldChange("description", "old", "new"),
        FieldChange("tags.team", "ml", "web"),
    )


def test_settings_of_a_deployment() -> None:
    """Tags are read where the service keeps them."""
    declared = replace(spec("v1", description="new"), settings={"description": "new", "tags": {"team": "web"}})

    assert deployment_changes(declared, LIVE) == (
        FieldChange("description", "old", "new"),
        FieldChange("tags.team", "ml", "web"),
    )


def test_what_a_revision_changes() -> None:
    """Field by field; what stays the same is not told."""
    declared = replace(spec("v2"), fields={"model": "azureml:m:v2", "egress_public_network_access": "disabled"})

    assert revision_changes(declared, LIVE) == (
        FieldChange("egress_public_network_access", None, "disabled"),
        FieldChange("model", "azureml:m:v1", "azureml:m:v2"),
    )


def test_a_new_deployment_changes_everything() -> None:
    """There is nothing to compare with."""
    assert revision_changes(spec("v2"), None) == (FieldChange("model", None, "azureml:m:v2"),)


def test_local_contents_are_told_by_their_digests() -> None:
    """The service shows a folder as the asset it became; our tag says what it was made of."""
    declared = replace(spec("v2"), fields={"code": "sha256:same", "model": "sha256:other"})
    made = replace(declared, fields={"code": "sha256:same", "model": "sha256:was"})
    tags = deployment_tags("v1", "", made.fields)
    live = replace(LIVE, tags=tags, fields={"code": "azureml:c:1", "model": "azureml:m:1"})

    assert CONTENTS_TAG in tags
    assert revision_changes(declared, live) == (FieldChange("model", "azureml:m:1", "sha256:other"),)


def test_what_stays_as_it_is_is_no_change() -> None:
    """A registered asset that is there already; also without any tag of ours."""
    assert revision_changes(spec("v1"), LIVE) == ()


def test_a_registered_asset_is_compared_by_its_name() -> None:
    """What our tag says of it is older than what somebody put there since."""
    declared = spec("v2")
    live = replace(LIVE, tags=deployment_tags("v2", "", declared.fields))

    assert revision_changes(declared, live) == (FieldChange("model", "azureml:m:v1", "azureml:m:v2"),)


COLLECTED = "data_collector.collections.model_inputs"


@pytest.mark.parametrize(
    ("path", "declared", "live", "same"),
    [
        pytest.param(f"{COLLECTED}.data.path", "azureml://datastores/a", "azureml:b:1", True, id="where it lies"),
        pytest.param(f"{COLLECTED}.data.name", "a", "b", False, id="how it is called"),
        pytest.param("code.data.path", "a", "b", False, id="a path of something else"),
        pytest.param(f"{COLLECTED}.enabled", "True", "true", True, id="the service's letters"),
        pytest.param(f"{COLLECTED}.enabled", "True", "false", False, id="collected or not"),
        pytest.param("data_collector.rolling_rate", "Hour", "hour", False, id="letters matter elsewhere"),
        pytest.param("properties.team", 7, "7", True, id="properties are texts"),
        pytest.param("properties.team", 7, "8", False, id="other texts"),
        pytest.param("priority", 7, "7", False, id="a number is no text elsewhere"),
        pytest.param("priority", 7, 7, True, id="the same"),
        pytest.param("priority", 7, None, False, id="not there"),
    ],
)
def test_a_declared_field_and_a_live_one(path: str, declared: object, live: object, same: bool) -> None:
    """Equal as far as the service lets one see."""
    assert alike(path, declared, live) is same


@pytest.mark.parametrize(
    ("declared", "pinned"),
    [
        ("azureml:m:1", True),
        ("azureml:m@latest", False),
        ("azureml://datastores/models/paths/m", False),
        ("azureml://registries/shared/models/m/versions/1", True),
        ("/subscriptions/s/resourceGroups/g/providers/p/workspaces/w/models/m/versions/3", True),
        ("sha256:abc", False),
    ],
)
def test_what_names_one_version(declared: str, pinned: bool) -> None:
    """A label moves, a folder has no version."""
    assert is_pinned(declared) is pinned
