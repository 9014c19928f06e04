"""The instances of one deployment: admission, queue, round robin, and changes that no request notices."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from rollout.emulator.backend import Container, Outcome
from rollout.emulator.data_plane_answers import Answer, Ask, not_ready, too_many, too_slow
from rollout.emulator.data_plane_instance import Instance, NotReadyError

CRASHED = (
    "User container has crashed or terminated. Please see troubleshooting guide, available here: "
    "https://aka.ms/oe-tsg#error-resourcenotready"
)
_OK = Outcome(ok=True)
_FAILED = Outcome(ok=False, code="ResourceNotReady", message=CRASHED)
_DRAIN_MARGIN = 1.0

Make = Callable[[Container, Callable[[], None]], Instance]


class Pool:
    """One deployment. `make` builds an instance, not yet started, and is told whom to call when it changes.

    As with the service's front end, each instance works on `max_concurrent` requests at a time, others
    wait, and beyond twice that number for all instances together a request is refused with 429.
    """

    def __init__(self, container: Container, make: Make) -> None:
        self.container = container
        self._make = make
        self._instances: list[Instance] = []
        self._waiting: deque[asyncio.Future[Instance]] = deque()
        self._in_flight = 0
        self._leaving = 0
        self._next = 0
        self._changing = asyncio.Lock()
        self._moved = asyncio.Event()

    @property
    def count(self) -> int:
        """How many instances there are, ready or not."""
        return len(self._instances)

    @property
    def ready(self) -> int:
        """How many of them answer."""
        return sum(instance.ready for instance in self._instances)

    def carries(self, container: Container) -> bool:
        """Whether all instances run exactly that (however many there are)."""
        running = [self.container, *(instance.container for instance in self._instances)]
        return bool(self._instances) and all(replace(one, count=container.count) == container for one in running)

    async def answer(self, ask: Ask) -> Answer:
        """Send a request to one of the instances, exactly once."""
        if not self.ready:
            return not_ready()
        if self._in_flight >= 2 * self.container.max_concurrent * (self.count + self._leaving):
            return too_many()
        self._in_flight += 1
        try:
            async with asyncio.timeout(self.container.timeout_ms / 1000):
                return await self._send(ask)
        except TimeoutError:
            return too_slow(self.container.timeout_ms)
        except NotReadyError:
            return not_ready()
        finally:
            self._in_flight -= 1
            self._moved.set()

    async def deploy(self, container: Container) -> Outcome:
        """Start the instances, or replace them one after the other; on failure those that serve stay."""
        async with self._changing:
            if not self._instances:
                self.container = container
                return await self._grow(container, container.count)
            for old in list(self._instances):
                outcome = await self._grow(container, 1)
                if not outcome.ok:
                    return outcome
                await self._retire([old])
            self.container = container
            return await self._resize(container.count)

    async def scale(self, count: int) -> Outcome:
        """Start or stop instances until there are `count`."""
        async with self._changing:
            return await self._resize(count)

    async def bring_up(self) -> None:
        """Start all instances with the emulator itself; one that fails is tried again like a crashed one."""
        async with self._changing:
            fresh = [self._make(self.container, self._wake) for _ in range(self.container.count)]
            self._instances.extend(fresh)
            await asyncio.gather(*(instance.start() for instance in fresh))

    async def close(self, *, drain: bool = True) -> None:
        """Stop everything; with `drain`, after the requests under way have been answered."""
        async with self._changing:
            if drain:
                await self._until(lambda: not self._in_flight)
            leaving, self._instances = self._instances, []
            self._wake()
            await asyncio.gather(*(instance.stop() for instance in leaving))

    async def _resize(self, count: int) -> Outcome:
        if count > self.count:
            return await self._grow(self.container, count - self.count)
        await self._retire(self._instances[count:])
        return _OK

    async def _grow(self, container: Container, more: int) -> Outcome:
        fresh = [self._make(container, self._wake) for _ in range(more)]
        started = await asyncio.gather(*(instance.start() for instance in fresh))
        if not all(started):
            await asyncio.gather(*(instance.stop() for instance in fresh))
            return _FAILED
        self._instances.extend(fresh)
        self._wake()
        return _OK

    async def _retire(self, leaving: list[Instance]) -> None:
        self._instances = [instance for instance in self._instances if instance not in leaving]
        self._leaving = len(leaving)  # their last requests must not take the place of others
        await self._until(lambda: not any(instance.busy for instance in leaving))
        self._leaving = 0
        await asyncio.gather(*(instance.stop() for instance in leaving))

    async def _until(self, quiet: Callable[[], bool]) -> None:
        """Wait for requests to end; none takes longer than the request timeout."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.container.timeout_ms / 1000 + _DRAIN_MARGIN):
                while not quiet():
                    self._moved.clear()
                    await self._moved.wait()

    async def _send(self, ask: Ask) -> Answer:
        instance = await self._acquire()
        try:
            return await instance.send(ask)
        finally:
            self._release(instance)

    async def _acquire(self) -> Instance:
        if not self._waiting and (instance := self._free()):
            instance.busy += 1
            return instance
        turn: asyncio.Future[Instance] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and not turn.exception():
                self._release(turn.result())  # it was our turn in the moment in which we gave up
            raise

    def _release(self, instance: Instance) -> None:
        instance.busy -= 1
        self._wake()

    def _free(self) -> Instance | None:
        for step in range(self.count):
            index = (self._next + step) % self.count
            instance = self._instances[index]
            if instance.ready and instance.busy < self.container.max_concurrent:
                self._next = index + 1
                return instance
        return None

    def _wake(self) -> None:
        """Hand free instances to those who wait, first come first served; if all are down, tell them."""
        self._moved.set()
        while self._waiting:
            instance = self._free()
            if instance is None and self.ready:
                return
            turn = self._waiting.popleft()
            if turn.done():
                continue
            if instance is None:
                turn.set_exception(NotReadyError())
            else:
                instance.busy += 1
                turn.set_result(instance)
