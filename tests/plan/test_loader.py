"""YAML in: data, duplicate keys, hostile files. Nothing but faults comes out of a bad file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rollout.plan.loader import MAX_BYTES, load_file, load_text


def faults(text: str) -> list[str]:
    """The faults of a text, as lines."""
    return [str(fault) for fault in load_text(text, "f.yml").faults]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("-7", -7), ("+3", 3), ("010", 10), ("0o17", 15), ("0x1f", 31), ("1_000", "1_000"),
        ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("1.", 1.0), (".inf", ".inf"), ("1e999", "1e999"),
        ("true", True), ("False", False), ("yes", "yes"), ("off", "off"), ("on", "on"), ("n", "n"),
        ("~", None), ("null", None), ("", None), ("2020-01-01", "2020-01-01"), ("12:30", "12:30"),
        ("'1'", "1"), ('"true"', "true"), ("!!str 1", "1"), ("abc", "abc"), ("=", "="),
    ],
)  # fmt: skip
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    """A plain word means what YAML 1.2 says, never what YAML 1.1 says."""
    loaded = load_text(f"key: {text}\n", "f.yml")
    assert (loaded.data, type(loaded.data["key"])) == ({"key": value}, type(value))


def test_aliases_and_merges() -> None:
    """`<<` merges behind what a mapping says itself; an alias is the value again."""
    text = "base: &b {a: 1, b: 2}\nmine: {<<: *b, b: 3}\nmany: {<<: [{c: 1}, {c: 2, d: 3}]}\nsame: *b\n"
    assert load_text(text, "f.yml").data == {
        "base": {"a": 1, "b": 2},
        "mine": {"b": 3, "a": 1},
        "many": {"c": 1, "d": 3},
        "same": {"a": 1, "b": 2},
    }


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ["f.yml: PLAN004: the file is empty"]),
        ("# only a comment\n", ["f.yml: PLAN004: the file is empty"]),
        ("a: 1\nb: 2\na: 3\n", ["f.yml:3:1: PLAN010: the key `a` is given twice"]),
        ("x:\n  - {k: 1, k: 2}\n", ["f.yml:2:12: PLAN010: the key `k` is given twice"]),
        ("a: [1,\n", ["f.yml:2:1: PLAN005: not valid YAML: did not find expected node content"]),
        ("a:\n\tb: 1\n", ["f.yml:2:1: PLAN005: not valid YAML: found character that cannot start any token"]),
        ("a: \x00\n", ["f.yml: PLAN005: not valid YAML: control characters are not allowed"]),
        ("a: 1\n---\nb: 2\n", ["f.yml:2:1: PLAN006: the file holds several YAML documents"]),
        ("a: !!python/name:os.system x\n", ["f.yml:1:4: PLAN007: the tag `!!python/name:os.system` is not accepted"]),
        ("a: !Ref x\n", ["f.yml:1:4: PLAN007: the tag `!Ref` is not accepted"]),
        ("a: &a [*a]\n", ["f.yml:1:4: PLAN008: the file expands without end: an alias contains itself"]),
        ("[1]: x\n", ["f.yml:1:1: PLAN011: a key must be a word, not a list or a mapping"]),
        ("a: {<<: 1}\n", ["f.yml:1:9: PLAN011: `<<` merges mappings only"]),
        ("[" * 100_000, ["f.yml: PLAN009: nested more than 64 levels deep"]),
        ("- " * 5_000 + "x", ["f.yml: PLAN009: nested more than 64 levels deep"]),
        ("a: " + "{a: " * 70 + "1" + "}" * 70, ["f.yml: PLAN009: nested more than 64 levels deep"]),
    ],
)
def test_broken_files(text: str, lines: list[str]) -> None:
    """Whatever is wrong with a file as YAML is a fault at its place."""
    assert faults(text) == lines


def test_alias_bomb() -> None:
    """Nine levels of ten aliases each would be a billion values: refused after twenty thousand."""
    levels = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    levels += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (line,) = faults("\n".join(levels))
    assert line.endswith("PLAN008: the file expands without end: more than 20000 values")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "f.yml: PLAN001: no such file"),
        (lambda path: path.mkdir(), "f.yml: PLAN002: this is a directory"),
        (lambda path: path.write_bytes(b"a: \xff\n"), "f.yml: PLAN003: the file is not UTF-8 (byte 3)"),
        (
            lambda path: path.write_bytes(b"#" * (MAX_BYTES + 1)),
            "f.yml: PLAN008: the file has 1000001 bytes, more than 1000000",
        ),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, make: Any, message: str) -> None:
    """A missing file, a directory, another encoding and a huge file are faults of the file as a whole."""
    make(tmp_path / "f.yml")
    assert [str(fault) for fault in load_file(tmp_path / "f.yml", "f.yml").faults] == [message]


def test_byte_order_mark(tmp_path: Path) -> None:
    """A file from an editor that writes a byte order mark is read all the same."""
    (tmp_path / "f.yml").write_bytes("﻿a: ü\n".encode())
    assert load_file(tmp_path / "f.yml").data == {"a": "ü"}


_VALUES = st.recursive(
    st.one_of(st.text("abc xyz-:#", max_size=8), st.integers(-999, 999), st.booleans(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("abcd", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(_VALUES, st.booleans())
def test_reads_back_what_yaml_writes(value: Any, flow: bool) -> None:
    """Plain data written by PyYAML, in either style, is read back equal."""
    text = yaml.safe_dump({"top": value}, default_flow_style=flow)
    assert load_text(text, "f.yml").data == {"top": value}


@given(st.text(max_size=60))
def test_any_text_is_data_or_faults(text: str) -> None:
    """No text at all makes the loader raise; without data there is always a fault."""
    loaded = load_text(text, "f.yml")
    assert loaded.faults or loaded.data is not None or loaded.source.root is not None
