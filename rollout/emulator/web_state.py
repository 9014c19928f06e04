"""The emulator's own doors for what is set from outside: who may do what, policies, made-up traffic."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from starlette.requests import Request

from rollout.emulator.access import Role
from rollout.emulator.answers import Answer, JsonObject
from rollout.emulator.monitor.synthetic import Traffic
from rollout.emulator.policies import Policy
from rollout.emulator.principals import Declared, Principal, made
from rollout.emulator.service import Service

_T = TypeVar("_T")


def access(service: Service, method: str, path: str, raw: bytes) -> Answer:
    """`permissions` of the own client, `principals`, `policies`: PUT replaces, GET shows. A bad body is 400."""
    door = path.rpartition("/")[2]
    try:
        if method == "PUT":
            return Answer(200, {"value": _put(service, door, raw)})
    except (msgspec.MsgspecError, ValueError) as error:
        return Answer(400, {"error": {"code": f"Bad{door.capitalize()}", "message": str(error)}})
    return Answer(200, {"value": _shown(service, door)})


def _put(service: Service, door: str, raw: bytes) -> list[JsonObject]:
    """Take over a list; of principals, the answer is the only one that tells their secrets."""
    if door == "permissions":
        service.directory.allow(_decoded(raw, list[Role]))
    elif door == "policies":
        service.policies = tuple(_decoded(raw, list[Policy]))
    else:
        fresh = [made(wish) for wish in _decoded(raw, list[Declared])]
        service.directory.declare(fresh)
        return [_told(one) | {"clientSecret": one.client_secret} for one in fresh]
    return _shown(service, door)


def _shown(service: Service, door: str) -> list[JsonObject]:
    everybody = service.directory.everybody()
    if door == "principals":
        return [_told(one) for one in everybody]
    found: list[JsonObject] = msgspec.to_builtins(everybody[0].roles if door == "permissions" else service.policies)
    return found


def _told(one: Principal) -> JsonObject:
    roles = msgspec.to_builtins(one.roles)
    return {"name": one.name, "clientId": one.client_id, "objectId": one.object_id, "roles": roles}


def traffic(service: Service, request: Request, raw: bytes) -> Answer:
    """Made-up traffic: POST sets an endpoint's, GET lists, DELETE (`?endpoint=NAME`, or all) stops it."""
    now = service.now()
    service.generator.fill(now)
    if request.method == "DELETE":
        endpoint = request.query_params.get("endpoint")
        service.generator.clear(endpoint.lower() if endpoint else None)
    elif request.method == "POST":
        try:
            wish = _decoded(raw, Traffic)
        except (msgspec.MsgspecError, ValueError) as error:
            return Answer(400, {"error": {"code": "BadTraffic", "message": str(error)}})
        lowered = {name.lower(): each for name, each in wish.deployments.items()}
        service.generator.set(msgspec.structs.replace(wish, endpoint=wish.endpoint.lower(), deployments=lowered), now)
    return Answer(200, {"value": msgspec.to_builtins(service.generator.listing())})


def _decoded(raw: bytes, kind: type[_T]) -> _T:
    return msgspec.json.decode(raw, type=kind)
