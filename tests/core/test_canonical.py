"""Canonical reading of ARM's JSON: the same world, however it is spelled, is the same value."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.core.canonical import (
    DEFAULTS,
    arm_id,
    asset_id,
    content_of,
    identity_of,
    milliseconds,
    read_deployment,
    read_endpoint,
)
from rollout.core.observed import Deployment, Endpoint, weights
from rollout.errors import AzureError

RECORDINGS = Path(__file__).parents[2].parent / "shared" / "corpus" / "rest" / "recordings"
WORKSPACE = "/subscriptions/S1/resourceGroups/RG/providers/Microsoft.MachineLearningServices/workspaces/WS"
ENDPOINT_ID = f"{WORKSPACE}/onlineEndpoints/House"


def deployment(state: str = "Succeeded", **properties: Any) -> dict[str, Any]:
    """A deployment's body as the service sends it."""
    return {
        "id": f"{ENDPOINT_ID}/deployments/Blue",
        "name": "Blue",
        "tags": {"team": "ml", "rollout.revision": "r1", "rollout.born": "b1"},
        "sku": {"name": "Default", "tier": "Standard", "capacity": 3},
        "properties": {
            "provisioningState": state,
            "instanceType": "Standard_DS3_v2",
            "model": f"{WORKSPACE}/models/Regress/versions/7",
            "environmentId": f"{WORKSPACE}/environments/sk/versions/2",
            "codeConfiguration": {"codeId": f"{WORKSPACE}/codes/abc/versions/1", "scoringScript": "score.py"},
            "environmentVariables": {"A": "1"},
            "properties": {"AzureAsyncOperationUri": "https://arm/op"},
            **properties,
        },
    }


def endpoint(**properties: Any) -> dict[str, Any]:
    """An endpoint's body as the service sends it."""
    return {
        "id": ENDPOINT_ID,
        "name": "House",
        "tags": {"team": "ml", "rollout.plan": "1{}~00000000"},
        "location": "eastus2",
        "identity": {"type": "SystemAssigned", "principalId": "p", "tenantId": "t"},
        "systemData": {"lastModifiedAt": "2022-10-28T19:14:54.2541612+00:00"},
        "properties": {
            "provisioningState": "Succeeded",
            "authMode": "AMLToken",
            "traffic": {"Blue": 90, "green": 10, "old": 0},
            "mirrorTraffic": {},
            "scoringUri": "https://house/score",
            "swaggerUri": "https://house/swagger.json",
            "publicNetworkAccess": "Disabled",
            "description": None,
            "properties": {"azureml.onlineendpointid": "x", "AzureAsyncOperationUri": "https://arm/op", "k": "v"},
            **properties,
        },
    }


ECHOED: dict[str, Any] = {
    "requestSettings": {
        "maxQueueWait": "PT0S",
        "requestTimeout": "PT5S",
        "maxConcurrentRequestsPerInstance": 1,
    },
    "livenessProbe": {
        "failureThreshold": 30,
        "successThreshold": 1,
        "timeout": "PT2S",
        "period": "PT10S",
        "initialDelay": "PT10S",
    },
    "appInsightsEnabled": False,
    "egressPublicNetworkAccess": "Enabled",
    "description": "",
}
UNFINISHED: dict[str, Any] = {
    "requestSettings": {"maxQueueWait": None, "requestTimeout": "PT0S", "maxConcurrentRequestsPerInstance": 1},
    "livenessProbe": None,
    "readinessProbe": None,
    "appInsightsEnabled": None,
}


def test_an_endpoint_is_read_whole() -> None:
    """Every field of the snapshot, from one body."""
    assert read_endpoint(endpoint()) == Endpoint(
        name="house",
        id=ENDPOINT_ID.lower(),
        weights=weights({"blue": 90, "green": 10}),
        tags={"team": "ml", "rollout.plan": "1{}~00000000"},
        fields={
            "description": "",
            "auth_mode": "aml_token",
            "public_network_access": "disabled",
            "identity": {"type": "system_assigned"},
            "properties": {"k": "v"},
            "tags": {"team": "ml"},
        },
        scoring_uri="https://house/score",
        swagger_uri="https://house/swagger.json",
        auth_mode="aml_token",
        location="eastus2",
        modified=datetime(2022, 10, 28, 19, 14, 54, 254161, UTC),
        operation="https://arm/op",
    )


