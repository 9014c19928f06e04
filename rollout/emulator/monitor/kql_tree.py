"""What a Kusto query is made of, as far as it is understood. Values only."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec


class Literal(msgspec.Struct, frozen=True):
    """A number, text, truth, moment or duration."""

    value: int | float | str | bool | datetime | timedelta | None


class Column(msgspec.Struct, frozen=True):
    """The value of a column."""

    name: str


class Call(msgspec.Struct, frozen=True):
    """A function, or an operator by its sign, of arguments."""

    name: str
    arguments: tuple[Expression, ...] = ()


Expression = Literal | Column | Call


class Named(msgspec.Struct, frozen=True):
    """An expression with the name of the column that it becomes."""

    name: str
    expression: Expression


class Where(msgspec.Struct, frozen=True):
    """Rows for which that is true."""

    condition: Expression


class Summarize(msgspec.Struct, frozen=True):
    """One row for each group."""

    columns: tuple[Named, ...]
    groups: tuple[Named, ...]


class Extend(msgspec.Struct, frozen=True):
    """More columns."""

    columns: tuple[Named, ...]


class Project(msgspec.Struct, frozen=True):
    """Only these columns."""

    columns: tuple[Named, ...]


class Order(msgspec.Struct, frozen=True):
    """Rows in order: expressions and whether they fall; `first` rows of them, or all."""

    keys: tuple[tuple[Expression, bool], ...]
    first: int | None = None


class Take(msgspec.Struct, frozen=True):
    """The first rows."""

    rows: int


Step = Where | Summarize | Extend | Project | Order | Take


class Tree(msgspec.Struct, frozen=True):
    """A table and what is done with it, step by step."""

    table: str
    steps: tuple[Step, ...]
