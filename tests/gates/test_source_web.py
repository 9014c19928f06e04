"""Prometheus and plain HTTP, over real connections on loopback: counts, limits, and where a token may go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from rollout.core.evidence.counts import Row
from rollout.core.gate_bodies import Custom, ErrorRate, Latency, Question
from rollout.core.observed import Endpoint
from rollout.errors import RolloutError
from rollout.gates import source_web
from rollout.gates.source_web import HttpJson, Prometheus, Web
from rollout.ports import CountQuery

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CUSTOM = Custom(bad='sum(bad{d="$deployment"})', total='sum(all{d="$deployment"})')
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Answers what the test says; remembers what it was asked."""

    def __init__(self) -> None:
        self.answer: Answer = self._nothing
        self.asked: list[web.Request] = []
        self.address = ""

    async def _nothing(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"rows": []})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any request."""
        self.asked.append(request)
        return await self.answer(request)

    def gives(self, value: Any, status: int = 200, **headers: str) -> None:
        """The same for all."""

        async def same(request: web.Request) -> web.StreamResponse:
            return web.json_response(value, status=status, headers=headers)

        self.answer = same


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server on loopback; stopped at the end."""
    found = Server()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", found.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


def asked(question: Question = CUSTOM, minutes: int = 2) -> CountQuery:
    """Two minutes from noon on."""
    return CountQuery(
        endpoint=Endpoint(name="house"),
        deployments=("blue", "green"),
        question=question,
        start=NOON,
        end=NOON + timedelta(minutes=minutes),
    )


def matrix(*values: tuple[int, str], series: int = 1) -> dict[str, Any]:
    """Prometheus's answer, with values at so many minutes after noon."""
    points = [[NOON.timestamp() + 60 * minute, value] for minute, value in values]
    return {
        "status": "success",
        "data": {"resultType": "matrix", "result": [{"metric": {}, "values": points}] * series},
    }


async def test_prometheus_is_asked_for_each_deployment(server: Server) -> None:
    """A value at the end of a minute is that minute's; what is not a number is not known."""

    async def by_query(request: web.Request) -> web.StreamResponse:
        text = request.query["query"]
        if "bad" in text:
            return web.json_response(matrix((1, "0"), (2, "3")) if "green" in text else matrix(series=0))
        return web.json_response(matrix((0, "99"), (1, "30"), (2, "40.5"), (3, "7"), (4, "NaN")))

    server.answer = by_query
    found = await Prometheus(server.address).count(asked())
    assert found.rows == (
        Row(NOON, "blue", 30.0, 0.0),
        Row(NOON + timedelta(minutes=1), "blue", 40.5, 0.0),
        Row(NOON, "green", 30.0, 0.0),
        Row(NOON + timedelta(minutes=1), "green", 40.5, 3.0),
    )
    assert found.query == f"bad: {CUSTOM.bad}; total: {CUSTOM.total}; step 60 s"
    assert server.asked[0].path == "/api/v1/query_range"
    assert dict(server.asked[0].query) == {
        "query": 'sum(all{d="blue"})',
        "start": str(NOON.timestamp() + 60),
        "end": str(NOON.timestamp() + 120),
        "step": "60",
    }


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (matrix((1, "1"), series=2), "the query gives 2 series for blue: put sum(…) around it"),
        (
            {"status": "success", "data": {"resultType": "scalar", "result": []}},
            "prometheus gave a scalar, not a matrix",
        ),
        ({"status": "error"}, "prometheus gave no matrix: Object missing required field `data`"),
        ([], "prometheus gave no matrix: Expected `object`, got `array`"),
    ],
)
async def test_what_prometheus_must_not_say(server: Server, value: Any, why: str) -> None:
    """It is a fault, not an absence of requests."""
    server.gives(value)
    with pytest.raises(RolloutError) as caught:
        await Prometheus(server.address).count(asked())
    assert str(caught.value) == why


async def test_prometheus_has_no_metrics_of_its_own() -> None:
    """Refused before anything is sent."""
    with pytest.raises(RolloutError, match="needs a metric with the queries"):
        await Prometheus("http://127.0.0.1:1").count(asked(ErrorRate()))


