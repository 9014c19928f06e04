"""The table `AmlOnlineEndpointTrafficLog`: its documented columns, and a request as its row. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from rollout.emulator.monitor.kql_engine import Table
from rollout.emulator.monitor.records import Scored
from rollout.emulator.settings import Scope

NAME: Final = "AmlOnlineEndpointTrafficLog"
KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "TimeGenerated": "datetime",
        "OperationName": "string",
        "AzureMLWorkspaceId": "string",
        "AzureMLWorkspaceName": "string",
        "Location": "string",
        "EndpointName": "string",
        "DeploymentName": "string",
        "Method": "string",
        "Path": "string",
        "Protocol": "string",
        "AuthType": "string",
        "ResponseCode": "int",
        "ResponseCodeReason": "string",
        "ModelStatusCode": "int",
        "ModelStatusReason": "string",
        "RequestPayloadSize": "int",
        "ResponsePayloadSize": "int",
        "TotalDurationMs": "int",
        "RequestDurationMs": "int",
        "ResponseDurationMs": "int",
        "RequestThrottlingDelayMs": "int",
        "ResponseThrottlingDelayMs": "int",
        "UserAgent": "string",
        "XRequestId": "string",
        "XMSClientRequestId": "string",
        "_ResourceId": "string",
        "_SubscriptionId": "string",
        "Type": "string",
    }
)
"""Columns and types as documented. The durations are whole milliseconds."""


def table(scope: Scope, lines: Iterable[Scored]) -> Table:
    """The table of these requests."""
    return Table(KINDS, [_row(scope, line) for line in lines])


def _row(scope: Scope, line: Scored) -> dict[str, Any]:
    took = round(line.duration_ms)
    return {
        "TimeGenerated": line.at,
        "OperationName": "InferenceRequest",
        "AzureMLWorkspaceId": scope.workspace_guid,
        "AzureMLWorkspaceName": scope.workspace,
        "Location": scope.location,
        "EndpointName": line.endpoint,
        "DeploymentName": line.deployment,
        "Method": line.method,
        "Path": line.path,
        "Protocol": "HTTP/1.1",
        "AuthType": line.auth,
        "ResponseCode": line.status,
        "ResponseCodeReason": line.reason,
        "ModelStatusCode": int(line.model_status) if line.model_status else None,
        "ModelStatusReason": line.reason if line.model_status else "",
        "RequestPayloadSize": line.request_bytes,
        "ResponsePayloadSize": line.response_bytes,
        "TotalDurationMs": took,
        "RequestDurationMs": 0,
        "ResponseDurationMs": 0,
        "RequestThrottlingDelayMs": 0,
        "ResponseThrottlingDelayMs": 0,
        "UserAgent": line.user_agent,
        "XRequestId": line.request_id,
        "XMSClientRequestId": line.client_request_id,
        "_ResourceId": f"{scope.workspace_path}/onlineEndpoints/{line.endpoint}".lower(),
        "_SubscriptionId": scope.subscription_id,
        "Type": NAME,
    }
