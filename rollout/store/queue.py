"""The queue of passes: one job an endpoint at most that waits, and one at most that runs.

A job's id runs once and never again. What is tried again, or looked at later, is a new job with the same lock; so a
worker that was given up for dead and comes back finds its job ended, and cannot set free what another one holds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from procrastinate import App, PsycopgConnector, sql
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from rollout.store.address import Address
from rollout.store.faults import told
from rollout.store.jobs import PassJob, TooNew, from_args, to_args
from rollout.store.schema import check

PASS: Final = "rollout.pass"  # noqa: S105 - the name of a task
SWEEP: Final = "rollout.sweep"
NAME: Final = "rollout"
_BATCH: Final = 500
_CONNECTIONS: Final = 8
PATIENCE: Final = 5.0
"""Seconds to wait for a connection of the pool."""
_COUNTS: Final = """
SELECT status::text, count(*), count(*) FILTER (WHERE scheduled_at IS NULL OR scheduled_at <= now()),
       extract(epoch FROM now() - min(scheduled_at))
FROM procrastinate_jobs WHERE queue_name = %s AND task_name = %s GROUP BY status"""
_MEMBERS: Final = """
SELECT DISTINCT args->>'member', args->>'goal', coalesce(args->>'under', '') FROM procrastinate_jobs
WHERE queue_name = %s AND task_name = %s AND status IN ('todo', 'doing') AND args->>'plan' = %s
      AND args->>'kind' = 'member'"""
_WORKERS: Final = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - %s * interval '1 second'"


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How a queue stands: jobs by state, how many are due, the oldest of them for how many seconds, and workers."""

    queued: int = 0
    due: int = 0
    late: float = 0.0
    running: int = 0
    failed: int = 0
    workers: int = 0


