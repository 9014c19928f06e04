"""Counts through Azure's own query libraries, from the emulator's made-up traffic: the same minutes by both ways."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.monitor.query import LogsQueryResult

from rollout.azure.metrics import is_bad, kusto
from rollout.azure.target import Connection
from rollout.core.evidence.counts import Row, total
from rollout.core.evidence.grid import blocks, floor
from rollout.core.gate_bodies import Custom, ErrorRate, Latency, Question
from rollout.core.observed import Endpoint, weights
from rollout.errors import AzureError, Retryable, SignInError
from rollout.ports import CountQuery
from tests.azure.conftest import Bench
from tests.azure.test_control_plane import look, serving, traffic

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
ERRORS = ErrorRate()


def door(bench: Bench, method: str, name: str, body: Any) -> Any:
    """One of the emulator's own doors."""
    return bench._ask(method, name, body)


async def busy(bench: Bench, connection: Connection) -> tuple[Endpoint, datetime]:
    """An endpoint at 75/25 whose green fails in a tenth of its requests and is slow, and when an hour had passed."""
    before = await serving(bench, connection, "blue", "green")
    await connection.control_plane.apply(traffic(before, weights({"blue": 75, "green": 25})), before)
    green = {"error_share": 0.1, "p50_ms": 200.0, "p95_ms": 400.0}
    wish = {"endpoint": before.name, "requests_per_minute": 120, "deployments": {"green": green}}
    await asyncio.to_thread(door, bench, "POST", "traffic", wish)
    await asyncio.to_thread(door, bench, "POST", "clock", {"advance": 2400})
    now = floor((await connection.control_plane.observe(before.name)).now)
    await asyncio.to_thread(door, bench, "DELETE", "traffic", None)
    await asyncio.to_thread(door, bench, "POST", "clock", {"advance": 600})
    return await look(connection.control_plane, before.name), now


def asked(endpoint: Endpoint, end: datetime, question: Question = ERRORS, minutes: int = 30) -> CountQuery:
    """The half hour that ended ten minutes ago."""
    end -= timedelta(minutes=10)
    return CountQuery(
        endpoint=endpoint,
        deployments=("blue", "green"),
        question=question,
        start=end - timedelta(minutes=minutes),
        end=end,
    )


async def workspace(bench: Bench) -> str:
    """The emulator's Log Analytics workspace."""
    found: str = bench.server.environment()["ROLLOUT_EMULATOR_LOG_WORKSPACE_ID"]
    return found


async def test_both_ways_count_the_same(bench: Bench, connection: Connection) -> None:
    """Minute by minute, for both deployments: requests, and those with an error."""
    endpoint, now = await busy(bench, connection)
    query = asked(endpoint, now)
    by_minute = await connection.monitor.metrics().count(query)
    by_request = await connection.monitor.logs(await workspace(bench)).count(query)

    def in_order(rows: tuple[Row, ...]) -> list[tuple[Any, ...]]:
        """A minute without requests may be there as zero, or not at all."""
        return sorted((row.minute, row.deployment, row.requests, row.bad) for row in rows if row.requests)

    assert in_order(by_minute.rows) == in_order(by_request.rows)
    assert {row.deployment for row in by_minute.rows} == {"blue", "green"}
    found = blocks(by_minute.rows, "blue", "green", query.start, query.end)
    stable, mine = total(block.stable for block in found), total(block.candidate for block in found)
    assert (len(found), stable.bad) == (30, 0.0)
    assert 0.15 < mine.requests / (mine.requests + stable.requests) < 0.35
    assert 0.04 < mine.rate < 0.2
    assert "RequestsPerMinute (Total, PT1M)" in by_minute.query
    assert "AmlOnlineEndpointTrafficLog | where EndpointName =~" in by_request.query


async def test_slow_requests_are_counted_one_by_one(bench: Bench, connection: Connection) -> None:
    """Over 150 ms: hardly any of blue's, most of green's."""
    endpoint, now = await busy(bench, connection)
    query = asked(endpoint, now, Latency(over=0.15))
    found = await connection.monitor.logs(await workspace(bench)).count(query)
    counted = blocks(found.rows, "blue", "green", query.start, query.end)
    assert total(block.stable for block in counted).rate < 0.1
    assert total(block.candidate for block in counted).rate > 0.6


async def test_what_a_source_does_not_have(bench: Bench, connection: Connection) -> None:
    """Refused before anything is sent."""
    query = asked(Endpoint(name="x", id="/x"), START, Latency(over=1.0))
    with pytest.raises(AzureError, match="counts requests by status only"):
        await connection.monitor.metrics().count(query)
    with pytest.raises(AzureError, match="the traffic log has no such metric"):
        await connection.monitor.logs("w").count(asked(Endpoint(name="x"), START, Custom(bad="b", total="t")))


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "status", "status": 403}, SignInError),
        ({"kind": "status", "status": 404}, AzureError),
        ({"kind": "status", "status": 503, "retry_after": 0}, Retryable),
    ],
)
async def test_a_failing_service_is_a_fault(
    bench: Bench, connection: Connection, fault: dict[str, Any], expected: type[Exception]
) -> None:
    """Never "no requests"."""
    endpoint, now = await busy(bench, connection)
    await bench.faults({"path": "getBatch|/query", "times": 1000, "effect": fault})
    for source in (connection.monitor.metrics(), connection.monitor.logs(await workspace(bench))):
        with pytest.raises(expected):
            await source.count(asked(endpoint, now))


async def test_an_answer_without_a_table_is_a_fault(
    bench: Bench, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`{}` from a proxy, say: the service answers with a table, and an empty one has no rows."""
    endpoint, now = await busy(bench, connection)
    logs = connection.monitor.logs(await workspace(bench))
    assert (await logs.count(asked(endpoint, now))).rows
    monkeypatch.setattr(LogsQueryResult, "_from_generated", lambda generated: LogsQueryResult(tables=[]))
    with pytest.raises(AzureError, match="without a table"):
        await logs.count(asked(endpoint, now))


@pytest.mark.parametrize(
    ("status", "statuses", "bad"),
    [
        ("500", ("5xx",), True),
        ("503", ("5xx", "429"), True),
        ("424", ("5xx", "424"), True),
        ("404", ("5xx", "424"), False),
        ("200", ("5xx",), False),
        ("", ("5xx",), False),
    ],
)
def test_which_statuses_are_bad(status: str, statuses: tuple[str, ...], bad: bool) -> None:
    """Single ones, and classes."""
    assert is_bad(status, statuses) is bad


def test_the_query_of_the_log() -> None:
    """Verbatim; names cannot break out of their quotes."""
    endpoint = Endpoint(name="o'house")
    query = asked(endpoint, START, ErrorRate(statuses=("5xx", "424")))
    assert kusto(query) == (
        "AmlOnlineEndpointTrafficLog | where EndpointName =~ 'o\\'house' | where tolower(DeploymentName) in ('blue', "
        "'green') | where not(XMSClientRequestId startswith 'rollout-') | summarize requests = count(), bad = "
        "countif((ResponseCode >= 500 and ResponseCode <= 599) or ResponseCode == 424) by DeploymentName, minute = "
        "bin(TimeGenerated, 1m) | project DeploymentName, minute, requests, bad"
    )
