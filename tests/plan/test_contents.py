"""Digests of folders: content only, ignore files honoured, links safe, equal to the SDK's."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.plan import contents
from rollout.plan.contents import _digest, content_digest, content_digests, local_files, text_digest


def folder(root: Path, files: dict[str, str]) -> Path:
    """A folder with those files."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


FILES = {"a.py": "a", "B.py": "b", "sub/c.txt": "c", "sub/deep/d.log": "d", "keep.log": "k", "__pycache__/a.pyc": "x"}


def names(root: Path) -> list[str]:
    """The names of the files that count."""
    return sorted(name for name, _ in local_files(root))


def test_all_files_but_byte_code(tmp_path: Path) -> None:
    """Without an ignore file everything counts except `__pycache__`."""
    assert names(folder(tmp_path, FILES)) == ["B.py", "a.py", "keep.log", "sub/c.txt", "sub/deep/d.log"]


def test_gitignore(tmp_path: Path) -> None:
    """Patterns as in git, the last one wins."""
    folder(tmp_path, {**FILES, ".gitignore": "*.log\n!keep.log\n"})
    assert names(tmp_path) == [".gitignore", "B.py", "a.py", "keep.log", "sub/c.txt"]


def test_amlignore_wins(tmp_path: Path) -> None:
    """With both files only `.amlignore` is read."""
    folder(tmp_path, {**FILES, ".gitignore": "*.py\n", ".amlignore": "sub/\n.*ignore\n"})
    assert names(tmp_path) == ["B.py", "a.py", "keep.log"]


def test_ignored_files_do_not_change_the_digest(tmp_path: Path) -> None:
    """What is not uploaded is not part of what the deployment is."""
    before = content_digest(folder(tmp_path, {**FILES, ".amlignore": "*.log\n"}))
    (tmp_path / "sub/deep/d.log").write_text("changed")
    assert content_digest(tmp_path) == before


def test_links_are_followed_once(tmp_path: Path) -> None:
    """A linked file counts by its content; a link to a folder above does not loop."""
    root = folder(tmp_path / "root", {"a": "1"})
    (tmp_path / "outside").write_text("2")
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to(root)
    before = content_digest(root)
    assert names(root) == ["a", "link"]
    (tmp_path / "outside").write_text("3")
    assert content_digest(root) != before


def test_a_dangling_link_is_an_error(tmp_path: Path) -> None:
    """What cannot be read is never left out silently."""
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OSError, match="nowhere"):
        content_digest(tmp_path)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": "x"}, {"b": "x"}),
        ({"a": "x", "b": "y"}, {"a": "y", "b": "x"}),
        ({"a": "xb", "b": "y"}, {"a": "x", "b": "by"}),
        ({"a": "x"}, {"a": "x", "b": ""}),
        ({"d/a": "x"}, {"a": "x"}),
    ],
)
def test_names_sizes_and_contents_count(tmp_path: Path, one: dict[str, str], other: dict[str, str]) -> None:
    """Moving bytes between files, renaming and adding an empty file are changes."""
    assert content_digest(folder(tmp_path / "1", one)) != content_digest(folder(tmp_path / "2", other))


@given(st.permutations(["a", "B", "b", "c/d", "C/e"]))
def test_order_does_not_matter(order: list[str]) -> None:
    """Whatever order the file system lists, the digest is one."""
    here = Path(__file__)
    assert _digest(dict.fromkeys(order, here)) == _digest(dict.fromkeys(sorted(order), here))


def test_a_single_file(tmp_path: Path) -> None:
    """A model may be one file; its name counts. A conda file counts by its bytes alone."""
    (tmp_path / "m.pkl").write_bytes(b"x")
    (tmp_path / "n.pkl").write_bytes(b"x")
    assert content_digest(tmp_path / "m.pkl") != content_digest(tmp_path / "n.pkl")
    assert text_digest(b"x") == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


@pytest.mark.slow
@pytest.mark.parametrize(
    "ignore", [None, "*.log\n!keep.log\n", "sub/\n", "# c\n\nsub/deep\n*.py\n", "/a.py\n**/c.txt\n"]
)
def test_equal_to_the_sdk(tmp_path: Path, ignore: str | None) -> None:
    """The digest of a folder is the hash that the SDK gives a code asset of it."""
    utils = pytest.importorskip("azure.ai.ml._utils._asset_utils")
    files = {name: text for name, text in FILES.items() if "__pycache__" not in name}
    folder(tmp_path, files if ignore is None else {**files, ".amlignore": ignore})
    os.symlink(tmp_path / "a.py", tmp_path / "link.py")
    theirs = utils.get_content_hash(tmp_path, utils.get_ignore_file(tmp_path))
    assert content_digest(tmp_path) == theirs


def test_several_at_once(tmp_path: Path) -> None:
    """Large ones are read at the same time, and each is what it is alone; what is missing is told."""
    names = ["a", "b", "c", "small"]
    for number, name in enumerate(names):
        size = 100 if name == "small" else (4 << 20) + number
        (tmp_path / name).write_bytes(bytes([number]) * size)
    paths = [tmp_path / name for name in names]
    assert content_digests([*paths, paths[0]]) == {path: content_digest(path) for path in paths}
    assert content_digests(paths[3:]) == {paths[3]: content_digest(paths[3])}
    with pytest.raises(FileNotFoundError):
        content_digests([*paths, tmp_path / "none"])


def test_two_large_ones_are_under_way_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither ends before both have begun."""
    both = threading.Barrier(2, timeout=20)
    real = contents._digest

    def met(files: Mapping[str, Path]) -> str:
        both.wait()
        return real(files)

    monkeypatch.setattr(contents, "_digest", met)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(name.encode() * (4 << 20))
    assert len(set(content_digests([tmp_path / "a", tmp_path / "b"]).values())) == 2
