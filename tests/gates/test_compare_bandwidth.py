"""How many bytes a comparison moves in a second, counted by a real server on loopback."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest
from aiohttp import web

from rollout.core.decision import Roles
from rollout.core.gate_bodies import Compare, RequestFile
from rollout.core.observed import Endpoint
from rollout.core.verdict import Outcome
from rollout.gates import compare
from rollout.ports import ScoringAnswer, ScoringRequest
from tests.gates.scripted import endpoint

BODY, ANSWER = 100_000, 60_000
LIMIT = 5_000_000
"""Bytes a second that the service gives an endpoint."""


class Counting:
    """A server that notes when it has moved how many bytes; its first `busy` answers are 429."""

    def __init__(self, busy: int = 0) -> None:
        self.moved: list[tuple[float, int]] = []
        self._busy = busy

    async def answer(self, request: web.Request) -> web.Response:
        """The body, and an answer of a fixed size."""
        body = await request.read()
        self._busy -= 1
        if self._busy >= 0:
            self.moved.append((time.monotonic(), len(body)))
            return web.Response(status=429)
        self.moved.append((time.monotonic(), len(body) + ANSWER))
        return web.Response(body=b'"' + b"a" * (ANSWER - 2) + b'"')

    def most_in_a_second(self) -> int:
        """Of all seconds that begin with a request."""
        return max(sum(size for at, size in self.moved if begun <= at < begun + 1) for begun, _ in self.moved)


class Wire:
    """`ports.Scoring` to one address, and the real clock."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def send(self, endpoint: Endpoint, request: ScoringRequest) -> ScoringAnswer:
        """See `ports.Scoring`."""
        begun = time.monotonic()
        async with self._session.post(self._url, data=request.body) as answer:
            body = await answer.read()
            return ScoringAnswer(status=answer.status, body=body, seconds=time.monotonic() - begun)

    async def probe(self, endpoint: Endpoint, deployment: str) -> ScoringAnswer:
        """Never asked by a comparison."""
        raise AssertionError

    async def sleep(self, seconds: float) -> None:
        """See `ports.Clock`."""
        await asyncio.sleep(seconds)


async def compared(server: Counting, count: int, concurrency: int, size: int = BODY) -> float:
    """Run a comparison that passes against the server; the seconds that it took."""
    app = web.Application(client_max_size=10_000_000)
    app.router.add_post("/", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        async with aiohttp.ClientSession() as session:
            wire = Wire(session, f"http://127.0.0.1:{runner.addresses[0][1]}/")
            requests = tuple(RequestFile(name=str(n), body=b"1" * size) for n in range(count))
            test = Compare(requests=requests, concurrency=concurrency)
            begun = time.monotonic()
            verdict = await compare.measure(wire, wire, endpoint(), Roles(stable="blue", candidate="green"), test)
            assert verdict.outcome is Outcome.PASS
            return time.monotonic() - begun
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_below_the_endpoints_bandwidth(concurrency: int) -> None:
    """Every second, both ways together, whatever the concurrency; on the whole at our half of it."""
    server = Counting()
    took = await compared(server, 20, concurrency)
    total = sum(size for _, size in server.moved)
    assert total == 20 * 2 * (BODY + ANSWER)
    assert server.most_in_a_second() < LIMIT
    assert total / took <= compare.RATE * 1.01


async def test_backs_off_and_counts_what_was_refused() -> None:
    """After a 429 nothing is sent for a second, and for as long as the refused bytes take at our rate."""
    server = Counting(busy=1)
    await compared(server, 1, 1, 4_000_000)
    (refused, _), (again, _), _ = server.moved
    assert again - refused >= 4_000_000 / compare.RATE - 0.05
