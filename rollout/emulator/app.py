"""The front door: one ASGI application that sends each request to its area, by path.

/subscriptions/...              Resource Manager
/endpoints/{endpoint}/score     the data plane (the backend's own application)
/{account}.blob.{suffix}/...    blob storage
/_emulator/...                  the emulator's own doors
everything else                 sign-in, cloud metadata
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import Final

import msgspec
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rollout.emulator import arm_front, web_blob, web_control, web_entra
from rollout.emulator.answers import Answer
from rollout.emulator.clock import http_date
from rollout.emulator.faults import Delay, Drop, Effect, Stale, Status
from rollout.emulator.service import Service
from rollout.emulator.stale import stale_answer

_BLOB: Final = re.compile(r"/[^/]+\.blob\.[^/]+/")
_NOTHING: Final = Answer(404, "The emulated endpoint has no data plane.")


class Front:
    """The ASGI application. `data_plane` serves what is below `/endpoints`; None: nothing does."""

    def __init__(self, service: Service, data_plane: ASGIApp | None) -> None:
        self._service = service
        self._data_plane = data_plane

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; every answer carries the service's own `Date`."""
        if scope["type"] != "http":
            return
        dated = _dated(send, self._service)
        path: str = scope["path"]
        request = Request(scope, receive)
        if path.startswith("/_emulator/"):
            await _respond(await web_control.answer(self._service, request, path), scope, receive, dated)
            return
        area = "data" if path.startswith("/endpoints/") else "arm"
        target = f"{path}?{request.url.query}"
        effects = self._service.faults.match(area, request.method, target)
        if not await _before(effects, scope, receive, dated):
            return
        sink = _swallow if _hides_answer(effects) else dated
        await self._serve(area, effects, request, path, sink)
        await _after(effects, scope, receive, dated)

    async def _serve(self, area: str, effects: list[Effect], request: Request, path: str, send: Send) -> None:
        scope, receive = request.scope, request.receive
        if area == "data":
            await self._score(scope, receive, send, path)
        elif path.startswith("/subscriptions/"):
            given = await arm_front.answer(self._service, request, path)
            if any(isinstance(effect, Stale) for effect in effects):
                given = stale_answer(self._service.earlier, self._service.scope, self._service.now(), given)
            await _respond(given, scope, receive, send)
        elif _BLOB.match(path):
            await (await web_blob.answer(self._service, request, path))(scope, receive, send)
        else:
            await _respond(await web_entra.answer(self._service, request, path), scope, receive, send)

    async def _score(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        """Hand over to the data plane; a good Entra token is replaced by what the router knows."""
        if self._data_plane is None:
            await _respond(_NOTHING, scope, receive, send)
            return
        endpoint = path.split("/")[2].lower()
        given = Request(scope).headers.get("authorization")
        if given and given.count(".") == 2 and self._service.entra.accepts_scoring(given, time.time()):
            key = f"Bearer {self._service.internal_key(endpoint)}".encode()
            kept = [(name, value) for name, value in scope["headers"] if name != b"authorization"]
            scope = {**scope, "headers": [*kept, (b"authorization", key)]}
        inner = {**scope, "path": path.removeprefix("/endpoints"), "root_path": ""}
        await self._data_plane(inner, receive, send)


def _dated(send: Send, service: Service) -> Send:
    async def with_date(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if "date" not in headers:
                headers["Date"] = http_date(service.now())
        await send(message)

    return with_date


async def _respond(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer as JSON; what has no body is sent as the service does (`null` with 202)."""
    if answer.status == 204:
        response = Response(b"", 204, dict(answer.headers))
    else:
        body = b"" if answer.body is None and answer.status == 404 else msgspec.json.encode(answer.body)
        response = Response(body, answer.status, dict(answer.headers), "application/json; charset=utf-8")
    await response(scope, receive, send)


async def _before(effects: list[Effect], scope: Scope, receive: Receive, send: Send) -> bool:
    """Let faults that come before acting happen. Whether the request is to be served."""
    for effect in effects:
        if isinstance(effect, Delay):
            await asyncio.sleep(effect.seconds)
        elif isinstance(effect, Status) and not effect.after_acting:
            await _respond(_fault(effect), scope, receive, send)
            return False
        elif isinstance(effect, Drop) and not effect.after_acting:
            _close(scope)
            return False
    return True


async def _after(effects: list[Effect], scope: Scope, receive: Receive, send: Send) -> None:
    for effect in effects:
        if isinstance(effect, Status) and effect.after_acting:
            await _respond(_fault(effect), scope, receive, send)
            return
        if isinstance(effect, Drop) and effect.after_acting:
            _close(scope)
            return


def _hides_answer(effects: list[Effect]) -> bool:
    return any(isinstance(effect, Status | Drop) and effect.after_acting for effect in effects)


def _fault(effect: Status) -> Answer:
    headers = {} if effect.retry_after is None else {"Retry-After": str(effect.retry_after)}
    code = effect.code or {409: "Conflict", 429: "TooManyRequests", 503: "ServerBusy"}.get(
        effect.status, "InternalServerError"
    )
    return Answer(effect.status, {"error": {"code": code, "message": effect.message}}, headers)


def _close(scope: Scope) -> None:
    """Cut the connection: the client sees no answer at all."""
    close = scope.get("extensions", {}).get("rollout.close")
    if close is not None:
        close()


async def _swallow(message: Message) -> None:
    """Take an answer that the client must not see."""
