"""Where something stands in a file: from a path such as `stages[2].traffic` to line and column.

Nothing is recorded while loading. Only when there is a fault, the node tree that libyaml made is walked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import yaml

from rollout.errors import Fault

Path = tuple[str | int, ...]

MAX_FAULTS = 50
"""So many are shown; a file with more is of another kind."""

_SNIPPET_LENGTH = 120
_LONGEST = 300
"""Characters of a message: values in it may be as long as a file."""


class Pointer(Protocol):
    """Something that a fault can point into: a file, or a plan that is made of several."""

    def fault(
        self, code: str, path: Path, message: str, *, expected: str = "", hint: str = "", key: bool = False
    ) -> Fault:
        """A fault at `path`; `key` points at the key instead of its value."""
        ...


class Source(msgspec.Struct, frozen=True):
    """One file as it was read: its name for people, its text, and its node tree (None if it could not be parsed)."""

    file: str
    text: str = ""
    root: yaml.Node | None = None

    def fault(
        self, code: str, path: Path, message: str, *, expected: str = "", hint: str = "", key: bool = False
    ) -> Fault:
        """A fault at `path`; `key` points at the key instead of its value."""
        line, column = locate(self.root, path, key=key) if self.root is not None else (0, 0)
        return self.fault_at(code, line, column, message, path=path, expected=expected, hint=hint)

    def fault_at(
        self,
        code: str,
        line: int,
        column: int,
        message: str,
        *,
        path: Path = (),
        expected: str = "",
        hint: str = "",
    ) -> Fault:
        """A fault at a line and column that are known already (from 1; 0: the file as a whole)."""
        return Fault(
            file=self.file,
            line=line,
            column=column,
            code=code,
            path=_cut(show(path)),
            message=_cut(message),
            expected=_cut(expected),
            hint=_cut(hint),
            snippet=snippet(self.text, line, column),
        )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 60]} … {text[-57:]}"


def show(path: Path) -> str:
    """`("stages", 2, "traffic")` → `stages[2].traffic`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def leaves(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every scalar, and every empty mapping and list, with its path."""
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(data, Mapping):
        items = data.items()
    elif isinstance(data, list):
        items = enumerate(data)
    if not items or not data:
        yield path, data
    else:
        for key, value in items:
            yield from leaves(value, (*path, key))


def present(data: Any, path: Path) -> Path:
    """The parts of `path` that are in the data: short forms leave out keys that the models have."""
    kept: list[str | int] = []
    for part in path:
        inside = isinstance(data, Mapping) and part in data
        if inside or (isinstance(data, list) and isinstance(part, int) and part < len(data)):
            data = data[part]
            kept.append(part)
    return tuple(kept)


def snippet(text: str, line: int, column: int) -> str:
    """The line of the fault and a caret under its column; "" for a fault of the whole file."""
    lines = text.splitlines() if line else []
    if not 0 < line <= len(lines):
        return ""
    shown = lines[line - 1][:_SNIPPET_LENGTH]
    return f"{shown}\n{' ' * (min(column, _SNIPPET_LENGTH) - 1)}^"


def locate(root: yaml.Node, path: Path, *, key: bool = False) -> tuple[int, int]:
    """Line and column (from 1) of `path`, or of its nearest ancestor that exists."""
    node, key_node = root, root
    for part in path:
        step = _step(node, part)
        if step is None:
            return _mark(key_node if node is not root and not _is_flow(node) else node)
        key_node, node = step
    return _mark(key_node if key else node)


def node_at(root: yaml.Node | None, path: Path) -> yaml.Node | None:
    """The node at exactly that path, None if there is none."""
    node = root
    for part in path:
        step = _step(node, part) if node is not None else None
        node = step[1] if step else None
    return node


def _is_flow(node: yaml.Node) -> bool:
    return bool(getattr(node, "flow_style", False))


def _mark(node: yaml.Node) -> tuple[int, int]:
    mark = node.start_mark
    return mark.line + 1, mark.column + 1


def _step(node: yaml.Node, part: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        items: Sequence[yaml.Node] = node.value
        return (items[part], items[part]) if part < len(items) else None
    if isinstance(node, yaml.MappingNode):
        return next(((k, v) for k, v in pairs(node) if k.value == part), None)
    return None


def pairs(node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """The pairs of a mapping, its own first, then those that `<<` merges into it."""
    merged: list[yaml.Node] = []
    for key, value in node.value:
        if is_merge(key):
            merged.extend(value.value if isinstance(value, yaml.SequenceNode) else [value])
        else:
            yield key, value
    for other in merged:
        if isinstance(other, yaml.MappingNode):
            yield from pairs(other)


def is_merge(key: yaml.Node) -> bool:
    """Whether that key is the plain `<<` of YAML 1.1, which `az ml` understands too."""
    return isinstance(key, yaml.ScalarNode) and key.value == "<<" and not key.style
