"""Alert rules through Resource Manager, on the emulator's made-up traffic: what has fired, and what cannot be read."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from rollout.azure.target import Connection
from rollout.core.evidence.alerts import Rule
from rollout.core.observed import weights
from rollout.errors import AzureError, Retryable, RolloutError, SignInError
from tests.azure.conftest import Bench
from tests.azure.test_control_plane import raw, serving, traffic
from tests.azure.test_metrics import door

_MONITOR = "Microsoft.Azure.Monitor"


def rule_on(scope: str, **changed: Any) -> dict[str, Any]:
    """More than five answers of green in a minute that are errors."""
    criterion = {
        "criterionType": "StaticThresholdCriterion",
        "name": "errors",
        "metricName": "RequestsPerMinute",
        "operator": "GreaterThan",
        "threshold": 5,
        "timeAggregation": "Total",
        "dimensions": [
            {"name": "statusCodeClass", "operator": "Include", "values": ["4xx", "5xx"]},
            {"name": "deployment", "operator": "Include", "values": ["green"]},
        ],
    }
    properties = {
        "description": "too many errors",
        "severity": 2,
        "enabled": True,
        "scopes": [scope],
        "evaluationFrequency": "PT1M",
        "windowSize": "PT1M",
        "criteria": {
            "odata.type": f"{_MONITOR}.SingleResourceMultipleMetricCriteria",
            "allOf": [criterion],
        },
        **changed,
    }
    return {"location": "global", "properties": properties}


async def put(bench: Bench, connection: Connection, name: str, body: dict[str, Any]) -> str:
    """Make the rule; its ARM id."""
    path = f"{bench.target.paths.group}/providers/Microsoft.Insights/metricAlerts/{name}"
    await raw(connection).send("PUT", f"{path}?api-version=2018-03-01", "put", body, kind="writes")
    return path


async def failing(bench: Bench, connection: Connection, name: str, **changed: Any) -> str:
    """An endpoint whose green has failed in a third of its requests for twenty minutes, and a rule that has looked."""
    before = await serving(bench, connection, "blue", "green")
    rule = await put(bench, connection, name, rule_on(bench.target.paths.endpoint(before.name), **changed))
    await connection.control_plane.apply(traffic(before, weights({"blue": 50, "green": 50})), before)
    wish = {"endpoint": before.name, "requests_per_minute": 120, "deployments": {"green": {"error_share": 0.33}}}
    await asyncio.to_thread(door, bench, "POST", "traffic", wish)
    await asyncio.to_thread(door, bench, "POST", "clock", {"advance": 1200})
    await asyncio.to_thread(door, bench, "DELETE", "traffic", None)
    await asyncio.to_thread(door, bench, "POST", "clock", {"advance": 900})
    return rule


async def test_what_has_fired(bench: Bench, connection: Connection) -> None:
    """Once, while it failed; over when it had been quiet for three looks. By its name, and by its id."""
    rule = await failing(bench, connection, "too-many-errors")
    found = await connection.alerts.look("too-many-errors")
    assert (found.id, found.enabled, found.every) == (rule, True, timedelta(minutes=1))
    assert [one.resolved is not None for one in found.firings] == [True]
    assert found.firings[0].resolved is not None
    lasted = found.firings[0].resolved - found.firings[0].fired
    assert timedelta(minutes=15) < lasted < timedelta(hours=2)
    assert "/onlineendpoints/" in found.firings[0].target
    assert (await connection.alerts.look(rule)).firings == found.firings


async def test_every_page_is_read(bench: Bench, connection: Connection) -> None:
    """A rule without a memory raises an alert at each look: more than one page of them."""
    rule = await failing(bench, connection, "every-minute", autoMitigate=False)
    path = f"{bench.target.paths.subscription}/providers/Microsoft.AlertsManagement/alerts?api-version=2019-03-01"
    first = (await raw(connection).get(f"{path}&alertRule={rule}&timeRange=30d&pageCount=5", "read")).body
    assert len(first["value"]) == 5
    assert "nextLink" in first
    found = await connection.alerts.look("every-minute")
    assert len(found.firings) >= 15
    assert all(one.resolved is None for one in found.firings)
    assert list(found.firings) == sorted(found.firings, key=lambda one: one.fired)


async def test_a_rule_that_is_off(bench: Bench, connection: Connection) -> None:
    """It is said; it has nothing to tell."""
    rule = await failing(bench, connection, "off", enabled=False)
    assert await connection.alerts.look("off") == Rule(rule, enabled=False)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("nobody", "was not found"),
        ("/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d", "is no alert rule that can be read"),
        ("/subscriptions/s", "is no alert rule that can be read"),
    ],
)
async def test_what_is_no_rule(connection: Connection, rule: str, said: str) -> None:
    """Never "has not fired"."""
    with pytest.raises(RolloutError, match=said):
        await connection.alerts.look(rule)


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
    """The rule is there, its alerts cannot be read."""
    await put(bench, connection, "there", rule_on(bench.target.paths.endpoint("somewhere")))
    await bench.faults({"path": "AlertsManagement", "times": 1000, "effect": fault})
    with pytest.raises(expected):
        await connection.alerts.look("there")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"scopes": []}, "'scopes' must name one resource"),
        ({"windowSize": "soon"}, "soon is no duration"),
        ({"evaluationFrequency": "PT2M"}, "evaluationFrequency and windowSize are not among the supported ones"),
        ({"criteria": {"allOf": [{"metricName": "x"}]}}, "criteria: Object missing required field"),
    ],
)
async def test_rules_that_the_service_refuses(
    bench: Bench, connection: Connection, changed: dict[str, Any], said: str
) -> None:
    """400, with what is wrong."""
    with pytest.raises(RolloutError, match=said):
        await put(bench, connection, "bad", rule_on(bench.target.paths.endpoint("x"), **changed))
