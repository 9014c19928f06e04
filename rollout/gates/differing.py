"""Where two JSON values differ, numbers within a tolerance. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf, isclose, isfinite
from typing import Any, Final

import msgspec

NOTHING: Final = object()
"""In place of a value that is not there."""


class Difference(msgspec.Struct, frozen=True):
    """One place, and what either side has there (`NOTHING` where it has nothing)."""

    path: str
    one: Any
    other: Any

    @property
    def size(self) -> float:
        """How far apart: for numbers relative to the greater of the two (0 to 2), else infinite."""
        if not (is_number(self.one) and is_number(self.other)):
            return inf
        try:
            found = float(abs(self.one - self.other) / max(abs(self.one), abs(self.other)))
        except OverflowError:  # whole numbers beyond floating point
            return inf
        return found if isfinite(found) else inf


def differing(absolute: float, relative: float, one: Any, other: Any, path: str) -> Iterator[Difference]:
    """Every place where `other` is not as `one`. Two numbers agree if they differ by at most `absolute`, or by at most
    `relative` times that of `one`. Raises RecursionError for values that are nested very deeply."""
    if is_number(one) and is_number(other):
        if not _close(absolute, relative, one, other):
            yield Difference(path, one, other)
    elif isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}):
            mine, its = one.get(key, NOTHING), other.get(key, NOTHING)
            yield from differing(absolute, relative, mine, its, f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (mine, its) in enumerate(zip(one, other, strict=True)):
            yield from differing(absolute, relative, mine, its, f"{path}[{index}]")
    elif isinstance(one, bool) is not isinstance(other, bool) or one != other:
        yield Difference(path, one, other)


def is_number(candidate: Any) -> bool:
    """A JSON number: `true` is none."""
    return isinstance(candidate, int | float) and not isinstance(candidate, bool)


def _close(absolute: float, relative: float, one: float, other: float) -> bool:
    try:
        return isclose(one, other, rel_tol=0.0, abs_tol=max(absolute, relative * abs(one)))
    except OverflowError:  # whole numbers beyond floating point are the same, or not
        return one == other
