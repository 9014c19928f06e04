"""Changing YAML text and keeping what people wrote: comments, quotes, order, and every line that is not concerned.

A scalar is replaced in place, so that the change is one line. Anything else goes through ruamel.yaml's round trip,
imported when it is needed. Either way the result is read again and compared with what it should mean.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Final

import yaml

from rollout.errors import PlanError, RolloutError
from rollout.plan import positions
from rollout.plan.loader import Loaded, load_text
from rollout.plan.positions import show

_PART: Final = re.compile(r'\[(?P<index>[0-9]{1,6})\]|(?:^|\.)(?:"(?P<quoted>[^"]+)"|(?P<key>[^.\[\]"]+))')
_STAGE_LISTS: Final = ("stages", "bootstrap")
_DOCUMENTS: Final = ("endpoint", "candidate")
_INDENTED: Final = re.compile(r"^( *)[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*( *)- ", re.MULTILINE)
_ATTEMPTS: Final = 4


def formatted(text: str, name: str) -> str:
    """The text in the one form: two spaces, dashes indented, no trailing space, one newline at the end. Comments stay.

    Raises PlanError if it is not YAML that a plan may be.
    """
    data = _readable(text, name).data
    found = text
    for _ in range(_ATTEMPTS):  # comments may need a second turn to settle
        before, found = found, _tidy(_round_trip(found, None, lambda tree: tree))
        if found == before:
            break
    if load_text(found, name).data != data:
        raise RolloutError(f"{name} cannot be formatted without changing what it means", hint="format it by hand")
    return found


def edited(text: str, name: str, path: positions.Path, value: Any) -> str:
    """The text with that value at that path; missing mappings on the way are made.

    Raises PlanError if the text is not YAML that a plan may be, RolloutError if the path leads nowhere.
    """
    loaded = _readable(text, name)
    wanted = replaced(loaded.data, path, value)
    found = _in_place(text, loaded, path, value)
    if found is not None and _means(found, name, wanted):
        return found
    return _checked(_round_trip(text, path, lambda tree: _put(tree, path, _as_written(value))), name, path, wanted)


def removed(text: str, name: str, path: positions.Path) -> str:
    """The text without the key, or the entry of a list, at that path; whole lines where it stands on lines of its own.

    Raises PlanError if the text is not YAML that a plan may be, RolloutError if there is nothing at the path.
    """
    loaded = _readable(text, name)
    wanted = without(loaded.data, path)
    found = _without_lines(text, loaded, path)
    if found is not None and _means(found, name, wanted):
        return found
    return _checked(_round_trip(text, path, lambda tree: _dropped(tree, path)), name, path, wanted)


def _checked(result: str, name: str, path: positions.Path, wanted: Any) -> str:
    if not _means(result, name, wanted):
        raise RolloutError(f"{name}: {show(path)} cannot be set without changing something else", hint="edit by hand")
    return result


def parse_path(text: str, data: Any) -> positions.Path:
    """`stages.watch.bake` or `stages[2].bake` → a path; stages may be called by their names. Raises RolloutError."""
    parts: list[str | int] = []
    end = 0
    for match in _PART.finditer(text):
        if match.start() != end:
            break
        end = match.end()
        parts.append(int(match["index"]) if match["index"] else match["quoted"] or match["key"])
    if not parts or end != len(text):
        raise RolloutError(
            f"`{text}` is not a path", hint="for example candidate.set.instance_count, or stages[2].bake"
        )
    if parts[0] in _STAGE_LISTS and len(parts) > 1 and isinstance(parts[1], str) and isinstance(data, Mapping):
        parts[1] = _stage_called(parts[1], data.get(str(parts[0])))
    return tuple(parts)


def replaced(data: Any, path: positions.Path, value: Any) -> Any:
    """The data with the value there. Raises RolloutError if the path leads through what is no mapping or list."""
    if not path:
        return value
    part, rest = path[0], path[1:]
    if isinstance(part, int):
        if not isinstance(data, list) or part >= len(data):
            raise RolloutError(f"there is no [{part}] there")
        return [replaced(item, rest, value) if index == part else item for index, item in enumerate(data)]
    if data is not None and not isinstance(data, Mapping):
        raise RolloutError(f"`{part}` cannot be set inside of {_kind(data)}", hint="set the whole value")
    found = dict(data or {})
    inner = found.get(part)
    if part in _DOCUMENTS and isinstance(inner, str) and rest[:1] == ("set",):
        inner = {"file": inner}
    found[part] = replaced(inner, rest, value)
    return found


def without(data: Any, path: positions.Path) -> Any:
    """The data without what is at the path. Raises RolloutError if there is nothing."""
    part, rest = path[0], path[1:]
    there = part < len(data) if isinstance(part, int) and isinstance(data, list) else _has(data, part)
    if not there:
        raise RolloutError(f"there is no `{part}` to remove", hint="name what is there")
    if rest:
        return _exchanged(data, part, without(data[part], rest))
    if isinstance(data, list):
        return [item for index, item in enumerate(data) if index != part]
    return {key: value for key, value in data.items() if key != part}


def _exchanged(data: Any, part: str | int, value: Any) -> Any:
    if isinstance(data, list):
        return [value if index == part else item for index, item in enumerate(data)]
    return {**data, part: value}


def _has(data: Any, part: str | int) -> bool:
    return isinstance(data, Mapping) and part in data


def value_of(text: str) -> Any:
    """The value that a person wrote on the command line: YAML. Raises PlanError."""
    return _readable(text, "the value").data if text.strip() else None


def _stage_called(name: str, stages: Any) -> int:
    names = [stage.get("name") if isinstance(stage, Mapping) else None for stage in stages or ()]
    if name not in names:
        known = ", ".join(str(one) for one in names if one)
        raise RolloutError(f"no stage is called `{name}`", hint=f"there are {known}" if known else "use stages[INDEX]")
    return names.index(name)


def _kind(value: Any) -> str:
    return "a list" if isinstance(value, list) else f"`{value}`"


def _readable(text: str, name: str) -> Loaded:
    loaded = load_text(text, name)
    if loaded.faults:
        raise PlanError(loaded.faults)
    return loaded


def _means(text: str, name: str, wanted: Any) -> bool:
    loaded = load_text(text, name)
    return bool(not loaded.faults and repr(loaded.data) == repr(wanted))  # repr tells 1 from true


def _in_place(text: str, loaded: Loaded, path: positions.Path, value: Any) -> str | None:
    """A scalar instead of a scalar, on its place; None if that cannot be done."""
    node = positions.node_at(loaded.source.root, path)
    if not isinstance(node, yaml.ScalarNode) or isinstance(value, (Mapping, list)) or not node.value:
        return None
    start, end = node.start_mark.index, node.end_mark.index
    return text[:start] + _scalar_text(value) + text[end:]


def _without_lines(text: str, loaded: Loaded, path: positions.Path) -> str | None:
    """The lines that hold the entry taken out, comments behind it left; None where it shares its lines."""
    root = loaded.source.root
    node = positions.node_at(root, path)
    if node is None or root is None:
        return None
    line, _ = positions.locate(root, path, key=isinstance(path[-1], str))
    lines, first = text.splitlines(keepends=True), line - 1
    end = node.end_mark
    last = min(end.line, len(lines) - 1)
    if last > first and not lines[last][: end.column].strip():  # a block ends where the next thing begins
        last -= 1
    while last > first and lines[last].strip()[:1] in ("", "#"):
        last -= 1
    return "".join(lines[:first] + lines[last + 1 :])


def _dropped(tree: Any, path: positions.Path) -> Any:
    place = tree
    for part in path[:-1]:
        place = place[part]
    del place[path[-1]]
    return tree


def _scalar_text(value: Any) -> str:
    """The shortest YAML of a scalar, plain where that means the same."""
    if value is None:
        return "null"
    if not isinstance(value, str):
        return str(value).lower()
    if _plain(value):
        return value
    text: str = yaml.safe_dump(value, default_style='"', width=10**6, allow_unicode=True)
    return text.strip()


def _plain(value: str) -> bool:
    """Whether that text needs no quotes, in a block or between brackets."""
    in_block, in_flow = load_text(f"a: {value}\n", ""), load_text(f"[{value}]\n", "")
    return bool(in_block.data == {"a": value} and in_flow.data == [value])


def _round_trip(text: str, path: positions.Path | None, change: Callable[[Any], Any]) -> str:
    """ruamel.yaml's load and dump, with a change at the path in between (None: the whole is formatted)."""
    from ruamel.yaml import YAML
    from ruamel.yaml.resolver import VersionedResolver

    class Words(VersionedResolver):
        """Every plain scalar is a word, and is written again as it was."""

        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            tag = super().resolve(kind, value, implicit)
            scalar = isinstance(value, str) and isinstance(implicit, tuple) and implicit[0]
            return self.DEFAULT_SCALAR_TAG if scalar and value and value != "<<" else tag

    tool = YAML(typ="rt")
    tool.Resolver = Words
    tool.preserve_quotes = True
    tool.width = 10**6
    dashes = 2 if path is None else _dash_offset(text)
    tool.indent(mapping=2, sequence=2 + dashes, offset=dashes)
    stream = io.StringIO()
    try:
        tool.dump(change(tool.load(text)), stream)
    except Exception as error:  # what libyaml reads is not always what ruamel.yaml reads; nothing is written then
        raise RolloutError("this YAML is too unusual to be changed by a program", hint="edit it by hand") from error
    return stream.getvalue()


def _dash_offset(text: str) -> int:
    """How far dashes are indented below their key in this text."""
    match = _INDENTED.search(text)
    return min(max(len(match[2]) - len(match[1]), 0), 8) if match else 2


def _put(tree: Any, path: positions.Path, value: Any) -> Any:
    place = tree
    for part, following in pairwise(path):
        if isinstance(part, str) and place.get(part) is None:
            place[part] = {}
        elif part in _DOCUMENTS and isinstance(place[part], str) and following == "set":
            place[part] = {"file": place[part]}
        place = place[part]
    place[path[-1]] = value
    return tree


def _as_written(value: Any) -> Any:
    """Plain data with every scalar as the word that says it."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(value, Mapping):
        return {key: _as_written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_written(item) for item in value]
    if isinstance(value, str) and not _plain(value):
        return DoubleQuotedScalarString(value)
    return value if isinstance(value, str) else _scalar_text(value)


def _tidy(text: str) -> str:
    """One kind of line end, and one newline at the end."""
    return text.replace("\r\n", "\n").rstrip("\n") + "\n"
