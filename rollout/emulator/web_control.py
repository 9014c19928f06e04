"""The emulator's own doors below `/_emulator`: status, history, faults, clock; the rest is in `web_state`.

They are not part of the service.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from starlette.requests import Request

from rollout.emulator import copies, web_state
from rollout.emulator.answers import Answer, Rejected
from rollout.emulator.faults import Fault
from rollout.emulator.service import Service


class Copies(msgspec.Struct, frozen=True):
    """An endpoint, and the names of copies of it."""

    endpoint: str
    names: list[str]


class Advance(msgspec.Struct, frozen=True):
    """Seconds of the service's time to skip."""

    advance: float


async def answer(service: Service, request: Request, path: str) -> Answer:
    """Answer one request."""
    match request.method, path.removeprefix("/_emulator/").strip("/"):
        case "GET", "status":
            return Answer(200, status(service))
        case "GET", "history":
            return Answer(200, {"value": _history(service, request.query_params.get("endpoint"))})
        case "GET", "faults":
            value = msgspec.to_builtins(service.faults.listing())
            return Answer(200, {"value": value, "waiting": service.faults.report(service.rules.world)})
        case "PUT" | "POST", "faults":
            return _faults(service, await request.body(), more=request.method == "POST")
        case "PUT" | "GET", "permissions" | "principals" | "policies":
            return web_state.access(service, request.method, path, await request.body())
        case _, "traffic":
            return web_state.traffic(service, request, await request.body())
        case "POST", "clock":
            return _clock(service, await request.body())
        case "POST", "copies":
            return _copies(service, await request.body())
        case "POST", "reset-counts":
            service.served = type(service.served)()
            return Answer(200, {})
        case _:
            return Answer(404, {"error": {"code": "NotFound", "message": f"The emulator has no {path}."}})


def status(service: Service) -> dict[str, Any]:
    """Where the emulator is and what it has served. No secrets."""
    served, scope = service.served, service.scope
    return {
        "url": scope.base_url,
        "ca_bundle": str(service.state_dir / "ca.pem"),
        "subscription_id": scope.subscription_id,
        "resource_group": scope.resource_group,
        "workspace": scope.workspace,
        "location": scope.location,
        "tenant_id": scope.tenant_id,
        "client_id": service.identity.client_id,
        "log_workspace_id": service.log_workspace_id,
        "speed": service.clock.speed,
        "time": service.now().isoformat(),
        "endpoints": len(service.rules.world.endpoints),
        "operations_in_flight": len(service.rules.world.in_flight),
        "requests": {
            "reads": served.reads,
            "writes": served.writes,
            "polls": served.polls,
            "by_operation": dict(served.by_operation),
        },
    }


def _history(service: Service, endpoint: str | None) -> list[Any]:
    service.flush()
    return [msgspec.json.decode(raw) for raw in service.store.history(endpoint and endpoint.lower())]


def _faults(service: Service, raw: bytes, *, more: bool) -> Answer:
    try:
        rules = msgspec.json.decode(raw, type=list[Fault])
        (service.faults.add if more else service.faults.replace)(rules, service.rules.world)
    except (msgspec.ValidationError, msgspec.DecodeError, re.error) as error:
        return Answer(400, {"error": {"code": "BadFault", "message": str(error)}})
    return Answer(200, {"value": msgspec.to_builtins(rules)})


def _copies(service: Service, raw: bytes) -> Answer:
    try:
        wish = msgspec.json.decode(raw, type=Copies)
        copies.copy(service.rules.world, wish.endpoint, wish.names)
    except (msgspec.ValidationError, msgspec.DecodeError, Rejected) as error:
        return Answer(400, {"error": {"code": "BadCopies", "message": str(error)}})
    service.flush()
    return Answer(200, {"endpoints": len(service.rules.world.endpoints)})


def _clock(service: Service, raw: bytes) -> Answer:
    try:
        wish = msgspec.json.decode(raw, type=Advance)
        now = service.clock.advance(wish.advance)
    except (msgspec.ValidationError, msgspec.DecodeError, ValueError) as error:
        return Answer(400, {"error": {"code": "BadClock", "message": str(error)}})
    service.now()
    service.rules.tick(now)
    service.flush()
    return Answer(200, {"time": now.isoformat()})
