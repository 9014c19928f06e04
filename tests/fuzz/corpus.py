"""The kept inputs: one file for each target, one input a line, as a JSON text. Ours alone, and few: each reaches
something that no smaller one reaches.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any, Final

from tests.fuzz.target import Target

KEPT: Final = Path(__file__).parent / "corpus"
_OURS: Final = str(Path(__file__).parents[2] / "rollout")
Way = tuple[str, int, int]
MOST: Final = 150
"""Inputs that are kept of one target."""
LARGEST: Final = 3000
"""Bytes of an input that is kept."""


def path(target: str) -> Path:
    """The target's file."""
    return KEPT / f"{target}.jsonl"


def kept(target: str) -> tuple[bytes, ...]:
    """The inputs that are kept of a target."""
    if not path(target).exists():
        return ()
    lines = path(target).read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line).encode("utf-8", "surrogateescape") for line in lines)


def keep(target: Target, inputs: Iterable[bytes]) -> None:
    """Replace the target's inputs by the fewest of these, the smallest first."""
    small = sorted({data for data in inputs if len(data) <= LARGEST}, key=lambda data: (len(data), data))
    lines = [json.dumps(data.decode("utf-8", "surrogateescape")) + "\n" for data in fewest(target, small)[:MOST]]
    path(target.name).write_text("".join(lines), encoding="utf-8")


def fewest(target: Target, inputs: Iterable[bytes]) -> list[bytes]:
    """Those that take a way through our code which none before them took. One with a fault is not among them."""
    seen: set[Way] = set()
    found = []
    for data in inputs:
        new = _ways(target, data) - seen
        if new:
            seen |= new
            found.append(data)
    return found


def _ways(target: Target, data: bytes) -> set[Way]:
    """Each step from a line of `rollout` to the next one."""
    ways: set[Way] = set()

    def watch(frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(_OURS):
            return None
        last = 0

        def step(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal last
            ways.add((name, last, frame.f_lineno))
            last = frame.f_lineno
            return step

        return step

    sys.settrace(watch)
    try:
        target.trial(data)
    except Exception:
        return set()
    finally:
        sys.settrace(None)
    return ways
