"""Waiting until Resource Manager will take a request, instead of being refused: the edge of `rollout.core.bucket`.

Resource Manager keeps a bucket for each subscription and principal in the region that answers. One process signs in as
one principal and is answered by one region for each address, so address and subscription name the bucket.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from rollout.azure.answer import wished_pause
from rollout.core.bucket import full

LONGEST: Final = 120.0
"""Seconds of `Retry-After` that are believed, at most."""
_SUBSCRIPTION: Final = re.compile(r"/subscriptions/([^/?]+)", re.IGNORECASE)
_KINDS: Final = {"PUT": "writes", "PATCH": "writes", "DELETE": "deletes"}
_REMAINING: Final = "x-ms-ratelimit-remaining-subscription-"


class Admitted(Protocol):
    """A request that was let through."""

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """It was answered; `status` 0: there was no answer."""


class Admission(Protocol):
    """Who lets requests through."""

    async def admit(self, method: str, url: str) -> Admitted:
        """Wait until that request may be sent."""


class Unlimited:
    """Lets everything through."""

    async def admit(self, method: str, url: str) -> Unlimited:
        """See `Admission`."""
        return self

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """See `Admitted`."""


class Line:
    """Those who wait for one bucket, in the order in which they came. `now` tells seconds of the service's time."""

    __slots__ = ("_bucket", "_header", "_now", "_queue", "_speed", "_under_way")

    def __init__(self, kind: str, now: Callable[[], float], speed: float) -> None:
        self._bucket = full(kind, now())
        self._header = _REMAINING + kind
        self._now = now
        self._speed = speed
        self._queue = asyncio.Lock()
        self._under_way = 0

    async def enter(self) -> None:
        """Wait for a token, and take it."""
        async with self._queue:
            await self._wait()
            self._bucket = self._bucket.taken(self._now())
            self._under_way += 1

    async def _wait(self) -> None:
        """Until there is a token; what the service says meanwhile may make it later."""
        while True:
            seconds = self._bucket.wait(self._now())
            if seconds <= 0:
                return
            await asyncio.sleep(seconds / self._speed)

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """See `Admitted`: what the service says of its bucket counts more than what we thought."""
        self._under_way = max(0, self._under_way - 1)
        if status == 429:
            pause = min(wished_pause(headers) or 1.0, LONGEST)
            self._bucket = self._bucket.refused(self._now(), pause * self._speed)
        elif (told := headers.get(self._header, "")).isdecimal():
            self._bucket = self._bucket.learnt(self._now(), int(told[:9]), self._under_way)


class Allowances:
    """The buckets of one process. `speed`: how many seconds of the service's time pass in one of ours."""

    def __init__(self, speed: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._speed = speed
        self._clock = clock
        self._lines: dict[tuple[str, str], Line] = {}

    async def admit(self, method: str, url: str) -> Line:
        """See `Admission`; in the order in which they came."""
        line = self._line(method, url)
        await line.enter()
        return line

    def _now(self) -> float:
        return self._clock() * self._speed

    def _line(self, method: str, url: str) -> Line:
        kind, found = _KINDS.get(method, "reads"), _SUBSCRIPTION.search(url)
        key = (kind, url[: found.end()].lower() if found else "")
        if (line := self._lines.get(key)) is None:
            line = self._lines[key] = Line(kind, self._now, self._speed)
        return line
