"""A worker: takes jobs, says that it lives, rescues those of workers that do not, and waits for a lost database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
from procrastinate import App, JobContext
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.manager import JobManager
from procrastinate.worker import Worker as Engine

from rollout.errors import RolloutError
from rollout.store.address import Address
from rollout.store.faults import FAILURES, QueueDown, ours
from rollout.store.jobs import LATER, End, PassJob, TooNew, following, from_args
from rollout.store.queue import NAME, PASS, PATIENCE, SWEEP, Queue, opened

KEPT: Final = 72
"""Hours for which failed jobs are kept, to be looked at."""
_MINUTELY: Final = "* * * * *"
_BESIDES: Final = 4
"""Connections beside those of the passes: heartbeats, fetching, sweeping, rescuing."""
_PAUSES: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds between two tries to reach the database."""


class Rhythm(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. A worker says each `heartbeat` that it lives. After `silent` its jobs are given to others, so it must
    have let them go by then: it has noticed that it cannot be heard after a heartbeat and 15 s, and lets each job end
    in `grace`."""

    heartbeat: float = 10.0
    silent: float = 75.0
    grace: float = 25.0
    poll: float = 2.0
    patience: float = PATIENCE


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker does. `carry` is one pass, which never raises RolloutError; `decide` the pass of a fleet, whose
    members with jobs of their own it gets; `find` are the jobs that should exist,
    but for those whose plan is known already; `tell` hears how each job ended, and `say` what people should know."""

    carry: Callable[[PassJob], Awaitable[End]]
    decide: Callable[[PassJob, frozenset[tuple[str, str, str]]], Awaitable[End]] | None = None
    find: Callable[[frozenset[str]], Awaitable[Sequence[PassJob]]] | None = None
    tell: Callable[[PassJob, End], None] = lambda job, end: None
    say: Callable[[str], None] = lambda text: None
    alive: Callable[[], None] = lambda: None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Which queue, how many jobs at the same time, and whether to end when nothing is due."""

    name: str = NAME
    concurrency: int = 8
    once: bool = False
    rhythm: Rhythm = Rhythm()


class Pulse(JobManager):
    """Notices when the worker was not heard for so long that its jobs may be somebody else's."""

    def __init__(self, app: App, silent: float, alive: Callable[[], None]) -> None:
        super().__init__(app.connector)
        self.lost = asyncio.Event()
        self._silent = silent
        self._alive = alive
        self._last = asyncio.get_running_loop().time()

    async def update_heartbeat(self, worker_id: int) -> None:
        """As its parent's. After a gap (the machine slept) what this worker does is not its own any more."""
        await super().update_heartbeat(worker_id)
        now = asyncio.get_running_loop().time()
        if now - self._last > self._silent:
            self.lost.set()
        self._last = now
        self._alive()


class Worker:
    """Runs until `stop`, or with `once` until nothing is due."""

    def __init__(self, address: Address, work: Work, settings: Settings) -> None:
        self._address = address
        self._work = work
        self._settings = settings
        self._engine: Engine | None = None
        self._stopped = asyncio.Event()
        self._taken = 0

    def stop(self) -> None:
        """Take no more jobs, and give those under way the time of `Rhythm.grace`."""
        self._stopped.set()
        if self._engine is not None:
            self._engine.stop()  # type: ignore[no-untyped-call]

    async def run(self) -> None:
        """Raises SignInError and WrongSchema; QueueDown with `once` alone, else it waits until the queue is back."""
        failures = 0
        settings = self._settings
        connections = settings.concurrency + _BESIDES
        while not self._stopped.is_set():
            try:
                async with opened(self._address, settings.name, connections, settings.rhythm.patience) as queue:
                    failures = self._back(failures)
                    await self._worked(queue)
                    if self._settings.once:
                        return
                    failures = 1
            except QueueDown as error:
                if self._settings.once:
                    raise
                failures += 1
                await self._waited(error, failures)

    def _back(self, failures: int) -> int:
        if failures:
            self._work.say(f"{self._address.shown} is back; work goes on")
        return 0

    async def _waited(self, error: QueueDown, failures: int) -> None:
        pause = _PAUSES[min(failures, len(_PAUSES)) - 1]
        self._work.say(f"{error}; trying again in {pause:.0f} s")
        self._work.alive()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), pause)

    async def _worked(self, queue: Queue) -> None:
        """Work until stopped, or until the database is lost (QueueDown)."""
        rhythm = self._settings.rhythm
        pulse = Pulse(queue.app, rhythm.silent, self._work.alive)
        queue.app.job_manager = pulse
        self._tasks(queue, pulse)
        if self._settings.once:
            await self._swept(queue)
        await self._run(queue)
        while self._settings.once and self._taken and not self._stopped.is_set() and await queue.due():
            await self._run(queue)  # what a pass has queued beside is due, too
        if not self._stopped.is_set() and not self._settings.once:
            raise QueueDown(f"{self._address.shown} was lost")

    async def _run(self, queue: Queue) -> None:
        """Work until stopped or the database is lost, or with `once` until there was nothing to fetch."""
        rhythm, self._taken = self._settings.rhythm, 0
        self._engine = Engine(
            queue.app,
            queues=[self._settings.name],
            name=None,
            concurrency=self._settings.concurrency,
            wait=not self._settings.once,
            fetch_job_polling_interval=rhythm.poll,
            shutdown_graceful_timeout=rhythm.grace,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=rhythm.heartbeat,
            stalled_worker_timeout=rhythm.silent,
        )
        keeper = asyncio.create_task(self._kept(queue, self._engine))
        try:
            await self._engine.run()  # type: ignore[no-untyped-call]
        except FAILURES as error:
            raise ours(error, self._address) from None
        finally:
            self._engine = None
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    def _tasks(self, queue: Queue, pulse: Pulse) -> None:
        """What the queue's jobs call, by names that never change."""

        async def one(context: JobContext, /, **args: Any) -> None:
            self._taken += 1
            await _Turn(queue, self._work, pulse).take(args)

        async def sweep(timestamp: int) -> None:
            await self._swept(queue)

        queue.app.task(name=PASS, pass_context=True, queue=queue.name)(one)
        lock = f"rollout:sweep:{queue.name}"
        swept = queue.app.task(name=SWEEP, queue=queue.name, lock=lock, queueing_lock=lock)(sweep)
        if not self._settings.once:
            queue.app.periodic(cron=_MINUTELY, periodic_id=queue.name)(swept)

    async def _swept(self, queue: Queue) -> None:
        """Queue what should be queued and is not: new plans, and those whose chain of passes broke."""
        await queue.rescue(self._settings.rhythm.silent)
        await queue.forget(KEPT)
        if self._work.find is not None:
            await queue.add_many(await self._work.find(await queue.known()))

    async def _kept(self, queue: Queue, engine: Engine) -> None:
        """Rescue the jobs of silent workers, as long as this one works."""
        while True:
            await asyncio.sleep(self._settings.rhythm.heartbeat)
            try:
                rescued = await queue.rescue(self._settings.rhythm.silent)
            except RolloutError:
                continue  # the engine notices by itself
            if rescued:
                self._work.say(f"{rescued} {'job' if rescued == 1 else 'jobs'} of a silent worker queued again")


