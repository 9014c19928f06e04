"""Carries out a parsed Kusto query over rows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from rollout.emulator.answers import JsonObject
from rollout.emulator.monitor.kql_tokens import meaningless
from rollout.emulator.monitor.kql_tree import (
    Expression,
    Extend,
    Named,
    Order,
    Project,
    Step,
    Summarize,
    Take,
    Where,
)
from rollout.emulator.monitor.kql_values import Line, columns, grouped, kind, scalar


class Table(msgspec.Struct, frozen=True):
    """Columns with their types, and rows."""

    kinds: Mapping[str, str]
    lines: list[Line]


def run(steps: Iterable[Step], table: Table, now: datetime) -> Table:
    """The table after all steps. Raises `Rejected` for a column that is not there."""
    for step in steps:
        table = _after(step, table, now)
    return table


def _after(step: Step, table: Table, now: datetime) -> Table:
    match step:
        case Where(condition):
            _check("where", table, condition)
            return Table(table.kinds, [line for line in table.lines if scalar(condition, line, now)])
        case Take(rows):
            return Table(table.kinds, table.lines[:rows])
        case Order(keys, first):
            return _ordered(table, keys, first, now)
        case Extend(named):
            return _computed("extend", table, named, now, keep=True)
        case Project(named):
            return _computed("project", table, named, now, keep=False)
        case Summarize(named, groups):
            return _summarized(table, named, groups, now)


def _ordered(table: Table, keys: tuple[tuple[Expression, bool], ...], first: int | None, now: datetime) -> Table:
    lines = list(table.lines)
    for expression, falling in reversed(keys):
        _check("order", table, expression)
        lines.sort(key=lambda line: _sortable(scalar(expression, line, now)), reverse=falling)
    return Table(table.kinds, lines[:first])


def _sortable(value: Any) -> tuple[bool, Any]:
    """Nulls come first."""
    return value is not None, value if value is not None else 0


def _computed(operator: str, table: Table, named: tuple[Named, ...], now: datetime, *, keep: bool) -> Table:
    kinds, lines = dict(table.kinds), [dict(line) for line in table.lines]
    for each in named:
        _check(operator, Table(kinds, []), each.expression)
        kinds[each.name] = kind(each.expression, kinds)
        for line in lines:
            line[each.name] = scalar(each.expression, line, now)
    if keep:
        return Table(kinds, list(lines))
    names = [each.name for each in named]
    return Table({name: kinds[name] for name in names}, [{name: line[name] for name in names} for line in lines])


def _summarized(table: Table, named: tuple[Named, ...], groups: tuple[Named, ...], now: datetime) -> Table:
    _check("summarize", table, *(each.expression for each in (*named, *groups)))
    kinds = {each.name: kind(each.expression, table.kinds) for each in (*groups, *named)}
    found: dict[tuple[Any, ...], list[Line]] = {} if groups else {(): []}
    for line in table.lines:
        found.setdefault(tuple(scalar(each.expression, line, now) for each in groups), []).append(line)
    lines: list[Line] = [
        {
            **dict(zip((each.name for each in groups), key, strict=True)),
            **{each.name: grouped(each.expression, members, now) for each in named},
        }
        for key, members in found.items()
    ]
    return Table(kinds, lines)


def _check(operator: str, table: Table, *expressions: Expression) -> None:
    """All columns are there."""
    for expression in expressions:
        for name in columns(expression):
            if name not in table.kinds:
                raise meaningless(operator, name, "column or scalar expression")


def answer(table: Table) -> JsonObject:
    """The table as Log Analytics sends it."""
    head = [{"name": name, "type": each} for name, each in table.kinds.items()]
    rows = [[_sent(line[name]) for name in table.kinds] for line in table.lines]
    return {"tables": [{"name": "PrimaryResult", "columns": head, "rows": rows}]}


def _sent(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, timedelta) else value
