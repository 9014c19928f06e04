"""Python's collector of cyclic garbage, while a process looks at many plans."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

AFTER: Final = 100_000
"""New containers after which the collector looks at them; Python's own 700 are less than what one answer is made of."""


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Everything that is there already is left out of every search, and new things are searched less often.

    Plans live to the end and answers die with their last reader, without a cycle: to go through them all the time
    costs a tenth of a pass and finds nothing. Afterwards everything is as before, but that what is young then counts
    as old: its number must not set off a search at once, mostly at the end of a process.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(AFTER, *before[1:])
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*before)
        gc.unfreeze()
