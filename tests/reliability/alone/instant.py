"""Time that passes only where somebody waits for it, and an event loop of a single thread that lives in it."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import pytest

LEAST: Final = 1e-6
"""Seconds. Less than that, and years later a sum of floats would stand still."""


class Instant:
    """Seconds since the start of this world; every clock of this process shows them."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._began = time.time()

    def monotonic(self) -> float:
        """For all that measures how long something takes."""
        return self.seconds

    def time(self) -> float:
        """For all that asks what time it is."""
        return self._began + self.seconds

    def sleep(self, seconds: float) -> None:
        """Nobody really waits."""
        self.seconds += max(0.0, seconds)


class _Selector(selectors.PollSelector):
    """Where a loop would wait for its next timer, the time of that timer is now."""

    def __init__(self, instant: Instant) -> None:
        super().__init__()
        self._instant = instant

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; nothing takes time but timers."""
        found = super().select(0)
        if not found:
            assert timeout is not None, "everybody waits, and nobody will ever answer"
            self._instant.sleep(max(timeout, LEAST))
        return found


class Loop(asyncio.SelectorEventLoop):
    """An event loop in this time; what others do in threads is done at once."""

    def __init__(self, instant: Instant) -> None:
        super().__init__(_Selector(instant))
        self._instant = instant

    def time(self) -> float:
        """The loop's own clock."""
        return self._instant.monotonic()

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Done before anybody can wait for it."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


class _Policy(asyncio.DefaultEventLoopPolicy):
    def __init__(self, instant: Instant) -> None:
        super().__init__()
        self._instant = instant

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """What `asyncio.run` runs on."""
        return Loop(self._instant)


async def _at_once(func: Callable[..., Any], /, *args: Any, **named: Any) -> Any:
    """`asyncio.to_thread` without a thread."""
    return func(*args, **named)


def _submitted(pool: ThreadPoolExecutor, func: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
    """What the SDK uploads with: done when it comes back."""
    done: Future[Any] = Future()
    try:
        done.set_result(func(*args, **named))
    except Exception as error:
        done.set_exception(error)
    return done


@contextmanager
def timeless() -> Iterator[Instant]:
    """While the block runs, time is a number."""
    instant, policy = Instant(), asyncio.get_event_loop_policy()
    with pytest.MonkeyPatch.context() as patch:
        for name, clock in {
            "monotonic": instant.monotonic,
            "perf_counter": instant.monotonic,
            "time": instant.time,
            "clock_gettime": lambda clock_id: instant.monotonic(),
        }.items():
            patch.setattr(time, name, clock)
        patch.setattr(time, "sleep", instant.sleep)
        patch.setattr(asyncio, "to_thread", _at_once)
        patch.setattr(ThreadPoolExecutor, "submit", _submitted)
        asyncio.set_event_loop_policy(_Policy(instant))
        try:
            yield instant
        finally:
            asyncio.set_event_loop_policy(policy)
