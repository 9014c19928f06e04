"""Microsoft's own clients, unchanged, on made-up traffic: azure-monitor-querymetrics, azure-monitor-query."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential
from azure.monitor.query import LogsBatchQuery, LogsQueryClient, LogsQueryError, LogsQueryResult, LogsTable
from azure.monitor.querymetrics import MetricAggregationType, MetricsClient

from tests.emulator.monitor.conftest import Arm

ENDPOINTS = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
TABLE = "AmlOnlineEndpointTrafficLog"


class Served:
    """An endpoint with two hours of traffic: blue and green half each, green with 20 % errors."""

    def __init__(self, arm: Arm) -> None:
        self.arm = arm
        self.name = arm.house("blue", "green")
        scope = arm.server.service.scope
        self.id = f"{scope.workspace_path}/onlineEndpoints/{self.name}"
        halves = {"properties": {"traffic": {"blue": 50, "green": 50}}}
        oldest = {"api-version": "2022-02-01-preview"}
        arm.wait(arm.ask("PATCH", f"onlineEndpoints/{self.name}", halves, params=oldest))
        wish = {"endpoint": self.name, "requests_per_minute": 60, "deployments": {"green": {"error_share": 0.2}}}
        arm.control("POST", "traffic", wish)
        self.now = datetime.fromisoformat(arm.control("POST", "clock", {"advance": 7200})["time"])
        arm.control("DELETE", "traffic")


@pytest.fixture(scope="module")
def served(server: Any) -> Iterator[Served]:
    """One for all tests here."""
    client = Arm(server)
    yield Served(client)
    client.session.close()


@pytest.fixture
def credential(served: Served) -> ClientSecretCredential:
    """azure-identity, unchanged."""
    known = served.arm.server.service.identity
    bundle = str(served.arm.server.state_dir / "ca.pem")
    return ClientSecretCredential(
        known.tenant_id,
        known.client_id,
        known.client_secret,
        authority=served.arm.server.url,
        disable_instance_discovery=True,
        connection_verify=bundle,
    )


@pytest.fixture
def logs(served: Served, credential: ClientSecretCredential) -> LogsQueryClient:
    """The client of Log Analytics."""
    return LogsQueryClient(
        credential,
        endpoint=f"{served.arm.server.url}/v1",
        connection_verify=str(served.arm.server.state_dir / "ca.pem"),
    )


def tables(answer: Any) -> list[LogsTable]:
    """The tables of an answer that is whole."""
    assert isinstance(answer, LogsQueryResult)
    return answer.tables


def test_metrics_client(served: Served, credential: ClientSecretCredential) -> None:
    """Requests by deployment and class, minute by minute."""
    url = served.arm.server.url
    client = MetricsClient(url, credential, connection_verify=str(served.arm.server.state_dir / "ca.pem"))
    (found,) = client.query_resources(
        resource_ids=[served.id],
        metric_namespace=ENDPOINTS,
        metric_names=["RequestsPerMinute", "RequestLatency_P95"],
        timespan=(served.now - timedelta(hours=1), served.now),
        granularity=timedelta(minutes=5),
        aggregations=[MetricAggregationType.TOTAL, MetricAggregationType.AVERAGE],
        filter="deployment eq '*'",
        max_results=20,
    )
    assert (found.namespace, found.resource_region, found.granularity) == (ENDPOINTS, "eastus2", timedelta(minutes=5))
    assert [(metric.name, metric.unit) for metric in found.metrics] == [
        ("RequestsPerMinute", "Count"),
        ("RequestLatency_P95", "MilliSeconds"),
    ]
    counts = {
        each.metadata_values["deployment"]: sum(point.total or 0 for point in each.data)
        for each in found.metrics[0].timeseries
    }
    assert counts.keys() == {"blue", "green"}
    assert abs(counts["blue"] + counts["green"] - 3600) < 400
    assert abs(counts["blue"] / sum(counts.values()) - 0.5) < 0.05


def test_resource_manager_says_the_same(served: Served) -> None:
    """`GET …/providers/Microsoft.Insights/metrics`, as `az monitor metrics list` asks."""
    query = {
        "metricnames": "RequestsPerMinute",
        "timespan": f"{(served.now - timedelta(hours=1)).isoformat()}/{served.now.isoformat()}",
        "interval": "PT1M",
        "aggregation": "total",
        "$filter": "deployment eq 'green' and statusCodeClass eq '*'",
        "api-version": "2018-01-01",
    }
    answer = served.arm.ask("GET", f"{served.id}/providers/microsoft.insights/metrics", params=query)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    (metric,) = body["value"]
    assert (body["interval"], body["namespace"], metric["errorCode"]) == ("PT1M", ENDPOINTS, "Success")
    assert metric["id"] == f"{served.id}/providers/Microsoft.Insights/metrics/RequestsPerMinute"
    totals = {
        series["metadatavalues"][1]["value"]: sum(point.get("total", 0) for point in series["data"])
        for series in metric["timeseries"]
    }
    assert abs(totals["4xx"] / (totals["2xx"] + totals["4xx"]) - 0.2) < 0.05
    of_green = served.arm.ask("GET", f"{served.id}/deployments/green/providers/microsoft.insights/metrics", params={
        **query, "$filter": ""}).json()["value"][0]["timeseries"][0]["data"]  # fmt: skip
    assert sum(point.get("total", 0) for point in of_green) == sum(totals.values())


def test_definitions(served: Served) -> None:
    """Which metrics and dimensions there are."""
    told = served.arm.ask("GET", f"{served.id}/providers/Microsoft.Insights/metricDefinitions").json()["value"]
    names = {each["name"]["value"]: [one["value"] for one in each["dimensions"]] for each in told}
    assert names["RequestsPerMinute"] == ["deployment", "statusCode", "statusCodeClass", "modelStatusCode"]
    assert names["RequestLatency_P99"] == ["deployment"]


def test_of_what_is_not_there(served: Served) -> None:
    """404 for an endpoint or a deployment that nobody made."""
    for path in (served.id + "x", f"{served.id}/deployments/red"):
        answer = served.arm.ask("GET", f"{path}/providers/Microsoft.Insights/metrics")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "UserError")


def test_logs_client(served: Served, logs: LogsQueryClient) -> None:
    """The two queries of gates, and the same by resource."""
    workspace = served.arm.server.service.log_workspace_id
    mine = f"{TABLE} | where EndpointName == '{served.name}'"
    count = f"{mine} | summarize n = count() by DeploymentName, bin(TimeGenerated, 1m)"
    span = (served.now - timedelta(minutes=30), served.now)
    (table,) = tables(logs.query_workspace(workspace, count, timespan=span))
    assert table.columns == ["DeploymentName", "TimeGenerated", "n"]
    assert abs(sum(row["n"] for row in table.rows) - 1800) < 300
    assert all(row["TimeGenerated"].second == 0 for row in table.rows)
    slow = f"{TABLE} | summarize share = 1.0 * countif(TotalDurationMs > 120) / count()"
    (table,) = tables(logs.query_resource(served.id.lstrip("/"), slow, timespan=None))
    assert abs(table.rows[0]["share"] - 0.05) < 0.02


def test_batches_of_queries(served: Served, logs: LogsQueryClient) -> None:
    """Each has its own answer; a refusal does not spoil the others."""
    workspace = served.arm.server.service.log_workspace_id
    queries = [LogsBatchQuery(workspace, query, timespan=None) for query in (f"{TABLE} | count", f"{TABLE} | join x")]
    good, bad = logs.query_batch(queries)
    assert tables(good)[0].rows[0][0] > 1000
    assert isinstance(bad, LogsQueryError)
    assert (bad.code, bad.message) == (
        "BadArgumentError",
        "Query could not be parsed at 'join' on line [1,30]",
    )


def test_refused_queries(served: Served, logs: LogsQueryClient) -> None:
    """Syntax, table, workspace."""
    workspace = served.arm.server.service.log_workspace_id
    with pytest.raises(HttpResponseError) as caught:
        logs.query_workspace(workspace, f"{TABLE} | frobnicate", timespan=None)
    assert caught.value.status_code == 400
    with pytest.raises(HttpResponseError, match="Heartbeat"):
        logs.query_workspace(workspace, "Heartbeat | count", timespan=None)
    with pytest.raises(HttpResponseError) as caught:
        logs.query_workspace("00000000-0000-0000-0000-000000000000", f"{TABLE} | count", timespan=None)
    assert caught.value.error is not None
    assert (caught.value.status_code, caught.value.error.code) == (404, "WorkspaceNotFoundError")


def test_a_token_for_something_else(served: Served) -> None:
    """401 for a scoring token."""
    other = Arm(served.arm.server)
    other.sign_in(audience="https://ml.azure.com")
    workspace = served.arm.server.service.log_workspace_id
    answer = other.session.post(f"{served.arm.server.url}/v1/workspaces/{workspace}/query", json={"query": "x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationTokenAudience")


def test_late_arrival(served: Served) -> None:
    """Metrics and logs that take their time are not there before they have arrived."""
    service = served.arm.server.service
    usual = service.settings
    workspace = f"/v1/workspaces/{service.log_workspace_id}/query"
    service.rules.world.settings = dataclasses.replace(usual, metrics_delay=86_400.0, logs_delay=86_400.0)
    try:
        path = f"{served.id}/providers/Microsoft.Insights/metrics"
        points = served.arm.ask("GET", path).json()["value"][0]["timeseries"][0]["data"]
        lines = served.arm.ask("POST", workspace, {"query": f"{TABLE} | count"}).json()["tables"][0]["rows"]
    finally:
        service.rules.world.settings = usual
    assert {tuple(point) for point in points} == {("timeStamp",)}
    assert lines == [[0]]