def test_a_deployment_is_read_whole() -> None:
    """Every field of the snapshot, with the server's defaults filled in."""
    found = read_deployment(deployment())
    expected = {
        **DEFAULTS,
        "model": "azureml:regress:7",
        "code": "azureml:abc:1",
        "scoring_script": "score.py",
        "environment": "azureml:sk:2",
        "environment_variables.A": "1",
        "instance_type": "standard_ds3_v2",
        "model_mount_path": "",
        "tags": {"team": "ml"},
    }
    assert found == Deployment(
        name="blue",
        state="Succeeded",
        count=3,
        revision="r1",
        born="b1",
        content=content_of(expected),
        instance_type="standard_ds3_v2",
        fields=expected,
        tags={"team": "ml", "rollout.revision": "r1", "rollout.born": "b1"},
        operation="https://arm/op",
    )


@pytest.mark.parametrize("spelled", [{}, ECHOED, UNFINISHED], ids=["absent", "echoed", "unfinished"])
def test_defaults_compare_equal_however_they_are_said(spelled: dict[str, Any]) -> None:
    """Absent, null before success, and echoed after it are one value."""
    assert read_deployment(deployment(**spelled)).fields == read_deployment(deployment()).fields


def test_declared_settings_are_not_taken_for_defaults() -> None:
    """Values other than the defaults survive, a zero `initial_delay` among them."""
    fields = read_deployment(
        deployment(
            requestSettings={
                "requestTimeout": "PT1M30S",
                "maxConcurrentRequestsPerInstance": 4,
                "maxQueueWait": "PT0.25S",
            },
            livenessProbe={"initialDelay": "PT0S", "period": "PT5S", "timeout": "PT1S", "failureThreshold": 3},
        )
    ).fields
    assert {key: fields[key] for key in DEFAULTS if fields[key] != DEFAULTS[key]} == {
        "request_settings.request_timeout_ms": 90000,
        "request_settings.max_concurrent_requests_per_instance": 4,
        "request_settings.max_queue_wait_ms": 250,
        "liveness_probe.initial_delay": 0,
        "liveness_probe.period": 5,
        "liveness_probe.timeout": 1,
        "liveness_probe.failure_threshold": 3,
    }


@pytest.mark.parametrize("state", ["Creating", "Updating", "Scaling", "Failed"])
def test_content_is_said_only_of_what_has_succeeded(state: str) -> None:
    """While it is worked on the service shows half-filled fields: no digest then."""
    assert read_deployment(deployment(state)).content == ""


def test_content_ignores_settings_and_count_and_sees_the_rest() -> None:
    """Tags, description and count are not what a deployment is; a variable is."""
    body = deployment()
    other = {
        **deployment(description="new"),
        "tags": {"team": "x", "rollout.revision": "r2"},
        "sku": {"capacity": 9},
    }
    assert read_deployment(other).content == read_deployment(body).content
    assert read_deployment(deployment(environmentVariables={"A": "2"})).content != read_deployment(body).content


def test_a_state_that_is_not_said_is_not_trusted() -> None:
    """An empty body has no state, and is not ready."""
    assert read_deployment({}).state == "Unknown"
    assert not read_deployment({"properties": None, "tags": None, "sku": None}).ready


@pytest.mark.parametrize("body", [None, [], "gone"], ids=repr)
def test_what_is_no_resource_is_not_read(body: Any) -> None:
    """An entry that is null, or anything but an object, may hide what serves."""
    with pytest.raises(AzureError, match="where the resource should be"):
        read_deployment(body)


def test_any_mapping_is_an_object_and_anything_else_is_nothing() -> None:
    """Bodies that are shown read-only are read alike; what is of another kind counts as absent where it may be."""
    body = deployment()
    shown = MappingProxyType({**body, "properties": MappingProxyType(body["properties"])})
    assert read_deployment(shown | {"sku": MappingProxyType({"capacity": 7})}).count == 7
    assert read_deployment(shown | {"sku": MappingProxyType(body["sku"])}) == read_deployment(body)
    assert read_deployment(shown | {"sku": ["large"]}).count == 1


def test_an_operation_without_an_address_is_none() -> None:
    """The service leaves the member empty when it has nothing to follow."""
    assert read_deployment(deployment(properties={"AzureAsyncOperationUri": ""})).operation is None
    assert read_endpoint(endpoint(properties={"AzureAsyncOperationUri": ""})).operation is None


def test_deployments_come_in_the_order_of_their_names() -> None:
    """The list's order is the service's mood, not a difference."""
    blue, green = deployment(), {**deployment(), "name": "GREEN"}
    assert read_endpoint(endpoint(), [green, blue]) == read_endpoint(endpoint(), [blue, green])


