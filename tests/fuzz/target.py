"""What is fuzzed: a name, inputs to begin with, and one trial."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

LONGEST = 8192
"""Bytes of an input."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One reader of foreign input.

    `trial` reads the input and says in a word what came of it; AssertionError, or any exception that is not ours, is
    a fault. It may write into the working directory. `tree` says how the input is taken apart to be changed.
    """

    name: str
    seeds: tuple[bytes, ...]
    trial: Callable[[bytes], str]
    tree: Literal["json", "yaml"]


def as_json(data: bytes) -> Any:
    """The value that the input spells; None for what is no JSON (it is the transport that answers that)."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def spelt(value: Any) -> bytes:
    """The input that spells the value."""
    return msgspec.json.encode(value)


def told(error: Exception) -> str:
    """The class of a fault of ours, after a look at what it would tell a person."""
    text = f"{error} {getattr(error, 'hint', '')} {getattr(error, 'logs', '')}"
    assert str(error).strip(), "a fault that says nothing"
    assert len(text) < 20_000, "a fault that tells a novel"
    return type(error).__name__
