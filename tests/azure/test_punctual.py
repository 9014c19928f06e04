"""A write leaves soon after its look or not at all: what a person says meanwhile is not overwritten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from azure.core.credentials import AccessToken

from rollout.azure import sending
from rollout.azure.allowance import Unlimited
from rollout.azure.arm import ArmControlPlane
from rollout.azure.client import ArmClient
from rollout.azure.credentials import AsyncCredential, build, choose
from rollout.azure.target import Connection, _session
from rollout.azure.wire import CoreWire, clock
from rollout.core import actions
from rollout.core.observed import Endpoint, weights
from rollout.core.progress import Hold, Progress, from_tags
from rollout.errors import Retryable, Stale
from rollout.ports import RequestCount
from tests.azure.conftest import QUICK, Bench
from tests.azure.test_control_plane import PROGRESS, later, look, serving, traffic

HELD = msgspec.structs.replace(PROGRESS, hold=Hold(kind="person", why="wait", at=datetime(2026, 1, 1, tzinfo=UTC)))
SPLIT = weights({"blue": 90, "green": 10})


class SlowSignIn:
    """The emulator's own identity. Each request asks for its token anew; the sign-in for one of them takes its time."""

    def __init__(self, bench: Bench) -> None:
        environment = bench.target.environment or {}
        self._source = build(choose(environment), environment, ca_bundle=bench.target.ca_bundle)
        self._loop = asyncio.get_running_loop()
        self.meanwhile: dict[int, Callable[[], Awaitable[object]]] = {}
        self.asked = 0

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """See azure-core. Called in a thread."""
        self.asked += 1
        if wait := self.meanwhile.get(self.asked):
            asyncio.run_coroutine_threadsafe(_awaited(wait), self._loop).result(20)
        return AccessToken(self._source.get_token(*scopes).token, 0)


async def _awaited(wait: Callable[[], Awaitable[object]]) -> None:
    await wait()


@pytest.fixture
async def signing_in(bench: Bench) -> SlowSignIn:
    """How the plane under test signs in."""
    return SlowSignIn(bench)


@pytest.fixture
async def plane(
    bench: Bench, signing_in: SlowSignIn, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ArmControlPlane]:
    """A control plane whose writes must leave within a fraction of a second."""
    monkeypatch.setattr(sending, "FRESH", 0.3)
    async with _session(bench.target) as session:
        wire = CoreWire(bench.target.arm_url, AsyncCredential(signing_in), bench.target.scopes[0], session, Unlimited())
        client = ArmClient(bench.target.arm_url, wire, RequestCount())
        yield ArmControlPlane(client, bench.target.paths, connection.control_plane._deployments._deployer, QUICK)


async def late(*others: Awaitable[object]) -> None:
    """Longer than a write may take to leave, and what happens in that time."""
    for other in others:
        await other
    await asyncio.sleep(0.4)


async def test_a_hold_that_came_meanwhile_stands(
    bench: Bench, connection: Connection, plane: ArmControlPlane, signing_in: SlowSignIn
) -> None:
    """Between our fresh read and our write a whole operation of somebody else: nothing is written, and it is said."""
    before = await serving(bench, connection, "blue", "green")
    held = actions.Record(reason="a person", progress=HELD)
    theirs = connection.control_plane
    signing_in.meanwhile = {2: lambda: late(theirs.apply(held, before))}
    with pytest.raises(Stale) as raised:
        await plane.apply(traffic(before, SPLIT, later("c2")), before)
    said = f"update endpoint {before.name}: somebody else changed the endpoint a moment ago (rollout's tags)"
    assert str(raised.value) == said
    await _shows(theirs, before, HELD)


async def test_who_merely_stood_still_writes_after_another_look(
    bench: Bench, connection: Connection, plane: ArmControlPlane, signing_in: SlowSignIn
) -> None:
    """Nobody else wrote: the same write, once, a look later."""
    before = await serving(bench, connection, "blue", "green")
    served = (await bench.served())["writes"]
    signing_in.meanwhile = {2: late}
    await plane.apply(traffic(before, SPLIT, later("c2")), before)
    after = await look(plane, before.name)
    assert (after.weights, from_tags(after.tags)) == (SPLIT, later("c2"))
    assert (await bench.served())["writes"] == served + 1


async def test_who_is_always_late_writes_nothing(
    bench: Bench, connection: Connection, plane: ArmControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four looks, then the next pass: a sentence that says that nothing was sent."""
    before = await serving(bench, connection, "blue", "green")
    served = (await bench.served())["writes"]
    monkeypatch.setattr(sending, "FRESH", -1.0)
    monkeypatch.setattr(sending, "_LONGEST_PAUSE", 0.01)
    with pytest.raises(Retryable) as raised:
        await plane.apply(traffic(before, SPLIT, later("c2")), before)
    assert str(raised.value) == f"update endpoint {before.name}: too long after the last look, nothing was sent"
    assert ((await bench.served())["writes"], plane.requests.writes) == (served, 0)
    await _shows(plane, before, PROGRESS)


async def _shows(plane: ArmControlPlane, before: Endpoint, record: Progress) -> None:
    after = await look(plane, before.name)
    assert (after.weights, from_tags(after.tags)) == (before.weights, record)


async def test_the_clock_goes_forward() -> None:
    """In seconds."""
    begun = clock()
    await asyncio.sleep(0.02)
    assert 0.02 <= clock() - begun < 1
