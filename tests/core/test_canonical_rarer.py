"""Bodies that say little, that say it in other words, and that are no bodies at all."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest

from rollout.core.canonical import DEFAULTS, arm_id, asset_id, compute_name, content_of, read_deployment, read_endpoint
from rollout.core.observed import Deployment, Endpoint
from rollout.errors import AzureError
from tests.core.test_canonical import WORKSPACE, deployment, endpoint


def test_an_empty_endpoint() -> None:
    """Everything is what the service assumes, or unknown."""
    fields = {
        "description": "",
        "auth_mode": "key",
        "public_network_access": "enabled",
        "identity": {"type": "none"},
        "properties": {},
        "tags": {},
    }

    assert read_endpoint({}) == Endpoint(name="", state="Unknown", fields=fields)
    assert read_endpoint({"identity": {}, "properties": None, "tags": None}) == read_endpoint({})


def test_an_empty_deployment() -> None:
    """One instance of nothing."""
    nothing = ("model", "code", "scoring_script", "environment", "instance_type", "model_mount_path")
    fields = {**DEFAULTS, **dict.fromkeys(nothing, ""), "tags": {}}

    assert read_deployment({}) == Deployment(name="", state="Unknown", count=1, fields=fields)


@pytest.mark.parametrize(
    ("properties", "shown"),
    [
        ({"appInsightsEnabled": True}, {"app_insights_enabled": True}),
        ({"egressPublicNetworkAccess": "Disabled"}, {"egress_public_network_access": "disabled"}),
        ({"modelMountPath": "/var/model"}, {"model_mount_path": "/var/model"}),
        ({"readinessProbe": {"period": "PT3S"}}, {"readiness_probe.period": 3}),
        ({"model": {"assetId": f"{WORKSPACE}/models/Other/versions/2"}}, {"model": "azureml:other:2"}),
        ({"properties": {"AzureAsyncOperationUri": "", "team": "ml"}}, {"properties.team": "ml"}),
    ],
)
def test_rarer_members_of_a_deployment(properties: dict[str, Any], shown: dict[str, Any]) -> None:
    """Each is one field, and no other is another one."""
    usual = read_deployment(deployment()).fields

    assert read_deployment(deployment(**properties)).fields == {**usual, **shown}


def test_an_operation_that_is_over_is_none() -> None:
    """The service leaves its property behind, empty."""
    assert read_deployment(deployment(properties={"AzureAsyncOperationUri": ""})).operation is None


def test_rarer_members_of_an_endpoint() -> None:
    """Its cluster, and the identities that somebody assigned."""
    identity = {"type": "UserAssigned", "userAssignedIdentities": {"/B": {}, "/a": None}}
    found = read_endpoint({**endpoint(compute=f"{WORKSPACE}/computes/AKS"), "identity": identity})

    assert found.fields["compute"] == "azureml:aks"
    assert found.fields["identity"] == {"type": "user_assigned", "user_assigned_identities": ["/a", "/b"]}


@pytest.mark.parametrize("said", ["AADToken", "aad_token", "AAD_TOKEN", "aadtoken"])
def test_sign_in_has_one_name(said: str) -> None:
    """Whichever the service chose."""
    assert read_endpoint(endpoint(authMode=said)).auth_mode == "aad_token"


@pytest.mark.parametrize(
    "said", ["aks", "azureml:AKS", f"{WORKSPACE}/computes/AKS/", "/workspaces/computes/computes/aks"]
)
def test_a_cluster_has_one_name(said: str) -> None:
    """By name, as an asset, or by its id."""
    assert compute_name(said) == "azureml:aks"


def test_ids_that_belong_to_nothing() -> None:
    """Without a workspace nothing is an asset of it."""
    assert asset_id("/models/M/versions/7", "") == "/models/m/versions/7"
    without = {**deployment(model="/models/M/versions/7"), "id": None}
    assert read_deployment(without).fields["model"] == "/models/m/versions/7"
    assert arm_id("/A/B//") == "/a/b"


@pytest.mark.parametrize(
    ("resource", "model", "shown"),
    [
        (f"{WORKSPACE}/onlineEndpoints/workspaces/deployments/blue", f"{WORKSPACE}/models/M/versions/7", "azureml:m:7"),
        ("/other/workspaces/ws/x", "/other/workspaces/ws/models/m/versions/7", ""),
        ("/subscriptions/s/workspaces", "/subscriptions/s/workspaces/models/m/versions/7", ""),
        ("/subscriptions/s/workspaces/ws", "/subscriptions/s/workspaces/ws/models/m/versions/7", "azureml:m:7"),
    ],
)
def test_which_workspace_a_deployment_lies_in(resource: str, model: str, shown: str) -> None:
    """The one its id begins with, whatever its endpoint is called; what is no id of Resource Manager's has none."""
    assert read_deployment({**deployment(model=model), "id": resource}).fields["model"] == (shown or model)


