"""The network in memory: what aiohttp and requests write becomes a call of an ASGI application, and its answer bytes.

Nothing of the two clients is replaced but the socket: they parse what they get, and see connections end as they do.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import aiohttp
import msgspec
import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import ProtocolError

_END: Final = b"\r\n\r\n"
_NO_BODY: Final = (204, 304)
Application = Callable[..., Coroutine[Any, Any, None]]


class Reply(msgspec.Struct):
    """What came back on the wire. `cut`: then the connection broke; without a status and not cut, nobody answers."""

    status: int = 0
    headers: list[tuple[str, str]] = msgspec.field(default_factory=list)
    body: bytes = b""
    cut: bool = False

    def bytes(self) -> bytes:
        """As HTTP/1.1 has it."""
        if not self.status:
            return b""
        head = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        head += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join(head).encode("latin-1") + _END + self.body


class Network:
    """Carries requests to `application`, or to another one by the host's name.

    `late`: this many answers get lost on their way, though they were given. `delay`: how many seconds the answer for
    an address takes on its way to aiohttp.
    """

    def __init__(self, application: Application) -> None:
        self.application = application
        self.hosts: dict[str, Application] = {}
        self.late = 0
        self.delay: Callable[[str], float] = lambda url: 0.0

    def exchange(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> Reply:
        """One request to its end. An application that would wait has hung up, or does not answer at all."""
        reply = Reply()
        application = self.hosts.get(urlsplit(url).hostname or "", self.application)
        work = application(_scope(method, url, headers, reply), _receiver(body), _sender(reply))
        try:
            work.send(None)
            reply.cut = bool(reply.status)
            work.close()
        except StopIteration:
            pass
        if method == "HEAD":
            reply.body = b""
        if self.late:
            self.late -= 1
            return Reply()
        return reply


def _scope(method: str, url: str, headers: list[tuple[str, str]], reply: Reply) -> dict[str, Any]:
    parts = urlsplit(url)

    def close() -> None:
        reply.cut = True

    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": ("127.0.0.1", 1),
        "server": (parts.hostname, parts.port),
        "extensions": {"rollout.close": close},
    }


def _receiver(body: bytes) -> Callable[[], Coroutine[Any, Any, dict[str, Any]]]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _sender(reply: Reply) -> Callable[[Any], Coroutine[Any, Any, None]]:
    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            reply.status = message["status"]
            reply.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
        else:
            reply.body += message.get("body", b"")

    return send


class _Wire(asyncio.Transport):
    """A connection of aiohttp: collects a request, hands back the answer, breaks where the answer is cut."""

    def __init__(self, network: Network, protocol: asyncio.Protocol, host: str) -> None:
        super().__init__()
        self._network = network
        self._protocol = protocol
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._written = b""
        self._closed = False

    def write(self, data: Any) -> None:
        """Collect; answer when the request is whole."""
        self._written += bytes(data)
        head, end, body = self._written.partition(_END)
        if end and len(body) >= _length(head):
            self._written = b""
            self._loop.call_soon(self._answer, head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        request, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = request.split(" ")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        url = f"{self._host}{target}"
        reply = self._network.exchange(method, url, headers, body)
        if reply.status or reply.cut:
            self._loop.call_later(self._network.delay(url), self._hand_over, reply)

    def _hand_over(self, reply: Reply) -> None:
        if self._closed:
            return
        if reply.status:
            self._protocol.data_received(reply.bytes())
        if reply.cut:
            self.abort()

    def is_closing(self) -> bool:
        """Whether it is of no more use."""
        return self._closed

    def close(self) -> None:
        """End it."""
        if not self._closed:
            self._closed = True
            self._loop.call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        """The same: there is nothing to flush."""
        self.close()

    def pause_reading(self) -> None:
        """Answers come whole."""

    def resume_reading(self) -> None:
        """Answers come whole."""


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _connecting(network: Network) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def create(connector: Any, request: Any, *rest: Any) -> Any:
        protocol = connector._factory()
        protocol.connection_made(_Wire(network, protocol, f"{request.url.scheme}://{request.url.authority}"))
        return protocol

    return create


def _adapter(network: Network, wait: Callable[[float], None]) -> Callable[..., requests.Response]:
    def send(
        adapter: HTTPAdapter, request: requests.PreparedRequest, timeout: Any = None, **options: Any
    ) -> requests.Response:
        body = _read(request.body)
        reply = network.exchange(str(request.method), str(request.url), _headers(request), body)
        if reply.cut and not reply.status:
            raise requests.ConnectionError(ProtocolError("Connection aborted."), request=request)
        if not reply.status:
            wait(timeout[1] if isinstance(timeout, tuple) else timeout or 300.0)
            raise requests.ReadTimeout("Read timed out.", request=request)
        raw = HTTPResponse(
            body=io.BytesIO(reply.body),
            headers=HTTPHeaderDict(reply.headers),
            status=reply.status,
            preload_content=False,
            enforce_content_length=True,
            request_method=request.method,
        )
        return adapter.build_response(request, raw)

    return send


def _headers(request: requests.PreparedRequest) -> list[tuple[str, str]]:
    return [(name, value if isinstance(value, str) else value.decode()) for name, value in request.headers.items()]


def _read(body: Any) -> bytes:
    if body is None:
        return b""
    content = body.read() if hasattr(body, "read") else body
    return content.encode() if isinstance(content, str) else bytes(content)


@contextmanager
def connected(network: Network, wait: Callable[[float], None]) -> Iterator[None]:
    """While the block runs, both clients of this process reach that network and no other; `wait` lets time pass."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aiohttp.TCPConnector, "_create_connection", _connecting(network))
        patch.setattr(HTTPAdapter, "send", _adapter(network, wait))
        yield
