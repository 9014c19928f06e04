"""The way of one Resource Manager request: find the operation, check the token, throttle, act, make durable."""

from __future__ import annotations

import math
import time

import msgspec
from starlette.requests import Request

from rollout.emulator import access, policies
from rollout.emulator.answers import Answer, Rejected, plain
from rollout.emulator.arm_paths import Found, find
from rollout.emulator.monitor.activity import Deed
from rollout.emulator.principals import Principal
from rollout.emulator.service import Service
from rollout.emulator.web_arm import Call, arm_headers
from rollout.emulator.web_authorization import refuse_if_locked

WRITES = ("PUT", "PATCH", "DELETE")


async def answer(service: Service, request: Request, path: str) -> Answer:
    """Answer a request; refusals are answers in ARM's shape."""
    now = service.now()
    headers = arm_headers(now, request.headers.get("x-ms-correlation-request-id"))
    if request.headers.get("x-ms-return-client-request-id", "").lower() == "true":
        headers["x-ms-client-request-id"] = request.headers.get("x-ms-client-request-id", "")
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
    authorization = request.headers.get("authorization")
    refusal = service.entra.check_arm(authorization, time.time())
    if refusal is not None:
        raise refusal
    caller = service.directory.principal(service.entra.client(authorization or ""))
    found = find(service.scope, request.method, path)
    service.served.count(found.operation.counts, found.operation.name)
    _throttle(service, request.method, headers)
    query = dict(request.query_params)
    if not query.get("api-version"):
        raise plain(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    raw = await request.body()
    try:
        given = _carry_out(service, request.method, path, found, caller, query, raw)
    except Rejected as refused:
        _note(service, request, path, found, caller, headers, Answer(refused.status))
        raise
    _note(service, request, path, found, caller, headers, given)
    return given


def _carry_out(
    service: Service, method: str, path: str, found: Found, caller: Principal, query: dict[str, str], raw: bytes
) -> Answer:
    """What is allowed is done. The order is Resource Manager's: roles, policies, locks; then the provider."""
    if not access.allowed(caller.roles, found.action):
        raise access.denied(caller.client_id, caller.object_id, found.action, _scope(method, path))
    body = _body(raw)
    _refuse_by_policy(service, method, path, body)
    refuse_if_locked(service, method, path)
    service.rules.world.api_version = query["api-version"]
    try:
        return found.operation.act(Call(service, found.names, body, query, service.now(), caller, path, found.resource))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # Rules check before they change anything; what they trip over is a body of another shape than documented.
        raise plain(400, "InvalidRequestContent", f"The request content was invalid: {error!r}") from error


def _scope(method: str, path: str) -> str:
    """The resource that an action is on: a POST's last segment is the action itself."""
    return path.rpartition("/")[0] if method == "POST" else path


def _refuse_by_policy(service: Service, method: str, path: str, body: object) -> None:
    if method not in ("PUT", "PATCH") or not service.policies:
        return
    *_, kind, name = path.strip("/").split("/")
    refusal = policies.refusal(service.policies, service.scope.group_path, kind, name, body)
    if refusal is not None:
        raise refusal


def _note(
    service: Service,
    request: Request,
    path: str,
    found: Found,
    caller: Principal,
    headers: dict[str, str],
    given: Answer,
) -> None:
    """Writes and actions go into the activity log; reads do not."""
    if request.method not in WRITES and not found.action.endswith("/action"):
        return
    deed = Deed(
        at=service.now(),
        subscription=service.scope.subscription_id,
        tenant=service.scope.tenant_id,
        caller=caller.object_id,
        client=caller.client_id,
        action=found.action,
        resource=_scope(request.method, path),
        method=request.method,
        correlation=headers["x-ms-correlation-request-id"],
        status=given.status,
        client_request=request.headers.get("x-ms-client-request-id", ""),
    )
    operation = given.headers.get("Azure-AsyncOperation", "").partition("?")[0].rpartition("/")[2]
    service.activity.note(deed, operation)


def _throttle(service: Service, method: str, headers: dict[str, str]) -> None:
    kind = {"GET": "reads", "HEAD": "reads", "POST": "reads", "DELETE": "deletes"}.get(method, "writes")
    left, wait = service.throttle.take(kind, service.now())
    headers[f"x-ms-ratelimit-remaining-subscription-{kind}"] = str(left)
    headers[f"x-ms-ratelimit-remaining-subscription-global-{kind}"] = str(15 * left)
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
