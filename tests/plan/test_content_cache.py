"""Large unchanged files are read once; whatever changes, or is damaged, is read again."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rollout.plan import contents
from rollout.plan.content_cache import SMALL, YOUNG, ContentCache, cache_of
from rollout.plan.contents import content_digest


class Reading:
    """Counts how often something is really read."""

    def __init__(self, folder: Path, cache: Path | None, later: int = 2 * YOUNG) -> None:
        self.folder = folder
        self.times = 0
        self.cache = ContentCache(cache, lambda: time.time_ns() + later)

    def digest(self) -> str:
        """Of all files of the folder."""
        files = dict(contents.local_files(self.folder))

        def read() -> str:
            self.times += 1
            return hashlib.sha256(b"".join(files[name].read_bytes() for name in sorted(files))).hexdigest()

        return self.cache.digest(self.folder, files, read)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with a large file and a small one."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(b"w" * SMALL)
    (folder / "config.json").write_text("{}")
    return folder


def test_unchanged_is_read_once(model: Path, tmp_path: Path) -> None:
    """By this process and the next one."""
    reading, next_one = Reading(model, tmp_path / "cache"), Reading(model, tmp_path / "cache")
    assert len({reading.digest(), reading.digest(), next_one.digest()}) == 1
    assert (reading.times, next_one.times) == (1, 0)


def same_size_and_mtime(folder: Path) -> None:
    """The hardest to see: only the time of the change of status gives it away."""
    path = folder / "weights.bin"
    before = path.stat()
    path.write_bytes(b"v" * SMALL)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(folder: Path) -> None:
    """Another file of the same size and time under that name."""
    other = folder.parent / "other"
    other.write_bytes(b"u" * SMALL)
    before = (folder / "weights.bin").stat()
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(folder / "weights.bin")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a byte": lambda folder: (folder / "weights.bin").write_bytes(b"w" * (SMALL - 1) + b"x"),
    "same size and time": same_size_and_mtime,
    "another file": replaced,
    "one more": lambda folder: (folder / "more.json").write_text("{}"),
    "one less": lambda folder: (folder / "config.json").unlink(),
    "another name": lambda folder: (folder / "config.json").rename(folder / "settings.json"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changed_is_read_again(model: Path, tmp_path: Path, name: str) -> None:
    """And is right."""
    reading = Reading(model, tmp_path / "cache")
    reading.digest()
    time.sleep(0.02)
    CHANGES[name](model)
    assert reading.digest() == Reading(model, None).digest()
    assert reading.times == 2


def test_what_changed_a_moment_ago_is_not_remembered(model: Path, tmp_path: Path) -> None:
    """It could change again in the same tick of the file system's clock."""
    reading = Reading(model, tmp_path / "cache", later=0)
    reading.digest()
    reading.digest()
    assert (reading.times, (tmp_path / "cache").exists()) == (2, False)


def test_what_changes_while_it_is_read_is_not_remembered(model: Path, tmp_path: Path) -> None:
    """Nobody knows what was read."""
    cache = ContentCache(tmp_path / "cache", lambda: time.time_ns() + 2 * YOUNG)
    files = dict(contents.local_files(model))

    def read() -> str:
        time.sleep(0.02)
        (model / "weights.bin").write_bytes(b"x" * SMALL)
        return "half of each"

    assert cache.digest(model, files, read) == "half of each"
    assert not (tmp_path / "cache").exists()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda raw: b"",
    "cut": lambda raw: raw[:-7],
    "no text": lambda raw: b"\xff\xfe\x00",
    "another shape": lambda raw: b"[1, 2]",
    "a digest that was never there": lambda raw: json.dumps({**json.loads(raw), "digest": "0" * 64}).encode(),
    "lone surrogates": lambda raw: json.dumps({**json.loads(raw), "digest": "\ud800"}).encode(),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_entry_is_none(model: Path, tmp_path: Path, name: str) -> None:
    """It is read again, and mended."""
    reading = Reading(model, tmp_path / "cache")
    right = reading.digest()
    (entry,) = (tmp_path / "cache").iterdir()
    entry.write_bytes(DAMAGE[name](entry.read_bytes()))
    assert (reading.digest(), reading.times) == (right, 2)
    assert (reading.digest(), reading.times) == (right, 2)


def test_an_entry_of_another_asset_is_none(model: Path, tmp_path: Path) -> None:
    """Entries cannot be exchanged."""
    reading = Reading(model, tmp_path / "cache")
    reading.digest()
    (entry,) = (tmp_path / "cache").iterdir()
    moved = model.rename(tmp_path / "moved")
    other = Reading(moved, tmp_path / "cache")
    other.digest()
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(entry.read_bytes())
    other.digest()
    assert other.times == 2


def test_without_a_place_nothing_is_remembered(model: Path, tmp_path: Path) -> None:
    """A file stands where the folder should be; or it is turned off; or nobody has a home."""
    (tmp_path / "cache").write_text("")
    reading = Reading(model, tmp_path / "cache")
    assert reading.digest() == reading.digest()
    assert reading.times == 2
    for environment in ({"ROLLOUT_CACHE": "none", "HOME": str(tmp_path)}, {}, {"XDG_CACHE_HOME": "relative"}):
        found = cache_of(environment)
        assert found.digest(model, dict(contents.local_files(model)), lambda: "read") == "read"
    assert not (tmp_path / ".cache").exists()


def test_the_digest_of_a_plan_comes_from_it(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with and without; below XDG_CACHE_HOME, for nobody else to read; small assets leave no trace."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr("rollout.plan.content_cache.YOUNG", 0)
    time.sleep(0.02)
    first = content_digest(model)
    (entry,) = (tmp_path / "xdg/rollout/contents").iterdir()
    assert (tmp_path / "xdg/rollout/contents").stat().st_mode & 0o077 == 0
    assert content_digest(model) == first
    (model / "weights.bin").write_bytes(b"small")
    content_digest(model)
    assert [path.name for path in (tmp_path / "xdg/rollout/contents").iterdir()] == [entry.name]
    monkeypatch.setenv("ROLLOUT_CACHE", "none")
    (model / "weights.bin").write_bytes(b"w" * SMALL)
    assert content_digest(model) == first


def test_large_files_are_read_ahead_and_whole(tmp_path: Path) -> None:
    """Every byte once, in order, whatever the sizes are to the blocks."""
    block = contents._CHUNK
    for sizes in ((0,), (1,), (block,), (block + 1,), (3 * block, 0, 5), (block - 1, 2 * block + 3)):
        paths = [tmp_path / f"{number}" for number in range(len(sizes))]
        for number, (path, size) in enumerate(zip(paths, sizes, strict=True)):
            path.write_bytes(bytes([number]) * size)
        whole = b"".join(path.read_bytes() for path in paths)
        assert b"".join(contents._ahead(contents._blocks(paths))) == whole
