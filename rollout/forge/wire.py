"""HTTP to a forge: limits waited for within reason, pages followed, faults as sentences. The token stays in here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from rollout.errors import Retryable, RolloutError
from rollout.forge.dialect import BUSY, Call, Dialect, Refusal
from rollout.forge.faults import GITHUB

ATTEMPTS: Final = 5
PATIENCE: Final = 120.0
"""Seconds that all waits for one request may take together: nobody pays a runner for an hour of waiting."""
_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
_SAFE: Final = frozenset({"GET", "PATCH", "PUT"})
_MOVED: Final = frozenset({301, 302, 307, 308})


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent. `safe`: sending it twice is the same as sending it once."""

    call: Call
    url: str
    body: Any = None
    query: Mapping[str, str] = {}
    safe: bool = True


class Answer(msgspec.Struct, frozen=True):
    """What came back; the names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Wire:
    """Requests to one API, in its dialect. `sleep` and `clock` (epoch seconds) are the world's time."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        token: str,
        *,
        dialect: Dialect = GITHUB,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._session = session
        self.base_url = base_url.rstrip("/")
        self._sleep = sleep
        self._clock = clock
        self._dialect = dialect
        self._headers = {**dialect.headers(token), "User-Agent": "azureml-rollout"}

    async def json(self, call: Call, body: Any = None, query: Mapping[str, str] | None = None) -> Any:
        """The JSON of a successful answer (None: empty)."""
        safe = call.method in _SAFE
        request = Request(call=call, url=self.base_url + call.path, body=body, query=query or {}, safe=safe)
        return (await self.send(request)).body

    async def graphql(self, call: Call, body: Any) -> Any:
        """The answer of the GraphQL API, which on an own server lives beside `/v3`. Our mutations may be repeated."""
        root = self.base_url.removesuffix("/v3")
        return (await self.send(Request(call=call, url=f"{root}/graphql", body=body))).body

    async def pages(self, call: Call, query: Mapping[str, str] | None = None) -> AsyncIterator[Any]:
        """Every page of a list, one after the other, by the `Link` header."""
        url: str | None = self.base_url + call.path
        wanted: Mapping[str, str] = {"per_page": "100", **(query or {})}
        while url:
            answer = await self.send(Request(call=call, url=url, query=wanted))
            yield answer.body
            url, wanted = self._next(answer), {}

    def _next(self, answer: Answer) -> str | None:
        """The next page; never on another host, for the token goes with it."""
        for part in answer.headers.get("link", "").split(","):
            target, _, parameters = part.partition(";")
            if 'rel="next"' in parameters:
                url = target.strip().strip("<>")
                return url if _origin(url) == _origin(self.base_url) else None
        return None

    async def send(self, request: Request) -> Answer:
        """Send it, again where that may help. Raises SignInError, RolloutError, or Retryable when patience ends."""
        waited = 0.0
        for attempt in range(ATTEMPTS):
            answer = await self._attempt(request)
            if answer is not None and answer.status < 300 and answer.status not in self._dialect.sign_in:
                return answer
            pause = self._pause(request, answer, attempt)
            if pause is None or attempt == ATTEMPTS - 1 or waited + pause > PATIENCE:
                raise self._given_up(request.call, answer, pause)
            waited += pause
            await self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _pause(self, request: Request, answer: Answer | None, attempt: int) -> float | None:
        """Seconds until the next attempt; None: there is no sense in one."""
        if answer is None or answer.status in BUSY:
            return float(2**attempt) if request.safe else None
        return self._dialect.wait(_refusal(answer), attempt, self._clock())

    def _given_up(self, call: Call, answer: Answer | None, pause: float | None) -> RolloutError:
        name = self._dialect.name
        if answer is None or answer.status in BUSY:
            found = f"HTTP {answer.status}" if answer else "no answer"
            return Retryable(f"{name} could not {call.what}: {found}", hint="the same command again carries on")
        if pause is not None:
            text = f"{name}'s rate limit does not let us {call.what} for another {pause:.0f} s"
            return Retryable(text, hint="the same command again carries on", after=pause)
        return self._dialect.fault(call, _refusal(answer))

    async def _attempt(self, request: Request) -> Answer | None:
        """One request, after redirects on the same host (a renamed repository); None where nobody answered."""
        url, query = request.url, request.query
        for _ in range(3):
            answer = await self._once(request, url, query)
            moved = answer.headers.get("location", "") if answer and answer.status in _MOVED else ""
            if not moved or _origin(moved) != _origin(self.base_url):
                return answer
            url, query = moved, {}
        return answer

    async def _once(self, request: Request, url: str, query: Mapping[str, str]) -> Answer | None:
        data = None if request.body is None else msgspec.json.encode(request.body)
        try:
            async with self._session.request(
                request.call.method,
                url,
                params=query,
                data=data,
                headers={**self._headers, **_content(request.body)},
                timeout=_TIMEOUT,
                allow_redirects=False,
            ) as answer:
                text = await answer.read()
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Answer(answer.status, headers, _decoded(text))
        except (aiohttp.ClientError, TimeoutError):
            return None


def _refusal(answer: Answer) -> Refusal:
    return Refusal(status=answer.status, headers=answer.headers, body=answer.body)


def _content(body: Any) -> dict[str, str]:
    """A list of changes is a JSON patch (RFC 6902), which Azure Boards wants to be told."""
    kind = "application/json-patch+json" if isinstance(body, list) else "application/json"
    return {} if body is None else {"Content-Type": kind}


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _decoded(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text) if text else None
    except msgspec.DecodeError:
        return None
