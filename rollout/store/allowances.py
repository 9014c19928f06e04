"""Token buckets that the workers of one database share: the edge of `rollout.core.bucket`.

One row a bucket, one statement a portion. The statement is `Bucket.told` and `Bucket.booked` in SQL, with the
database's clock; tests hold both equal. Where the database does not answer, there are no books: each worker then has
its own alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection
from psycopg.errors import UndefinedTable

from rollout.core.bucket import LIMITS, Booking, Whose
from rollout.store.address import Address
from rollout.store.faults import FAILURES, ours

PATIENCE: Final = 1.0
"""Seconds that a request waits for the books, at most."""
PAUSE: Final = 15.0
"""Seconds without them after they could not be had."""
_BOOK: Final = """
INSERT INTO rollout_allowances AS mine (place, principal, kind, speed, size, refill, tokens, at, shut)
SELECT %(place)s, %(principal)s, %(kind)s, %(speed)s, %(size)s, %(refill)s, %(left)s::float8 - %(wanted)s, now,
       '-infinity'
FROM (SELECT extract(epoch FROM clock_timestamp())::float8 * %(speed)s::float8 AS now) AS clock
ON CONFLICT (place, principal, kind, speed) DO UPDATE SET
  size = greatest(mine.size, excluded.size),
  tokens = CASE WHEN excluded.size > mine.size THEN %(left)s::float8 ELSE least(
             mine.size, mine.tokens + greatest(0, excluded.at - mine.at) * mine.refill, %(left)s::float8) END
           - %(wanted)s,
  at = greatest(mine.at, excluded.at)
RETURNING tokens + %(wanted)s, shut - at"""
_SHUT: Final = """
UPDATE rollout_allowances AS mine SET
  tokens = least(mine.tokens + greatest(0, now - mine.at) * mine.refill, 0),
  at = greatest(mine.at, now), shut = greatest(mine.shut, now + %(after)s::float8)
FROM (SELECT extract(epoch FROM clock_timestamp())::float8 * %(speed)s::float8 AS now) AS clock
WHERE place = %(place)s AND principal = %(principal)s AND kind = %(kind)s AND speed = %(speed)s::float8"""


class SharedBuckets:
    """The books in one database, through one connection that is made when it is needed. `say` hears when they cannot be
    had, and when they are back. Close it at the end."""

    def __init__(self, address: Address, say: Callable[[str], None] = lambda text: None) -> None:
        self._address = address
        self._say = say
        self._connection: AsyncConnection[Any] | None = None
        self._turn = asyncio.Lock()
        self._without_until = 0.0
        self._missed = False
        self._telling: set[asyncio.Task[object]] = set()

    async def book(self, whose: Whose, size: float, left: float, tokens: int) -> Booking | None:
        """Book so many tokens. `size` and `left`: the bucket as the one who asks knows it; None: no books now."""
        refill = LIMITS[whose.kind][1]
        row = await self._asked(_BOOK, whose, {"size": size, "refill": refill, "left": left, "wanted": tokens})
        return None if row is None else Booking(tokens, float(row[0]), refill, float(row[1]))

    def refused(self, whose: Whose, after: float) -> None:
        """The service has refused a request: the bucket is empty, and shut for that many seconds of its time."""
        told = asyncio.ensure_future(self._asked(_SHUT, whose, {"after": after}))
        self._telling.add(told)
        told.add_done_callback(self._telling.discard)

    async def aclose(self) -> None:
        """Tell what is still to be told, and close the connection."""
        await asyncio.gather(*self._telling, return_exceptions=True)
        await self._closed()

    async def _asked(self, statement: str, whose: Whose, more: Mapping[str, object]) -> tuple[Any, ...] | None:
        """The statement's row, if it has one; None also where the database is not there."""
        if time.monotonic() < self._without_until:
            return None
        try:
            async with asyncio.timeout(PATIENCE), self._turn:
                row = await self._run(statement, {**msgspec.structs.asdict(whose), **more})
        except (*FAILURES, TimeoutError) as error:
            self._missing(error)
            await self._closed()
            return None
        if self._missed:
            self._missed = False
            self._say("the count of requests is shared again")
        return row

    async def _run(self, statement: str, values: Mapping[str, object]) -> tuple[Any, ...] | None:
        if self._connection is None:
            self._connection = await self._address.connect(autocommit=True)
        cursor = await self._connection.execute(statement.encode(), values)
        return await cursor.fetchone() if cursor.description else None

    def _missing(self, error: BaseException) -> None:
        self._without_until = time.monotonic() + PAUSE
        if self._missed:
            return
        self._missed = True
        why = str(ours(error, self._address))
        if isinstance(error, UndefinedTable):
            why = f"{self._address.shown} has no table for it: rollout queue setup"
        self._say(f"requests are counted by this worker alone: {why}")

    async def _closed(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
