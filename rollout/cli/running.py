"""One event loop for one command, ended in order by Ctrl-C and by SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from rollout.cli.exits import Terminated

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end. Raises KeyboardInterrupt or Terminated after `work` has cleaned up."""
    ended_by: list[int] = []

    async def guarded() -> T:
        task = asyncio.current_task()
        assert task is not None, "a coroutine runs in a task"

        def end() -> None:
            ended_by.append(signal.SIGTERM)
            task.cancel()

        with contextlib.suppress(NotImplementedError):  # Windows
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
        return await work

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        if ended_by:
            raise Terminated from None
        raise
