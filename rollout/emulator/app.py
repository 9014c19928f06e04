"""The front door: one ASGI application that sends each request to its area, by path.

/subscriptions/...              Resource Manager
/endpoints/{endpoint}/score     the data plane (the backend's own application)
/{account}.blob.{suffix}/...    blob storage
/mferp/managementfrontend/...   registries: Resource Manager's paths below another root
/v1/..., .../metrics:getBatch   Azure Monitor: logs and metrics
/_emulator/...                  the emulator's own doors
everything else                 sign-in, cloud metadata
"""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rollout.emulator import access, arm_front, mischief, web_blob, web_control, web_entra, web_monitor, web_registries
from rollout.emulator.answers import Answer
from rollout.emulator.clock import http_date
from rollout.emulator.faults import Effect, Stale
from rollout.emulator.respond import respond
from rollout.emulator.service import Service
from rollout.emulator.stale import stale_answer

_BLOB: Final = re.compile(r"/[^/]+\.blob\.[^/]+/")
_OURS: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_ELSEWHERE: Final = Answer(421, {"error": {"code": "MisdirectedRequest", "message": "This host is not the emulator."}})
"""A page in somebody's browser that has its own name resolved to loopback must not get in."""
_NOTHING: Final = Answer(404, "The emulated endpoint has no data plane.")


class Front:
    """The ASGI application. `data_plane` serves what is below `/endpoints`; None: nothing does."""

    def __init__(self, service: Service, data_plane: ASGIApp | None) -> None:
        self._service = service
        self._data_plane = data_plane

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; every answer but those of our own doors carries the service's own `Date`."""
        if scope["type"] != "http":
            return
        path: str = scope["path"].removeprefix(f"/{web_registries.PREFIX}")
        request = Request(scope, receive)
        if request.url.hostname not in _OURS:
            await respond(_ELSEWHERE, scope, receive, send)
            return
        if path.startswith("/_emulator/"):
            await respond(await web_control.answer(self._service, request, path), scope, receive, send)
            return
        area = "data" if path.startswith("/endpoints/") else "arm"
        target = f"{path}?{request.url.query}"
        effects = self._service.faults.match(area, request.method, target)
        dated = _dated(send, self._service, mischief.skew(effects))
        if not await mischief.before(effects, scope, receive, dated):
            return
        await self._serve(area, effects, request, path, mischief.sink(effects, scope, dated))
        await mischief.after(effects, scope, receive, dated)

    async def _serve(self, area: str, effects: list[Effect], request: Request, path: str, send: Send) -> None:
        scope, receive = request.scope, request.receive
        if area == "data":
            await self._score(scope, receive, send, path)
        elif web_monitor.concerns(path):
            await respond(await web_monitor.answer(self._service, request, path), scope, receive, send)
        elif path.startswith("/subscriptions/") or path in ("/subscriptions", "/tenants"):
            given = await arm_front.answer(self._service, request, path)
            if any(isinstance(effect, Stale) for effect in effects):
                given = stale_answer(self._service.earlier, self._service.scope, self._service.now(), given)
            await respond(given, scope, receive, send)
        elif _BLOB.match(path):
            await (await web_blob.answer(self._service, request, path))(scope, receive, send)
        else:
            await respond(await web_entra.answer(self._service, request, path), scope, receive, send)

    async def _score(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        """Hand over to the data plane; a good Entra token is replaced by what the router knows."""
        if self._data_plane is None:
            await respond(_NOTHING, scope, receive, send)
            return
        endpoint = path.split("/")[2].lower()
        given = Request(scope).headers.get("authorization")
        if given and given.count(".") == 2 and self._may_score(given):
            key = f"Bearer {self._service.internal_key(endpoint)}".encode()
            kept = [(name, value) for name, value in scope["headers"] if name != b"authorization"]
            scope = {**scope, "headers": [*kept, (b"authorization", key)]}
        inner = {**scope, "path": path.removeprefix("/endpoints"), "root_path": ""}
        await self._data_plane(inner, receive, send)

    def _may_score(self, authorization: str) -> bool:
        """Whether that is a good Entra token of somebody who may score."""
        entra = self._service.entra
        if not entra.accepts_scoring(authorization, time.time()):
            return False
        roles = self._service.directory.principal(entra.client(authorization)).roles
        return access.allowed(roles, access.SCORE) or access.allowed(roles, access.SCORE, data=True)


def _dated(send: Send, service: Service, skew: float) -> Send:
    async def with_date(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if "date" not in headers:
                headers["Date"] = http_date(service.now() + timedelta(seconds=skew))
        await send(message)

    return with_date
