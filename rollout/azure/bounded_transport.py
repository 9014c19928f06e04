"""The same ends for what azure-identity and azure-ai-ml read, which come with `requests` instead of aiohttp: see
`rollout.bounded`. Imported only where one of them is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter

from rollout import bounded
from rollout.bounded import TooLong


class BoundedTransport(RequestsTransport):  # type: ignore[misc]  # azure-core exports it lazily, untyped
    """A transport of azure-core whose answers are read as far as the limits; then TooLong, or `requests`' Timeout."""

    def open(self) -> None:
        """See azure-core: from now on there is a session."""
        super().open()
        assert self.session is not None, "it is open"
        self.session.mount("https://", _Adapter())
        self.session.mount("http://", _Adapter())  # an identity endpoint of the machine itself


class _Adapter(HTTPAdapter):
    def build_response(self, req: Any, resp: Any) -> requests.Response:
        """See `requests`: its answer reads from `resp`."""
        response: requests.Response = super().build_response(req, resp)
        response.raw = _Bounded(resp, urlsplit(str(req.url)).hostname or "")
        return response


class _Bounded:
    """A body's reader; what it is asked for besides streaming, urllib3's own answers."""

    def __init__(self, raw: Any, host: str) -> None:
        self._raw = raw
        self._host = host
        self._until = time.monotonic() + bounded.BODY_SECONDS

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, amount: int, decode_content: bool | None = None) -> Iterator[bytes]:
        """See urllib3: the blocks of the body, unpacked."""
        count = 0
        for block in self._raw.stream(amount, decode_content=decode_content):
            count += len(block)
            if count > bounded.MOST_BYTES:
                raise TooLong(f"{self._host} answered with more than {bounded.MOST_BYTES} bytes", hint=bounded.HINT)
            if time.monotonic() > self._until:
                raise requests.exceptions.ReadTimeout(f"{self._host} did not come to an end")
            yield block
