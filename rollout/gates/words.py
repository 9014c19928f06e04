"""Bodies and errors in a sentence: short, printable, on one line."""

from __future__ import annotations

import json
from typing import Any, Final

from rollout.ports import ScoringAnswer

LENGTH: Final = 160


def cut(text: str, length: int = LENGTH) -> str:
    """`text` on one line, without control characters, at most `length` characters."""
    line = " ".join(text.split())
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    return line if len(line) <= length else line[: length - 1] + "…"


def body(answer: ScoringAnswer) -> str:
    """The beginning of an answer's body."""
    return cut(answer.body[: 4 * LENGTH].decode("utf-8", errors="replace")) or "(empty)"


def value(found: Any) -> str:
    """A JSON value, cut."""
    return cut(json.dumps(found, ensure_ascii=False), 60)


def no_answer(answer: ScoringAnswer) -> str:
    """Why nothing came back."""
    return cut(answer.error) or "no answer"