@pytest.mark.parametrize(
    ("value", "canonical"),
    [
        ("azureml:Regress:7", "azureml:regress:7"),
        (f"{WORKSPACE}/models/Regress/versions/7", "azureml:regress:7"),
        (f"azureml:{WORKSPACE}/models/Regress/versions/7", "azureml:regress:7"),
        (
            "azureml://subscriptions/S1/resourceGroups/RG/workspaces/WS/models/Regress/versions/7",
            "azureml:regress:7",
        ),
        (
            "azureml://registries/azureml/models/Regress/versions/7",
            "azureml://registries/azureml/models/regress/versions/7",
        ),
        (
            f"{WORKSPACE}2/models/Regress/versions/7",
            f"{arm_id(WORKSPACE)}2/models/regress/versions/7",
        ),
        (None, ""),
    ],
)
def test_asset_references_have_one_spelling(value: str | None, canonical: str) -> None:
    """Short, long and ARM ids of the workspace's own assets are one; others keep their home."""
    assert asset_id(value, arm_id(WORKSPACE)) == canonical


@pytest.mark.parametrize(
    ("kind", "ids", "expected"),
    [
        ("SystemAssigned", (), {"type": "system_assigned"}),
        ("None", (), {"type": "none"}),
        ("", (), {"type": "none"}),
        (
            "UserAssigned, SystemAssigned",
            ("/B/", "/a"),
            {"type": "system_assigned,user_assigned", "user_assigned_identities": ["/a", "/b"]},
        ),
    ],
)
def test_identities_speak_the_plans_words(kind: str, ids: tuple[str, ...], expected: dict[str, Any]) -> None:
    """ARM's identity types in the words of `az ml` files."""
    assert identity_of(kind, ids) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT5S", 5000),
        ("PT0.5S", 500),
        ("PT1H30M", 5_400_000),
        ("P1D", 86_400_000),
        ("pt2s", 2000),
        ("5", None),
        (5, None),
    ],
)
def test_durations_become_milliseconds(text: Any, expected: int | None) -> None:
    """ISO 8601 in; None for what is no duration."""
    assert milliseconds(text) == expected


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=3)))
def test_any_duration_is_read_to_the_millisecond(span: timedelta) -> None:
    """Hours, minutes and seconds in any amount."""
    total = span // timedelta(milliseconds=1)
    minutes, rest = divmod(total, 60_000)
    assert milliseconds(f"PT{minutes}M{rest / 1000}S") == total


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
KNOWN = sorted({*endpoint()["properties"], *deployment()["properties"], *ECHOED, "readinessProbe", "newMember"})


@given(
    st.dictionaries(st.sampled_from(KNOWN), st.none()),
    st.dictionaries(st.text().map("new{}".format), JSON_VALUES, max_size=3),
)
def test_null_and_unknown_members_never_matter(nulls: dict[str, None], unknown: dict[str, Any]) -> None:
    """A member that is null reads as one that is missing; one that nobody knows is not seen."""
    full = deployment(**ECHOED)["properties"]
    missing = {key: value for key, value in full.items() if key not in nulls}
    bodies = ({**deployment(), "properties": found} for found in ({**full, **nulls, **unknown}, missing))
    first, second = (read_deployment(body) for body in bodies)
    assert first == second


@given(st.dictionaries(st.sampled_from(["Blue", "green", "RED"]), st.integers(0, 100)))
def test_weights_do_not_depend_on_spelling(split: dict[str, int]) -> None:
    """Upper case and zeroes are not differences."""
    lower = {name.lower(): weight for name, weight in split.items() if weight}
    assert read_endpoint(endpoint(traffic=split)).weights == read_endpoint(endpoint(traffic=lower)).weights


@pytest.mark.skipif(not RECORDINGS.exists(), reason="the recorded answers of the service are not here")
def test_recorded_bodies_are_read() -> None:
    """What the real service answered: creation in flight, then the finished endpoint with its deployment."""
    entries = json.loads((RECORDINGS / "online_deployment_e2e.json").read_text())["entries"]
    created = read_endpoint(entries[0]["response"])
    assert (created.state, created.auth_mode, created.weights) == ("Creating", "aml_token", weights({}))
    assert created.operation is not None
    assert created.operation.endswith("api-version=2022-02-01-preview")
    assert created.fields["properties"] == {}
    finished = next(entry["response"] for entry in entries if "final GET" in (entry.get("note") or ""))
    after = read_endpoint(finished)
    assert after.state == "Succeeded"
    assert [weight for _, weight in after.weights.traffic] == [100]
