"""One event loop for one command, ended in order by Ctrl-C and by SIGTERM; a second signal ends it at once.

A runner of CI kills a job some seconds after it has asked it to end (GitHub: 7.5 s after SIGINT). So the first signal
cancels the work, which writes nothing any more and lets its connections go; whatever hangs then (an upload of the SDK
in its thread, say) is not waited for. The service goes on with what it has accepted; the next run finds it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, TypeVar

from rollout.cli.exits import Terminated

T = TypeVar("T")
PATIENCE: Final = 6.0
"""Seconds after the first signal in which everything must be let go and written; then the process ends as it is."""
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class _Threads(ThreadPoolExecutor):
    """The loop's threads, which nobody waits for once the command is told to end."""

    waited_for = True

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As its parent's, but for the waiting."""
        super().shutdown(wait=wait and self.waited_for, cancel_futures=cancel_futures or not self.waited_for)


class _Ending:
    """What the signals of one run have said so far."""

    def __init__(self, threads: _Threads) -> None:
        self.number = 0
        self._threads = threads
        self._cancel: Callable[[], object] = lambda: None

    def now(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> None:
        """From now on there is something to cancel."""
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        if self.number:
            self._cancel()

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """The handler of both signals."""
        if self.number:
            os._exit(128 + number)
        self.number = number
        self._threads.waited_for = False
        end_soon(128 + number)
        self._cancel()


def end_soon(code: int) -> None:
    """End this process when `PATIENCE` is over, whatever it is doing then."""
    watchdog = threading.Timer(PATIENCE, os._exit, (code,))
    watchdog.daemon = True
    watchdog.start()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end. Raises KeyboardInterrupt or Terminated after `work` has cleaned up."""
    threads = _Threads()
    ending = _Ending(threads)

    async def guarded() -> T:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None, "a coroutine runs in a task"
        loop.set_default_executor(threads)
        ending.now(loop, task)
        return await work

    try:
        with _handled_by(ending):
            return asyncio.run(guarded())
    except asyncio.CancelledError:
        if ending.number == signal.SIGINT:
            raise KeyboardInterrupt from None
        if ending.number == signal.SIGTERM:
            raise Terminated from None
        raise


@contextmanager
def _handled_by(ending: _Ending) -> Iterator[None]:
    """Both signals go there, but for one that this process was told to ignore (a job in a shell's background)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    mine = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in mine:
        signal.signal(number, ending)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, before[number])
