"""The documents of endpoints and deployments as the service answers them (recorded shapes, docs/emulator.md)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from rollout.emulator.answers import JsonObject
from rollout.emulator.settings import Scope

TYPE: Final = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
CREATED_BY: Final = "Rollout emulator"
PROBE: Final[Mapping[str, Any]] = {
    "failureThreshold": 30,
    "successThreshold": 1,
    "timeout": "PT2S",
    "period": "PT10S",
    "initialDelay": "PT10S",
}
REQUEST_SETTINGS: Final[Mapping[str, Any]] = {
    "maxQueueWait": "PT0S",
    "requestTimeout": "PT5S",
    "maxConcurrentRequestsPerInstance": 1,
}
UNFINISHED_REQUEST_SETTINGS: Final[Mapping[str, Any]] = {**REQUEST_SETTINGS, "requestTimeout": "PT0S"}


def endpoint_id(scope: Scope, name: str) -> str:
    """The ARM id of an endpoint."""
    return f"{scope.workspace_path}/onlineEndpoints/{name}"


def system_data(before: JsonObject | None, now: datetime) -> JsonObject:
    """Who and when; `createdAt` stays."""
    stamp = now.isoformat()
    created = before["systemData"]["createdAt"] if before else stamp
    return {"createdAt": created, "createdBy": CREATED_BY, "lastModifiedAt": stamp}


def endpoint(scope: Scope, name: str, body: JsonObject, before: JsonObject | None, now: datetime) -> JsonObject:
    """The endpoint that a PUT asks for, as it will be when its operation has succeeded. Traffic as given."""
    asked = body["properties"]
    arm_id = before["id"] if before else endpoint_id(scope, name)
    kept = before["properties"]["properties"] if before else {"azureml.onlineendpointid": arm_id.lower()}
    address = f"{scope.base_url}/endpoints/{name.lower()}"
    return {
        "id": arm_id,
        "name": before["name"] if before else name,
        "type": TYPE,
        "properties": {
            "description": asked.get("description"),
            "properties": {**(asked.get("properties") or {}), **kept},
            "scoringUri": f"{address}/score",
            "swaggerUri": f"{address}/swagger.json",
            "authMode": asked["authMode"],
            "provisioningState": "Succeeded",
            "compute": asked.get("compute"),
            "traffic": asked.get("traffic") or {},
            "mirrorTraffic": asked.get("mirrorTraffic") or {},
            "publicNetworkAccess": asked.get("publicNetworkAccess") or "Enabled",
        },
        "systemData": system_data(before, now),
        "tags": body.get("tags") or {},
        "location": body["location"],
        "kind": "Kubernetes" if asked.get("compute") else "Managed",
        "identity": identity(scope, arm_id, body["identity"]),
    }


def identity(scope: Scope, arm_id: str, asked: JsonObject) -> JsonObject:
    """The identity, with the principals that the service gave it, or that its user-assigned parts have."""
    if users := asked.get("userAssignedIdentities"):
        asked = {**asked, "userAssignedIdentities": {arm_id: _user_identity(arm_id) for arm_id in users}}
    if "SystemAssigned" not in asked["type"]:
        return asked
    return {**asked, "principalId": _id("principal", arm_id), "tenantId": scope.tenant_id}


def _user_identity(arm_id: str) -> JsonObject:
    """A user-assigned identity's ids: always the same for the same identity."""
    return {"principalId": _id("principal", arm_id), "clientId": _id("client", arm_id)}


def _id(kind: str, arm_id: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind} {arm_id.lower()}"))


def unborn_endpoint(doc: JsonObject) -> JsonObject:
    """A new endpoint while it is being created: no addresses yet."""
    unknown = {"scoringUri": None, "swaggerUri": None, "provisioningState": "Creating"}
    return {**doc, "properties": {**doc["properties"], **unknown}}


def deployment(
    parent: JsonObject, name: str, body: JsonObject, before: JsonObject | None, now: datetime, count: int
) -> JsonObject:
    """The deployment that a PUT asks for, as it will be when its operation has succeeded: with the defaults."""
    asked = body["properties"]
    kept = before["properties"]["properties"] if before else {}
    sku = body.get("sku") or {}
    return {
        "id": before["id"] if before else f"{parent['id']}/deployments/{name}",
        "name": before["name"] if before else name,
        "type": f"{TYPE}/deployments",
        "properties": {
            **_asked(asked),
            "properties": {**(asked.get("properties") or {}), **kept},
            "requestSettings": {**REQUEST_SETTINGS, **_given(asked.get("requestSettings"))},
            "livenessProbe": {**PROBE, **_given(asked.get("livenessProbe"))},
            "readinessProbe": {**PROBE, **_given(asked.get("readinessProbe"))},
            "provisioningState": "Succeeded",
        },
        "systemData": system_data(before, now),
        "tags": body.get("tags") or {},
        "location": body["location"],
        "kind": asked["endpointComputeType"],
        "sku": {"name": sku.get("name") or "Default", "tier": sku.get("tier") or "Standard", "capacity": count},
    }


def _asked(asked: JsonObject) -> JsonObject:
    """The fields of a deployment in the service's order; optional ones only where they were asked for."""
    code = asked.get("codeConfiguration")
    doc = {
        "description": asked.get("description"),
        "codeConfiguration": dict(code) if code else None,
        "environmentId": asked.get("environmentId"),
        "environmentVariables": asked.get("environmentVariables") or {},
        "scaleSettings": asked.get("scaleSettings") or {"scaleType": "Default"},
        "modelMountPath": asked.get("modelMountPath"),
        "appInsightsEnabled": asked.get("appInsightsEnabled") or False,
        "instanceType": asked.get("instanceType"),
        "model": asked.get("model"),
        "privateNetworkConnection": asked.get("privateNetworkConnection") or False,
        "egressPublicNetworkAccess": asked.get("egressPublicNetworkAccess") or "Enabled",
        "endpointComputeType": asked["endpointComputeType"],
    }
    others = ("dataCollector", "containerResourceRequirements", "startupProbe")
    return doc | {key: asked[key] for key in others if asked.get(key) is not None}


def unfinished_deployment(doc: JsonObject, asked: JsonObject, state: str) -> JsonObject:
    """A deployment whose provisioning has not succeeded: the service has not filled in its defaults yet."""
    plain = {
        "requestSettings": {**UNFINISHED_REQUEST_SETTINGS, **_given(asked.get("requestSettings"))},
        "livenessProbe": asked.get("livenessProbe"),
        "readinessProbe": asked.get("readinessProbe"),
        "provisioningState": state,
    }
    return {**doc, "properties": {**doc["properties"], **plain}}


def with_operation(doc: JsonObject, url: str) -> JsonObject:
    """The document, naming the operation that was last started on it."""
    inner = {**doc["properties"]["properties"], "AzureAsyncOperationUri": url}
    return {**doc, "properties": {**doc["properties"], "properties": inner}}


def _given(values: Mapping[str, Any] | None) -> JsonObject:
    return {key: value for key, value in (values or {}).items() if value is not None}
