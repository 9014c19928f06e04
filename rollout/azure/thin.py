"""The same wire for bulk reads, at less than half the cost: aiohttp alone for what goes well.

A GET that is answered by 2xx or 404 needs nothing of azure-core's pipeline. Whatever else comes (throttling, server
faults, lost connections, claims challenges) is left to it, after the pause that it would have made itself; so faults,
retries and counts are the same (but for one attempt more where a claims challenge is met). Writes always go through
the pipeline.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from itertools import count
from typing import Final

import aiohttp
import msgspec
from azure.core.credentials import AccessToken
from yarl import URL

from rollout.azure.allowance import Admission
from rollout.azure.answer import Answer, Kind, decoded
from rollout.azure.credentials import AsyncCredential
from rollout.azure.wire import AGENT, ANSWER_SECONDS, CONNECT_SECONDS, LONGEST_PAUSE, Asked, Wire
from rollout.ports import RequestCount

_EARLY: Final = 300.0
"""Seconds before its end at which a token is replaced."""
_LEFT: Final = 2
"""How often azure-core tries again after the first attempt was ours: four in all, as often as it tries by itself."""
_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})
_NO_TOKEN: Final = AccessToken("", 0)
_PATIENCE: Final = aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS)
"""One clock for headers and body together: what takes longer is left to the pipeline, which has more patience."""


class ThinWire:
    """Reads by aiohttp, everything else by `whole`; both through the same session and the same admission."""

    def __init__(
        self, whole: Wire, credential: AsyncCredential, scope: str, session: aiohttp.ClientSession, admission: Admission
    ) -> None:
        self._whole = whole
        self._credential = credential
        self._scope = scope
        self._session = session
        self._admission = admission
        self._token = _NO_TOKEN
        self._bearer = ""
        self._signing_in = asyncio.Lock()
        self._series = str(uuid.uuid4())[:-12]
        self._numbers = count()

    async def exchange(self, asked: Asked) -> Answer:
        """See `Wire`."""
        if asked.method != "GET" or asked.body is not None:
            return await self._whole.exchange(asked)
        try:
            answer = await self._read(asked.url, asked.kind, asked.requests)
        except (aiohttp.ClientError, TimeoutError, OSError):
            pause = 0.0
        else:
            if answer.status not in _AGAIN and not _challenges(answer):
                return answer
            wish = answer.after
            pause = 0.0 if wish is None else min(wish, LONGEST_PAUSE)
        await asyncio.sleep(pause)
        return await self._whole.exchange(msgspec.structs.replace(asked, retries=_LEFT, until=None))

    async def _read(self, url: str, kind: Kind, requests: RequestCount) -> Answer:
        if self._token.expires_on - _EARLY < time.time():
            await self._sign_in()
        headers = {
            "Accept": "application/json",
            "Authorization": self._bearer,
            "User-Agent": AGENT,
            "x-ms-client-request-id": f"{self._series}{next(self._numbers):012x}",
        }
        admitted = await self._admission.admit("GET", url)
        setattr(requests, kind, getattr(requests, kind) + 1)
        try:
            async with self._session.get(
                URL(url, encoded=_sendable(url)),
                headers=headers,
                timeout=_PATIENCE,
                allow_redirects=False,
            ) as response:
                content = await response.read()
        except BaseException:
            admitted.answered(0, {})
            raise
        admitted.answered(response.status, response.headers)
        return Answer(response.status, decoded(content), response.headers)

    async def _sign_in(self) -> None:
        async with self._signing_in:
            if self._token.expires_on - _EARLY < time.time():  # nobody has, while we waited
                self._token = await self._credential.get_token(self._scope)
                self._bearer = f"Bearer {self._token.token}"


def _challenges(answer: Answer) -> bool:
    """Whether it wants a token with further claims."""
    return answer.status == 401 and "claims=" in answer.headers.get("WWW-Authenticate", "")


def _sendable(url: str) -> bool:
    """Whether that address can be sent as it is, as ours are; one of the service that cannot is quoted."""
    return url.isascii() and url.isprintable() and " " not in url
