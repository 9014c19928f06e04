"""Servers that never stop: each reader of answers ends with a sentence, in bounded memory and time."""

from __future__ import annotations

import asyncio
import itertools
import resource
import ssl
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import web
from azure.core.credentials import AccessToken, AzureSasCredential

from rollout import bounded
from rollout.azure import thin
from rollout.azure.allowance import Unlimited
from rollout.azure.client import ArmClient
from rollout.azure.credentials import AsyncCredential
from rollout.azure.errors import Transient
from rollout.azure.leasing import BlobLock
from rollout.azure.metrics import AzureMonitor
from rollout.azure.paths import Paths
from rollout.azure.scoring import HttpScoring
from rollout.azure.target import Target, _session
from rollout.azure.thin import ThinWire
from rollout.azure.wire import CoreWire
from rollout.bounded import TooLong
from rollout.core.gate_bodies import ErrorRate
from rollout.core.observed import Endpoint
from rollout.forge.dialect import Call
from rollout.forge.wire import Wire
from rollout.ports import CountQuery, RequestCount, ScoringAnswer, ScoringRequest

LIMIT = 1_000_000
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PATHS = Paths("00000000-0000-0000-0000-000000000000", "ml", "prod")
HINT = "No service of ours answers like that: check the address, and what stands between (a proxy)."
TOO_LONG = f"127.0.0.1 answered with more than {LIMIT} bytes"


class Source:
    """Signs in at once."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """See azure-core."""
        return AccessToken("token", 4_000_000_000)


class Server:
    """An address, and how it answers everything but a question for a key."""

    def __init__(self) -> None:
        self.address = ""
        self.chunk = b" " * 65536
        self.chunks: int | None = None
        self.headers: dict[str, str] = {}
        self.pause = 0.0
        self.asked = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """An answer without an end, or of so many chunks."""
        if request.path.endswith("/listKeys"):
            return web.json_response({"primaryKey": "key"})
        self.asked += 1
        answer = web.StreamResponse(headers={"Content-Type": "application/json", **self.headers})
        await answer.prepare(request)
        for _ in itertools.count() if self.chunks is None else range(self.chunks):
            await answer.write(self.chunk)
            await asyncio.sleep(self.pause)
        return answer


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """A server on loopback with TLS; stopped at the end."""
    monkeypatch.setattr(bounded, "MOST_BYTES", LIMIT)
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    found, app = Server(), web.Application()
    app.router.add_route("*", "/{tail:.*}", found.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    found.address = f"https://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


@pytest.fixture
def target(server: Server, tmp_path: Path) -> Target:
    """A workspace there."""
    return Target(
        subscription_id=PATHS.subscription,
        resource_group="ml",
        workspace="prod",
        arm_url=server.address,
        ca_bundle=str(tmp_path / "ca.pem"),
    )


@pytest.fixture
async def reading(target: Target) -> AsyncIterator[Reading]:
    """With the session that `connect` makes."""
    async with _session(target) as session:
        yield Reading(target, session)


class Reading:
    """All that reads."""

    def __init__(self, target: Target, session: aiohttp.ClientSession) -> None:
        self.address = target.arm_url
        self.session = session
        signed, scope, free = AsyncCredential(Source()), target.scopes[0], Unlimited()
        whole = CoreWire(target.arm_url, signed, scope, session, free)
        self.client = ArmClient(target.arm_url, whole, RequestCount())
        self.thin = ArmClient(target.arm_url, ThinWire(whole, signed, scope, session, free), RequestCount())
        self.monitor = AzureMonitor(target.arm_url, AsyncCredential(Source()), session)
        uri = f"{self.address}/score"
        self.house = Endpoint(name="house", id=PATHS.endpoint("house"), scoring_uri=uri, state="Succeeded")

    async def arm(self) -> object:
        """Resource Manager."""
        return await self.client.get(PATHS.endpoint("house"), "look at house")

    async def bulk(self) -> object:
        """Resource Manager, in a pass over many plans."""
        return await self.thin.get(PATHS.endpoint("house"), "look at house")

    async def metrics(self) -> object:
        """Azure Monitor's metrics."""
        return await self.monitor.metrics().count(self._counts())

    async def logs(self) -> object:
        """Log Analytics."""
        return await self.monitor.logs("00000000-0000-0000-0000-000000000001").count(self._counts())

    async def blob(self) -> object:
        """The blob of the lock."""
        from azure.core.pipeline.transport import AioHttpTransport
        from azure.storage.blob.aio import BlobClient

        transport = AioHttpTransport(session=self.session, session_owner=False)
        signature = AzureSasCredential("sig=x")
        async with (
            BlobClient(self.address, "store", "lock", credential=signature, transport=transport) as client,
            BlobLock(client, "house", "me").held(0),
        ):
            return None

    async def forge(self) -> object:
        """The API of a forge."""
        call = Call(method="GET", path="/repos/a/b", what="read the repository", needs="")
        return await Wire(self.session, self.address, "token").json(call)

    async def score(self) -> ScoringAnswer:
        """A model."""
        scoring = HttpScoring(self.client, PATHS, AsyncCredential(Source()), "scope", self.session)
        return await scoring.send(self.house, ScoringRequest(body=b"{}"))

    def _counts(self) -> CountQuery:
        span = {"start": NOON, "end": NOON + timedelta(minutes=5)}
        return CountQuery(endpoint=self.house, deployments=("blue", "green"), question=ErrorRate(), **span)


