"""The endpoints of a workspace read by list, where that takes fewer requests than one by one.

A page costs one read and saves one for each endpoint in it that is going to be looked at. Pages are turned as long as
they have paid for themselves, so the price is never more than one read above one by one. A listed body stands for the
first look at an endpoint only, and not for longer than `FRESH` seconds: what is written is decided on fresh ones.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from rollout.azure.client import ArmClient
from rollout.azure.paths import Paths
from rollout.errors import RolloutError

FRESH: Final = 30.0
"""Seconds for which a list is believed."""


class Listed(msgspec.Struct, frozen=True):
    """An endpoint's JSON (None: there is no such endpoint), and the service's time of the list."""

    body: Mapping[str, Any] | None
    now: datetime


class Listing:
    """One workspace, shared by all who are going to look at its endpoints. `clock` tells seconds."""

    def __init__(self, paths: Paths, clock: Callable[[], float] = time.monotonic) -> None:
        self._paths = paths
        self._clock = clock
        self._expected: set[str] = set()
        self._found: dict[str, Listed] = {}
        self._absent: Listed | None = None
        self._until = 0.0
        self._reading = asyncio.Lock()

    def expect(self, endpoint: str) -> None:
        """Somebody is going to look at that endpoint."""
        self._expected.add(endpoint.lower())

    async def take(self, client: ArmClient, endpoint: str) -> Listed | None:
        """What the list says of that endpoint, for a first look; None: read it by itself."""
        name = endpoint.lower()
        if name not in self._expected:
            return None
        if self._clock() >= self._until:
            async with self._reading:
                if self._clock() >= self._until:
                    await self._read(client)
        self._expected.discard(name)
        return self._found.pop(name, self._absent)

    async def _read(self, client: ArmClient) -> None:
        """Pages while they pay. A list that cannot be read saves nothing: then each endpoint tells its own fault."""
        self._found, self._absent, gain = {}, None, 0
        if len(self._expected) < 2:
            return
        try:
            async for entries, now in client.turn_pages(self._paths.endpoints, "list the endpoints"):
                named = {str(body.get("name", "")).lower(): body for body in entries}
                hits = self._expected & named.keys()
                self._found.update((name, Listed(named[name], now)) for name in hits)
                gain += len(hits) - 1
                if gain < 0 or len(self._expected) - len(self._found) < 2:
                    break
            else:
                self._absent = Listed(None, now)
        except RolloutError:
            self._expected.clear()
        self._until = self._clock() + FRESH
