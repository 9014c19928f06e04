"""What an expression of a Kusto query is worth, for a row or for a group of rows, and of what type it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from rollout.emulator.monitor.kql_functions import AGGREGATES, FUNCTIONS, OPERATORS
from rollout.emulator.monitor.kql_tokens import meaningless, refused
from rollout.emulator.monitor.kql_tree import Call, Column, Expression, Literal

Line = Mapping[str, Any]
_LAZY: Final = ("and", "or")
_LONG: Final = ("count", "countif", "dcount", "toint", "tolong")
_REAL: Final = ("avg", "todouble", "toreal", "round")
_TEXT: Final = ("strcat", "substring", "tolower", "tostring")


def scalar(expression: Expression, line: Line, now: datetime) -> Any:
    """The value in a row. Raises `Rejected` for what cannot be done with such values."""
    match expression:
        case Literal(value):
            return value
        case Column(name):
            return line[name]
        case Call(name, arguments) if name in _LAZY:
            first = bool(scalar(arguments[0], line, now))
            return first if first == (name == "or") else bool(scalar(arguments[1], line, now))
        case Call(name, arguments):
            return _applied(name, [scalar(each, line, now) for each in arguments], now)


def grouped(expression: Expression, lines: Sequence[Line], now: datetime) -> Any:
    """The value in a group: aggregates are of its rows, everything else is of them."""
    match expression:
        case Literal(value):
            return value
        case Column(name):
            raise meaningless("summarize", name)
        case Call(name, arguments) if name in AGGREGATES:
            return _aggregated(name, arguments, lines, now)
        case Call(name, arguments):
            return _applied(name, [grouped(each, lines, now) for each in arguments], now)


def _aggregated(name: str, arguments: tuple[Expression, ...], lines: Sequence[Line], now: datetime) -> Any:
    if not arguments:
        return len(lines)
    if name == "sumif":
        lines = [line for line in lines if scalar(arguments[1], line, now)]
    values = [value for line in lines if (value := scalar(arguments[0], line, now)) is not None]
    if name == "percentile":
        return AGGREGATES[name](values, grouped(arguments[1], (), now))
    return AGGREGATES[name](values)


def _applied(name: str, values: list[Any], now: datetime) -> Any:
    if name == "now":
        return now
    if name == "in":
        return any(OPERATORS["=="](values[0], each) for each in values[1:])
    if name not in ("isempty", "isnotempty", "strcat", "iff", "not") and any(value is None for value in values):
        return None
    try:
        if name == "ago":
            return now - values[0]
        return OPERATORS[name](*values) if name in OPERATORS else FUNCTIONS[name](*values)
    except (ArithmeticError, AttributeError, TypeError) as error:
        kinds = ", ".join(_kind(value) for value in values)
        inner = {"code": "SEM0064", "message": f"Unexpected types of arguments for '{name}': {kinds}"}
        raise refused("SemanticError", "A semantic error occurred.", inner) from error


def columns(expression: Expression) -> Iterator[str]:
    """The columns that an expression names."""
    if isinstance(expression, Column):
        yield expression.name
    elif isinstance(expression, Call):
        for each in expression.arguments:
            yield from columns(each)


def kind(expression: Expression, known: Mapping[str, str]) -> str:
    """The type of an expression's column, where its values do not tell."""
    match expression:
        case Literal(value):
            return _kind(value)
        case Column(name):
            return known[name]
        case Call("now" | "ago"):
            return "datetime"
        case Call(name, arguments) if name in _LONG or name in _REAL or name in _TEXT:
            return "long" if name in _LONG else "real" if name in _REAL else "string"
        case Call("bin" | "floor" | "max" | "min" | "percentile" | "sum" | "sumif", arguments):
            return kind(arguments[0], known)
        case Call("iff", arguments):
            return kind(arguments[1], known)
        case Call("+" | "-" | "*" | "/", arguments):
            kinds = [kind(each, known) for each in arguments]
            return next((each for each in ("datetime", "real") if each in kinds), kinds[0])
        case _:
            return "bool"


def _kind(value: Any) -> str:
    """The name of a value's type."""
    names = {bool: "bool", int: "long", float: "real", datetime: "datetime", timedelta: "timespan"}
    return names.get(type(value), "string")
