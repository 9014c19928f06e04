"""Sources of counts that answer well, and all the ways in which they do not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tests.reliability.alone.network import Application

MINUTE: Final = timedelta(minutes=1)
SHARES: Final[Mapping[str, int]] = {"blue": 540, "green": 60}
"""Requests a minute."""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """What a source does instead of answering. `half` and `cut` break the connection, `silent` never answers."""

    status: int = 200
    text: str = ""
    headers: Mapping[str, str] = {}
    half: bool = False
    cut: bool = False
    silent: bool = False


def _says(text: str, status: int = 200, **headers: str) -> Way:
    return Way(status=status, text=text, headers={"content-type": "application/json", **headers})


DOWN: Final[Mapping[str, Way]] = {
    "400": _says('{"error": {"code": "BadRequest", "message": "no such metric"}}', 400),
    "401": _says('{"error": {"code": "InvalidTokenError", "message": "expired"}}', 401),
    "403": _says('{"error": {"code": "AuthorizationFailed", "message": "no"}}', 403),
    "404": _says('{"error": {"code": "ResourceNotFound", "message": "no"}}', 404),
    "429": _says("{}", 429, **{"retry-after": "5"}),
    "500": _says("{}", 500),
    "503": _says("{}", 503),
    "redirected": _says("", 302, location="https://elsewhere.test/"),
    "reset": Way(cut=True),
    "silent": Way(silent=True),
    "half a body": Way(half=True),
    "a page of HTML": Way(text="<html><body>Bad gateway</body></html>", headers={"content-type": "text/html"}),
    "an empty body": _says(""),
    "null": _says("null"),
    "an empty object": _says("{}"),
    "an empty list": _says("[]"),
    "words for numbers": _says('{"rows": [["many"]], "data": "many", "status": "success", "values": 7, "tables": 1}'),
    "deep nesting": _says("[" * 100_000),
    "no UTF-8": Way(text="\udcff\udcfe", headers={"content-type": "application/json"}),
}
"""In every one of these ways nothing is known of the candidate."""


class Source:
    """`application`, for whose concern `way` stands where it is set."""

    def __init__(self, application: Application, concerns: Callable[[str], bool] = lambda path: True) -> None:
        self._application = application
        self._concerns = concerns
        self.way: Way | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request, or do not."""
        way = self.way
        if way is None or not self._concerns(scope["path"]):
            await self._application(scope, receive, send)
        elif way.half:
            await self._application(scope, receive, _half(scope, send))
        elif way.cut:
            scope["extensions"]["rollout.close"]()
        elif way.silent:
            await _Never()
        else:
            body = way.text.encode("utf-8", errors="surrogateescape")
            await Response(body, way.status, dict(way.headers))(scope, receive, send)


class _Never:
    def __await__(self) -> Any:
        yield


def _half(scope: Any, send: Any) -> Any:
    async def half(message: Any) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            message = {**message, "body": body[: len(body) // 2]}
            scope["extensions"]["rollout.close"]()
        await send(message)

    return half


async def prometheus(scope: Any, receive: Any, send: Any) -> None:
    """A server of that kind: nothing is ever bad."""
    asked = Request(scope, receive).query_params
    deployment = next(name for name in SHARES if name in asked["query"])
    count = 0 if "bad" in asked["query"] else SHARES[deployment]
    at, values = float(asked["start"]), []
    while at <= float(asked["end"]):
        values.append([at, str(count)])
        at += 60
    found = {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": values}]}}
    await Response(json.dumps(found))(scope, receive, send)


async def http(scope: Any, receive: Any, send: Any) -> None:
    """A service that answers with counts: nothing is ever bad."""
    asked = Request(scope, receive).query_params
    at, end = (datetime.fromisoformat(asked[name]).astimezone(UTC) for name in ("start", "end"))
    rows = []
    while at < end:
        rows += [
            {"minute": at.isoformat(), "deployment": name, "requests": count, "bad": 0}
            for name, count in SHARES.items()
        ]
        at += MINUTE
    await Response(json.dumps({"rows": rows}))(scope, receive, send)
