"""One write and its long-running operation, tried again only after another look."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from rollout.azure import operations
from rollout.azure.client import Answer, ArmClient
from rollout.azure.errors import Transient
from rollout.azure.operations import Pace
from rollout.azure.wire import clock
from rollout.errors import AzureError, Retryable

_ATTEMPTS: Final = 4
_LONGEST_PAUSE: Final = 60.0
FRESH: Final = 9.0
"""Seconds after its look in which a write may leave; what that look goes by is at most `recent.RECENT` older. An
operation on an endpoint takes twice as long: none of somebody else fits in between, to be overwritten unseen
(docs/locking.md)."""

PLATFORM: Final = frozenset(
    {"InternalServerError", "InternalError", "ServiceUnavailable", "OperationCanceled", "OperationTimedOut"}
)
"""Codes of failed operations that tell nothing about what was asked for."""

DONE: Final = object()
"""What a `look` returns if nothing is left to write: the attempt whose answer was lost had been carried out."""


class Sender:
    """Sends writes of one client at one pace."""

    def __init__(self, client: ArmClient, pace: Pace) -> None:
        self.client = client
        self.pace = pace

    async def write(self, method: str, path: str, what: str, look: Callable[[bool], Awaitable[Any]]) -> None:
        """Look, write what `look` makes of it, follow the operation to its end.

        `look` gets whether this is a repetition, and returns the body, or `DONE`. Throttling, server faults, lost
        connections and a look that is too old are tried again, each time after another look; a conflict is the
        caller's to judge.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            body = await look(attempt > 1)
            if body is DONE:
                await operations.until_settled(self.client, path, what, self.pace)
                return
            try:
                until = clock() + FRESH
                started = await self.client.send(method, path, what, body, kind="writes", until=until)
            except Transient as error:
                if attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(min(attempt if error.after is None else error.after, _LONGEST_PAUSE))
                continue
            await self._follow(started, path, what)
            return

    async def _follow(self, started: Answer, path: str, what: str) -> None:
        """To the end. An operation that the platform itself broke off is worth another look and another try: a rollback
        above all must not end with the job."""
        try:
            await operations.follow(self.client, started, path, what, self.pace)
        except AzureError as error:
            if error.code in PLATFORM:
                raise Retryable(str(error), hint=error.hint) from error
            raise

    async def delete(self, path: str, what: str, *, there: bool = False) -> None:
        """Delete a resource and wait until it is gone. What is not there is deleted already. `there`: it was read a
        moment ago."""

        async def look(again: bool) -> Any:
            if there and not again:
                return None
            found = await self.client.find(path, what)
            return DONE if found.status == 404 else None

        await self.write("DELETE", path, what, look)
        await operations.until_gone(self.client, path, what, self.pace)
