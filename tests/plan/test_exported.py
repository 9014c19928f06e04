"""From ARM's bodies to `az ml` documents and back: the same fields, proven, whatever the service can show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from rollout.core.canonical import read_endpoint
from rollout.core.observed import Endpoint
from rollout.core.proof import Proof, prove
from rollout.core.settings import differences
from rollout.plan.importing import imported
from rollout.plan.load import load_release

HOME = "/subscriptions/S1/resourceGroups/RG/providers/Microsoft.MachineLearningServices/workspaces/WS"
USER = "/subscriptions/s1/resourcegroups/rg/providers/microsoft.managedidentity/userassignedidentities/me"


def deployment(**properties: Any) -> dict[str, Any]:
    """A live deployment's body."""
    return {
        "id": f"{HOME}/onlineEndpoints/House/deployments/Blue",
        "name": "Blue",
        "tags": {"team": "ml"},
        "sku": {"capacity": 3},
        "properties": {
            "provisioningState": "Succeeded",
            "endpointComputeType": "Managed",
            "instanceType": "Standard_DS3_v2",
            "model": f"{HOME}/models/Prices/versions/7",
            "environmentId": f"{HOME}/environments/Runtime/versions/2",
            "codeConfiguration": {"codeId": f"{HOME}/codes/abc/versions/1", "scoringScript": "score.py"},
            "scaleSettings": {"scaleType": "Default"},
            **properties,
        },
    }


def endpoint(**more: Any) -> dict[str, Any]:
    """A live endpoint's body; blue serves."""
    properties = {
        "provisioningState": "Succeeded",
        "authMode": "Key",
        "publicNetworkAccess": "Enabled",
        "traffic": {"Blue": 100},
        "scoringUri": "https://house/score",
        "properties": {"azureml.onlineendpointid": "x", "createdBy": "somebody", "mine": "1"},
    }
    return {
        "id": f"{HOME}/onlineEndpoints/House",
        "name": "House",
        "tags": {},
        "location": "eastus2",
        "identity": {"type": "SystemAssigned", "principalId": "p", "tenantId": "t"},
        "properties": {**properties, **more.pop("properties", {})},
        **more,
    }


def back(folder: Path, body: dict[str, Any], blue: dict[str, Any]) -> tuple[Endpoint, Any]:
    """Imported and loaded again; the live endpoint, and the release."""
    live = read_endpoint(body, [blue])
    for name, text in imported(live, body, {"blue": blue}).files.items():
        (folder / name).write_text(text)
    return live, load_release(folder / "plan.yml").release


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"model": "azureml://registries/azureml/models/bert/versions/3"},
        {"model": {"assetId": f"{HOME}/models/Prices/versions/7"}},
        {"codeConfiguration": None},
        {"environmentVariables": {"A.B": "1", "C": ""}, "description": "x", "modelMountPath": "/var/m"},
        {"egressPublicNetworkAccess": "Disabled", "appInsightsEnabled": True},
        {"requestSettings": {"requestTimeout": "PT1M30S", "maxConcurrentRequestsPerInstance": 9}},
        {"livenessProbe": {"initialDelay": "PT0S", "period": "PT30S"}, "readinessProbe": {"failureThreshold": 3}},
        {
            "dataCollector": {
                "rollingRate": "Day",
                "collections": {
                    "in": {"dataCollectionMode": "Enabled", "samplingRate": 0.5, "dataId": f"{HOME}/data/d/versions/1"},
                    "out": {"dataCollectionMode": "Disabled", "dataId": f"{HOME}/data/House-Blue-out/versions/1"},
                },
            }
        },
        {
            "endpointComputeType": "Kubernetes",
            "instanceType": "small",
            "scaleSettings": {"scaleType": "TargetUtilization", "minInstances": 1, "pollingInterval": "PT10S"},
            "containerResourceRequirements": {"containerResourceRequests": {"cpu": "1", "memory": "2Gi"}},
        },
        {"properties": {"AzureAsyncOperationUri": "u", "private-network-connection": "True", "own": "v"}},
    ],
)
def test_a_deployment_comes_back(tmp_path: Path, properties: dict[str, Any]) -> None:
    """Declared is exactly what is live: proven, without a rest."""
    cluster = {"compute": f"{HOME}/computes/Aks"} if properties.get("endpointComputeType") == "Kubernetes" else {}
    live, release = back(tmp_path, endpoint(properties=cluster), deployment(**properties))
    assert prove(release.candidate, live.deployments[0], exact=True) is Proof.PROVEN
    assert release.candidate.count == 3


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"tags": {"team": "ml", "rollout.plan": "broken"}},
        {"properties": {"authMode": "AADToken", "publicNetworkAccess": "Disabled", "description": "d"}},
        {"identity": {"type": "UserAssigned", "userAssignedIdentities": {USER: {"clientId": "c"}}}},
        {"identity": {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {USER.upper(): {}}}},
        {"identity": {"type": "None"}},
    ],
)
def test_an_endpoint_comes_back(tmp_path: Path, more: dict[str, Any]) -> None:
    """No declared field differs; our tags and what the service writes are not declared."""
    live, release = back(tmp_path, endpoint(**more), deployment())
    assert list(differences(release.endpoint.fields, live.fields)) == []
    document = yaml.safe_load((tmp_path / "endpoint.yml").read_text())
    assert (document["name"], document["properties"]) == ("House", {"mine": "1"})
    assert not [name for name in document.get("tags", {}) if name.startswith("rollout.")]


def test_assets_keep_their_own_spelling(tmp_path: Path) -> None:
    """By name and version where they are the workspace's own; sizes as the service writes them."""
    back(tmp_path, endpoint(), deployment())
    document = yaml.safe_load((tmp_path / "deployment.yml").read_text())
    assert (document["model"], document["environment"], document["instance_type"]) == (
        "azureml:Prices:7",
        "azureml:Runtime:2",
        "Standard_DS3_v2",
    )
