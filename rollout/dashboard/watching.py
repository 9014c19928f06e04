"""The one loop that reads, for all pages together: as often as wished for, and never more than its budget."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Final

import msgspec

from rollout.dashboard.board import Board, due
from rollout.dashboard.office import Office, Sight
from rollout.errors import RolloutError
from rollout.render.html.rows import row_of_fault

READS_OF_A_LOOK: Final = 2
PARALLEL: Final = 8
IDLE: Final = 60.0
"""Seconds after the last request in which it goes on to look, though no page listens (there may be no JavaScript)."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """A round `every` so many seconds, and at most so many reads of the service a second."""

    every: float = 5.0
    reads: float = 10.0

    @property
    def looks(self) -> int:
        """How many endpoints a round may look at."""
        return max(1, int(self.reads * self.every / READS_OF_A_LOOK))


class Watch:
    """Rounds of census and looks, as long as anybody is there to see them."""

    def __init__(self, board: Board, office: Office, pace: Pace) -> None:
        self._board = board
        self._office = office
        self._pace = pace
        self._asked = asyncio.Event()
        self._last = 0.0

    def asked(self) -> None:
        """Somebody wants to see something."""
        self._last = time.monotonic()
        self._asked.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            if not self._board.heard and time.monotonic() - self._last > IDLE:
                self._asked.clear()
                await self._asked.wait()
            began = time.monotonic()
            await self.round(began)
            await asyncio.sleep(max(0.05, self._pace.every - (time.monotonic() - began)))

    async def round(self, now: float) -> None:
        """One census, and looks at those that are due."""
        problem = ""
        try:
            self._board.counted(await self._office.census())
        except RolloutError as error:
            problem = str(error)
        if problem != self._board.problem:
            self._board.problem = problem
            self._board.tell("")
        turns = asyncio.Semaphore(PARALLEL)

        async def one(key: str) -> None:
            async with turns:
                await self._look(key, now)

        await asyncio.gather(*map(one, due(self._board.entries, self._board.watched, now, self._pace.looks)))
        with suppress(RolloutError):  # said by the looks at its members
            self._board.grouped(await self._office.fleets())
        self._board.ready.set()

    async def _look(self, key: str, now: float) -> None:
        try:
            row = await self._office.look(key)
        except RolloutError as error:
            known = self._board.entries.get(key)
            if known is None:
                return
            row = row_of_fault(known.row, str(error))
        self._board.seen(key, row, now)


class Shared:
    """Sights, shared: whoever asks for the same one within `fresh` seconds gets the same, and it is looked for once."""

    MOST: Final = 32

    def __init__(self, office: Office, fresh: float) -> None:
        self._office = office
        self._fresh = fresh
        self._known: dict[str, tuple[float, asyncio.Task[Sight]]] = {}

    async def sight(self, key: str) -> Sight:
        """See `Office.sight`."""
        now = time.monotonic()
        found = self._known.get(key)
        if found is None or now - found[0] > self._fresh:
            found = (now, asyncio.create_task(self._office.sight(key)))
            self._known.pop(key, None)
            self._known[key] = found
            while len(self._known) > self.MOST:
                self._known.pop(next(iter(self._known)))
        return await asyncio.shield(found[1])

    def forget(self, key: str) -> None:
        """It has changed."""
        self._known.pop(key, None)
