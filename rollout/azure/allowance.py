"""Waiting until Resource Manager will take a request, instead of being refused: the edge of `rollout.core.bucket`.

Resource Manager keeps a bucket for each subscription and principal in the region that answers. One process signs in as
one principal and is answered by one region for each address, so address and subscription name the bucket. Processes
that take from the same bucket can keep its books together, in a `Reserve`; each has its own beside that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from rollout.azure.answer import wished_pause
from rollout.core.bucket import Booking, Bucket, Whose, full, wanted

LONGEST: Final = 120.0
"""Seconds of `Retry-After` that are believed, at most."""
LAPSE: Final = 10.0
"""Seconds of the service's time after which a token that was booked is not used any more."""
_SUBSCRIPTION: Final = "/subscriptions/"
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


class Reserve(Protocol):
    """Books of buckets that several processes keep together. It may not be there at any moment, and never keeps anybody
    waiting for itself."""

    async def book(self, whose: Whose, size: float, left: float, tokens: int) -> Booking | None:
        """Book so many tokens. `size` and `left`: the bucket as the one who asks knows it; None: no books now."""

    def refused(self, whose: Whose, after: float) -> None:
        """The service has refused a request: nobody may ask for that many seconds of its time."""


class Portions:
    """What one line has booked in a reserve and not used yet. `whose` tells the bucket, `now` the service's time."""

    __slots__ = ("_at", "_booking", "_now", "_reserve", "_used", "_whose")

    def __init__(self, reserve: Reserve, whose: Callable[[], Awaitable[Whose]], now: Callable[[], float]) -> None:
        self._reserve = reserve
        self._whose = whose
        self._now = now
        self._booking: Booking | None = None
        self._at = 0.0
        self._used = 0

    async def take(self, bucket: Bucket, waiting: int) -> float:
        """Take a token; the moment from which it may be used. `bucket`: what this process thinks, when so many wait."""
        if self._booking is None or self._over(self._booking):
            tokens, left = wanted(bucket, self._now(), waiting), bucket.level(self._now())
            self._booking = await self._reserve.book(await self._whose(), bucket.size, left, tokens)
            self._at, self._used = self._now(), 0
        if self._booking is None or self._booking.due(self._booking.tokens) > LONGEST:
            self._booking = None
            return self._now()
        self._used += 1
        return self._at + self._booking.due(self._used)

    async def refused(self, after: float) -> None:
        """What was booked is worth nothing; everybody hears of it."""
        self._booking = None
        self._reserve.refused(await self._whose(), after)

    def _over(self, booking: Booking) -> bool:
        """Used up; or so old that its tokens have grown again, for others to take."""
        return self._used >= booking.tokens or self._now() > self._at + booking.due(booking.tokens) + LAPSE


class Unlimited:
    """Lets everything through."""

    async def admit(self, method: str, url: str) -> Unlimited:
        """See `Admission`."""
        return self

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """See `Admitted`."""


class Line:
    """Those who wait for one bucket, in the order in which they came. `now` tells seconds of the service's time."""

    __slots__ = ("_bucket", "_header", "_now", "_portions", "_queue", "_speed", "_telling", "_under_way", "_waiting")

    def __init__(self, kind: str, now: Callable[[], float], speed: float, portions: Portions | None = None) -> None:
        self._bucket = full(kind, now())
        self._header = _REMAINING + kind
        self._now = now
        self._speed = speed
        self._queue = asyncio.Lock()
        self._under_way = 0
        self._waiting = 0
        self._portions = portions
        self._telling: asyncio.Task[None] | None = None

    def enter_at_once(self) -> bool:
        """Take a token where nobody waits, one is there, and no other process wants any; whether that could be."""
        now = self._now()
        if self._waiting or self._portions is not None or self._bucket.wait(now) > 0:
            return False
        self._take(now)
        return True

    async def queue(self) -> None:
        """Wait for a token, and take it."""
        self._waiting += 1
        try:
            async with self._queue:
                due = self._now() if self._portions is None else await self._portions.take(self._bucket, self._waiting)
                await self._wait(due)
                self._take(self._now())
        finally:
            self._waiting -= 1

    def _take(self, now: float) -> None:
        self._bucket = self._bucket.taken(now)
        self._under_way += 1

    async def _wait(self, due: float) -> None:
        """Until there is a token, and that moment; what the service says meanwhile may make it later."""
        while True:
            seconds = max(self._bucket.wait(self._now()), due - self._now())
            if seconds <= 0:
                return
            await asyncio.sleep(seconds / self._speed)

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """See `Admitted`: what the service says of its bucket counts more than what we thought."""
        self._under_way = max(0, self._under_way - 1)
        if status == 429:
            pause = min(wished_pause(headers) or 1.0, LONGEST)
            self._bucket = self._bucket.refused(self._now(), pause * self._speed)
            if self._portions is not None:
                self._telling = asyncio.create_task(self._portions.refused(pause * self._speed))
        elif (told := headers.get(self._header, "")).isdecimal():
            self._bucket = self._bucket.learnt(self._now(), int(told[:9]), self._under_way)


class Allowances:
    """The buckets of one process and principal. `speed`: how many seconds of the service's time pass in one of ours.
    With a `reserve` they are shared with other processes; `principal` then says who signed in."""

    def __init__(
        self,
        speed: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        *,
        reserve: Reserve | None = None,
        principal: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        self._speed = speed
        self._clock = clock
        self._reserve = reserve
        self._principal = principal
        self._who: str | None = None
        self._lines: dict[tuple[str, str], Line] = {}

    async def admit(self, method: str, url: str) -> Line:
        """See `Admission`; in the order in which they came."""
        line = self._line(method, url)
        if not line.enter_at_once():
            await line.queue()
        return line

    def _now(self) -> float:
        return self._clock() * self._speed

    def _line(self, method: str, url: str) -> Line:
        kind, place = key = (_KINDS.get(method, "reads"), _place(url))
        if (line := self._lines.get(key)) is None:
            line = self._lines[key] = Line(kind, self._now, self._speed, self._portions(kind, place))
        return line

    def _portions(self, kind: str, place: str) -> Portions | None:
        if self._reserve is None:
            return None

        async def whose() -> Whose:
            if self._who is None:
                self._who = await self._principal() if self._principal else ""
            return Whose(place=place, principal=self._who, kind=kind, speed=self._speed)

        return Portions(self._reserve, whose, self._now)


def _place(url: str) -> str:
    """Address and subscription in lower case; "" for what is in no subscription."""
    address, mark, rest = url.lower().partition(_SUBSCRIPTION)
    name = rest.partition("/")[0].partition("?")[0]
    return f"{address}{mark}{name}" if name else ""
