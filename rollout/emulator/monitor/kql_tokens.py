"""Kusto queries cut into tokens, and the two ways to refuse one in Log Analytics' own shape. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from rollout.emulator.answers import JsonObject, Rejected

_TOKENS: Final = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<duration>\d+(?:\.\d+)?(?:ms|d|h|m|s)\b)
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<name>[A-Za-z_]\w*)
    |(?P<sign>==|!=|=~|!~|<=|>=|\.\.|!in\b|[|(),=<>+\-*/:])""",
    re.VERBOSE,
)


class Token(msgspec.Struct, frozen=True):
    """A piece of a query: its kind, its text, and where it starts (line from 1, column from 0)."""

    kind: str
    text: str
    line: int
    column: int


def tokens(query: str) -> Iterator[Token]:
    """The tokens of a query, an `end` last. Raises `Rejected` for what is none."""
    place = 0
    while place < len(query):
        match = _TOKENS.match(query, place)
        line, column = _where(query, place)
        if match is None:
            raise unreadable(Token("unknown", query[place], line, column))
        kind = match.lastgroup or ""
        if kind != "space":
            yield Token(kind, match[0], line, column)
        place = match.end()
    yield Token("end", "<EOF>", *_where(query, len(query)))


def _where(query: str, place: int) -> tuple[int, int]:
    return query.count("\n", 0, place) + 1, place - (query.rfind("\n", 0, place) + 1)


def unreadable(token: Token) -> Rejected:
    """400: the query cannot be parsed at this token; also what the emulator does not know."""
    inner = {
        "code": "SYN0002",
        "message": f"Query could not be parsed at '{token.text}' on line [{token.line},{token.column}]",
        "line": token.line,
        "pos": token.column,
        "token": token.text,
    }
    return refused("SyntaxError", "A recognition error occurred in the query.", inner)


def meaningless(operator: str, name: str, what: str = "scalar expression") -> Rejected:
    """400: a name that nothing has."""
    message = f"'{operator}' operator: Failed to resolve {what} named '{name}'"
    return refused("SemanticError", "A semantic error occurred.", {"code": "SEM0100", "message": message})


def refused(code: str, message: str, inner: JsonObject) -> Rejected:
    """Log Analytics' refusal: the reason is two levels down."""
    return Rejected(
        400,
        {
            "message": "The request had some invalid properties",
            "code": "BadArgumentError",
            "innererror": {"code": code, "message": message, "innererror": inner},
        },
    )
