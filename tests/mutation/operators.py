"""What is changed: mutmut's operators on expressions, and five of our own for what those leave alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import libcst as cst
import msgspec
from mutmut.mutation import mutators

Operator = tuple[type[cst.CSTNode], Callable[[Any], Iterable[cst.CSTNode]]]

OURS: Final = {"operator_match", "operator_string", "operator_arg_removal"}
"""mutmut's that are replaced: one change of a text instead of three, arguments that become None instead of missing ones
(which the type checker would find), a case of a `match` that never matches instead of one that is not there."""
OPERATORS: Final[tuple[Operator, ...]] = tuple(
    one for one in mutators.mutation_operators if one[1].__name__ not in OURS
)
CONDITIONS: Final = (cst.Name, cst.Attribute, cst.Call, cst.Subscript, cst.NamedExpr)
"""Conditions that no other operator turns round."""


class Change(msgspec.Struct, frozen=True):
    """A node, and what stands in its place: another node, or text."""

    node: cst.CSTNode
    new: cst.CSTNode | str

    def text(self, module: cst.Module) -> str:
        """The code of what is new; in parentheses where it could be read otherwise without."""
        if isinstance(self.new, str):
            return self.new
        bare = isinstance(self.new, cst.BaseString | cst.Name | cst.Attribute | cst.Call | cst.BaseNumber)
        if not isinstance(self.new, cst.BaseExpression) or bare:
            return module.code_for_node(_bare(self.new)).strip()
        return f"({module.code_for_node(_bare(self.new)).strip()})"


def changes(node: cst.CSTNode) -> Iterator[Change]:
    """Every change of this very node, or of a part of it that only it can judge."""
    for kind, operator in OPERATORS:
        if isinstance(node, kind):
            yield from (Change(node, new) for new in operator(node))
    match node:
        case cst.If(test=test) | cst.While(test=test) | cst.CompIf(test=test) | cst.IfExp(test=test):
            if isinstance(test, CONDITIONS):
                yield Change(test, cst.UnaryOperation(cst.Not(), _parenthesised(test)))
        case cst.Return(value=cst.BaseExpression() as value) if not _is_none(value):
            yield Change(value, cst.Name("None"))
        case cst.BooleanOperation(left=left, right=right):
            yield from (Change(node, left), Change(node, right))
        case cst.MatchCase(pattern=pattern, guard=guard):
            yield Change(pattern, _never(pattern)) if guard is None else Change(guard, "False")
        case cst.SimpleString(value=value) if not value.endswith('"""'):
            yield Change(node, f"{value[:-1]}XX{value[-1]}")
        case cst.Call(args=arguments):
            yield from (
                Change(one.value, cst.Name("None")) for one in arguments if not one.star and not _is_none(one.value)
            )


def _is_none(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Name) and node.value == "None"


def _never(pattern: cst.MatchPattern) -> str:
    return f"{cst.Module([]).code_for_node(pattern).strip()} if False"


def _parenthesised(node: cst.BaseExpression) -> cst.BaseExpression:
    plain: cst.BaseExpression = _bare(node)
    return plain.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _bare(node: Any) -> Any:
    """Without its own parentheses; an empty tuple has to keep them."""
    keeps = isinstance(node, cst.Tuple) or not hasattr(node, "lpar")
    return node if keeps else node.with_changes(lpar=[], rpar=[])
