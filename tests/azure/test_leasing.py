"""The lock of an endpoint against the emulator's storage: one holder, told to the others, ending by itself."""

from __future__ import annotations

import asyncio

import pytest

from rollout.azure import leasing
from rollout.azure.target import Connection
from rollout.errors import AzureError, Locked
from tests.azure.conftest import Bench


async def test_one_holder(bench: Bench, connection: Connection) -> None:
    """The second one is told who it is, since when, and how it ends; after the release it gets it."""
    name = bench.name()
    async with connection.lock(name, "ann") as first, connection.lock(name, "bob") as second:
        async with first.held(0):
            first.check()
            with pytest.raises(Locked) as refused:
                async with second.held(0):
                    raise AssertionError("two hold it")
        assert str(refused.value).startswith(f"the lock of {name} is ann's since 20")
        assert refused.value.hint == (
            "It ends within a minute of its holder's end. Wait for it (--lock-wait), or end it: rollout unlock."
        )
        async with second.held(0):
            second.check()


async def test_waiting(bench: Bench, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits gets it when the other one is done."""
    monkeypatch.setattr(leasing, "LOOK", 0.05)
    name = bench.name()
    async with connection.lock(name, "ann") as first, connection.lock(name, "bob") as second:

        async def later() -> None:
            async with first.held(0):
                begun.set()
                await asyncio.sleep(0.3)

        begun = asyncio.Event()
        task = asyncio.create_task(later())
        await begun.wait()
        async with second.held(10):
            assert task.done() or first.id != second.id
        await task


async def test_endpoints_do_not_share(bench: Bench, connection: Connection) -> None:
    """Each has its own."""
    one, two = (connection.lock(bench.name(), "ann") for _ in range(2))
    async with one as first, two as second, first.held(0), second.held(0):
        first.check()
        second.check()


async def test_taken_away(bench: Bench, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """`end` with the holder's id; the holder learns of it at its next renewal and writes no more."""
    monkeypatch.setattr(leasing, "EVERY", 0.05)
    name = bench.name()
    async with connection.lock(name, "ann") as first, connection.lock(name, "bob") as second:
        async with first.held(0):
            with pytest.raises(Locked, match=r"ann's since .* \(id .*\), not 00000000"):
                await second.end("00000000")
            assert (await second.end(first.id[:8])).startswith("ann's since ")
            await asyncio.sleep(0.3)
            with pytest.raises(Locked, match=f"the lock of {name} was lost: somebody took it away"):
                first.check()
        with pytest.raises(AzureError, match=f"nobody holds the lock of {name}"):
            await second.end(first.id[:8])


async def test_renewed(bench: Bench, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lives on while it is needed."""
    monkeypatch.setattr(leasing, "EVERY", 0.05)
    now = 0.0
    async with connection.lock(bench.name(), "ann") as lock:
        lock._now = lambda: now
        async with lock.held(0):
            now = 45.0
            await asyncio.sleep(0.3)
            now = 90.0
            lock.check()
            now = 200.0
            await asyncio.sleep(0.3)
            lock.check()


async def test_a_stall_is_noticed(bench: Bench, connection: Connection) -> None:
    """Who did not renew for 50 seconds does not rely on it."""
    now = 0.0
    async with connection.lock(bench.name(), "ann") as lock:
        lock._now = lambda: now
        async with lock.held(0):
            now = 50.1
            with pytest.raises(Locked, match="it could not be renewed in time"):
                lock.check()
