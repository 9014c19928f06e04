"""Long-running operations: follow one to its end, whoever started it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import msgspec

from rollout.azure.client import Answer, ArmClient
from rollout.azure.errors import from_operation
from rollout.core.observed import IN_FLIGHT
from rollout.errors import Retryable

_DONE: Final = "succeeded"
_ENDED: Final = frozenset({_DONE, "failed", "canceled"})


class Pace(msgspec.Struct, frozen=True):
    """How often to look, in seconds, where the service does not say: `first`, then slower up to `slowest`.

    `least` keeps a `Retry-After: 0` from becoming a busy loop; `patience` bounds the whole wait.
    """

    first: float = 0.5
    slowest: float = 10.0
    growth: float = 1.5
    least: float = 0.02
    patience: float = 7200.0


class Waiting:
    """Turns of one bounded wait: `async for _ in ...` sleeps between turns, as long as told or as `Pace` says."""

    def __init__(self, pace: Pace, what: str) -> None:
        self._pace = pace
        self._what = what
        self.told: float | None = None

    async def __aiter__(self) -> AsyncIterator[None]:
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._pace.patience
        delay = self._pace.first
        while True:
            self.told = None
            yield
            if (left := deadline - clock()) <= 0:
                raise Retryable(f"{self._what}: still under way", hint="Run the same command again: it is adopted.")
            wish = delay if self.told is None else self.told
            await asyncio.sleep(min(left, max(self._pace.least, wish)))
            delay = min(self._pace.slowest, delay * self._pace.growth)


async def follow(client: ArmClient, started: Answer, resource: str, what: str, pace: Pace) -> None:
    """Wait for the end of what `started` has begun; raises our fault if it failed.

    By `Azure-AsyncOperation`, else by `Location` of a 202, else by the resource's own provisioning state.
    """
    if operation := started.headers.get("azure-asyncoperation"):
        await follow_operation(client, operation, what, pace)
    elif started.status == 202 and (location := started.headers.get("location")):
        await _follow_location(client, location, what, pace)
    elif _state(started.body) in IN_FLIGHT:
        await until_settled(client, resource, what, pace)


async def follow_operation(client: ArmClient, operation: str, what: str, pace: Pace) -> None:
    """Poll an operation's URL until it has ended; raises our fault if it ended badly. Gone counts as ended."""
    turns = Waiting(pace, what)
    async for _ in turns:
        answer = await client.find(operation, what, kind="polls")
        body = answer.body if isinstance(answer.body, Mapping) else {}
        status = str(body.get("status", "")).lower()
        if answer.status == 404 or status == _DONE:
            return
        if status in _ENDED:
            raise from_operation(body, what)
        turns.told = answer.after


async def until_settled(client: ArmClient, resource: str, what: str, pace: Pace) -> Any:
    """Poll a resource until it is in no state of work; its body then, or None if it is gone."""
    turns = Waiting(pace, what)
    async for _ in turns:
        answer = await client.find(resource, what, kind="polls")
        if answer.status == 404:
            return None
        if _state(answer.body) not in IN_FLIGHT:
            return answer.body
        turns.told = answer.after
    return None


async def until_gone(client: ArmClient, resource: str, what: str, pace: Pace) -> None:
    """Poll a resource until there is none: a deleted name is free only then."""
    turns = Waiting(pace, what)
    async for _ in turns:
        answer = await client.find(resource, what, kind="polls")
        if answer.status == 404:
            return
        turns.told = answer.after


async def _follow_location(client: ArmClient, location: str, what: str, pace: Pace) -> None:
    turns = Waiting(pace, what)
    async for _ in turns:
        answer = await client.find(location, what, kind="polls")
        if answer.status != 202:
            return
        turns.told = answer.after


def _state(body: Any) -> str:
    properties = body.get("properties") if isinstance(body, Mapping) else None
    state = properties.get("provisioningState") if isinstance(properties, Mapping) else None
    return str(state or "").capitalize()
