"""Small changes of a module, one at a time: what a mistake would look like."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path
from typing import Final

import libcst as cst
import msgspec
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

from tests.mutation.operators import Change, changes

UNTOUCHED: Final = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom, cst.TypeAlias)
"""Never mutated, nor anything in it: it is no behaviour, or a fault of the import."""
SAYS_NOTHING: Final = {"len", "isinstance", "cast", "assert_never", "AssertionError", "TypeVar"}
"""Calls left alone, with their arguments: any other value is refused at once, or they are for the type checker only."""


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """One changed place: `was` became `now` in `function` of `module`, on a line that reads `text`.

    `first` and `last` are the lines of the statement; `source` is the whole changed module. A mutant outside all
    functions (a constant, a default, a table) has no function.
    """

    module: str
    function: str
    text: str
    was: str
    now: str
    first: int
    last: int
    source: str

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What stays the same when the lines around it move."""
        return self.module, self.function, self.text, self.was, self.now


def mutants_of(path: Path, module: str) -> list[Mutant]:
    """Every mutant of one file, in its order."""
    wrapper = MetadataWrapper(cst.parse_module(path.read_text(encoding="utf-8")))
    visitor = _Visitor(wrapper.module, module)
    wrapper.visit(visitor)
    return visitor.found


class _Visitor(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider, ParentNodeProvider)

    def __init__(self, module: cst.Module, name: str) -> None:
        super().__init__()
        self.module, self.name, self.code = module, name, module.code
        lines = self.code.splitlines(keepends=True)
        self.lines = [line.strip() for line in lines]
        self.starts = [0, *accumulate(len(line) for line in lines)]
        self.within: list[str] = []
        self.functions = 0
        self.found: list[Mutant] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if _is_untouched(node):
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self.within.append(node.name.value)
            self.functions += isinstance(node, cst.FunctionDef)
        for change in changes(node):
            if not self._says_why(change.node):
                self._keep(change)
        return True

    def _says_why(self, node: cst.CSTNode) -> bool:
        """Whether that is the text of an assertion: nobody ever reads it."""
        parent = self.get_metadata(ParentNodeProvider, node, None)
        return isinstance(parent, cst.Assert) and parent.msg is node

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef) and not _is_untouched(original_node):
            self.within.pop()
            self.functions -= isinstance(original_node, cst.FunctionDef)

    def _keep(self, change: Change) -> None:
        span = self.get_metadata(PositionProvider, change.node)
        start = self.starts[span.start.line - 1] + span.start.column
        end = self.starts[span.end.line - 1] + span.end.column
        was = self.code[start:end]
        before, after = was[: len(was) - len(was.lstrip())], was[len(was.rstrip()) :]
        now = change.text(self.module)
        first, last = self._lines_of(change.node)
        self.found.append(
            Mutant(
                module=self.name,
                function=".".join(self.within) if self.functions else "",
                text=self.lines[span.start.line - 1],
                was=_one_line(was),
                now=_one_line(now),
                first=first,
                last=last,
                source=self.code[:start] + before + now + after + self.code[end:],
            )
        )

    def _lines_of(self, node: cst.CSTNode) -> tuple[int, int]:
        """Those of the simple statement that it is in, or its own where it is part of a condition."""
        outer: cst.CSTNode | None = node
        while outer is not None and not isinstance(outer, cst.SimpleStatementLine | cst.BaseCompoundStatement):
            outer = self.get_metadata(ParentNodeProvider, outer, None)
        chosen = outer if isinstance(outer, cst.SimpleStatementLine) else node
        span = self.get_metadata(PositionProvider, chosen)
        return span.start.line, span.end.line


def _is_untouched(node: cst.CSTNode) -> bool:
    if isinstance(node, UNTOUCHED):
        return True
    if isinstance(node, cst.Param) and node.default is not None:
        return True
    return isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value in SAYS_NOTHING


def _one_line(code: str) -> str:
    return " ".join(code.split())