@pytest.mark.parametrize(
    ("question", "more"),
    [
        (ErrorRate(statuses=("5xx", "424")), {"check": "error_rate", "statuses": "5xx,424"}),
        (Latency(over=0.25), {"check": "latency", "over_ms": "250"}),
        (Custom(bad="b", total="t"), {"check": "metric", "bad": "b", "total": "t"}),
    ],
)
async def test_a_service_is_asked_for_counts(server: Server, question: Question, more: dict[str, str]) -> None:
    """Everything is in the query string, beside what the address has already."""
    row = {"minute": "2026-01-01T12:00:00Z", "deployment": "green", "requests": 10, "bad": 2}
    server.gives({"rows": [row], "version": 3})
    found = await HttpJson(f"{server.address}/counts?key=hidden").count(asked(question))
    assert found.rows == (Row(NOON, "green", 10.0, 2.0),)
    asked_for = {"endpoint": "house", "deployments": "blue,green", "start": "2026-01-01T12:00:00Z"}
    expected = {"key": "hidden", **asked_for, "end": "2026-01-01T12:02:00Z", **more}
    assert dict(server.asked[0].query) == expected
    assert "hidden" not in found.query


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"rows": [{"minute": "2026-01-01T12:00:00", "deployment": "green", "requests": 1, "bad": 0}]},
         "the minute 2026-01-01 12:00:00 has no time zone"),
        ({"rows": [{"minute": "noon"}]},
         "the counts cannot be read: Invalid RFC3339 encoded datetime - at `$.rows[0].minute`"),
    ],
)  # fmt: skip
async def test_what_a_service_must_not_say(server: Server, value: Any, why: str) -> None:
    """Counts without a certain time are none."""
    server.gives(value)
    with pytest.raises(RolloutError) as caught:
        await HttpJson(server.address).count(asked(ErrorRate()))
    assert str(caught.value) == why


async def test_a_redirect_is_not_followed(server: Server) -> None:
    """Whoever answers may not choose who is asked next."""
    server.gives({}, 302, Location=f"{server.address}/elsewhere")
    with pytest.raises(RolloutError, match=r"answered 302"):
        await HttpJson(server.address).count(asked(ErrorRate()))
    assert len(server.asked) == 1


async def test_an_error_is_told(server: Server) -> None:
    """With the beginning of what was said."""
    server.gives({"error": "no"}, 500)
    with pytest.raises(RolloutError, match=r"127.0.0.1:\d+ answered 500: {\"error\": \"no\"}"):
        await HttpJson(server.address).count(asked(ErrorRate()))


async def test_a_token_goes_to_its_host_only(server: Server) -> None:
    """The runner's environment names both; a plan alone cannot have it sent anywhere."""
    host = server.address.removeprefix("http://")
    secret = {source_web.TOKEN: "s3cret-token", source_web.HOST: host}
    await HttpJson(server.address, Web(secret)).count(asked(ErrorRate()))
    await HttpJson(server.address, Web({**secret, source_web.HOST: "example.org"})).count(asked(ErrorRate()))
    assert [one.headers.get("Authorization") for one in server.asked] == ["Bearer s3cret-token", None]
    assert "s3cret" not in repr(HttpJson(server.address, Web(secret)))


async def test_time_and_size_have_limits(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that hangs, one that never stops, and one that is not there."""

    async def late(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.json_response({"rows": []})

    server.answer = late
    with pytest.raises(RolloutError, match=r"cannot be asked: no answer within 0.2 s"):
        await HttpJson(server.address, Web({}, seconds=0.2)).count(asked(ErrorRate()))
    monkeypatch.setattr(source_web, "MOST_BYTES", 1000)
    server.gives({"rows": [], "more": "x" * 5000})
    with pytest.raises(RolloutError, match=r"answered with more than 1000 bytes"):
        await HttpJson(server.address).count(asked(ErrorRate()))
    with pytest.raises(RolloutError, match=r"127.0.0.1:1 cannot be asked: ClientConnectorError"):
        await HttpJson("http://127.0.0.1:1").count(asked(ErrorRate()))
