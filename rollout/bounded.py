"""Answers of servers end: a limit in size (unpacked, where they are compressed) and in time for everything that an
aiohttp session reads. `aiohttp.ClientSession(response_class=BoundedResponse)`.

aiohttp bounds headers and each step of unpacking, not the whole; azure-core reads a body to its end, however long.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast
from weakref import ref

import aiohttp

from rollout.errors import RolloutError

MOST_BYTES: Final = 64 * 1024 * 1024
"""Of one answer. Azure's storage gives 32 MiB of a blob at once; a page of a list is some 100 kB."""
BODY_SECONDS: Final = 300.0
"""From the answer's headers to its last byte."""


class TooLong(RolloutError):
    """An answer longer than anybody means to give."""


class BoundedResponse(aiohttp.ClientResponse):
    """An answer that is read as far as the limits. Its reader raises TooLong, or TimeoutError."""

    async def start(self, connection: Any) -> BoundedResponse:
        """See aiohttp: the answer's headers are there; its body is read through the limits, unless it is here already
        and within them, as small answers are."""
        await super().start(connection)
        if not self.content.is_eof() or self.content.total_bytes > MOST_BYTES:
            self.content = cast(aiohttp.StreamReader, _Bounded(self))
        return self


class _Bounded:
    """A body's reader; what it is asked for besides reading, aiohttp's own answers."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = ref(response)  # which holds its reader: no ring, nothing for the collector of garbage
        self._stream = response.content
        self._until = asyncio.get_running_loop().time() + BODY_SECONDS
        self._count = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def read(self, n: int = -1) -> bytes:
        """See `aiohttp.StreamReader.read`. What is here already to its end, as small answers are, is not waited for."""
        if n < 0 and self._stream.is_eof():
            return self._counted(self._stream.read_nowait())
        async with asyncio.timeout_at(self._until):
            if n >= 0:
                return self._counted(await self._stream.read(n))
            found = self._counted(await self._stream.read(_BLOCK))
            if self._stream.at_eof():
                return found
            rest = bytearray(found)
            while block := self._counted(await self._stream.read(_BLOCK)):
                rest += block
            return bytes(rest)

    def _counted(self, block: bytes) -> bytes:
        self._count += len(block)
        if self._count > MOST_BYTES:
            raise self._too_long()
        return block

    def _too_long(self) -> TooLong:
        response = self._response()
        if response is not None:
            response.close()
        who = response.url.host if response is not None else "a server"
        return TooLong(f"{who} answered with more than {MOST_BYTES} bytes", hint=HINT)


_BLOCK: Final = 256 * 1024
HINT: Final = "No service of ours answers like that: check the address, and what stands between (a proxy)."
