"""Blobs as files: a directory for each container; content and a side file with name and metadata for each blob."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Blob:
    """One blob: its name, its content's path on disk, and the metadata that the client gave it."""

    name: str
    path: Path
    metadata: dict[str, str]

    @property
    def etag(self) -> str:
        """Changes with content and metadata."""
        stat = self.path.stat()
        seen = f"{stat.st_mtime_ns}:{stat.st_size}:{sorted(self.metadata.items())}"
        return f'"0x{hashlib.sha256(seen.encode()).hexdigest()[:16].upper()}"'


class Blobs:
    """All containers below one directory. Files are named by digests, so no blob's name can leave it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._root.mkdir(parents=True, exist_ok=True)

    def find(self, container: str, name: str) -> Blob | None:
        """The blob, if it is there."""
        return self._read(self._place(container, name))

    def put(self, container: str, name: str, content: bytes, metadata: dict[str, str]) -> Blob:
        """Write a whole blob; it appears at once or not at all."""
        place = self._place(container, name)
        self.set_metadata(container, name, metadata)
        _write(place.with_suffix(".blob"), content)
        return Blob(name, place.with_suffix(".blob"), metadata)

    def set_metadata(self, container: str, name: str, metadata: dict[str, str]) -> None:
        """Replace a blob's metadata."""
        side = self._place(container, name).with_suffix(".json")
        side.parent.mkdir(parents=True, exist_ok=True)
        _write(side, json.dumps({"name": name, "metadata": metadata}).encode())

    def put_block(self, container: str, name: str, block: str, content: bytes) -> None:
        """Keep one block of a large blob until its list is committed."""
        folder = self._place(container, name).with_suffix(".blocks")
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / _digest(block), content)

    def commit_blocks(self, container: str, name: str, blocks: Iterable[str], metadata: dict[str, str]) -> Blob | None:
        """Put the blocks together; None if one is missing."""
        place = self._place(container, name)
        folder = place.with_suffix(".blocks")
        parts = [folder / _digest(block) for block in blocks]
        if not all(part.exists() for part in parts):
            return None
        self.set_metadata(container, name, metadata)
        _join(parts, place.with_suffix(".blob"))
        shutil.rmtree(folder)
        return Blob(name, place.with_suffix(".blob"), metadata)

    def listing(self, container: str, prefix: str = "") -> Iterator[Blob]:
        """The blobs below a prefix, in the order of their names."""
        places = (path.with_suffix("") for path in (self._root / _digest(container)).glob("*.blob"))
        blobs = (blob for place in places if (blob := self._read(place)) and blob.name.startswith(prefix))
        yield from sorted(blobs, key=lambda blob: blob.name)

    def unpack(self, container: str, prefix: str, target: Path) -> int:
        """Copy the blobs below a folder (or the one blob of that name) to a directory. How many there were."""
        count = 0
        for blob in self.listing(container, prefix):
            rest = blob.name.removeprefix(prefix)
            relative = rest.lstrip("/") if rest.startswith("/") or not prefix else Path(prefix).name
            path = (target / relative).resolve()
            if (rest and prefix and not rest.startswith("/")) or not path.is_relative_to(target.resolve()):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(blob.path, path)
            count += 1
        return count

    def _read(self, place: Path) -> Blob | None:
        content, side = place.with_suffix(".blob"), place.with_suffix(".json")
        if not content.exists():
            return None
        known = json.loads(side.read_text())
        return Blob(known["name"], content, known["metadata"])

    def _place(self, container: str, name: str) -> Path:
        return self._root / _digest(container) / _digest(name)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(content)
    fresh.replace(path)


def _join(parts: list[Path], target: Path) -> None:
    whole = target.with_name(target.name + ".new")
    with whole.open("wb") as out:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, out)
    os.replace(whole, target)
