"""Whose turn is it? Work of many owners, a few at a time, so that none with much of it keeps another one waiting."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Turns(Generic[Item]):
    """The next turn is the owner's with the fewest under way; among those, of the one who has waited longest.

    Every call takes a time that does not grow with the number of owners or items.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Item]] = {}
        self._under_way: dict[str, int] = {}
        self._levels: list[dict[str, None]] = [{}]

    def add(self, owner: str, item: Item) -> None:
        """One more item of that owner, behind those that it has."""
        waiting = self._waiting.setdefault(owner, deque())
        waiting.append(item)
        self._level(self._under_way.get(owner, 0)).setdefault(owner)

    def take(self) -> tuple[str, Item] | None:
        """The owner and the item whose turn it is, now under way; None: nothing waits."""
        for number, level in enumerate(self._levels):
            if level:
                owner = next(iter(level))
                del level[owner]
                item = self._waiting[owner].popleft()
                self._under_way[owner] = number + 1
                if self._waiting[owner]:
                    self._level(number + 1)[owner] = None
                return owner, item
        return None

    def done(self, owner: str) -> None:
        """One item of that owner is not under way any more."""
        number = self._under_way[owner]
        self._under_way[owner] = number - 1
        if owner in self._level(number):
            del self._level(number)[owner]
            self._level(number - 1)[owner] = None

    def _level(self, number: int) -> dict[str, None]:
        while len(self._levels) <= number:
            self._levels.append({})
        return self._levels[number]
