"""Whose turn is it? Work of many owners, a few at a time, so that none with much of it keeps another one waiting."""

from __future__ import annotations

from collections import deque
from heapq import heapify, heapreplace
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

AHEAD: Final = 16
"""So many items under way keep an owner busy: Resource Manager lets 25 reads a second through, which answer within two
thirds of a second."""
SHARE: Final = 8
"""One of so many places may be given to who will be last; all others are given by fairness alone."""


class Turns(Generic[Item]):
    """The next turn is the owner's with the fewest under way; among those, of the one who has waited longest.

    Only the owner with the most waiting goes before, as long as it has fewer than `AHEAD` under way and less than its
    `SHARE` of all: where each owner is held back by a limit of its own, that one will be the last, so it never pauses.

    A call takes a time that does not grow with the number of items, and with that of owners by its logarithm; but the
    first `take` after an `add` looks at every owner.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Item]] = {}
        self._under_way: dict[str, int] = {}
        self._all_under_way = 0
        self._levels: list[dict[str, None]] = [{}]
        self._lowest = 0
        self._by_waiting: list[tuple[int, int, str]] = []
        self._counted = False

    def add(self, owner: str, item: Item) -> None:
        """One more item of that owner, behind those that it has."""
        waiting = self._waiting.setdefault(owner, deque())
        waiting.append(item)
        self._enter(owner, self._under_way.get(owner, 0))
        self._counted = False

    def take(self) -> tuple[str, Item] | None:
        """The owner and the item whose turn it is, now under way; None: nothing waits."""
        owner = self._whose()
        if owner is None:
            return None
        number, waiting = self._under_way.get(owner, 0), self._waiting[owner]
        del self._levels[number][owner]
        item = waiting.popleft()
        self._under_way[owner] = number + 1
        self._all_under_way += 1
        if waiting:
            self._enter(owner, number + 1)
        return owner, item

    def done(self, owner: str) -> None:
        """One item of that owner is not under way any more."""
        number = self._under_way[owner]
        self._under_way[owner] = number - 1
        self._all_under_way -= 1
        if self._waiting[owner]:
            del self._levels[number][owner]
            self._enter(owner, number - 1)

    def _whose(self) -> str | None:
        last = self._last()
        if last is not None:
            mine = self._under_way.get(last, 0)
            if mine < AHEAD and SHARE * mine < self._all_under_way:
                return last
        while self._lowest < len(self._levels) and not self._levels[self._lowest]:
            self._lowest += 1
        return next(iter(self._levels[self._lowest])) if self._lowest < len(self._levels) else None

    def _last(self) -> str | None:
        """The owner with the most waiting; None: nothing waits. What the heap says is corrected as it comes up: an
        owner's number only falls until the next `add`."""
        if not self._counted:
            self._by_waiting = [
                (-len(items), order, owner) for order, (owner, items) in enumerate(self._waiting.items())
            ]
            heapify(self._by_waiting)
            self._counted = True
        heap = self._by_waiting
        while heap:
            said, order, owner = heap[0]
            if -said == (number := len(self._waiting[owner])):
                return owner if number else None
            heapreplace(heap, (-number, order, owner))
        return None

    def _enter(self, owner: str, number: int) -> None:
        """Behind those who have as many under way; owners with nothing waiting are in no level."""
        while len(self._levels) <= number:
            self._levels.append({})
        self._levels[number].setdefault(owner)
        self._lowest = min(self._lowest, number)
