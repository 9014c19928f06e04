"""What a plain YAML word means, by the rules of YAML 1.2 (core schema): a text, a number, true, false or null."""

from __future__ import annotations

import math
import re
from typing import Final

import yaml

IMPLICIT: Final = "?"
"""The tag of a node that has none in the file."""

STANDARD_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "map", "seq")
)

_STRING: Final = "tag:yaml.org,2002:str"
_WORDS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_DIGITS: Final = re.compile(r"[-+]?[0-9]+\Z")
_BASED: Final = re.compile(r"0(?:o[0-7]{1,20}|x[0-9a-fA-F]{1,15})\Z")
_LONGEST: Final = 19
"""Characters of a whole number that everybody can hold (64 bits); longer ones are text."""
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")


def scalar(node: yaml.ScalarNode) -> str | int | float | bool | None:
    """The value of a scalar node. Quoted and `!!str` scalars are text; what is no number stays text."""
    text: str = node.value
    if node.style or node.tag == _STRING:
        return text
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if text[0] in "0123456789+-." else text


def _number(text: str) -> str | int | float:
    if _DIGITS.match(text):
        return int(text) if len(text) < _LONGEST else text
    if _BASED.match(text):
        return int(text, 0)
    if _FLOAT.match(text) and math.isfinite(value := float(text)):
        return value
    return text
