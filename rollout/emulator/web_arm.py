"""Resource Manager: which operation a request is, by method and path, and what carries it out."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from rollout.emulator.answers import Answer, invalid
from rollout.emulator.principals import Principal
from rollout.emulator.service import Service


@dataclass(frozen=True, slots=True)
class Call:
    """One request to Resource Manager. `names` are the path's variable parts, in order.

    `resource` is the ARM id that it is about: without what another provider hangs below it.
    """

    service: Service
    names: tuple[str, ...]
    body: Any
    query: Mapping[str, str]
    now: datetime
    caller: Principal
    path: str
    resource: str

    def next_link(self, changed: Mapping[str, str]) -> str:
        """The address of the next page: the same request with other parameters."""
        query = urlencode({**self.query, **changed}, safe="$")
        return f"{self.service.scope.base_url}{self.path}?{query}"

    @property
    def first(self) -> str:
        """The first name of the path."""
        return self.names[0]

    @property
    def second(self) -> str:
        """The second name of the path."""
        return self.names[1]


@dataclass(frozen=True, slots=True)
class Operation:
    """A documented operation: its name, whether it counts as read, write or poll, and what it does."""

    name: str
    counts: str
    act: Callable[[Call], Answer]


def read(name: str, act: Callable[[Call], Answer]) -> Operation:
    """An operation that counts as a read."""
    return Operation(name, "reads", act)


def write(name: str, act: Callable[[Call], Answer]) -> Operation:
    """An operation that counts as a write."""
    return Operation(name, "writes", act)


def poll(name: str, act: Callable[[Call], Answer]) -> Operation:
    """An operation that counts as a poll."""
    return Operation(name, "polls", act)


INFERENCE: Final = "InferenceServer"
STORAGE: Final = "StorageInitializer"
STORAGE_LOG: Final = "The emulator unpacks models and code itself: no storage initializer ran."


def _logs(call: Call) -> Answer:
    endpoint, deployment = call.first, call.second
    found = call.service.rules.get_deployment(endpoint, deployment, call.now)
    if not found.ok:
        return found
    asked = call.body or {}
    tail, container = int(asked.get("tail") or 100), asked.get("containerType") or INFERENCE
    if container not in (INFERENCE, STORAGE):
        raise invalid(f"containerType must be {STORAGE} or {INFERENCE}.")
    held = call.service.rules.deployment_log(endpoint, deployment)
    if container == STORAGE:
        return Answer(200, {"content": STORAGE_LOG})
    lines = [*held.splitlines(), *call.service.backend.logs(endpoint.lower(), deployment.lower(), tail).splitlines()]
    return Answer(200, {"content": "\n".join(lines[-tail:]) if tail > 0 else ""})


ENDPOINTS: Final[Mapping[str, Operation]] = {
    "GET onlineendpoints": read(
        "OnlineEndpoints_List", lambda c: c.service.rules.list_endpoints(c.now, c.query, c.next_link)
    ),
    "GET onlineendpoints/{}": read("OnlineEndpoints_Get", lambda c: c.service.rules.get_endpoint(c.first, c.now)),
    "PUT onlineendpoints/{}": write(
        "OnlineEndpoints_CreateOrUpdate", lambda c: c.service.rules.put_endpoint(c.first, c.body, c.now)
    ),
    "PATCH onlineendpoints/{}": write(
        "OnlineEndpoints_Update", lambda c: c.service.rules.patch_endpoint(c.first, c.body or {}, c.now)
    ),
    "DELETE onlineendpoints/{}": write(
        "OnlineEndpoints_Delete", lambda c: c.service.rules.delete_endpoint(c.first, c.now)
    ),
    "POST onlineendpoints/{}/listkeys": read(
        "OnlineEndpoints_ListKeys", lambda c: c.service.rules.list_keys(c.first, c.now)
    ),
    "POST onlineendpoints/{}/token": read("OnlineEndpoints_GetToken", lambda c: c.service.rules.token(c.first, c.now)),
    "POST onlineendpoints/{}/regeneratekeys": write(
        "OnlineEndpoints_RegenerateKeys",
        lambda c: c.service.rules.regenerate_keys(c.first, c.body or {}, c.now),
    ),
    "GET onlineendpoints/{}/deployments": read(
        "OnlineDeployments_List", lambda c: c.service.rules.list_deployments(c.first, c.now, c.query)
    ),
    "GET onlineendpoints/{}/deployments/{}": read(
        "OnlineDeployments_Get", lambda c: c.service.rules.get_deployment(c.first, c.second, c.now)
    ),
    "PUT onlineendpoints/{}/deployments/{}": write(
        "OnlineDeployments_CreateOrUpdate",
        lambda c: c.service.rules.put_deployment(c.first, c.second, c.body, c.now),
    ),
    "PATCH onlineendpoints/{}/deployments/{}": write(
        "OnlineDeployments_Update",
        lambda c: c.service.rules.patch_deployment(c.first, c.second, c.body or {}, c.now),
    ),
    "DELETE onlineendpoints/{}/deployments/{}": write(
        "OnlineDeployments_Delete", lambda c: c.service.rules.delete_deployment(c.first, c.second, c.now)
    ),
    "GET onlineendpoints/{}/deployments/{}/skus": read(
        "OnlineDeployments_ListSkus", lambda c: c.service.rules.skus(c.first, c.second, c.now, c.query)
    ),
    "POST onlineendpoints/{}/deployments/{}/getlogs": read("OnlineDeployments_GetLogs", _logs),
}
"""Operations on endpoints and deployments, by method and path below the workspace."""

OPERATIONS: Final[Mapping[str, Operation]] = {
    "GET mfeoperationsstatus/{}": poll("Operations_GetStatus", lambda c: c.service.rules.operation(c.first, c.now)),
    "GET mfeoperationresults/{}": poll(
        "Operations_GetResult", lambda c: c.service.rules.operation_result(c.first, c.now)
    ),
}
"""Operations under way, by method and path below the location."""


def masked(method: str, segments: list[str]) -> tuple[str, tuple[str, ...]]:
    """The key of a path (types lower-case, names as `{}`; they take turns) and its names."""
    shape = [part.lower() if index % 2 == 0 else "{}" for index, part in enumerate(segments)]
    return f"{method} {'/'.join(shape)}", tuple(segments[1::2])


def arm_headers(call_now: datetime, correlation: str | None = None) -> dict[str, str]:
    """What every answer of Resource Manager carries."""
    request = str(uuid.uuid4())
    correlation = correlation or str(uuid.uuid4())
    trace = f"{correlation.replace('-', '')}-{request.replace('-', '')[:16]}"
    return {
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "Request-Context": "appId=cid-v1:rollout-emulator",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "x-aml-cluster": "emulator-01",
        "x-ms-response-type": "standard",
        "x-ms-request-id": request,
        "x-ms-correlation-request-id": correlation,
        "x-ms-routing-request-id": f"EMULATOR:{call_now:%Y%m%dT%H%M%SZ}:{request}",
        "x-request-time": "0.001",
        "Server-Timing": f'traceparent;desc="00-{trace}-01"',
    }
