"""Faults carried out: what happens to a request before it is served, to its answer, and in the place of its answer."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from rollout.emulator.answers import Answer
from rollout.emulator.faults import Delay, Drop, Effect, Garbage, Skew, Status, Torn
from rollout.emulator.respond import respond

_CODES: Final = {
    408: "RequestTimeout", 409: "Conflict", 412: "PreconditionFailed", 429: "TooManyRequests", 503: "ServerBusy",
}  # fmt: skip
_PAGE: Final = b"<html><body><h1>Bad gateway</h1></body></html>"


async def before(effects: list[Effect], scope: Scope, receive: Receive, send: Send) -> bool:
    """Let faults that come before acting happen. Whether the request is to be served."""
    for effect in effects:
        if isinstance(effect, Delay):
            await asyncio.sleep(effect.seconds)
        elif isinstance(effect, Status) and not effect.after_acting:
            await _refuse(effect, scope, receive, send)
            return False
        elif isinstance(effect, Drop) and not effect.after_acting:
            _close(scope)
            return False
    return True


def sink(effects: list[Effect], scope: Scope, send: Send) -> Send:
    """Where the answer goes: to the client, spoiled on its way, or nowhere."""
    for effect in effects:
        if isinstance(effect, Status | Drop) and effect.after_acting:
            return _swallow
        if isinstance(effect, Torn):
            return _torn(scope, send)
        if isinstance(effect, Garbage):
            return _garbage(send)
    return send


def skew(effects: list[Effect]) -> float:
    """By how many seconds the `Date` of the answer is wrong."""
    return sum(effect.seconds for effect in effects if isinstance(effect, Skew))


async def after(effects: list[Effect], scope: Scope, receive: Receive, send: Send) -> None:
    """What comes in the place of an answer that was swallowed."""
    for effect in effects:
        if isinstance(effect, Status) and effect.after_acting:
            await _refuse(effect, scope, receive, send)
            return
        if isinstance(effect, Drop) and effect.after_acting:
            _close(scope)
            return


async def _refuse(effect: Status, scope: Scope, receive: Receive, send: Send) -> None:
    wait = {} if effect.retry_after is None else {"Retry-After": str(effect.retry_after)}
    headers = wait | effect.headers
    if effect.text is not None:
        await PlainTextResponse(effect.text, effect.status, headers)(scope, receive, send)
        return
    code = effect.code or _CODES.get(effect.status, "InternalServerError")
    error = {"code": code, "message": effect.message}
    await respond(Answer(effect.status, {"error": error}, headers), scope, receive, send)


def _close(scope: Scope) -> None:
    """Cut the connection: the client sees no answer at all."""
    close = scope.get("extensions", {}).get("rollout.close")
    if close is not None:
        close()


async def _swallow(message: Message) -> None:
    """Take an answer that the client must not see."""


def _torn(scope: Scope, send: Send) -> Send:
    async def half(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
            return
        body: bytes = message.get("body", b"")
        await send({**message, "body": body[: len(body) // 2], "more_body": True})
        await asyncio.sleep(0.01)  # so that the half arrives before the end
        _close(scope)

    return half


def _garbage(send: Send) -> Send:
    async def page(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["content-type"], headers["content-length"] = "text/html", str(len(_PAGE))
            await send(message)
        elif not message.get("more_body"):
            await send({**message, "body": _PAGE})

    return page
