"""What differs in place: only what is declared, and never what others have set."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rollout.core.actions import FieldChange
from rollout.core.observed import Deployment, Endpoint
from rollout.core.release import EndpointSpec
from rollout.core.settings import deployment_changes, differences, endpoint_changes, revision_changes
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
