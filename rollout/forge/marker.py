"""The hidden line by which we find our own texts again: JSON in an HTML comment, first thing in the body. Pure.

The JSON is escaped so that nothing in it can end the comment: no `-` in a row, no `<`, no `>`.
"""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from rollout.errors import UsageError

_NAME: Final = "azureml-rollout"
_LINE: Final = re.compile(rf"<!-- {_NAME} (\{{[^\n]*\}}) -->")
_LONGEST: Final = 100
ROOM: Final = 1_400
"""More characters than any marker has, with every one of its letters escaped and the empty line below it."""

Kind = Literal["comment", "drift", "promotion", "revert"]


class Marker(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose text it is: one a kind, plan and environment. `digest`: of the change set that it shows."""

    kind: Kind
    plan: str
    environment: str = ""
    digest: str = ""
    outdated: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two texts the same text."""
        return self.kind, self.plan, self.environment


def marked(marker: Marker, body: str) -> str:
    """The body with its hidden first line. Raises UsageError for a name longer than any plan's or environment's."""
    if len(marker.plan) > _LONGEST or len(marker.environment) > _LONGEST:
        raise UsageError("the name of a plan or environment is longer than 100 characters")
    return f"<!-- {_NAME} {_encoded(marker)} -->\n\n{body}"


def marker_of(body: str) -> Marker | None:
    """The marker at the very beginning of a body; None where there is none that can be read."""
    found = _LINE.match(body.lstrip("\ufeff"))
    if found is None:
        return None
    try:
        return msgspec.json.decode(found[1], type=Marker)
    except (msgspec.DecodeError, UnicodeError):
        return None


def without_marker(body: str) -> str:
    """The visible part, as people and a form's answer have it: line ends and blank edges do not count."""
    return _LINE.sub("", body.replace("\r\n", "\n"), count=1).strip()


def same(one: str, other: str) -> bool:
    """Whether two bodies say the same: GitHub may change line ends and drops blank edges."""
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()


def _encoded(marker: Marker) -> str:
    text = msgspec.json.encode(marker).decode("utf-8")
    return "".join(_escaped(char) for char in text)


def _escaped(char: str) -> str:
    """JSON's own escape, for what could end an HTML comment or is not plain ASCII (above U+FFFF: two of them)."""
    if char in "-<>&" or not " " <= char <= "~":
        units = char.encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
    return char
