"""Rollouts under load: no request may fail because weights change or instances come and go."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.data.conftest import Plane

pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def load(plane: Plane, endpoint: str, clients: int = 2) -> AsyncIterator[Counter[tuple[int, object]]]:
    """Clients that ask all the time; gives the counts by status and version as they grow."""
    seen: Counter[tuple[int, object]] = Counter()
    done = asyncio.Event()

    async def client() -> None:
        while not done.is_set():
            reply = await plane.score(endpoint)
            seen[reply.status, reply.json.get("version") if reply.status == 200 else reply.text] += 1

    tasks = [asyncio.create_task(client()) for _ in range(clients)]
    yield seen
    done.set()
    await asyncio.gather(*tasks)


async def test_rollout_under_load_loses_nothing(plane: Plane) -> None:
    """A whole blue to green rollout with scaling: all requests are answered, and green ends with all of them."""
    await plane.serve("whole", {"blue": 100})
    async with load(plane, "whole") as seen:
        assert (await plane.router.scale("whole", "blue", 2)).ok
        assert (await plane.router.deploy(plane.container("whole", "green", count=2))).ok
        for green in (10, 50, 90, 100):
            plane.route("whole", {"blue": 100 - green, "green": green})
            await asyncio.sleep(0.2)
        await plane.router.remove("whole", "blue")
        late = Counter(seen)
        await asyncio.sleep(0.2)
    assert set(seen) == {(200, "blue"), (200, "green")}
    assert seen[200, "blue"] == late[200, "blue"]
    assert (await plane.score("whole", "blue")).status == 404


async def test_replacing_and_scaling_under_load_loses_nothing(plane: Plane) -> None:
    """Instances are replaced one after the other, and scaled up and down, without a failed request."""
    await plane.serve("replace", {"blue": 100}, count=2)
    async with load(plane, "replace") as seen:
        for version in ("second", "third"):
            changed = plane.container("replace", "blue", count=2, environment={"VERSION": version})
            assert (await plane.router.deploy(changed)).ok
        for count in (4, 1, 3, 2):
            assert (await plane.router.scale("replace", "blue", count)).ok
            assert plane.router.running("replace", "blue") == (count, count)
    assert {status for status, _ in seen} == {200}
    assert (await plane.score("replace")).json["version"] == "third"


async def test_remove_waits_for_the_last_answer(plane: Plane) -> None:
    """A request that is under way when its deployment is deleted is still answered."""
    await plane.serve("last", {"blue": 0})
    slow = asyncio.create_task(plane.score("last", "blue", sleep=0.4))
    await asyncio.sleep(0.1)
    await plane.router.remove("last", "blue")
    assert (await slow).status == 200
    assert plane.router.logs("last", "blue", 10) == ""


async def test_same_container_again_changes_nothing(plane: Plane) -> None:
    """Deploying what is there already keeps the processes; another count only adds or removes some."""
    await plane.serve("same", {"blue": 100})
    before = (await plane.score("same")).json["instance"]
    assert (await plane.router.deploy(plane.container("same", "blue"))).ok
    assert (await plane.score("same")).json["instance"] == before
    assert (await plane.router.deploy(plane.container("same", "blue", count=2))).ok
    assert {(await plane.score("same")).json["instance"] for _ in range(2)} > {before}
