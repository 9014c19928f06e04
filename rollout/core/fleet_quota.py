"""Who may start while several members compete for the cores of one region.

A member starts only when the cores are free that its *whole* way needs at its peak, beside what those under way may
still take. So whoever has started can finish, and nobody waits for cores that another one holds while it waits too.
In the order of the file: the cores of who must wait are kept, so that nobody behind it takes them, as long as somebody
under way in the same region may set some free. Where nobody is, waiting would be for ever: it is told, and passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rollout.core import capacity
from rollout.core.capacity import Need, Usage
from rollout.core.fleet import Member


class Room:
    """What is free by pool, less what is promised to members while one decision is made."""

    def __init__(self, usages: Mapping[str, Sequence[Usage]]) -> None:
        self._usages = usages
        self._under_way: dict[str, list[Need]] = {}
        self._queue: dict[str, list[Member]] = {}

    def taken(self, members: Iterable[Member]) -> None:
        """These are under way: what they may still take is theirs."""
        for member in members:
            self._under_way.setdefault(member.pool, []).append(member.need)

    def refuses(self, member: Member) -> str:
        """Why it may not start now; "" where it may."""
        usages = [each for each in self._usages.get(member.pool, ()) if capacity.asked(member.need, each.name)]
        under_way, queue = self._under_way.get(member.pool, []), self._queue.get(member.pool, [])
        ahead = [*under_way, *(each.need for each in queue)]
        short = capacity.shortage(_together(ahead, member.need), usages)
        if not short:
            return ""
        if not under_way:
            return f"no quota: {'; '.join(short)}"
        behind = f" behind {', '.join(each.name for each in queue)}" if queue else ""
        self._queue.setdefault(member.pool, []).append(member)
        return f"waits for quota{behind}: {'; '.join(short)}"


def _together(ahead: Sequence[Need], mine: Need) -> Need:
    """All of them at the same time. Only cores: what is wrong with one alone is found out when it starts."""
    cores = dict(mine.cores)
    for size, count in (each for need in ahead for each in need.cores):
        cores[size] = cores.get(size, 0) + count
    others = sum(need.total for need in ahead)
    words = (*mine.words, *((f"{others} for those before it",) if others else ()))
    return Need(cores=tuple(sorted(cores.items())), words=words)
