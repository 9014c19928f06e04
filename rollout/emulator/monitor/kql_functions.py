"""The functions of the Kusto subset: scalars of values, aggregates of a group's values. Pure. None stands for null."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


def _bin(value: Any, width: Any) -> Any:
    """The value rounded down to a multiple of the width."""
    if isinstance(value, datetime):
        return EPOCH + (value - EPOCH) // width * width
    return value // width * width


def _number(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def converted(value: Any) -> Any:
        try:
            return convert(value)
        except (TypeError, ValueError):
            return None

    return converted


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.strftime("%Y-%m-%dT%H:%M:%S.%f0Z") if isinstance(value, datetime) else str(value)


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "bin": _bin,
    "floor": _bin,
    "iff": lambda condition, yes, no: yes if condition else no,
    "iif": lambda condition, yes, no: yes if condition else no,
    "isempty": lambda value: value in (None, ""),
    "isnotempty": lambda value: value not in (None, ""),
    "not": lambda value: not value,
    "round": lambda value, digits=0: round(float(value), digits),
    "strcat": lambda *values: "".join(map(_text, values)),
    "substring": lambda value, start, length=None: value[start:][:length],
    "tobool": bool,
    "todouble": _number(float),
    "toint": _number(int),
    "tolong": _number(int),
    "tolower": lambda value: value.lower(),
    "toreal": _number(float),
    "tostring": _text,
    "ago": None,  # type: ignore[dict-item]  # of the time of the query: `kql_values` knows it
    "now": None,  # type: ignore[dict-item]
}
"""By name; those without a value here need more than their arguments."""


def _divided(left: Any, right: Any) -> Any:
    if isinstance(left, timedelta) or not right:
        return left / right if right else None
    if isinstance(left, int) and isinstance(right, int):
        return int(left / right)
    return left / right


def _same(left: Any, right: Any) -> bool:
    """Equal; a number equals its text, as the service's own sample queries have it (`ResponseCode != "200"`)."""
    if isinstance(left, str) != isinstance(right, str):
        return str(left) == str(right)
    return bool(left == right)


def _lower(value: Any) -> str:
    return str(value).lower()


OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": _same,
    "!=": lambda left, right: not _same(left, right),
    "=~": lambda left, right: _lower(left) == _lower(right),
    "!~": lambda left, right: _lower(left) != _lower(right),
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _divided,
    "contains": lambda left, right: _lower(right) in _lower(left),
    "has": lambda left, right: _lower(right) in _lower(left),
    "startswith": lambda left, right: _lower(left).startswith(_lower(right)),
    "endswith": lambda left, right: _lower(left).endswith(_lower(right)),
}
"""By sign; a null on either side gives null."""


def percentile(values: Sequence[Any], percent: float) -> Any:
    """The smallest value that this share of all stays within (Kusto estimates; this is exact)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered) - 1e-9) - 1)] if ordered else None


AGGREGATES: Final[Mapping[str, Callable[..., Any]]] = {
    "avg": lambda values: sum(values) / len(values) if values else None,
    "count": len,
    "countif": lambda values: sum(map(bool, values)),
    "dcount": lambda values: len(set(values)),
    "max": lambda values: max(values, default=None),
    "min": lambda values: min(values, default=None),
    "percentile": percentile,
    "sum": lambda values: sum(values),
    "sumif": lambda values: sum(values),
}
"""By name: of the values of the first argument in each row of a group."""
