"""Keeps the activity log: durable, bounded, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from rollout.emulator.answers import JsonObject
from rollout.emulator.monitor.activity import Deed, event, first_status
from rollout.emulator.store import Row, Store

KEPT: Final = 10_000
"""So many events are kept, the latest ones."""
_KIND: Final = "activity"
_OPEN: Final = "deed"


class ActivityLog:
    """Events in the store; deeds whose operation has not ended yet wait for their second event."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._numbers = sorted(int(key) for key, _ in store.read(_KIND))
        self._open = {key: msgspec.json.decode(raw, type=Deed) for key, raw in store.read(_OPEN)}

    def note(self, deed: Deed, operation: str = "") -> None:
        """A request was answered; `operation` is the id of what it began."""
        status = first_status(deed.status)
        rows = self._event(deed, status, deed.at)
        if operation and status == "Accepted":
            self._open[operation] = deed
            rows.append((_OPEN, operation, msgspec.json.encode(deed)))
        self._store.write(rows)

    def ended(self, operation: str, *, well: bool, at: datetime) -> None:
        """An operation has ended."""
        deed = self._open.pop(operation, None)
        if deed is not None:
            rows = self._event(deed, "Succeeded" if well else "Failed", at)
            self._store.write([*rows, (_OPEN, operation, None)])

    def newest_first(self) -> Iterator[JsonObject]:
        """All events."""
        for number in reversed(self._numbers):
            raw = self._store.get(_KIND, str(number))
            assert raw is not None, "the numbers are those of the store"
            yield msgspec.json.decode(raw)

    def _event(self, deed: Deed, status: str, at: datetime) -> list[Row]:
        number = self._numbers[-1] + 1 if self._numbers else 1
        self._numbers.append(number)
        rows: list[Row] = [(_KIND, str(number), msgspec.json.encode(event(deed, status, at, number)))]
        if len(self._numbers) > KEPT:
            rows.append((_KIND, str(self._numbers.pop(0)), None))
        return rows
