"""What large local files were last time, so that unchanged ones are not read again.

An entry is one small file, named after the asset's path; it holds a digest of what every file of the asset looked like
(name, real path, size, inode, times of change and of status change) and the digest of their contents. It is believed
only if all of that is as it was. An asset that changed a moment ago is not remembered, as in Git's index: it could
change again within the same tick of the file system's clock without anybody seeing it. A missing, damaged or foreign
entry is no entry.

In `$XDG_CACHE_HOME/rollout/contents` (`~/.cache` by default); `ROLLOUT_CACHE=none` turns it off.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

VARIABLE: Final = "ROLLOUT_CACHE"
SMALL: Final = 1 << 20
"""Bytes: less is read faster than it is looked up."""
YOUNG: Final = 3_000_000_000
"""Nanoseconds: what changed so lately is not remembered. File systems count in steps of up to two seconds."""
_VERSION: Final = "1"


class Entry(msgspec.Struct, frozen=True):
    """What an asset looked like, the digest of its contents, and a check over both."""

    looks: str
    digest: str
    check: str


class Looks(msgspec.Struct, frozen=True):
    """What an asset looks like without being read: a digest of it, its bytes, its last change (ns since 1970)."""

    digest: str
    size: int
    changed: int


class ContentCache:
    """Entries in one folder; None: there is no cache. `now` tells nanoseconds since 1970."""

    def __init__(self, folder: Path | None, now: Callable[[], int] = time.time_ns) -> None:
        self._folder = folder
        self._now = now

    def digest(self, asset: Path, files: Mapping[str, Path], read: Callable[[], str]) -> str:
        """The digest of these files, from an entry if there is one that fits, else by `read`. Raises what that does."""
        if self._folder is None:
            return read()
        before = looks_of(files)
        if before.size < SMALL:
            return read()
        path = self._folder / hashlib.sha256(os.fsencode(asset.resolve())).hexdigest()[:32]
        if (known := _entry(path)) is not None and known.looks == before.digest:
            return known.digest
        begun = self._now()
        digest = read()
        if before == looks_of(files) and before.changed < begun - YOUNG:
            _keep(path, before.digest, digest)
        return digest


def looks_of(files: Mapping[str, Path]) -> Looks:
    """One `stat` for each file. Raises OSError."""
    said, size, changed = hashlib.sha256(_VERSION.encode()), 0, 0
    for name in sorted(files):
        found = files[name].stat()
        size += found.st_size
        changed = max(changed, found.st_mtime_ns, found.st_ctime_ns)
        numbers = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        said.update(b"\0".join((os.fsencode(name), os.fsencode(files[name]), repr(numbers).encode(), b"")))
    return Looks(said.hexdigest(), size, changed)


def cache_of(environment: Mapping[str, str]) -> ContentCache:
    """The cache of this user, unless it is turned off or there is no place for it."""
    if environment.get(VARIABLE, "").lower() in ("none", "0", "false"):
        return ContentCache(None)
    base, home = environment.get("XDG_CACHE_HOME", ""), environment.get("HOME", "")
    root = Path(base) if os.path.isabs(base) else Path(home, ".cache") if home else None
    return ContentCache(root / "rollout" / "contents" if root else None)


def _entry(path: Path) -> Entry | None:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Entry)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if found.check == _check(path, found.looks, found.digest) else None


def _check(path: Path, looks: str, digest: str) -> str:
    """A damaged entry, or one of another asset, does not have it."""
    return hashlib.sha256(f"{_VERSION} {path.name} {looks} {digest}".encode(errors="replace")).hexdigest()


def _keep(path: Path, looks: str, digest: str) -> None:
    """Whole or not at all. Without a place to write, nothing is remembered."""
    mine = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mine.write_bytes(msgspec.json.encode(Entry(looks, digest, _check(path, looks, digest))))
        mine.replace(path)
