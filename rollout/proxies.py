"""The proxies that the environment names (`HTTPS_PROXY`, `NO_PROXY`), found once for each host:
`aiohttp.ClientSession(middlewares=(Proxies(),))`.

aiohttp's own `trust_env` asks two threads before every request: one for the proxy, one for the user's netrc. That costs
more than decoding the answer, and a netrc entry that covers the host makes it refuse the request, which has its own
`Authorization`: our tokens come from credentials that the user chose, never from that file.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.helpers import get_env_proxy_for_url

if TYPE_CHECKING:
    from yarl import URL

_Way = tuple["URL", aiohttp.BasicAuth | None]


class Proxies:
    """A middleware of one session: each request through its host's proxy, if there is one. The environment is read at
    the first request to a host."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str | None], _Way | None] = {}

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """See `aiohttp.ClientMiddlewareType`."""
        key = (request.url.scheme, request.url.host)
        if key not in self._known:
            self._known[key] = await asyncio.to_thread(_proxy, request.url)  # it may read files
        if (way := self._known[key]) is not None:
            request.update_proxy(*way, None)
        return await handler(request)


def _proxy(url: URL) -> _Way | None:
    try:
        return get_env_proxy_for_url(url)
    except LookupError:
        return None
