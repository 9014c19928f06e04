"""Short codes of declared values, to know later which of them we have written: no value is stored.

Four base64 characters (24 bits) a field; they only tell drift from pending, and never decide what is written.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

CODE_LENGTH: Final = 4
MOST_CODES: Final = 16
"""More declared fields than these get one code together: an edit of one of them then looks like an edit of all."""


def codes(fields: Mapping[str, Any]) -> str:
    """The codes of declared values, one behind the other; see `MOST_CODES`."""
    found = [_code(path, value) for path, value in leaves(fields)]
    return "".join(found) if len(found) <= MOST_CODES else _code("*", sorted(found))


def was_written(recorded: str, fields: Mapping[str, Any], path: str, value: Any) -> bool:
    """Whether the codes in `recorded` say that `path`, one of the declared `fields`, was written with that value."""
    if len(list(leaves(fields))) > MOST_CODES:
        return recorded == codes(fields)
    code = _code(path, value)
    return code in {recorded[start : start + CODE_LENGTH] for start in range(0, len(recorded), CODE_LENGTH)}


def leaves(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """`tags: {a: 1}` as `tags.a` and 1; in order."""
    for name in sorted(fields):
        value = fields[name]
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _code(path: str, value: Any) -> str:
    text = f"{path}={msgspec.json.encode(value, order='sorted').decode()}"
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())[:CODE_LENGTH].decode()
