"""Buckets that workers share: the same arithmetic as in one process, no more than the service allows, and no waiting
for a database that is not there."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollout.azure.allowance import Reserve
from rollout.azure.client import ArmClient
from rollout.azure.target import Shared, Target
from rollout.core.bucket import LIMITS, MARGIN, PORTION, Bucket, Whose, best_time, full
from rollout.emulator.server import EmulatorServer
from rollout.emulator.service import Options
from rollout.store.address import Address, parse
from rollout.store.allowances import PATIENCE, SharedBuckets
from tests.emulated import target_of
from tests.store.postgres import Postgres

STILL = 1e-9
"""So slow a clock that no token grows while a test runs; time passes where the test says so."""
SPEED = 2.0
READS = int(os.environ.get("ROLLOUT_SHARED_READS", "140"))
"""Of each of two workers; what the service lets through at once is 250. The long form: ROLLOUT_SHARED_READS=600."""
EXAMPLES = 25 if READS > 250 else 8
Step = tuple[str, int, float, float]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["book", "refuse", "pass"]),
        st.integers(1, PORTION),
        st.floats(-20, 260).map(lambda left: round(left, 3)),
        st.sampled_from([250.0, 250.0, 300.0]),
    ),
    max_size=12,
)


def whose(kind: str = "reads", speed: float = STILL, place: str = "https://a/subscriptions/s") -> Whose:
    """A bucket."""
    return Whose(place=place, principal="p", kind=kind, speed=speed)


@pytest.fixture
async def buckets(address: Address) -> AsyncIterator[SharedBuckets]:
    """The books of one worker."""
    async with aclosing(SharedBuckets(address)) as found:
        yield found


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_the_statement_is_the_arithmetic(shared_url: str, steps: list[Step]) -> None:
    """Whatever is booked, heard, refused, and however time passes: the row is what `Bucket` says."""

    async def both() -> None:
        async with aclosing(SharedBuckets(parse(shared_url))) as buckets:
            name, now, mirror = whose(place=uuid.uuid4().hex), 0.0, full("reads", 0.0)
            for what, tokens, left, size in steps:
                if what == "pass":
                    now += tokens
                    await moved(buckets, name, tokens)
                elif what == "refuse":
                    buckets.refused(name, float(tokens))
                    await asyncio.gather(*buckets._telling)
                    mirror = mirror.refused(now, float(tokens)) if booked_before(mirror) else mirror
                else:
                    left = min(left, size)
                    got = await buckets.book(name, size, left, tokens)
                    mirror, expected = mirror.told(now, size, left).booked(now, tokens)
                    assert got is not None
                    assert (got.tokens, got.refill) == (tokens, 25.0)
                    assert got.left == pytest.approx(expected.left, abs=1e-5)
                    assert got.shut == pytest.approx(expected.shut, abs=1e-5)

    asyncio.run(both())


def booked_before(bucket: Bucket) -> bool:
    """A bucket without a row has nobody to tell."""
    return bucket != full("reads", 0.0)


async def moved(buckets: SharedBuckets, name: Whose, seconds: float) -> None:
    """Let time pass for that row."""
    statement = "UPDATE rollout_allowances SET at = at - %(s)s, shut = shut - %(s)s WHERE place = %(place)s"
    await buckets._run(statement, {"s": seconds, "place": name.place})


@pytest.fixture(scope="module")
def shared_url(postgres: Postgres) -> str:
    """One database with a queue for all examples."""
    from rollout.store.schema import setup

    url = postgres.database()
    asyncio.run(setup(parse(url)))
    return url


async def test_two_workers_get_what_one_would(address: Address) -> None:
    """Portions of two, one after the other: in any time no more than the bucket holds and what has grown."""
    async with aclosing(SharedBuckets(address)) as one, aclosing(SharedBuckets(address)) as two:
        moments: list[float] = []
        for turn in range(50):
            got = await (one, two)[turn % 2].book(whose("writes"), 200.0, 200.0, PORTION)
            assert got is not None
            moments += [got.due(number) for number in range(1, PORTION + 1)]
    size, refill = LIMITS["writes"]
    assert sum(moment == 0.0 for moment in moments) == size - MARGIN
    assert moments == sorted(moments)
    assert moments[-1] == pytest.approx((len(moments) + MARGIN - size) / refill, abs=1e-3)


async def test_a_refusal_is_everybody_s(address: Address) -> None:
    """The other worker's next portion is due when the service's wish is over."""
    async with aclosing(SharedBuckets(address)) as one, aclosing(SharedBuckets(address)) as two:
        await one.book(whose(), 250.0, 250.0, 1)
        one.refused(whose(), 7.0)
        await one.aclose()
        got = await two.book(whose(), 250.0, 250.0, 2)
    assert got is not None
    assert got.due(1) == pytest.approx(7.0, abs=1e-3)


async def test_a_lost_database_keeps_nobody_waiting(postgres: Postgres, address: Address) -> None:
    """No books, said once; asked again only after a while."""
    said: list[str] = []
    async with aclosing(SharedBuckets(address, said.append)) as buckets:
        assert await buckets.book(whose(), 250.0, 250.0, 1) is not None
        postgres.stop()
        try:
            begun = time.monotonic()
            assert [await buckets.book(whose(), 250.0, 250.0, 1) for _ in range(100)] == [None] * 100
            assert time.monotonic() - begun < PATIENCE + 1.0
        finally:
            postgres.start()
        buckets._without_until = 0.0
        assert await buckets.book(whose(), 250.0, 250.0, 1) is not None
    assert said[0].startswith(f"requests are counted by this worker alone: {address.shown} cannot be reached: ")
    assert said[1:] == ["the count of requests is shared again"]


async def test_a_queue_of_an_earlier_rollout(postgres: Postgres) -> None:
    """Its table is missing: what to run, and each worker counts by itself."""
    found, said = parse(postgres.database()), list[str]()
    async with aclosing(SharedBuckets(found, said.append)) as buckets:
        assert await buckets.book(whose(), 250.0, 250.0, 1) is None
    assert said == [
        f"requests are counted by this worker alone: {found.shown} has no table for it: rollout queue setup"
    ]


@pytest.fixture
def throttling(tmp_path: Path) -> Iterator[EmulatorServer]:
    """An emulator that keeps Resource Manager's limits."""
    with EmulatorServer(tmp_path, Options(speed=SPEED)) as server:
        yield server


