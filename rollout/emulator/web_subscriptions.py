"""Resource Manager above the providers: tenants, the one subscription, its resource group and regions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rollout.emulator.answers import Answer, JsonObject
from rollout.emulator.settings import Scope
from rollout.emulator.web_arm import Call, Operation, read


def _subscription(scope: Scope) -> JsonObject:
    return {
        "id": scope.subscription_path,
        "subscriptionId": scope.subscription_id,
        "tenantId": scope.tenant_id,
        "displayName": "Emulator",
        "state": "Enabled",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionPolicies": {"quotaId": "Emulated", "spendingLimit": "Off"},
    }


def _group(scope: Scope) -> JsonObject:
    return {
        "id": scope.group_path,
        "name": scope.resource_group,
        "type": "Microsoft.Resources/resourceGroups",
        "location": scope.location,
        "tags": {},
        "properties": {"provisioningState": "Succeeded"},
    }


def _region(scope: Scope) -> JsonObject:
    arm_id = f"{scope.subscription_path}/locations/{scope.location}"
    return {"id": arm_id, "name": scope.location, "displayName": scope.location, "regionalDisplayName": scope.location}


def _tenants(call: Call) -> Answer:
    tenant = call.service.scope.tenant_id
    doc = {"id": f"/tenants/{tenant}", "tenantId": tenant, "tenantCategory": "Home", "displayName": "Emulator"}
    return Answer(200, {"value": [doc]})


ROOT: Final[Mapping[str, Operation]] = {
    "GET tenants": read("Tenants_List", _tenants),
    "GET subscriptions": read("Subscriptions_List", lambda c: Answer(200, {"value": [_subscription(c.service.scope)]})),
    "GET subscriptions/{}": read("Subscriptions_Get", lambda c: Answer(200, _subscription(c.service.scope))),
    "GET subscriptions/{}/locations": read(
        "Subscriptions_ListLocations", lambda c: Answer(200, {"value": [_region(c.service.scope)]})
    ),
    "GET subscriptions/{}/resourcegroups": read(
        "ResourceGroups_List", lambda c: Answer(200, {"value": [_group(c.service.scope)]})
    ),
    "GET subscriptions/{}/resourcegroups/{}": read(
        "ResourceGroups_Get", lambda c: Answer(200, _group(c.service.scope))
    ),
}
"""Operations on what is above the providers, by method and path."""
