"""Which of several jobs takes a plan? By a digest of its endpoint, the same on every machine."""

from __future__ import annotations

import hashlib
import re
from typing import Final

import msgspec

_FORM: Final = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})")


class Shard(msgspec.Struct, frozen=True):
    """The job `index` (from 1) of `count`."""

    index: int
    count: int

    def holds(self, key: str) -> bool:
        """Whether what is called so belongs to this shard. Each key belongs to exactly one of `count`."""
        digest = hashlib.sha256(key.encode(errors="surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.index - 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def parse_shard(text: str) -> Shard:
    """`2/8` is the second of eight. Raises ValueError for anything else."""
    match = _FORM.fullmatch(text.strip())
    if match is None or int(match[1]) > int(match[2]):
        raise ValueError(text)
    return Shard(int(match[1]), int(match[2]))
