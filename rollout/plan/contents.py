"""Digests of local files and folders, so that a changed byte is a changed revision and a changed date is not.

The walk and the digest are those of the Azure ML SDK for code assets (version 202208 of its content hash): a root
`.amlignore` wins over a root `.gitignore`, links are followed, names are sorted without case. So what we compute can be
compared with the hash that the service keeps. One difference: Python's `__pycache__` never counts, because running a
scoring script once must not change what it is.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from rollout.plan.content_cache import cache_of

_CHUNK: Final = 4 << 20
_IGNORE_FILES: Final = (".amlignore", ".gitignore")
_NEVER: Final = "__pycache__"

Ignored = Callable[[str], bool]
Holds = Callable[[Path], bool]


def content_digest(path: Path) -> str:
    """The hex SHA-256 of a file or a folder; large ones that have not changed are not read again. Raises OSError if
    something cannot be read."""
    return _remembered(path, _files(path))


def content_digests(paths: Iterable[Path]) -> dict[Path, str]:
    """`content_digest` of each; where several are large, at the same time: neither reading nor digesting holds the
    interpreter's lock. Raises OSError if something cannot be read."""
    listed = {path: _files(path) for path in dict.fromkeys(paths)}
    if len(listed) < 2 or sum(map(_large, listed.values())) < 2:
        return {path: _remembered(path, files) for path, files in listed.items()}
    from concurrent.futures import ThreadPoolExecutor  # loaded for large assets only: start-up time

    with ThreadPoolExecutor(max_workers=min(len(listed), os.cpu_count() or 1)) as threads:
        return dict(zip(listed, threads.map(_remembered, listed, listed.values()), strict=True))


def _files(path: Path) -> dict[str, Path]:
    return dict(local_files(path)) if path.is_dir() else {path.name: path}


def _large(files: Mapping[str, Path]) -> bool:
    return sum(path.stat().st_size for path in files.values()) >= _CHUNK


def _remembered(path: Path, files: Mapping[str, Path]) -> str:
    return cache_of(os.environ).digest(path, files, lambda: _digest(files))


def text_digest(data: bytes) -> str:
    """The hex SHA-256 of bytes alone, whatever the file is called."""
    return hashlib.sha256(data).hexdigest()


def local_files(folder: Path, holds: Holds | None = None) -> Iterator[tuple[str, Path]]:
    """The files of a folder that are uploaded: relative POSIX path and real path.

    `holds` says whether a real path is ours; a linked folder that is not stands here itself and is not entered.
    """
    ignored = _ignored(folder)
    for real, relative in _walk(folder, "", (folder.resolve(),), holds):
        if not ignored(relative):
            yield relative, real


def _walk(folder: Path, prefix: str, above: tuple[Path, ...], holds: Holds | None) -> Iterator[tuple[Path, str]]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        relative = f"{prefix}{entry.name}"
        real = Path(entry.path).resolve() if entry.is_symlink() else above[-1] / entry.name
        if entry.is_dir():
            if holds is not None and entry.is_symlink() and not holds(real):
                yield real, relative
            # A link to a folder that we are inside of would never end.
            elif entry.name != _NEVER and real not in above:
                yield from _walk(Path(entry.path), f"{relative}/", (*above, real), holds)
        else:
            yield real, relative


def _ignored(folder: Path) -> Ignored:
    file = next((folder / name for name in _IGNORE_FILES if (folder / name).is_file()), None)
    if file is None:
        return lambda _: False
    # Loaded only where there is such a file: not every plan has local code.
    from pathspec import GitIgnoreSpec

    spec = GitIgnoreSpec.from_lines(file.read_text("utf-8", errors="replace").splitlines())
    return spec.match_file


def _digest(files: Mapping[str, Path]) -> str:
    ordered = sorted(files, key=lambda name: (name.lower(), name))
    digest = hashlib.sha256(str(len(ordered)).encode())
    for name in ordered:
        digest.update(f"#{name}#{files[name].stat().st_size}".encode())
    for block in _ahead(_blocks(files[name] for name in ordered)):
        digest.update(block)
    return digest.hexdigest()


def _blocks(paths: Iterable[Path]) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while block := file.read(_CHUNK):
                yield block


def _ahead(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same blocks; while one is digested, the next one is read. Neither holds the interpreter's lock. What is small
    needs no thread."""
    first = next(blocks, b"")
    if len(first) < _CHUNK:
        yield first
        yield from blocks
        return
    from concurrent.futures import ThreadPoolExecutor  # loaded for large assets only: start-up time

    with ThreadPoolExecutor(max_workers=1) as reader:
        while first:
            coming = reader.submit(next, blocks, b"")
            yield first
            first = coming.result()