def test_properties_are_no_content() -> None:
    """The SDK writes some of its own; what they are called is none of a deployment's content."""
    fields = {"model": "azureml:m:1", "properties.team": "ml", "properties.cost.center": "7", "tags.team": "ml"}

    assert content_of(fields) == content_of({"model": "azureml:m:1"})


@pytest.mark.parametrize(
    ("said", "time"),
    [
        ("2022-10-28T19:14:54.2541612Z", datetime(2022, 10, 28, 19, 14, 54, 254161, UTC)),
        ("2022-10-28T19:14:54", datetime(2022, 10, 28, 19, 14, 54, tzinfo=UTC)),
        ("2022-10-28T19:14:54+02:00", datetime(2022, 10, 28, 17, 14, 54, tzinfo=UTC)),
        ("yesterday", None),
        (1666984494, None),
        (None, None),
    ],
)
def test_when_it_was_written(said: Any, time: datetime | None) -> None:
    """With or without a zone; what is no time is none."""
    assert read_endpoint({**endpoint(), "systemData": {"lastModifiedAt": said}}).modified == time


def test_any_mapping_is_a_body() -> None:
    """Not only what a JSON parser makes."""
    properties = endpoint()["properties"]
    wrapped = {**endpoint(), "properties": MappingProxyType({**properties, "traffic": MappingProxyType({"Blue": 100})})}

    assert read_endpoint(MappingProxyType(wrapped)) == read_endpoint(endpoint(traffic={"blue": 100}))


SHOWS = "the service shows {} where the {} should be"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, SHOWS.format("None", "resource")),
        ([], SHOWS.format("[]", "resource")),
        ({"tags": ["a"]}, SHOWS.format("['a']", "tags")),
        ({"properties": "x"}, SHOWS.format("'x'", "properties")),
        ({"identity": "x"}, SHOWS.format("'x'", "identity")),
        ({"identity": {"userAssignedIdentities": ["/a"]}}, SHOWS.format("['/a']", "userAssignedIdentities")),
        ({"properties": {"traffic": [90]}}, SHOWS.format("[90]", "traffic")),
        ({"properties": {"mirrorTraffic": 5}}, SHOWS.format("5", "mirrorTraffic")),
        ({"properties": {"properties": "p" * 50}}, SHOWS.format("'" + "p" * 39, "properties")),
        ({"properties": {"traffic": {"blue": True}}}, "the service shows the weight True for 'blue'"),
        ({"properties": {"traffic": {"blue": 0.5}}}, "the service shows the weight 0.5 for 'blue'"),
        ({"properties": {"mirrorTraffic": {"red": "9"}}}, "the service shows the weight '9' for 'red'"),
    ],
)
def test_what_is_no_body_is_not_read(body: Any, message: str) -> None:
    """It may hide what serves: nothing is decided then."""
    with pytest.raises(AzureError) as refused:
        read_endpoint(body)

    assert (str(refused.value), refused.value.code) == (message, "UnreadableAnswer")
