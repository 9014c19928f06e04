"""Who may come in: from this machine, by the address that was printed, and never on behalf of another page.

Loopback alone is no protection: every page in the browser and every user of the machine can reach it. So the name that
the browser asked for must be ours (DNS rebinding), the key of the printed address must have been shown (other users),
and what changes something must carry the token of our own page and come from it (cross-site requests).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_PUBLIC: Final = "/static/"


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """The secrets of one run: `entry` is in the printed address, `token` in our own forms."""

    entry: str
    token: str

    def __repr__(self) -> str:
        return "Keys(…)"


def new_keys() -> Keys:
    """Fresh ones."""
    return Keys(entry=secrets.token_urlsafe(24), token=secrets.token_urlsafe(24))


class Guard:
    """ASGI middleware before everything else."""

    def __init__(self, app: ASGIApp, keys: Keys, port: int) -> None:
        self._app = app
        self._keys = keys
        self._cookie = f"rollout-{port}"
        self._hosts = frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by ourselves, or let it through; our headers are on every answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *((k.encode(), v.encode()) for k, v in HEADERS.items())]
            await send(message)

        refusal = self._refusal(Request(scope))
        await (refusal or self._app)(scope, receive, guarded)

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("host", "") not in self._hosts:
            return PlainTextResponse("This host name is not the dashboard's.\n", 421)
        if request.url.path.startswith(_PUBLIC):
            return None
        shown = request.query_params.get("key", "")
        if request.method == "GET" and self._is_entry(shown):
            return self._welcome(request)
        if not self._is_entry(request.cookies.get(self._cookie, "")):
            return PlainTextResponse("Open the address that `rollout dashboard` has printed: it holds a key.\n", 403)
        return None

    def _is_entry(self, shown: str) -> bool:
        return hmac.compare_digest(shown.encode(), self._keys.entry.encode())

    def _welcome(self, request: Request) -> Response:
        """The key goes from the address into a cookie, so that it is not seen over a shoulder or in a history."""
        rest = urlencode([pair for pair in parse_qsl(request.url.query) if pair[0] != "key"])
        path = "/" + request.url.path.lstrip("/")
        answer = RedirectResponse(f"{path}?{rest}" if rest else path, 303)
        answer.set_cookie(self._cookie, self._keys.entry, httponly=True, samesite="strict", path="/")
        return answer


def is_ours(request: Request, token: str, keys: Keys) -> bool:
    """Whether a request that changes something was sent by a page of ours."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin is not None and origin != f"http://{request.headers.get('host', '')}":
        return False
    if site is not None and site not in ("same-origin", "none"):
        return False
    return hmac.compare_digest(token.encode(), keys.token.encode())
