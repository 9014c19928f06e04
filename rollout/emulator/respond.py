"""Sending an answer."""

from __future__ import annotations

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rollout.emulator.answers import Answer


async def respond(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer as JSON; what has no body is sent as the service does (`null` with 202)."""
    if answer.status == 204:
        response = Response(b"", 204, dict(answer.headers))
    else:
        body = b"" if answer.body is None and answer.status == 404 else msgspec.json.encode(answer.body)
        response = Response(body, answer.status, dict(answer.headers), "application/json; charset=utf-8")
    await response(scope, receive, send)
