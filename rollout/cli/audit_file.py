"""The audit as a file: JSON lines, each on the disk before what it says is done; one writer at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rollout.core.audit import START, Entry, Head, Record, head_of, line_of, read, sealed
from rollout.errors import Refused

_BLOCK: Final = 1 << 16


class FileLedger:
    """`ports.Ledger` in one file, which several processes may write to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, record: Record) -> Entry:
        """See `Ledger`. A line that a killed process left unfinished is taken out first, and an entry says so: nothing
        was done about it, because nobody was told that it was written."""
        try:
            with _locked(self._path) as file:
                head = self._repaired(file, record)
                entry = sealed(record, head)
                _write(file, line_of(entry))
        except OSError as error:
            raise Refused(f"cannot write the audit to {self._path}: {error.strerror}") from error
        return entry

    def entries(self) -> Iterator[Entry]:
        """See `Ledger`."""
        for number, line in enumerate(self.lines(), 1):
            try:
                head_of(line)
                yield read(line)
            except ValueError as error:
                raise Refused(f"{self._path}, line {number}: {error}") from error

    def lines(self) -> Iterator[bytes]:
        """What stands there, whatever it is. Raises Refused where it cannot be read."""
        try:
            with self._path.open("rb") as file:
                yield from file
        except OSError as error:
            raise Refused(f"cannot read {self._path}: {error.strerror}") from error

    def _repaired(self, file: int, record: Record) -> Head:
        """The chain's end, after an unfinished line is taken out of the way."""
        last, torn = _tail(file)
        if torn and _is_whole(torn + b"\n"):
            _write(file, b"\n")
            last, torn = torn + b"\n", b""
        head = self._end(last)
        if not torn:
            return head
        os.ftruncate(file, os.fstat(file).st_size - len(torn))
        note = f"a line of {len(torn)} bytes was not finished: {torn.decode(errors='replace')}"
        repair = sealed(Record(kind="repair", time=record.time, note=note), head)
        _write(file, line_of(repair))
        return Head(repair.sequence, repair.hash)

    def _end(self, last: bytes) -> Head:
        if not last:
            return START
        try:
            return head_of(last)
        except ValueError as error:
            hint = f"look what was done to it: rollout audit verify {self._path}"
            raise Refused(f"the end of {self._path} is damaged: {error}", hint=hint) from error


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file, made if there is none, held by this process alone."""
    is_new = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        if is_new:
            _keep_name(path.absolute().parent)
        yield file
    finally:
        os.close(file)


def _keep_name(folder: Path) -> None:
    """A new file's name survives a power cut too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(file: int, text: bytes) -> None:
    rest = memoryview(text)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fsync(file)


def _tail(file: int) -> tuple[bytes, bytes]:
    """The last line with its end, and what stands behind it without one."""
    start, text = os.fstat(file).st_size, b""
    while start and text.count(b"\n") < 2:
        size = min(_BLOCK, start)
        start -= size
        text = os.pread(file, size, start) + text
    whole, end, torn = text.rpartition(b"\n")
    return (whole.rpartition(b"\n")[2] + end if end else b""), torn


def _is_whole(line: bytes) -> bool:
    try:
        head_of(line)
    except ValueError:
        return False
    return True
