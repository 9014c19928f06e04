"""Keep one thread from printing. The SDK prints escape codes for each upload, whatever it is told.

`contextlib.redirect_stderr` would mute the whole process, our own live progress in the main thread included.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO


class _Filter:
    """A stream that drops what one thread writes and passes on everything else."""

    def __init__(self, stream: TextIO, thread: int) -> None:
        self._stream = stream
        self._thread = thread

    def write(self, text: str) -> int:
        """Write, unless the muted thread asks for it."""
        if threading.get_ident() == self._thread:
            return len(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def muted_thread() -> Iterator[None]:
    """While this lasts, `print` in the current thread reaches neither stdout nor stderr."""
    before = sys.stdout, sys.stderr
    mine = [_Filter(stream, threading.get_ident()) for stream in before]
    sys.stdout, sys.stderr = mine
    try:
        yield
    finally:
        # Another thread may have put its own filter on top meanwhile: it forwards to ours, which mutes nobody else.
        if sys.stdout is mine[0]:
            sys.stdout = before[0]
        if sys.stderr is mine[1]:
            sys.stderr = before[1]
