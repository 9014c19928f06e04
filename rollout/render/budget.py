"""Blocks of Markdown within a number of bytes: the most important get room first, every one is whole and closed.

Bytes of UTF-8, because that is the strictest of the ways to count: GitHub says "65,536 characters" of a comment, and no
way to count characters gives more than the bytes. A step's summary is counted in bytes anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

GAP: Final = "\n\n"
_NOTICE_ROOM: Final = 400
_NAMED: Final = 8


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A closed piece of Markdown: `head`, then `items` (each on lines of its own), then `tail`.

    `rank`: the lower, the sooner it gets room. `what` names it where it, or some of its items, is left out. `more` is
    the line that stands for items that are left out, with `{}` for their number. The first items are the important
    ones, or the `last`, as in a log. A block without items is all or nothing.
    """

    rank: int
    what: str
    head: str = ""
    items: tuple[str, ...] = ()
    tail: str = ""
    more: str = "… and {} more"
    last: bool = False

    def with_items(self, count: int) -> str:
        """With that many items, and a line for those that are left out."""
        left = len(self.items) - count
        said = (self.more.format(left),) if left else ()
        shown = (*said, *self.items[left:]) if self.last else (*self.items[:count], *said)
        return self.head + "\n".join(shown) + self.tail


def fitted(blocks: Sequence[Block], limit: int, whole: str) -> str:
    """All blocks in their order, in at most `limit` bytes; what is left out is named, and where the `whole` is.

    While something has to be left out, a block with items gets at most half of the room that there is at its turn.
    """
    everything = GAP.join(block.with_items(len(block.items)) for block in blocks)
    if _bytes(everything) <= limit:
        return everything
    room = limit - _NOTICE_ROOM - _bytes(whole)
    shown: dict[int, str] = {}
    left_out: Counter[str] = Counter()
    for at, block in sorted(enumerate(blocks), key=lambda pair: (pair[1].rank, pair[0])):
        count = _count(block, room)
        if count is None:
            left_out[block.what] += max(1, len(block.items))
            continue
        left_out[block.what] += len(block.items) - count
        shown[at] = block.with_items(count)
        room -= _bytes(shown[at]) + len(GAP)
    notice = _notice(left_out, whole)
    return GAP.join([*(shown[at] for at in sorted(shown)), notice])


def _count(block: Block, room: int) -> int | None:
    """How many items have room; None where the block has none at all."""
    rest = room - len(GAP)
    if _bytes(block.with_items(len(block.items))) <= (rest // 2 if block.items else rest):
        return len(block.items)
    if not block.items:
        return None
    left = rest // 2 - _bytes(block.head + block.tail) - _bytes(block.more) - len(str(len(block.items)))
    count = 0
    for item in reversed(block.items) if block.last else block.items:
        left -= _bytes(item) + 1
        if left < 0:
            break
        count += 1
    return count or None


def _notice(left_out: Counter[str], whole: str) -> str:
    named = [f"{what} ({count})" for what, count in _largest(left_out)]
    others = f", and {len(+left_out) - _NAMED} more" if len(+left_out) > _NAMED else ""
    return f"_There was no room for all. Left out: {', '.join(named)}{others}. The whole: {whole}._"


def _largest(left_out: Counter[str]) -> Iterator[tuple[str, int]]:
    yield from (+left_out).most_common(_NAMED)


def _bytes(text: str) -> int:
    return len(text.encode())