async def crowd(target: Target, reserves: list[Reserve | None]) -> float:
    """A worker for each, with its own connections and sign-in, reads at the same time; seconds."""
    async with AsyncExitStack() as stack:
        clients: list[ArmClient] = []
        for reserve in reserves:
            shared = Shared(bulk=True, reserve=reserve)
            stack.push_async_callback(shared.close)
            clients.append((await shared.connection(target, speed=SPEED)).control_plane._client)
        begun = time.monotonic()

        async def reads(client: ArmClient, number: int) -> None:
            for _ in range(number):
                assert (
                    await client.find(f"{target.paths.home}/onlineEndpoints/none?api-version=2024-04-01", "look")
                ).status == 404

        await asyncio.gather(*(reads(client, READS // 10) for client in clients for _ in range(10)))
        return time.monotonic() - begun


async def test_two_workers_before_a_service_that_throttles(throttling: EmulatorServer, address: Address) -> None:
    """With the same books next to nothing is refused, and no time is lost. Nobody sees an error."""
    target, service = target_of(throttling), throttling.service
    refused, seconds = dict[str, int](), dict[str, float]()
    async with aclosing(SharedBuckets(address)) as one, aclosing(SharedBuckets(address)) as two:
        for name, reserves in (("shared", [one, two]), ("alone", [None, None])):
            service.throttle = type(service.throttle)(enabled=True)
            service.served = type(service.served)()
            seconds[name] = await crowd(target, list(reserves))
            refused[name] = service.served.reads - 2 * (READS // 10) * 10
            rows = await one._run("SELECT count(*), min(principal) FROM rollout_allowances", {})
    print(f"refused: {refused}, seconds: {seconds}, at best: {best_time('reads', 2 * READS) / SPEED}")
    assert refused["shared"] <= (3 if READS > 250 else 10)  # a machine that stood still books late
    if READS > 250:  # the short form is over before a slow machine is refused
        assert refused["alone"] > 20
    assert seconds["shared"] < 1.15 * seconds["alone"] + (0.0 if READS > 250 else 1.0)
    assert rows is not None
    assert (rows[0], len(rows[1])) == (1, 36)
