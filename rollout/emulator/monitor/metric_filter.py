"""The `$filter` of a metrics query. Pure.

deployment eq '*' and (statusCodeClass eq '4xx' or statusCodeClass eq '5xx')
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from rollout.emulator.answers import Rejected, plain

_TOKEN: Final = re.compile(r"\s*(?:(\()|(\))|'((?:[^']|'')*)'|([\w./-]+))")
_OPERATORS: Final = ("eq", "ne", "sw")


class Term(msgspec.Struct, frozen=True):
    """One comparison of a dimension."""

    dimension: str
    operator: str
    value: str

    def holds(self, given: str) -> bool:
        """Whether a value of the dimension fits; case does not matter, `*` fits all."""
        mine, theirs = self.value.lower(), given.lower()
        if self.operator == "sw":
            return theirs.startswith(mine)
        same = mine in ("*", theirs)
        return same if self.operator == "eq" else not same


class Filter(msgspec.Struct, frozen=True):
    """For each dimension that is named: its terms, one of which must hold (all of them, for `ne`)."""

    terms: tuple[Term, ...] = ()

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions that the result is split by: all that are named."""
        return tuple(dict.fromkeys(term.dimension for term in self.terms))

    def holds(self, values: Mapping[str, str]) -> bool:
        """Whether a sample with these dimensions is wanted."""
        return all(self._one(name, values.get(name, "")) for name in self.dimensions)

    def _one(self, name: str, value: str) -> bool:
        mine = [term for term in self.terms if term.dimension == name]
        wanted = [term.holds(value) for term in mine if term.operator != "ne"]
        return all(term.holds(value) for term in mine if term.operator == "ne") and (not wanted or any(wanted))


def parse(text: str, known: tuple[str, ...]) -> Filter:
    """The filter of a text over these dimensions. Raises `Rejected` (400)."""
    tokens = list(_tokens(text))
    terms, alone = [], True
    while tokens:
        if not alone:
            joint = tokens.pop(0)
            if joint not in ("and", "or") or not tokens:
                raise refused(text)
        terms.append(_term(text, tokens, known))
        if not alone and joint == "or" and terms[-1].dimension != terms[-2].dimension:
            raise refused(text)
        alone = False
    return Filter(tuple(terms))


def _term(text: str, tokens: list[str], known: tuple[str, ...]) -> Term:
    if len(tokens) < 3 or tokens[1].lower() not in _OPERATORS:
        raise refused(text)
    name, operator, value, *rest = tokens
    tokens[:] = rest
    match = next((one for one in known if one.lower() == name.lower()), None)
    if match is None:
        raise plain(
            400,
            "BadRequest",
            f"Metric does not support requested dimension combination: {name}, supported ones are: {','.join(known)}",
        )
    return Term(match, operator.lower(), value)


def _tokens(text: str) -> Iterator[str]:
    """Words and quoted values; brackets only group what belongs to one dimension, so they may be left out."""
    place, text = 0, text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise refused(text)
        place = match.end()
        if match[3] is not None:
            yield match[3].replace("''", "'")
        elif match[4]:
            yield match[4]


def refused(text: str) -> Rejected:
    """400 for a filter that is none."""
    return plain(400, "BadRequest", f"Invalid filter expression: {text}")
