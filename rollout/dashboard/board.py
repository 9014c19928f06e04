"""What is known of all endpoints, who wants to hear of it, and which of them to look at next."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import msgspec

from rollout.dashboard.office import Found, fleet_key
from rollout.render.html.fleets import Group
from rollout.render.html.rows import ATTENTION, Row

MOVING: Final = ("first_release", "releasing", "reverting")
REST: Final = 300.0
"""Seconds after which an endpoint is looked at again though nothing is known to have moved."""
MOST_LISTENERS: Final = 64


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an endpoint. `looked`: when (seconds of our clock; None: never); `stale`: it has moved since."""

    row: Row
    mark: str = ""
    looked: float | None = None
    stale: bool = True


def due(entries: Mapping[str, Entry], watched: Collection[str], now: float, most: int) -> list[str]:
    """Which endpoints to look at now, at most so many: those that somebody looks at, those that have moved or were
    never seen, those under way and the members of a fleet that somebody looks at, then those that were not looked at
    for long. Pure."""
    ranked = [
        (rank, entry.looked or 0.0, key) for key, entry in entries.items() if (rank := _rank(key, entry, watched, now))
    ]
    return [key for _, _, key in sorted(ranked)[:most]]


def _rank(key: str, entry: Entry, watched: Collection[str], now: float) -> int:
    """From 1 (first) on; 0: not at all."""
    if key in watched:
        return 1
    if entry.stale or entry.looked is None:
        return 2
    if entry.row.phase in MOVING or (entry.row.fleet and fleet_key(entry.row.fleet) in watched):
        return 3
    return 4 if now - entry.looked >= (REST if entry.row.phase not in ATTENTION else REST / 5) else 0


class Listener:
    """A page that is open: what it is about ("" : everything), and whether there is something new for it."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.news = asyncio.Event()


class Board:
    """The only thing that changes here: one for a server, used by one event loop."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.groups: dict[str, Group] = {}
        self.problem = ""
        self.ready = asyncio.Event()
        self.closed = False
        self._listeners: set[Listener] = set()

    @property
    def rows(self) -> list[Row]:
        """All rows."""
        return [entry.row for entry in self.entries.values()]

    @property
    def watched(self) -> frozenset[str]:
        """The endpoints whose own page is open."""
        return frozenset(one.key for one in self._listeners if one.key)

    @property
    def heard(self) -> bool:
        """Whether any page is open."""
        return bool(self._listeners)

    @property
    def full(self) -> bool:
        """Whether no further page can listen."""
        return len(self._listeners) >= MOST_LISTENERS

    @contextmanager
    def listening(self, key: str) -> Iterator[Listener]:
        """A listener, as long as the block runs."""
        listener = Listener(key)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def counted(self, found: Iterable[Found]) -> None:
        """Take a census: who is new, who has moved, who is gone."""
        before, changed = self.entries, False
        after: dict[str, Entry] = {}
        for one in found:
            known = before.get(one.row.key)
            if known is None:
                after[one.row.key] = Entry(row=one.row, mark=one.mark)
                changed = True
            else:
                moved = known.mark != one.mark
                after[one.row.key] = msgspec.structs.replace(known, mark=one.mark, stale=known.stale or moved)
        self.entries = after
        if changed or before.keys() != after.keys():
            self.tell("")

    def seen(self, key: str, row: Row, now: float) -> None:
        """Take a look at one."""
        known = self.entries.get(key)
        if known is None:
            return
        self.entries[key] = msgspec.structs.replace(known, row=row, looked=now, stale=False)
        if _shown(known.row) != _shown(row) or key in self.watched:
            self.tell(key)

    def grouped(self, groups: Iterable[Group]) -> None:
        """Take what is known of all fleets; who listens to one hears where it stands otherwise than before."""
        before, self.groups = self.groups, {group.key: group for group in groups}
        for key in {**before, **self.groups}:
            if before.get(key) != self.groups.get(key):
                self.tell(fleet_key(key))

    def members(self, fleet: str) -> list[str]:
        """The endpoints of that fleet; none of "" ."""
        return [key for key, entry in self.entries.items() if fleet and entry.row.fleet == fleet]

    def moved(self, key: str) -> None:
        """Something was just written there."""
        known = self.entries.get(key)
        if known is not None:
            self.entries[key] = msgspec.structs.replace(known, stale=True)

    def close(self) -> None:
        """No more news: who listens is let go."""
        self.closed = True
        for one in self._listeners:
            one.news.set()

    def tell(self, key: str) -> None:
        """There is something new about that endpoint ("" : about the list of them)."""
        for one in self._listeners:
            if one.key in ("", key):
                one.news.set()


def _shown(row: Row) -> Row:
    """The row without the time of the look."""
    return msgspec.structs.replace(row, seen=None)
