"""The kept inputs: one file for each target, one input a line, as a JSON text. Ours alone, and small."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

KEPT: Final = Path(__file__).parent / "corpus"
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


def keep(target: str, inputs: Iterable[bytes]) -> None:
    """Replace the target's inputs by these: the smallest of them, in a stable order."""
    small = sorted({data for data in inputs if len(data) <= LARGEST}, key=lambda data: (len(data), data))
    lines = [json.dumps(data.decode("utf-8", "surrogateescape")) + "\n" for data in small[:MOST]]
    path(target).write_text("".join(lines), encoding="utf-8")
