"""Line and column of any path of any document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from rollout.errors import Fault
from rollout.plan.loader import load_text
from rollout.plan.positions import Path, Source, locate, present, show, snippet

TEXT = """\
top: {a: 1, b: [x, y]}
list:
  - name: first
  - name: second
    deep:
      value: 7
"""


def place(path: Path, *, key: bool = False) -> tuple[int, int]:
    """Where `path` stands in TEXT."""
    root = load_text(TEXT, "f.yml").source.root
    assert root is not None
    return locate(root, path, key=key)


def test_values_and_keys() -> None:
    """A value's own start, or its key's."""
    assert place(("top", "b", 1)) == (1, 20)
    assert place(("list", 1, "deep", "value")) == (6, 14)
    assert place(("list", 1, "deep", "value"), key=True) == (6, 7)
    assert place(()) == (1, 1)


def test_what_is_not_there_is_its_nearest_ancestor() -> None:
    """A missing key is shown at the mapping that should hold it."""
    assert place(("list", 1, "deep", "missing")) == (5, 5)
    assert place(("list", 9)) == (2, 1)
    assert place(("top", "zzz")) == (1, 6)


def test_merged_keys_are_found_where_they_are_written() -> None:
    """A value that came in by `<<` is shown at its origin."""
    root = load_text("base: &b {a: 1}\nmine:\n  <<: *b\n", "f.yml").source.root
    assert root is not None
    assert locate(root, ("mine", "a")) == (1, 14)


def test_show() -> None:
    """Paths read like the language of the file."""
    assert show(("stages", 2, "traffic")) == "stages[2].traffic"
    assert show(()) == ""


def test_present() -> None:
    """Keys that a short form leaves out are dropped."""
    assert present({"stages": [{"bake": 10}]}, ("stages", 0, "bake", "for")) == ("stages", 0, "bake")


def test_snippet_has_a_caret() -> None:
    """The line, and a caret under the column; nothing for a fault of the whole file."""
    assert snippet("a: 1\nbb: 2\n", 2, 5) == "bb: 2\n    ^"
    assert snippet("a: 1\n", 0, 0) == ""
    assert snippet("a: 1\n", 9, 1) == ""


def test_a_whole_fault() -> None:
    """A fault carries all that a renderer needs."""
    source = load_text("a:\n  b: oops\n", "f.yml").source
    assert source.fault("PLAN103", ("a", "b"), "wrong", expected="right", hint="do it") == Fault(
        file="f.yml", line=2, column=6, code="PLAN103", path="a.b", message="wrong", expected="right", hint="do it",
        snippet="  b: oops\n     ^",
    )  # fmt: skip
    assert str(Source("g.yml").fault("PLAN001", (), "no such file")) == "g.yml: PLAN001: no such file"


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every leaf of plain data with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


_WORD = st.text("abcdefg", min_size=2, max_size=5)
_TREE = st.recursive(
    _WORD, lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(_WORD, inner, min_size=1, max_size=3)
)


@given(st.dictionaries(_WORD, _TREE, min_size=1, max_size=3), st.booleans())
def test_every_leaf_is_where_we_say(data: dict[str, Any], flow: bool) -> None:
    """At the place that is reported for a leaf, the text of that leaf begins."""
    text = yaml.safe_dump(data, default_flow_style=flow)
    root = load_text(text, "f.yml").source.root
    assert root is not None
    lines = text.splitlines()
    for path, word in leaves(data):
        line, column = locate(root, path)
        assert lines[line - 1][column - 1 :].startswith(word)
