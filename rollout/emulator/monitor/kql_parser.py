"""The part of the Kusto query language that gates use:

    TABLE | where … | extend a = … | summarize a = count(), b = percentile(x, 95) by c, bin(TimeGenerated, 1m)
          | project … | order by … | top N by … | take N | count

with and, or, not, comparisons, `in`, `between`, arithmetic, and the functions of `kql_functions`. Everything else is
refused as Log Analytics refuses what it cannot parse. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from rollout.emulator.monitor.kql_functions import AGGREGATES, FUNCTIONS
from rollout.emulator.monitor.kql_tokens import Token, tokens, unreadable
from rollout.emulator.monitor.kql_tree import (
    Call,
    Column,
    Expression,
    Extend,
    Literal,
    Named,
    Order,
    Project,
    Step,
    Summarize,
    Take,
    Tree,
    Where,
)
from rollout.emulator.monitor.moments import BadMoment, moment

_COMPARISONS: Final = ("==", "!=", "=~", "!~", "<", "<=", ">", ">=")
_WORDS: Final = ("contains", "startswith", "endswith", "has")
_UNITS: Final = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse(query: str) -> Tree:
    """The tree of a query. Raises `Rejected` (400)."""
    return _Parser(list(tokens(query))).tree()


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._place = 0

    def tree(self) -> Tree:
        table = self._name()
        steps: list[Step] = []
        while self._next("|"):
            steps.append(self._step())
        if self._now.kind != "end":
            raise unreadable(self._now)
        return Tree(table, tuple(steps))

    @property
    def _now(self) -> Token:
        return self._tokens[self._place]

    def _next(self, *texts: str) -> str:
        """Take the token if it is one of these; "" if it is not."""
        if self._now.kind in ("sign", "name") and self._now.text in texts:
            self._place += 1
            return self._tokens[self._place - 1].text
        return ""

    def _must(self, text: str) -> None:
        if not self._next(text):
            raise unreadable(self._now)

    def _name(self) -> str:
        if self._now.kind != "name":
            raise unreadable(self._now)
        self._place += 1
        return self._tokens[self._place - 1].text

    def _whole(self) -> int:
        token = self._now
        if token.kind != "number" or "." in token.text:
            raise unreadable(token)
        self._place += 1
        return int(token.text)

    # Steps

    def _step(self) -> Step:
        at = self._now
        match self._name():
            case "where" | "filter":
                return Where(self._expression())
            case "summarize":
                return self._summarize()
            case "extend":
                return Extend(self._columns())
            case "project":
                return Project(self._columns())
            case "order" | "sort":
                self._must("by")
                return Order(self._keys())
            case "top":
                first = self._whole()
                self._must("by")
                return Order(self._keys(), first)
            case "take" | "limit":
                return Take(self._whole())
            case "count":
                return Summarize((Named("Count", Call("count")),), ())
            case _:
                raise unreadable(at)

    def _summarize(self) -> Summarize:
        bare = self._now.kind == "name" and self._now.text == "by"
        columns = () if bare else self._columns()
        return Summarize(columns, self._columns() if self._next("by") else ())

    def _columns(self) -> tuple[Named, ...]:
        found = [self._column(1)]
        while self._next(","):
            found.append(self._column(len(found) + 1))
        return tuple(found)

    def _column(self, number: int) -> Named:
        following = self._tokens[min(self._place + 1, len(self._tokens) - 1)]
        if self._now.kind == "name" and following.text == "=":
            name = self._name()
            self._must("=")
            return Named(name, self._expression())
        expression = self._expression()
        return Named(_own_name(expression, number), expression)

    def _keys(self) -> tuple[tuple[Expression, bool], ...]:
        found = [self._key()]
        while self._next(","):
            found.append(self._key())
        return tuple(found)

    def _key(self) -> tuple[Expression, bool]:
        expression = self._expression()
        return expression, self._next("asc", "desc") != "asc"

    # Expressions, from the loosest binding to the tightest

    def _expression(self) -> Expression:
        return self._chain(self._conjunction, "or")

    def _conjunction(self) -> Expression:
        return self._chain(self._comparison, "and")

    def _comparison(self) -> Expression:
        left = self._sum()
        if sign := self._next(*_COMPARISONS, *_WORDS):
            return Call(sign, (left, self._sum()))
        if sign := self._next("in", "!in"):
            found = Call("in", (left, *self._arguments()))
            return found if sign == "in" else Call("not", (found,))
        if self._next("between"):
            self._must("(")
            low = self._sum()
            self._must("..")
            high = self._sum()
            self._must(")")
            return Call("and", (Call(">=", (left, low)), Call("<=", (left, high))))
        return left

    def _sum(self) -> Expression:
        return self._chain(self._product, "+", "-")

    def _product(self) -> Expression:
        return self._chain(self._primary, "*", "/")

    def _chain(self, inner: Callable[[], Expression], *signs: str) -> Expression:
        left = inner()
        while sign := self._next(*signs):
            left = Call(sign, (left, inner()))
        return left

    def _primary(self) -> Expression:
        token = self._now
        if self._next("("):
            inside = self._expression()
            self._must(")")
            return inside
        if self._next("-"):
            return Call("-", (Literal(0), self._primary()))
        if token.kind in ("number", "duration", "string"):
            self._place += 1
            return Literal(_value(token))
        name = self._name()
        if name in ("true", "false"):
            return Literal(name == "true")
        if self._now.text != "(":
            return Column(name)
        return self._moment() if name == "datetime" else self._call(token, name)

    def _call(self, token: Token, name: str) -> Expression:
        if name not in FUNCTIONS and name not in AGGREGATES:
            raise unreadable(token)
        return Call("iff" if name == "iif" else name, self._arguments())

    def _arguments(self) -> tuple[Expression, ...]:
        self._must("(")
        found: list[Expression] = []
        while not self._next(")"):
            if found:
                self._must(",")
            found.append(self._expression())
        return tuple(found)

    def _moment(self) -> Literal:
        """What is between the brackets of `datetime(…)` has no quotes."""
        self._must("(")
        start, text = self._now, ""
        while not self._next(")"):
            if self._now.kind == "end":
                raise unreadable(start)
            text += self._now.text
            self._place += 1
        try:
            return Literal(moment(text.strip("\"'")))
        except BadMoment as error:
            raise unreadable(start) from error


def _value(token: Token) -> int | float | str | timedelta:
    if token.kind == "string":
        return token.text[1:-1].replace("\\" + token.text[0], token.text[0])
    if token.kind == "number":
        return float(token.text) if "." in token.text else int(token.text)
    number = token.text.rstrip("dhms")
    return timedelta(**{_UNITS[token.text[len(number) :]]: float(number)})


def _own_name(expression: Expression, number: int) -> str:
    """The name that Kusto gives a column that has none."""
    if isinstance(expression, Column):
        return expression.name
    if isinstance(expression, Call) and expression.name in (*AGGREGATES, "bin"):
        columns = [each.name for each in expression.arguments if isinstance(each, Column)]
        if expression.name == "bin" and columns:
            return columns[0]
        return f"{expression.name}_{columns[0] if columns else ''}"
    return f"Column{number}"
