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
from rollout.core.bucket import Bucket, full

LONGEST: Final = 120.0
"""Seconds of `Retry-After` that are believed, at most."""
_SUBSCRIPTION: Final = re.compile(r"/subscriptions/([^/?]+)", re.IGNORECASE)
_KINDS: Final = {"PUT": "writes", "PATCH": "writes", "DELETE": "deletes"}
_REMAINING: Final = "x-ms-ratelimit-remaining-subscription-"


class Admission(Protocol):
    """Who lets requests through."""

    async def admit(self, method: str, url: str) -> None:
        """Wait until that request may be sent."""

    def answered(self, method: str, url: str, status: int, headers: Mapping[str, str]) -> None:
        """It was answered; `status` 0: there was no answer."""


class Unlimited:
    """Lets everything through."""

    async def admit(self, method: str, url: str) -> None:
        """See `Admission`."""

    def answered(self, method: str, url: str, status: int, headers: Mapping[str, str]) -> None:
        """See `Admission`."""


class _Line:
    """Those who wait for one bucket, in the order in which they came."""

    __slots__ = ("bucket", "queue", "under_way")

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.queue = asyncio.Lock()
        self.under_way = 0


class Allowances:
    """The buckets of one process. `speed`: how many seconds of the service's time pass in one of ours."""

    def __init__(self, speed: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._speed = speed
        self._clock = clock
        self._lines: dict[tuple[str, str], _Line] = {}
        self.waited = 0.0

    async def admit(self, method: str, url: str) -> None:
        """See `Admission`; in the order in which they came."""
        line = self._line(method, url)
        async with line.queue:
            while (seconds := line.bucket.wait(self._now())) > 0:
                pause = seconds / self._speed
                self.waited += pause
                await asyncio.sleep(pause)
            line.bucket = line.bucket.taken(self._now())
            line.under_way += 1

    def answered(self, method: str, url: str, status: int, headers: Mapping[str, str]) -> None:
        """See `Admission`: what the service says of its bucket counts more than what we thought."""
        kind, line = _KINDS.get(method, "reads"), self._line(method, url)
        line.under_way = max(0, line.under_way - 1)
        if status == 429:
            pause = min(wished_pause(headers) or 1.0, LONGEST)
            line.bucket = line.bucket.refused(self._now(), pause * self._speed)
        elif (told := headers.get(_REMAINING + kind, "")).isdecimal():
            line.bucket = line.bucket.learnt(self._now(), int(told[:9]), line.under_way)

    def _now(self) -> float:
        return self._clock() * self._speed

    def _line(self, method: str, url: str) -> _Line:
        kind, found = _KINDS.get(method, "reads"), _SUBSCRIPTION.search(url)
        key = (kind, url[: found.end()].lower() if found else "")
        if (line := self._lines.get(key)) is None:
            line = self._lines[key] = _Line(full(kind, self._now()))
        return line
