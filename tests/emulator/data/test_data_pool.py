"""The pool by itself: who gets a free instance, and what happens to those who give up or are too many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from rollout.emulator.backend import Container
from rollout.emulator.data_plane_answers import Answer, Ask
from rollout.emulator.data_plane_instance import NotReadyError, Stub
from rollout.emulator.data_plane_pool import Pool

CONTAINER = Container(endpoint="e", deployment="d", kind="custom", count=1, timeout_ms=500)


class Held(Stub):
    """A stub whose answers wait until the test lets them go; one whose container is called broken never starts."""

    def __init__(self, container: Container, changed: Callable[[], None]) -> None:
        super().__init__(container)
        self.changed = changed
        self.asked: list[str] = []
        self.gate = asyncio.Event()

    async def start(self) -> bool:
        """Start unless the environment says otherwise."""
        self.ready = "broken" not in self.container.environment
        return self.ready

    async def send(self, ask: Ask) -> Answer:
        """Answer when the gate is open and the instance is still up."""
        self.asked.append(ask.path)
        await self.gate.wait()
        if not self.ready:
            raise NotReadyError
        return Answer(status=200, body=ask.path.encode())


def pool_of(container: Container) -> tuple[Pool, list[Held]]:
    """A pool, and the list in which its instances appear."""
    made: list[Held] = []

    def make(wanted: Container, changed: Callable[[], None]) -> Held:
        made.append(Held(wanted, changed))
        return made[-1]

    return Pool(container, make), made


def asking(pool: Pool, *names: str) -> list[asyncio.Task[Answer]]:
    """One request a name, in this order."""
    return [asyncio.create_task(pool.answer(Ask(method="POST", path=name))) for name in names]


async def test_waiting_requests_are_served_in_their_order() -> None:
    """First come, first served, also when somebody new arrives at the moment in which an instance gets free."""
    pool, made = pool_of(replace(CONTAINER, count=2))
    await pool.deploy(pool.container)
    tasks = asking(pool, "1", "2", "3", "4")
    await asyncio.sleep(0)
    assert [instance.asked for instance in made] == [["1"], ["2"]]
    for instance in made:
        instance.gate.set()
    await asyncio.gather(*tasks)
    assert sorted(name for instance in made for name in instance.asked) == ["1", "2", "3", "4"]
    assert [instance.busy for instance in made] == [0, 0]


async def test_giving_up_frees_the_place() -> None:
    """A request that is cancelled or times out while it waits leaves neither a busy instance nor a full queue."""
    pool, made = pool_of(CONTAINER)
    await pool.deploy(pool.container)
    first, second = asking(pool, "first", "second")
    await asyncio.sleep(0)
    assert (await pool.answer(Ask(method="POST", path="third"))).status == 429
    second.cancel()
    await asyncio.wait({second})
    assert (await first).status == 408
    made[0].gate.set()
    assert (await pool.answer(Ask(method="POST", path="fourth"))).status == 200
    assert made[0].busy == 0


async def test_those_who_wait_are_told_when_all_are_down() -> None:
    """When the last instance goes down, nobody waits for the time-out."""
    pool, made = pool_of(CONTAINER)
    await pool.deploy(pool.container)
    tasks = asking(pool, "running", "waiting")
    await asyncio.sleep(0)
    made[0].ready = False
    made[0].changed()
    made[0].gate.set()
    answers = await asyncio.gather(*tasks)
    assert [answer.headers["ms-azureml-model-error-reason"] for answer in answers] == ["model_not_ready"] * 2


async def test_half_done_update_is_finished_by_the_next() -> None:
    """After an update that failed in the middle, deploying the same container again replaces what is left over."""
    pool, made = pool_of(replace(CONTAINER, count=2))
    await pool.deploy(pool.container)
    wanted = replace(pool.container, environment={"VERSION": "2"})
    assert not pool.carries(wanted)
    assert not (await pool.deploy(replace(wanted, environment={"broken": "yes"}))).ok
    assert [instance.ready for instance in made] == [True, True, False]
    assert (await pool.deploy(wanted)).ok
    assert pool.carries(wanted)
    assert (pool.count, pool.ready, len(made)) == (2, 2, 5)


async def test_scaling_down_waits_for_the_busy() -> None:
    """An instance that is taken away finishes what it works on, and gets nothing new."""
    pool, made = pool_of(replace(CONTAINER, count=2))
    await pool.deploy(pool.container)
    tasks = asking(pool, "a", "b")
    await asyncio.sleep(0)
    scaling = asyncio.create_task(pool.scale(1))
    await asyncio.sleep(0.05)
    assert not scaling.done()
    made[0].gate.set()
    assert (await pool.answer(Ask(method="POST", path="c"))).status == 200
    made[1].gate.set()
    assert (await scaling).ok
    assert [(await task).status for task in tasks] == [200, 200]
    assert (made[1].asked, made[1].ready, pool.count) == (["b"], False, 1)
