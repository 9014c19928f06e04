"""One job an endpoint that waits, one that runs, and none that is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from procrastinate.jobs import Status

from rollout.errors import SignInError, UsageError
from rollout.store.address import Address, parse
from rollout.store.faults import QueueDown
from rollout.store.jobs import FORMAT, End, PassJob, to_args
from rollout.store.queue import PASS, Counts, Queue, opened
from rollout.store.schema import SETUP, WrongSchema, check, migrations, setup
from rollout.store.worker import Rhythm, Settings, Work, Worker
from tests.store.postgres import Postgres

DONE = End(exit_code=0, status="done", reason="in sync", pause=3600.0)
QUICK = Rhythm(heartbeat=0.2, silent=1.0, grace=1.0, poll=0.1, patience=0.5)


def job(number: int = 1, **more: Any) -> PassJob:
    """A job of endpoint `number`."""
    return PassJob(plan=f"plans/{number}.yml", endpoint=f"/Endpoints/E{number}", **more)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it, at most 30 seconds."""
    for _ in range(1500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("waited for 30 s")


class Passes:
    """Stands in for the passes: remembers, waits, answers."""

    def __init__(self, seconds: float = 0.0, **answer: Any) -> None:
        self.begun: list[PassJob] = []
        self.ended: list[PassJob] = []
        self.told: list[tuple[PassJob, End]] = []
        self.said: list[str] = []
        self._seconds = seconds
        self.cancelled = 0
        self._answer = msgspec.structs.replace(DONE, **answer)

    async def carry(self, one: PassJob) -> End:
        self.begun.append(one)
        try:
            await asyncio.sleep(self._seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.ended.append(one)
        return self._answer

    def worker(self, address: Address, *, once: bool = True, **more: Any) -> Worker:
        work = Work(carry=self.carry, tell=lambda one, end: self.told.append((one, end)), say=self.said.append, **more)
        return Worker(address, work, Settings(concurrency=4, once=once, rhythm=QUICK))


async def waiting(queue: Queue) -> list[PassJob]:
    """What waits in the queue, in order."""
    rows = await queue.app.job_manager.list_jobs_async(status="todo", task=PASS)
    return [msgspec.convert(row.task_kwargs, PassJob) for row in rows]


async def test_an_endpoint_waits_once(queue: Queue) -> None:
    """A second job of the same endpoint, however it is written, is not queued."""
    assert await queue.add(job())
    again = PassJob(plan="other.yml", endpoint="/endpoints/e1")
    assert not await queue.add(again)
    assert await queue.add(job(2))
    assert await waiting(queue) == [job(), job(2)]


async def test_a_waiting_job_is_brought_forward(queue: Queue) -> None:
    """What waits for its time is replaced by one that is due, also with what was approved meanwhile."""
    await queue.add(job(), pause=3600.0)
    assert await queue.counts(60.0) == Counts(queued=1, due=0)
    assert await queue.add_now(job(attempt=3)) == "brought forward"
    assert await waiting(queue) == [job(attempt=3)]
    assert (await queue.counts(60.0)).due == 1
    assert await queue.add_now(job(2)) == "queued"


async def test_a_pass_queues_the_next_one(queue: Queue, address: Address) -> None:
    """Each endpoint has one pass, and its next one waits for its time."""
    for number in range(5):
        await queue.add(job(number, attempt=2))
    passes = Passes()
    await passes.worker(address).run()
    assert sorted(one.plan for one in passes.ended) == [f"plans/{number}.yml" for number in range(5)]
    assert sorted(one.plan for one in await waiting(queue)) == [f"plans/{number}.yml" for number in range(5)]
    assert {one.attempt for one in await waiting(queue)} == {0}
    assert await queue.counts(60.0) == Counts(queued=5, due=0)


async def test_what_may_succeed_later_is_tried_again(queue: Queue, address: Address) -> None:
    """Another attempt is counted, and is no failure; what was approved goes with it."""
    await queue.add(job())
    passes = Passes(exit_code=1, status="error", reason="busy", pause=5.0, again=True)
    await passes.worker(address).run()
    assert await waiting(queue) == [job(attempt=1)]
    assert (await queue.counts(60.0)).failed == 0


async def test_a_failure_is_kept_and_looked_at_again(queue: Queue, address: Address) -> None:
    """The job counts as failed, and the endpoint has its next pass all the same."""
    await queue.add(job())
    await Passes(exit_code=3, status="error", reason="broken plan", pause=600.0, failed=True).worker(address).run()
    assert await queue.counts(60.0) == Counts(queued=1, failed=1)


async def test_the_last_job_of_a_plan_that_is_gone(queue: Queue, address: Address) -> None:
    """Nothing follows."""
    await queue.add(job())
    await Passes(pause=None).worker(address).run()
    assert await queue.counts(60.0) == Counts()


async def test_plans_without_a_job_get_one(queue: Queue, address: Address) -> None:
    """What is found and not known is queued and worked on."""
    await queue.add(job(1), pause=3600.0)
    asked: list[frozenset[str]] = []

    async def find(known: frozenset[str]) -> list[PassJob]:
        asked.append(known)
        return [job(2)]

    passes = Passes()
    await passes.worker(address, find=find).run()
    assert asked == [frozenset({"plans/1.yml"})]
    assert passes.ended == [job(2)]


async def test_one_of_two_workers_looks_for_plans(queue: Queue, address: Address) -> None:
    """Once a minute, whichever of them: what is found is worked on once."""
    looks: list[int] = []
    passes = Passes()
    workers = []
    for number in range(2):

        async def find(known: frozenset[str], number: int = number) -> list[PassJob]:
            looks.append(number)
            return [job(1)]

        workers.append(passes.worker(address, once=False, find=find))
    tasks = [asyncio.create_task(one.run()) for one in workers]
    await until(lambda: bool(passes.ended))
    await asyncio.sleep(0.3)
    for one in workers:
        one.stop()
    await asyncio.wait_for(asyncio.gather(*tasks), 10)
    assert passes.ended == [job(1)]
    assert 1 <= len(looks) <= 2, "a minute may have ended meanwhile"
    assert len(await waiting(queue)) == 1


async def test_a_job_of_a_later_format_is_left(queue: Queue, address: Address) -> None:
    """An older worker says so, and puts it back as it was, with what it does not understand."""
    later = to_args(job()) | {"format": FORMAT + 1, "novelty": {"a": 1}}
    deferred = queue.app.configure_task(PASS, queue=queue.name, lock=job().lock, queueing_lock=job().lock)
    await deferred.defer_async(**later)
    passes = Passes()
    await passes.worker(address).run()
    assert passes.begun == []
    assert passes.said == [f"plans/1.yml: the job has format {FORMAT + 1}, this worker knows up to {FORMAT}"]
    (kept,) = await queue.app.job_manager.list_jobs_async(status="todo", task=PASS)
    assert kept.task_kwargs == later
    assert (await queue.counts(60.0)).failed == 0


async def test_a_stopped_worker_lets_the_pass_end(queue: Queue, address: Address) -> None:
    """Within its grace: the pass ends, its next one waits, nothing else begins."""
    for number in range(8):
        await queue.add(job(number))
    passes = Passes(seconds=0.5)
    one = passes.worker(address, once=False)
    task = asyncio.create_task(one.run())
    await until(lambda: len(passes.begun) == 4)
    one.stop()
    await asyncio.wait_for(task, 5)
    assert len(passes.begun) == len(passes.ended) == 4
    assert await queue.counts(60.0) == Counts(queued=8, due=4)


async def test_a_pass_that_does_not_end_goes_back(queue: Queue, address: Address) -> None:
    """After its grace it is ended, and waits for another worker at once, as it was."""
    await queue.add(job(attempt=1))
    passes = Passes(seconds=60.0)
    one = passes.worker(address, once=False)
    task = asyncio.create_task(one.run())
    await until(lambda: bool(passes.begun))
    one.stop()
    await asyncio.wait_for(task, 5)
    assert passes.ended == []
    assert await waiting(queue) == [job(attempt=1)]
    assert (await queue.counts(60.0)).due == 1


async def test_the_job_of_a_silent_worker_is_rescued_once(queue: Queue, address: Address) -> None:
    """It is ended and queued anew; who comes back from the dead cannot end what another one has taken."""
    await queue.add(job())
    manager = queue.app.job_manager
    dead = await manager.register_worker()
    taken = await manager.fetch_job([queue.name], dead)
    assert taken is not None
    assert await queue.rescue(3600.0) == 0
    await asyncio.sleep(0.3)
    assert [await queue.rescue(0.2), await queue.rescue(0.2)] == [1, 0]
    assert await waiting(queue) == [job()]
    with pytest.raises(Exception, match="Database error"):
        await manager.finish_job_by_id_async(taken.id or 0, Status.SUCCEEDED, False)


async def test_a_rescued_job_whose_successor_waits(queue: Queue, address: Address) -> None:
    """Killed between queueing the next pass and ending its own: one of them is enough."""
    await queue.add(job())
    manager = queue.app.job_manager
    assert await manager.fetch_job([queue.name], await manager.register_worker()) is not None
    assert await queue.add(job(attempt=1), 60.0)
    await asyncio.sleep(0.3)
    assert await queue.rescue(0.2) == 1
    assert await waiting(queue) == [job(attempt=1)]
    assert (await queue.counts(60.0)).running == 0


async def test_who_was_asleep_lets_its_work_go(queue: Queue, address: Address) -> None:
    """A worker that notices that it was silent for too long ends its pass, and does not queue it again."""
    await queue.add(job())
    passes = Passes(seconds=60.0)
    one = passes.worker(address, once=False)
    task = asyncio.create_task(one.run())
    await until(lambda: bool(passes.begun))
    engine = one._engine
    assert engine is not None
    engine.app.job_manager._last -= 10.0  # type: ignore[attr-defined]
    await until(lambda: passes.cancelled == 1)
    one.stop()
    await asyncio.wait_for(task, 5)
    assert await waiting(queue) == []
    assert await queue.counts(60.0) == Counts()


async def test_the_queue_is_made_once(postgres: Postgres) -> None:
    """Twice is once; without it, nothing else is tried."""
    found = parse(postgres.database())
    with pytest.raises(WrongSchema) as caught:
        await check(found)
    assert str(caught.value) == f"{found.shown} has no queue"
    assert caught.value.hint == f"make it: {SETUP}"
    assert [await setup(found), await setup(found)] == ["made", "was there"]
    await check(found)


async def test_an_older_queue_is_brought_forward(postgres: Postgres) -> None:
    """What the last migration brought is missing: told by its name, and mended by setup."""
    url = postgres.database()
    found = parse(url)
    await setup(found)
    database = url.split("@/")[1].split("?")[0]
    before = [path.stem for path in migrations() if "retry_failed" not in path.stem][-1]
    postgres.run("DROP FUNCTION procrastinate_retry_job_v2", database)
    postgres.run("ALTER TYPE procrastinate_job_event_type RENAME VALUE 'retried' TO 'not yet'", database)
    postgres.run(f"UPDATE rollout_queue_schema SET migration = '{before}'", database)
    with pytest.raises(WrongSchema, match="of another version: it has no procrastinate_retry_job_v2") as caught:
        await check(found)
    assert caught.value.hint == f"an older one: {SETUP}; a later one: update rollout on this machine"
    assert await setup(found) == f"brought forward from {before}"
    await check(found)


async def test_a_later_queue_is_left_alone(postgres: Postgres) -> None:
    """Setup takes nothing back."""
    url = postgres.database()
    found = parse(url)
    await setup(found)
    postgres.run("UPDATE rollout_queue_schema SET migration = '99.00.00_01_x'", url.split("@/")[1].split("?")[0])
    with pytest.raises(WrongSchema, match=r"the queue is of a later version \(99.00.00_01_x\)"):
        await setup(found)


async def test_a_wrong_password_is_not_shown(postgres: Postgres) -> None:
    """Sign-in is refused in a sentence that has the user and not the password."""
    wrong = parse(postgres.address("postgres", user="app", password="open-sesame"))
    with pytest.raises(SignInError) as caught:
        await check(wrong)
    assert 'password authentication failed for user "app"' in str(caught.value)
    assert "open-sesame" not in repr((wrong, str(caught.value), caught.value.hint, caught.value.__cause__))
    assert caught.value.exit_code == 9


@pytest.mark.parametrize(
    "url", ["postgresql://u:pass-word@127.0.0.1:1/d", "postgresql://u:pass-word@nowhere.invalid/d"]
)
async def test_nobody_answers(url: str) -> None:
    """A closed port, a name that nobody knows: may be better later, and the address has no password."""
    with pytest.raises(QueueDown) as caught:
        async with opened(parse(url)):
            pass
    assert parse(url).shown in str(caught.value)
    assert "pass-word" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "mysql://u:secret@h/d", "postgresql://u:secret@[h/d", "postgresql://u:secret@h/d?nonsense=1"]
)
def test_what_is_no_address(url: str) -> None:
    """It is refused without being repeated."""
    with pytest.raises(UsageError) as caught:
        parse(url)
    assert "secret" not in repr((str(caught.value), caught.value.hint, caught.value.__cause__))
    assert caught.value.exit_code == 3


async def test_a_database_that_goes_and_comes_back(postgres: Postgres, queue: Queue, address: Address) -> None:
    """The worker says so, waits, and goes on; no job is lost, not even the one under way."""
    for number in range(6):
        await queue.add(job(number))
    passes = Passes(seconds=0.4)
    one = passes.worker(address, once=False)
    task = asyncio.create_task(one.run())
    await until(lambda: len(passes.begun) == 4)
    await asyncio.to_thread(postgres.stop)
    await until(lambda: any("trying again" in line for line in passes.said))
    await asyncio.to_thread(postgres.start)
    await until(lambda: len({one.plan for one, _ in passes.told}) == 6)
    one.stop()
    await asyncio.wait_for(task, 10)
    assert {one.plan for one in passes.ended} == {f"plans/{number}.yml" for number in range(6)}
    assert f"{address.shown} is back; work goes on" in passes.said
