"""Whether a JSON Schema is plainly a good one, told without the library: importing that costs more than `validate`.

A yes is always right (a test asks the library too); a no says nothing, and the library decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

_DIALECTS: Final = frozenset(
    {
        "https://json-schema.org/draft/2020-12/schema",
        "http://json-schema.org/draft-07/schema",
        "http://json-schema.org/draft-07/schema#",
    }
)
_TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")
_DEEPEST: Final = 64


def plainly_valid(schema: Any) -> bool:
    """True only for a schema of well-known words with values that every dialect accepts."""
    return _valid(schema, _DEEPEST)


def _valid(schema: Any, depth: int) -> bool:
    if isinstance(schema, bool):
        return True
    if not isinstance(schema, Mapping) or not depth:
        return False
    return all(_word(word, value, depth - 1) for word, value in schema.items())


def _word(word: str, value: Any, depth: int) -> bool:
    if word in _SIMPLE:
        return _SIMPLE[word](value)
    if word in ("items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else"):
        return _valid(value, depth)
    if word == "properties":
        return isinstance(value, Mapping) and all(_valid(inner, depth) for inner in value.values())
    if word in ("allOf", "anyOf", "oneOf"):
        return isinstance(value, list) and bool(value) and all(_valid(inner, depth) for inner in value)
    return False


def _dialect(value: Any) -> bool:
    return isinstance(value, str) and value in _DIALECTS


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _anything(value: Any) -> bool:
    return True


def _type(value: Any) -> bool:
    return value in _TYPES or (_distinct(value) and bool(value) and all(item in _TYPES for item in value))


def _distinct(value: Any) -> bool:
    texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return texts and len(set(value)) == len(value)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _pattern(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(re.compile(value))
    except (re.error, RecursionError, OverflowError):
        return False


_SIMPLE: Final[Mapping[str, Callable[[Any], bool]]] = MappingProxyType(
    {
        "$schema": _dialect,
        **dict.fromkeys(("title", "description", "$comment"), _text),
        **dict.fromkeys(("const", "default"), _anything),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _number),
        **dict.fromkeys(
            ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"),
            _size,
        ),
        "type": _type,
        "required": _distinct,
        "pattern": _pattern,
    }
)
