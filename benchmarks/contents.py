"""How long the contents of a plan's large local assets take: several at once against one after the other.

Files in the page cache, so that digesting is the limit and not the disk; the cache of digests is off. The two variants
take turns. One asset alone keeps one core at digesting and a part of another at reading, so on two cores, and on busy
ones, several at once gain little; what is held is that they never cost more.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.table import Row
from rollout.plan.content_cache import VARIABLE
from rollout.plan.contents import content_digest, content_digests

COUNT: Final = 4
MIB: Final = 128
"""Of each asset."""
TURNS: Final = 5


def rows() -> Iterator[Row]:
    """The ratio, and how fast that is."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = "none"
    try:
        with tempfile.TemporaryDirectory(prefix="rollout-contents-") as folder:
            paths = list(_filled(Path(folder)))
            yield from _measured(paths)
    finally:
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before


def _measured(paths: list[Path]) -> Iterator[Row]:
    variants: dict[str, Callable[[], object]] = {
        "together": lambda: content_digests(paths),
        "apart": lambda: [content_digest(path) for path in paths],
        "bare": lambda: [hashlib.sha256(path.read_bytes()).digest() for path in paths],
    }
    took: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(TURNS):
        for name, work in variants.items():
            begun = time.perf_counter()
            work()
            took[name].append(time.perf_counter() - begun)
    together, apart, bare = (median(took[name]) for name in variants)
    yield Row(name=f"{COUNT} assets of {MIB} MiB at once ÷ one after the other", value=together / apart, most=1.15)
    yield Row(name="… ÷ hashlib over each file, read whole", value=together / bare, most=0.8)
    yield Row(name="… bytes a second", value=COUNT * MIB * 2**20 / together / 1e6, unit="MB/s")


def _filled(folder: Path) -> Iterator[Path]:
    block = os.urandom(1 << 20)
    for number in range(COUNT):
        path = folder / str(number)
        with path.open("wb") as file:
            for _ in range(MIB):
                file.write(block)
        yield path
