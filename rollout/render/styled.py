"""Lines of text with a meaning for every piece; how a meaning looks is decided where it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from rollout.render import harmless

Meaning = Literal["", "add", "remove", "change", "good", "bad", "warn", "dim", "title"]
LOOKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": "",
        "add": "green",
        "remove": "red",
        "change": "yellow",
        "good": "green",
        "bad": "bold red",
        "warn": "yellow",
        "dim": "dim",
        "title": "bold",
    }
)
"""How each meaning looks, in rich's words. Colour never carries a meaning alone: there is a sign or a word too."""


class Span(msgspec.Struct, frozen=True, gc=False):
    """A piece of a line."""

    text: str
    meaning: Meaning = ""


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line, in pieces."""

    spans: tuple[Span, ...] = ()

    def __str__(self) -> str:
        return "".join(span.text for span in self.spans).rstrip()


def line(text: str = "", meaning: Meaning = "") -> Line:
    """A line of one piece."""
    return Line((Span(harmless.line(text), meaning),) if text else ())


def spans(*pieces: tuple[str, Meaning]) -> Line:
    """A line of several pieces."""
    return Line(tuple(Span(harmless.line(text), meaning) for text, meaning in pieces))


def plural(count: int, word: str) -> str:
    """`1 field`, `2 fields`."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def plain(lines: Iterable[Line]) -> str:
    """All lines as text, each ended; none of them is a workflow command, whatever its pieces were."""
    return "".join(f"{harmless.no_command(str(one))}\n" for one in lines)