@pytest.mark.parametrize("name", ["arm", "bulk", "metrics", "logs", "blob", "forge"])
async def test_an_answer_without_an_end_is_cut_off(server: Server, reading: Reading, name: str) -> None:
    """With a sentence, and it is asked no second time."""
    with pytest.raises(TooLong) as raised:
        await getattr(reading, name)()
    assert (str(raised.value), server.asked) == (TOO_LONG, 1)
    assert raised.value.hint == HINT


async def test_a_model_without_an_end_gives_no_answer(reading: Reading) -> None:
    """One more way to give none, which a smoke test tells."""
    answer = await reading.score()
    assert (answer.status, answer.body, answer.error) == (0, b"", TOO_LONG)


async def test_a_bomb_is_unpacked_as_far_as_the_limit(server: Server, reading: Reading) -> None:
    """A thousandth on the wire of what it is unpacked: the limit is one of memory."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    server.chunk = packer.compress(b" " * 100_000_000) + packer.flush()
    assert len(server.chunk) < LIMIT
    server.headers = {"Content-Encoding": "gzip"}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TooLong):
        await reading.arm()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


async def test_an_answer_that_drips_is_not_waited_for(
    server: Server, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte now and then keeps each time-out between two bytes from ending it: the body as a whole has one."""
    monkeypatch.setattr(bounded, "BODY_SECONDS", 0.2)
    server.chunk, server.pause = b" ", 0.01
    begun = asyncio.get_running_loop().time()
    async with reading.session.get(f"{reading.address}/x") as answer:
        with pytest.raises(TimeoutError):
            await answer.read()
    assert asyncio.get_running_loop().time() - begun < 2


async def test_a_bulk_read_that_drips_is_left_to_the_pipeline(
    server: Server, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One clock for headers and body; then the pipeline tries with its own, and tells what is wrong."""
    monkeypatch.setattr(thin, "_PATIENCE", aiohttp.ClientTimeout(total=0.2))
    monkeypatch.setattr(bounded, "BODY_SECONDS", 0.2)
    server.chunk, server.pause = b" ", 0.01
    begun = asyncio.get_running_loop().time()
    with pytest.raises(Transient) as raised:
        await reading.bulk()
    assert str(raised.value).startswith("look at house: ")
    assert server.asked > 1
    assert asyncio.get_running_loop().time() - begun < 20


async def test_what_has_an_end_is_read_whole(server: Server, reading: Reading) -> None:
    """Up to the last byte that may be, read at once or in pieces; one more is too many."""
    server.chunk, server.chunks = b"x" * (LIMIT // 10), 10
    async with reading.session.get(f"{reading.address}/x") as answer:
        assert await answer.read() == b"x" * LIMIT
    async with reading.session.get(f"{reading.address}/x") as answer:
        assert len(await answer.content.read(1000)) == 1000
        assert len(await answer.read()) == LIMIT - 1000
    server.chunk = b"x" * (LIMIT // 10) + b"x"
    async with reading.session.get(f"{reading.address}/x") as answer:
        with pytest.raises(TooLong):
            await answer.read()
