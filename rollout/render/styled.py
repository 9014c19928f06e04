"""Lines of text with a meaning for every piece; how a meaning looks is decided where it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

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
    return Line((Span(printable(text), meaning),) if text else ())


def spans(*pieces: tuple[str, Meaning]) -> Line:
    """A line of several pieces."""
    return Line(tuple(Span(printable(text), meaning) for text, meaning in pieces))


def printable(text: str) -> str:
    """Without control characters: what comes from a service or a model must not move the cursor."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def plain(lines: Iterable[Line]) -> str:
    """All lines as text, each ended."""
    return "".join(f"{one}\n" for one in lines)
