"""The lease of an endpoint as a job meets it: refused, waited for, taken away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from rollout.azure.leasing import BlobLock
from rollout.azure.target import Target, connect
from rollout.emulator import process
from tests.e2e.harness import Desk

pytestmark = pytest.mark.slow
PLAN = "plans/broken-smoke.rollout.yml"
LEASE = ("--target", "emulator", "--lock", "lease")


@pytest.fixture
async def lock(desk: Desk) -> AsyncIterator[BlobLock]:
    """The lock of the plan's endpoint, for somebody else; not yet held."""
    told = process.status(desk.emulator.state_dir)
    target = Target(
        subscription_id=told["subscription_id"],
        resource_group=told["resource_group"],
        workspace=told["workspace"],
        arm_url=told["url"],
        ca_bundle=told["ca_bundle"],
        environment=process.env(desk.emulator.state_dir),
    )
    async with connect(target) as connection, connection.lock("broken-smoke", "ann") as found:
        yield found


async def test_a_second_job_is_refused(desk: Desk, lock: BlobLock) -> None:
    """Exit 8 for `apply` and `reconcile`, with who holds it; nothing is written; without --lock nobody asks."""
    async with lock.held(0):
        applied = await asyncio.to_thread(desk.rollout, "apply", PLAN, *LEASE, "--auto-approve")
        passed = await asyncio.to_thread(desk.rollout, "reconcile", PLAN, *LEASE)
        assert desk.emulator.served()["writes"] == 0
        free = await asyncio.to_thread(desk.rollout, "apply", PLAN, "--target", "emulator", "--auto-approve")
    assert (applied.code, passed.code, free.code) == (8, 8, 4), (applied.told, passed.told, free.told)
    assert "the lock of broken-smoke is ann's since " in applied.err


async def test_a_second_job_waits(desk: Desk, lock: BlobLock) -> None:
    """With --lock-wait it begins when the first one is done."""
    async with lock.held(0):
        asked = ("apply", PLAN, *LEASE, "--auto-approve", "--lock-wait", "1m")
        waiting = asyncio.create_task(asyncio.to_thread(desk.rollout, *asked))
        await asyncio.sleep(4)
        assert not waiting.done()
        assert desk.emulator.served()["writes"] == 0
    ran = await waiting
    assert ran.code == 4, ran.told


async def test_unlock(desk: Desk, lock: BlobLock) -> None:
    """With its id it is taken away, with another one it is not."""
    async with lock.held(0):
        wrong = await asyncio.to_thread(desk.rollout, "unlock", PLAN, "--target", "emulator", "--id", "00000000")
        right = await asyncio.to_thread(desk.rollout, "unlock", PLAN, "--target", "emulator", "--id", lock.id[:8])
        ran = await asyncio.to_thread(desk.rollout, "apply", PLAN, *LEASE, "--auto-approve")
    assert (wrong.code, right.code, ran.code) == (8, 0, 4), (wrong.told, right.told, ran.told)
    assert right.out.startswith("broken-smoke: the lock was ann's since ")
    gone = await asyncio.to_thread(desk.rollout, "unlock", PLAN, "--target", "emulator", "--id", lock.id[:8])
    assert (gone.code, "nobody holds the lock of broken-smoke" in gone.err) == (1, True)