class Queue:
    """One queue in a database. Made by `opened`."""

    def __init__(self, app: App, address: Address, name: str) -> None:
        self.app = app
        self.address = address
        self.name = name

    async def add(self, job: PassJob, pause: float = 0.0) -> bool:
        """Queue it, to be run in `pause` seconds; whether one of its endpoint was waiting already, and still is."""
        try:
            with told(self.address):
                await self._deferrer(job, pause).defer_async(**to_args(job))
        except AlreadyEnqueued:
            return False
        return True

    async def add_many(self, jobs: Sequence[PassJob]) -> None:
        """Queue those of whose endpoints none waits, for now."""
        for at in range(0, len(jobs), _BATCH):
            batch = jobs[at : at + _BATCH]
            try:
                with told(self.address):
                    await self.app.job_manager.batch_defer_jobs_async([self._job(job) for job in batch])
            except AlreadyEnqueued:
                for job in batch:
                    await self.add(job)

    async def add_now(self, job: PassJob) -> str:
        """Queue it for now; what became of it: `queued`, or `brought forward` where one was waiting for its time."""
        if await self.add(job):
            return "queued"
        with told(self.address):
            for waiting in await self._waiting(job.lock):
                await self._replace(waiting, job, "cancel_job")
                return "brought forward"
        return "queued" if await self.add(job) else "waits already"

    async def hand_over(self, job: PassJob) -> None:
        """Queue it for now, in place of what waits for its endpoint; but a plan's that was approved comes first, and a
        fleet's that waits is only brought forward: it may know what was approved."""
        if await self.add(job):
            return
        for waiting in await self._waiting(job.lock):
            kind, approved = (waiting.task_kwargs.get(key) for key in ("kind", "approved"))
            with told(self.address):
                if kind == "fleet":
                    await self._replace(waiting, None, "cancel_job")
                elif kind == "member" or not approved:
                    await self._replace(waiting, job, "cancel_job")

    async def follow(self, job: PassJob, pause: float) -> None:
        """Queue the next job of an endpoint, unless one waits. What was approved of a fleet takes the place of a job
        that a member has queued meanwhile, which knows nothing of it."""
        if await self.add(job, pause) or job.given is None:
            return
        for waiting in await self._waiting(job.lock):
            if waiting.task_kwargs.get("under") and not waiting.task_kwargs.get("given"):
                with told(self.address):
                    await self._replace(waiting, job, "cancel_job")

    async def _waiting(self, lock: str) -> Sequence[Job]:
        with told(self.address):
            found: Sequence[Job] = list(await self.app.job_manager.list_jobs_async(status="todo", lock=lock))
        return found

    async def at_work(self, fleet: str) -> frozenset[tuple[str, str, str]]:
        """The members of that fleet that have a job, waiting or running, each with its job's goal and the key of the
        approval that it is under."""
        with told(self.address):
            async with self._connection() as connection:
                rows = await (await connection.execute(_MEMBERS, [self.name, PASS, fleet])).fetchall()
        return frozenset((str(row[0]), str(row[1]), str(row[2])) for row in rows)

    async def known(self) -> frozenset[str]:
        """The plans and fleets that have a job of their own, waiting or running."""
        with told(self.address):
            jobs = [
                one
                for state in ("todo", "doing")
                for one in await self.app.job_manager.list_jobs_async(queue=self.name, task=PASS, status=state)
            ]
        return frozenset(str(one.task_kwargs.get("plan", "")) for one in jobs if not one.task_kwargs.get("member"))

    async def rescue(self, silent: float) -> int:
        """Give the jobs of workers that have been silent for so many seconds to others; how many there were."""
        with told(self.address):
            stalled = await self.app.job_manager.get_stalled_jobs(queue=self.name, seconds_since_heartbeat=silent)
            return sum([await self._rescued(job) for job in stalled])

    async def forget(self, hours: int) -> None:
        """Delete what ended longer ago."""
        with told(self.address):
            await self.app.job_manager.delete_old_jobs(
                nb_hours=hours, queue=self.name, include_failed=True, include_aborted=True, include_cancelled=True
            )

    async def due(self) -> bool:
        """Whether a pass is due."""
        return bool((await self.counts(0.0)).due)

    async def counts(self, silent: float) -> Counts:
        """How the queue stands; workers are those that were heard of in the last `silent` seconds."""
        with told(self.address):
            async with self._connection() as connection:
                rows = await (await connection.execute(_COUNTS, [self.name, PASS])).fetchall()
                workers = await (await connection.execute(_WORKERS, [silent])).fetchone()
        by = {str(row[0]): row for row in rows}
        waiting = by.get("todo", ("", 0, 0, None))
        return Counts(
            queued=int(waiting[1]),
            due=int(waiting[2]),
            late=max(float(waiting[3] or 0.0), 0.0),
            running=int(by.get("doing", ("", 0))[1]),
            failed=int(by.get("failed", ("", 0))[1]),
            workers=int(workers[0]) if workers else 0,
        )

    def _job(self, job: PassJob) -> Job:
        found: Job = self._deferrer(job, 0.0).make_new_job(**to_args(job))
        return found

    def _deferrer(self, job: PassJob, pause: float, connection: AsyncConnection[Any] | None = None) -> Any:
        later = datetime.now(UTC) + timedelta(seconds=pause) if pause > 0 else None
        return self.app.configure_task(
            PASS, queue=self.name, lock=job.lock, queueing_lock=job.lock, schedule_at=later, connection=connection
        )

    async def _rescued(self, job: Job) -> bool:
        """End it, and queue it anew unless another one waits for the same endpoint. False: it has ended by itself."""
        try:
            await self._replace(job, None, "finish_job")
        except ConnectorException:
            return False
        if job.task_kwargs.get("given"):
            with suppress(TooNew):
                await self.follow(from_args(job.task_kwargs), 0.0)
        return True

    async def _replace(self, old: Job, new: PassJob | None, how: str) -> None:
        """End one job and queue another (by default the same again), both or neither."""
        async with self._connection() as connection, connection.transaction():
            ended = {"job_id": old.id, "status": "aborted", "abort": False, "delete_job": False}
            await self.app.connector.execute_query_one_async_with_connection(connection, sql.queries[how], **ended)
            if old.task_name != PASS:
                return
            try:
                async with connection.transaction():
                    await self._again(old, new, connection)
            except AlreadyEnqueued:
                return

    async def _again(self, old: Job, new: PassJob | None, connection: AsyncConnection[Any]) -> None:
        if new is not None:
            await self._deferrer(new, 0.0, connection).defer_async(**to_args(new))
            return
        renewed = self.app.configure_task(
            PASS, queue=old.queue, lock=old.lock, queueing_lock=old.queueing_lock, connection=connection
        )
        await renewed.defer_async(**old.task_kwargs)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        pool: AsyncConnectionPool[Any] = self.app.connector.pool  # type: ignore[attr-defined]
        async with pool.connection() as connection:
            yield connection


@asynccontextmanager
async def opened(
    address: Address, name: str = NAME, connections: int = _CONNECTIONS, patience: float = PATIENCE
) -> AsyncIterator[Queue]:
    """A queue to be used. Raises WrongSchema, QueueDown or SignInError."""
    await check(address)
    connector = PsycopgConnector(
        conninfo=address.conninfo,
        connection_class=address.connection_class(),
        min_size=1,
        max_size=connections,
        timeout=patience,
        reconnect_timeout=patience,
    )
    app = App(connector=connector)
    with told(address):
        await app.open_async()
    try:
        yield Queue(app, address, name)
    finally:
        await app.close_async()