class _Turn:
    """One job, from its arguments to the next job of its endpoint."""

    def __init__(self, queue: Queue, work: Work, pulse: Pulse) -> None:
        self._queue = queue
        self._work = work
        self._pulse = pulse

    async def take(self, args: dict[str, Any]) -> None:
        """Raises RolloutError, for the queue's record, where the pass failed."""
        try:
            job = from_args(args)
        except TooNew as error:
            self._work.say(f"{args.get('plan')}: {error}")
            await self._put_back(args, LATER)
            return
        try:
            end = await self._fenced(job)
        except asyncio.CancelledError:
            if not self._pulse.lost.is_set():
                await self._queue.add(job)
            raise
        self._work.tell(job, end)
        for other in end.beside:
            await self._queue.hand_over(other)
        then = following(job, end)
        if then is not None:
            await self._queue.follow(then, end.pause or 0.0)
        if end.failed:
            raise RolloutError(end.reason)

    async def _put_back(self, args: dict[str, Any], pause: float) -> None:
        """As it is: what is in it is for another worker to read."""
        lock = f"rollout:{str(args.get('endpoint', '')).lower()}"
        later = self._queue.app.configure_task(
            PASS, queue=self._queue.name, lock=lock, queueing_lock=lock, schedule_in={"seconds": int(pause)}
        )
        with suppress(AlreadyEnqueued):
            await later.defer_async(**args)

    async def _carried(self, job: PassJob) -> End:
        if job.kind != "fleet" or self._work.decide is None:
            return await self._work.carry(job)
        return await self._work.decide(job, await self._queue.at_work(job.plan))

    async def _fenced(self, job: PassJob) -> End:
        """The pass, ended at once when this worker was given up for dead. Raises CancelledError then."""
        body = asyncio.ensure_future(self._carried(job))
        lost = asyncio.ensure_future(self._pulse.lost.wait())
        try:
            await asyncio.wait((body, lost), return_when=asyncio.FIRST_COMPLETED)
            if not body.done():
                raise asyncio.CancelledError("another worker may have this job")
            return body.result()
        finally:
            lost.cancel()
            body.cancel()
            await asyncio.gather(body, lost, return_exceptions=True)
