"""The way of one Resource Manager request: find the operation, check the token, throttle, act, make durable."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import msgspec
from starlette.requests import Request

from rollout.emulator.answers import Answer, Rejected, plain
from rollout.emulator.service import Service
from rollout.emulator.web_arm import ENDPOINTS, OPERATIONS, Call, Operation, arm_headers, masked
from rollout.emulator.web_assets import INSIGHTS, LOCATION, WORKSPACE
from rollout.emulator.web_authorization import AUTHORIZATION, refuse_if_locked

_BELOW_WORKSPACE: Mapping[str, Operation] = {**ENDPOINTS, **WORKSPACE}
_BELOW_LOCATION: Mapping[str, Operation] = {**OPERATIONS, **LOCATION}


async def answer(service: Service, request: Request, path: str) -> Answer:
    """Answer a request; refusals are answers in ARM's shape."""
    now = service.now()
    headers = arm_headers(now, request.headers.get("x-ms-correlation-request-id"))
    try:
        given = await _act(service, request, path, headers)
    except Rejected as refusal:
        given = refusal.answer(now, service.scope.location, headers["x-ms-correlation-request-id"])
        if refusal.status == 401:
            challenge = f'Bearer authorization_uri="{service.scope.base_url}/{service.scope.tenant_id}"'
            headers["WWW-Authenticate"] = f'{challenge}, error="invalid_token"'
    service.flush()
    return Answer(given.status, given.body, {**headers, **given.headers})


async def _act(service: Service, request: Request, path: str, headers: dict[str, str]) -> Answer:
    refusal = service.entra.check_arm(request.headers.get("authorization"), time.time())
    if refusal is not None:
        raise refusal
    operation, names = find(service, request.method, path)
    service.served.count(operation.counts, operation.name)
    _throttle(service, request.method, headers)
    refuse_if_locked(service, request.method, path)
    body = _body(await request.body())
    query = dict(request.query_params)
    service.rules.world.api_version = query.get("api-version") or "2022-02-01-preview"
    try:
        return operation.act(Call(service, names, body, query, service.now()))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # Rules check before they change anything; what they trip over is a body of another shape than documented.
        raise plain(400, "InvalidRequestContent", f"The request content was invalid: {error!r}") from error


def find(service: Service, method: str, path: str) -> tuple[Operation, tuple[str, ...]]:
    """The operation of a path, and the path's names. Raises `Rejected` (404) if there is none."""
    parts = path.strip("/").split("/")
    lowered = [part.lower() for part in parts]
    scope = service.scope
    if len(parts) < 2 or lowered[1] != scope.subscription_id.lower():
        raise plain(404, "SubscriptionNotFound", f"The subscription '{''.join(parts[1:2])}' could not be found.")
    table, rest = _table(service, parts, lowered)
    key, names = masked("GET" if method == "HEAD" else method, rest)
    operation = table.get(key)
    if operation is None:
        raise plain(404, "InvalidResourceType", f"No operation {method} could be found for '{path}'.")
    return operation, names


def _table(service: Service, parts: list[str], lowered: list[str]) -> tuple[Mapping[str, Operation], list[str]]:
    scope = service.scope
    ours = "microsoft.machinelearningservices"
    if lowered[2:5] == ["providers", ours, "locations"]:
        return _BELOW_LOCATION, parts[6:]
    if lowered[2:3] == ["resourcegroups"] and lowered[3:4] != [scope.resource_group.lower()]:
        raise plain(404, "ResourceGroupNotFound", f"Resource group '{''.join(parts[3:4])}' could not be found.")
    if lowered[4:6] == ["providers", "microsoft.insights"]:
        return INSIGHTS, parts[6:]
    if lowered[-2:-1] == ["microsoft.authorization"] or lowered[-3:-2] == ["microsoft.authorization"]:
        return AUTHORIZATION, parts[lowered.index("microsoft.authorization") + 1 :]
    if lowered[4:7] == ["providers", ours, "workspaces"]:
        if lowered[7:8] != [scope.workspace.lower()]:
            name = "".join(parts[7:8])
            raise plain(
                404,
                "ResourceNotFound",
                f"The Resource 'Microsoft.MachineLearningServices/workspaces/{name}' under resource group "
                f"'{parts[3]}' was not found.",
            )
        return _BELOW_WORKSPACE, parts[8:] or [""]
    raise plain(404, "InvalidResourceType", "The resource type could not be found.")


def _throttle(service: Service, method: str, headers: dict[str, str]) -> None:
    kind = {"GET": "reads", "HEAD": "reads", "POST": "reads", "DELETE": "deletes"}.get(method, "writes")
    left, wait = service.throttle.take(kind, service.now())
    headers[f"x-ms-ratelimit-remaining-subscription-{kind}"] = str(left)
    if wait > 0:
        headers["Retry-After"] = str(max(1, math.ceil(service.clock.real_seconds(wait))))
        raise plain(429, "TooManyRequests", "The request is being throttled as the limit has been reached.")


def _body(raw: bytes) -> object:
    if not raw:
        return None
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise plain(400, "InvalidRequestContent", f"The request content was invalid: {error}") from error
