"""Bodies of writes: our fields changed, everything else as it was read."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.azure import writes
from rollout.core.actions import FieldChange
from rollout.core.canonical import read_deployment, read_endpoint
from rollout.core.observed import weights
from rollout.core.our_tags import ours
from rollout.core.progress import Progress, to_tags
from rollout.errors import Refused

HOME = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
PROGRESS = Progress(plan="house")
RAW: dict[str, Any] = {
    "id": "/x/onlineEndpoints/e",
    "name": "e",
    "type": "t",
    "kind": "Managed",
    "location": "eastus2",
    "systemData": {"createdAt": "2022"},
    "tags": {"team": "ml", "rollout.plan": "old"},
    "identity": {"type": "UserAssigned", "principalId": None, "userAssignedIdentities": {"/a": {"clientId": "c"}}},
    "sku": {"name": "Default", "capacity": 2},
    "properties": {
        "provisioningState": "Succeeded",
        "scoringUri": "https://e/score",
        "swaggerUri": "https://e/swagger.json",
        "description": None,
        "authMode": "Key",
        "traffic": {"blue": 100},
        "mirrorTraffic": {},
        "tomorrow": {"new": True},
        "properties": {"a": "b"},
    },
}
WRITABLE: dict[str, Any] = {
    "kind": "Managed",
    "location": "eastus2",
    "tags": {"team": "ml", "rollout.plan": "old"},
    "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/a": {}}},
    "sku": {"name": "Default", "capacity": 2},
    "properties": {
        "authMode": "Key",
        "traffic": {"blue": 100},
        "mirrorTraffic": {},
        "tomorrow": {"new": True},
        "properties": {"a": "b"},
    },
}


def test_what_nobody_knows_survives() -> None:
    """Unknown members go back as they came; read-only ones and nulls do not."""
    assert writes.writable(RAW) == WRITABLE


def test_weights_and_record_change_nothing_else() -> None:
    """One body with the new split and the new record; foreign tags stay, old ones of ours go."""
    split = weights({"blue": 90, "green": 10}, {"red": 5})
    body = writes.with_record(writes.with_weights(writes.writable(RAW), split), PROGRESS)
    assert body == {
        **WRITABLE,
        "tags": {"team": "ml", **to_tags(PROGRESS)},
        "properties": {
            **WRITABLE["properties"],
            "traffic": {"blue": 90, "green": 10},
            "mirrorTraffic": {"red": 5},
        },
    }


@pytest.mark.parametrize("split", [{"blue": 90}, {"blue": 100, "green": 1}])
def test_a_split_that_is_not_whole_is_never_written(split: dict[str, int]) -> None:
    """0 < sum < 100 would be an outage in part."""
    with pytest.raises(Refused, match="must sum to 100"):
        writes.with_weights(WRITABLE, weights(split))


def test_declared_fields_speak_arm() -> None:
    """Each canonical word in ARM's spelling; maps are merged, and only the writer's fields change."""
    fields = {
        "description": "new",
        "tags": {"TEAM": "core", "cost": 1},
        "auth_mode": "aad_token",
        "public_network_access": "disabled",
        "identity": {"type": "system_assigned"},
        "properties": {"c": "d"},
        "location": "westus",
    }
    assert writes.with_fields(WRITABLE, fields) == {
        **WRITABLE,
        "tags": {"TEAM": "core", "cost": "1", "rollout.plan": "old"},
        "identity": {"type": "SystemAssigned"},
        "properties": {
            **WRITABLE["properties"],
            "description": "new",
            "authMode": "AADToken",
            "publicNetworkAccess": "Disabled",
            "properties": {"a": "b", "c": "d"},
        },
    }
    assert WRITABLE["tags"] == {"team": "ml", "rollout.plan": "old"}


def test_written_fields_are_read_back_the_same() -> None:
    """What is declared, written and read is one canonical value."""
    fields = {
        "description": "d",
        "tags": {"a": "b"},
        "auth_mode": "aml_token",
        "public_network_access": "disabled",
        "identity": {"type": "user_assigned", "user_assigned_identities": ["/a", "/b"]},
    }
    body = writes.new_endpoint(fields, HOME, "eastus2", PROGRESS)
    assert read_endpoint(body).fields == {**fields, "properties": {}}
    assert ours(read_endpoint(body).tags) == to_tags(PROGRESS)


def test_a_kubernetes_endpoint_names_its_cluster() -> None:
    """By its ARM id in the workspace, as the SDK does; what is read back is what was declared."""
    body = writes.new_endpoint({"compute": "azureml:aks"}, HOME, "eastus2", PROGRESS)
    assert (body["kind"], body["properties"]["compute"]) == ("Kubernetes", f"{HOME}/computes/aks")
    assert read_endpoint(body).fields["compute"] == "azureml:aks"


def test_unknown_fields_are_refused() -> None:
    """A field that we cannot write is not passed over."""
    with pytest.raises(Refused, match="the endpoint field colour cannot be set"):
        writes.with_fields(WRITABLE, {"colour": "red"})


def test_settings_of_a_deployment_change_alone() -> None:
    """Description and tags, one by one or all; what it is stays as it was read."""
    changes = (
        FieldChange("description", "", "new"),
        FieldChange("tags.cost", None, "7"),
        FieldChange("tags.team", "ml", None),
    )
    body = writes.with_settings(WRITABLE, changes)
    assert body["tags"] == {"cost": "7", "rollout.plan": "old"}
    assert body["properties"] == {**WRITABLE["properties"], "description": "new"}
    assert read_deployment(body).fields["description"] == "new"


def test_what_a_deployment_is_cannot_be_a_setting() -> None:
    """A model changes by a new revision only."""
    with pytest.raises(Refused, match="model of a deployment"):
        writes.with_settings(WRITABLE, (FieldChange("model", "a", "b"),))
