"""An input changed: mostly in its structure, so that what comes out is read further than to its first bracket."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
import yaml

from tests.fuzz.target import LONGEST, Target
from tests.plan.fuzz import changed, mutated

BREAK = "\n%%% "
"""Begins a further file in the input of a target that reads several; the rest of the line is its name."""


def mutation(target: Target, data: bytes, dice: random.Random) -> bytes:
    """The input changed; at most `LONGEST` bytes."""
    made = _json(data, dice) if target.tree == "json" else _yaml(data, dice)
    return made[:LONGEST]


def _json(data: bytes, dice: random.Random) -> bytes:
    try:
        value: Any = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _torn(data, dice)
    if dice.random() < 0.05:
        return _torn(data, dice)
    for _ in range(dice.randint(1, 3)):
        value = _changed_inside(value, dice)
    return json.dumps(value, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")


def _changed_inside(value: Any, dice: random.Random) -> Any:
    """The outermost mapping mostly stays one: without it nothing is read at all."""
    if isinstance(value, dict) and value and dice.random() < 0.95:
        key = dice.choice(list(value))
        return {**value, key: changed(value[key], dice)}
    return changed(value, dice)


def _yaml(data: bytes, dice: random.Random) -> bytes:
    files = data.decode("utf-8", "surrogateescape").split(BREAK)
    at = dice.randrange(len(files))
    name, end, text = files[at].partition("\n") if at else ("", "", files[at])
    try:
        files[at] = name + end + mutated(text, dice)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError, UnicodeError):
        return _torn(data, dice)
    return BREAK.join(files).encode("utf-8", "surrogateescape")


def _torn(data: bytes, dice: random.Random) -> bytes:
    """Some bytes of it gone, repeated or replaced."""
    at, length = dice.randrange(len(data) + 1), dice.randint(0, 8)
    new = dice.choice([b"", bytes([dice.randrange(256)]), data[at : at + 30] * 2])
    return data[:at] + new + data[at + length :]
