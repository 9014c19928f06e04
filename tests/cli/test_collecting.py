"""Python's collector, while many plans are looked at."""

from __future__ import annotations

import contextlib
import gc
import weakref

from rollout.cli.collecting import AFTER, collecting_seldom


def test_what_is_there_is_not_searched_and_afterwards_all_is_as_before() -> None:
    """Also where the pass ends by a fault."""
    before = gc.get_threshold()
    with contextlib.suppress(KeyError), collecting_seldom():
        assert (gc.get_threshold(), gc.get_freeze_count() > 0) == ((AFTER, *before[1:]), True)
        raise KeyError
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)


def test_cycles_are_still_found() -> None:
    """What a pass leaves behind in a cycle does not stay for ever."""

    class Knot:
        def __init__(self) -> None:
            self.itself = self

    with collecting_seldom():
        left = weakref.ref(Knot())
        kept = [[number] for number in range(2 * AFTER)]
        assert (left(), len(kept)) == (None, 2 * AFTER)
