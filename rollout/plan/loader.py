"""YAML text → plain data, at the speed of libyaml, with a position for everything and every duplicate key found.

Scalars follow YAML 1.2: `yes`, `no`, `on` and `off` are words, not booleans; dates are text. Keys are always text.
Limits (size, nodes after aliases are expanded, nesting) keep a hostile file from costing more than its reading.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # its stubs do not export it

from rollout.errors import Fault
from rollout.plan.positions import MAX_FAULTS, Source, is_merge, locate
from rollout.plan.scalars import IMPLICIT, STANDARD_TAGS, scalar

MAX_BYTES: Final = 1_000_000
MAX_NODES: Final = 20_000
MAX_DEPTH: Final = 64
_INDENT: Final = re.compile(r"^[ \t\-?:]+", re.MULTILINE)


class Loaded(msgspec.Struct, frozen=True):
    """A file's data (None if it has none) with its source, and what was wrong with it as YAML."""

    data: Any
    source: Source
    faults: tuple[Fault, ...] = ()


def load_file(path: Path, display: str = "") -> Loaded:
    """Read and parse one YAML file. Never raises for what the file holds; everything wrong is a fault."""
    name = display or str(path)
    text = read_text(path, name)
    return Loaded(None, Source(name), (text,)) if isinstance(text, Fault) else load_text(text, name)


def read_text(path: Path, name: str) -> str | Fault:
    """The text of a UTF-8 file, or the fault that says why there is none."""
    source = Source(name)
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            return source.fault("PLAN002", (), "this is a directory", expected="a YAML file")
        if not stat.S_ISREG(found.st_mode):
            return source.fault("PLAN309", (), "this is a pipe or a device", expected="a plain file")
        if found.st_size > MAX_BYTES:
            return source.fault("PLAN008", (), f"the file has {found.st_size} bytes, more than {MAX_BYTES}")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return source.fault("PLAN003", (), f"the file is not UTF-8 (byte {error.start})", hint="save it as UTF-8")
    except FileNotFoundError:
        return source.fault("PLAN001", (), "no such file")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not usable"
        return source.fault("PLAN001", (), f"cannot read the file: {reason}")


def load_text(text: str, name: str) -> Loaded:
    """Parse YAML text; `name` is the file's name in faults."""
    source = Source(name, text)
    try:
        if text.count(",") + text.count("\n") > 2 * MAX_NODES:
            fault = source.fault("PLAN008", (), f"the file has more than {2 * MAX_NODES} lines and entries")
            return Loaded(None, source, (fault,))
        if _depth(text) > MAX_DEPTH:
            fault = source.fault("PLAN009", (), f"nested more than {MAX_DEPTH} levels deep")
            return Loaded(None, source, (fault,))
        root = _Composer(text).get_single_node()
    except yaml.YAMLError as error:
        return Loaded(None, source, (_syntax_fault(source, error),))
    if root is None:
        return Loaded(None, source, (source.fault("PLAN004", (), "the file is empty"),))
    builder = _Builder(Source(name, text, root))
    data = builder.build(root, ())
    # Of a file that expands without end nothing is used; what it lacks would be noise.
    return Loaded(None if builder.stopped else data, builder.source, tuple(builder.faults))


class _Composer(CParser):
    """libyaml's composer without PyYAML's resolver: plain scalars are read by `scalar`, when they are needed."""

    def resolve(self, kind: type, value: object, implicit: object) -> str:
        """Called by the C code for every node without a tag."""
        return IMPLICIT

    def descend_resolver(self, parent: object, index: object) -> None:
        """Called by the C code; there is nothing to resolve by path."""

    def ascend_resolver(self) -> None:
        """Called by the C code; there is nothing to resolve by path."""


def _depth(text: str) -> int:
    """How deep the document nests. Counted by events only if indentation and brackets make it possible at all:
    composing a deeply nested document recurses in C, where it cannot be stopped."""
    bound = text.count("[") + text.count("{") + 2 * max(map(len, _INDENT.findall(text)), default=0)
    if bound <= MAX_DEPTH:
        return bound
    depth = deepest = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        deepest = max(deepest, depth)
        if deepest > MAX_DEPTH:
            break
    return deepest


def _syntax_fault(source: Source, error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read")
    context = getattr(error, "context", None)
    if "expected a single document" in str(context):
        return source.fault_at(
            "PLAN006", line, column, "the file holds several YAML documents", expected="one document, without `---`"
        )
    hint = "indent with spaces" if "\\t" in problem or "'\t'" in problem or "tab" in problem else ""
    hint = hint or ("quote a value that starts with `{{`" if "{{" in source.text else "")
    return source.fault_at("PLAN005", line, column, f"not valid YAML: {problem}", hint=hint)


class _Builder(msgspec.Struct):
    """One walk over the node tree. `above` are the ids of the nodes that we are inside of (recursive aliases)."""

    source: Source
    faults: list[Fault] = []
    count: int = 0
    stopped: bool = False

    def build(self, node: yaml.Node, above: tuple[int, ...]) -> Any:
        self.count += 1
        if self.stopped or self.count > MAX_NODES or id(node) in above:
            return self._stop(node)
        if node.tag is not IMPLICIT and node.tag not in STANDARD_TAGS:
            message = f"the tag `{node.tag.replace('tag:yaml.org,2002:', '!!')}` is not accepted"
            self._add("PLAN007", node, message, "plain YAML values")
            return None
        if isinstance(node, yaml.ScalarNode):
            return scalar(node)
        inside = (*above, id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, inside)
        return [self.build(child, inside) for child in node.value]

    def _mapping(self, node: yaml.MappingNode, inside: tuple[int, ...]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if is_merge(key):
                merged.extend(value.value if isinstance(value, yaml.SequenceNode) else [value])
            elif not isinstance(key, yaml.ScalarNode):
                self._add(
                    "PLAN011", key, "a key must be a word, not a list or a mapping", "a plain key (quote `{{…}}`)"
                )
            elif key.value in data:
                if len(self.faults) <= MAX_FAULTS:
                    self._duplicate(node, key)
            else:
                data[key.value] = self.build(value, inside)
        for other in merged:
            self._merge(data, other, inside)
        return data

    def _merge(self, data: dict[str, Any], other: yaml.Node, inside: tuple[int, ...]) -> None:
        found = self.build(other, inside)
        if isinstance(found, dict):
            for key, value in found.items():
                data.setdefault(key, value)
        elif not self.stopped:
            self._add("PLAN011", other, "`<<` merges mappings only", "an alias of a mapping")

    def _duplicate(self, node: yaml.MappingNode, key: yaml.ScalarNode) -> None:
        line, _ = locate(node, (key.value,), key=True)
        self._add("PLAN010", key, f"the key `{key.value}` is given twice", f"it once (first on line {line})")

    def _stop(self, node: yaml.Node) -> None:
        if not self.stopped:
            self.stopped = True
            reason = "an alias contains itself" if self.count <= MAX_NODES else f"more than {MAX_NODES} values"
            self._add("PLAN008", node, f"the file expands without end: {reason}", "a file of reasonable size")

    def _add(self, code: str, node: yaml.Node, message: str, expected: str) -> None:
        mark = node.start_mark
        self.faults.append(self.source.fault_at(code, mark.line + 1, mark.column + 1, message, expected=expected))
