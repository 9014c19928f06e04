"""What can be seen of an endpoint from outside: Azure Monitor's metrics, the traffic log, the activity log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from tests.conformance import scoring
from tests.conformance.case import Given, case, row, table
from tests.conformance.house import Fresh, House
from tests.conformance.sources import MONITORING, documented, unverified
from tests.conformance.target import Target

API = "2023-10-01"
REST = documented("Azure Monitor, Metrics - List, 2023-10-01")
ACTIVITY = documented("Azure Monitor, Activity Logs - List, 2015-04-01")
ALERTS = documented(
    "azure-rest-api-specs, alertsmanagement, Alerts - Get All; Azure Monitor, Metric Alerts, 2018-03-01"
)
WAIT = 300.0
"""Seconds that a metric of a real workspace may be late."""


@dataclass(slots=True)
class Watched:
    """An endpoint that has answered six requests: four by blue, of which one failed, and two by green."""

    house: House

    def metric(self, name: str, split: str = "", at: str = "", aggregation: str = "Total") -> requests.Response:
        """One metric of the endpoint, or of a deployment, over the last hours."""
        path = self.house.at(at) if at else self.house.path
        query = {
            "metricnames": name,
            "interval": "PT1M",
            "aggregation": aggregation,
            "timespan": _span(self.house.target),
        }
        query |= {"$filter": split} if split else {}
        target = self.house.target
        return target.ask("GET", f"{path}/providers/Microsoft.Insights/metrics", api=API, query=query)

    def totals(self, name: str, split: str, aggregation: str = "Total", at: str = "") -> dict[str, float]:
        """The sum (or the highest value) of each series, by the value of its dimension."""
        (found,) = self.metric(name, split, at, aggregation).json()["value"]
        key = aggregation.lower()
        return {
            series["metadatavalues"][0]["value"]: sum(point.get(key, 0) for point in series["data"])
            for series in found["timeseries"]
        }


def _span(target: Target) -> str:
    now = target.ask("GET", "").headers["Date"]
    end = parsedate_to_datetime(now) + timedelta(minutes=5)
    return f"{end - timedelta(hours=20):%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture(scope="module")
def watched(serving: Target) -> Iterator[Watched]:
    """Deployed, asked, and waited for until the metrics are there."""
    maker = Fresh(serving, scoring.uploaded(serving))
    house = maker.named()
    for name in ("blue", "green"):
        house.deploy(name)
    house.set({"blue": 100})
    key = house.target.ask("POST", f"{house.path}/listKeys").json()["primaryKey"]
    uri = house.show()["properties"]["scoringUri"]
    for body in ({}, {}, {}, {"fail": True}):
        house.target.score(uri, key, body)
    for _ in range(2):
        house.target.score(uri, key, {}, azureml_model_deployment="green")
    made = Watched(house)
    _until(lambda: sum(made.totals("RequestsPerMinute", "deployment eq '*'").values()) >= 6)
    yield made
    maker.clean_up()


def _until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not there():
        assert time.monotonic() < deadline, "the metrics did not come"
        time.sleep(0.3)


@table(
    row(
        "metrics.requests",
        "Requests are counted by deployment",
        MONITORING,
        split="deployment",
        counts={"blue": 4, "green": 2},
    ),
    row(
        "metrics.status",
        "… by the status that the client got",
        MONITORING,
        split="statusCode",
        counts={"200": 5, "424": 1},
    ),
    row(
        "metrics.class",
        "… by the class of that status",
        MONITORING,
        split="statusCodeClass",
        counts={"2xx": 5, "4xx": 1},
    ),
    row(
        "metrics.model-status",
        "… and by the status of the model",
        MONITORING,
        split="modelStatusCode",
        counts={"200": 5, "500": 1},
    ),
)
def test_requests(watched: Watched, given: Given) -> None:
    """`RequestsPerMinute`, split by a filter on the dimension."""
    assert watched.totals("RequestsPerMinute", f"{given.split} eq '*'") == given.counts


@case("metrics.filter", "A filter keeps one deployment's requests", MONITORING, REST)
def test_filter(watched: Watched) -> None:
    """And splits them by another dimension."""
    found = watched.totals("RequestsPerMinute", "statusCodeClass eq '*' and deployment eq 'blue'")
    assert sum(found.values()) == 4


@table(
    *(
        row(
            f"metrics.latency-{name or 'all'}",
            f"Latencies by deployment: RequestLatency{name and '_' + name}",
            MONITORING,
            name=f"RequestLatency{name and '_' + name}",
        )
        for name in ("", "P50", "P90", "P95", "P99")
    ),
)
def test_latencies(watched: Watched, given: Given) -> None:
    """Milliseconds, of both."""
    answer = watched.metric(given.name, "deployment eq '*'", aggregation="Average").json()["value"][0]
    assert answer["unit"] == "MilliSeconds"
    found = watched.totals(given.name, "deployment eq '*'", "Average")
    assert set(found) == {"blue", "green"}
    assert all(0 < value < 60_000 for value in found.values())


@case("metrics.answer", "A metric comes with its unit, its series and their points", REST)
def test_shape(watched: Watched) -> None:
    """Name, type, `timeseries`, `timeStamp`."""
    body = watched.metric("RequestsPerMinute").json()
    assert {"timespan", "interval", "value", "namespace", "resourceregion"} <= set(body)
    (found,) = body["value"]
    assert {"id", "type", "name", "unit", "timeseries", "errorCode"} <= set(found)
    assert (found["name"]["value"], found["type"]) == ("RequestsPerMinute", "Microsoft.Insights/metrics")
    assert all(set(point) <= {"timeStamp", "total"} for point in found["timeseries"][0]["data"])


@case("metrics.of-deployment", "A deployment has metrics of its own", MONITORING)
def test_of_a_deployment(watched: Watched) -> None:
    """Requests and latencies."""
    (found,) = watched.metric("RequestsPerMinute", at="green").json()["value"]
    assert sum(point.get("total", 0) for series in found["timeseries"] for point in series["data"]) == 2


@table(
    row("metrics.unknown", "A metric that there is not is refused", REST, name="Unheard", split=""),
    row(
        "metrics.dimension",
        "A dimension that there is not is refused",
        REST,
        name="RequestsPerMinute",
        split="colour eq '*'",
    ),
)
def test_refused(watched: Watched, given: Given) -> None:
    """400 BadRequest."""
    answer = watched.metric(given.name, given.split)
    assert answer.status_code == 400


@case(
    "metrics.traffic-log",
    "The traffic log has a line for each request: deployment, status, model's status, duration",
    MONITORING,
    unverified("when a line arrives"),
    needs="doors",
)
def test_traffic_log(watched: Watched) -> None:
    """Asked in Kusto, as the log gates ask."""
    target = watched.house.target
    question = (
        f"AmlOnlineEndpointTrafficLog | where EndpointName == '{watched.house.name}' "
        "| summarize n = count() by DeploymentName, ResponseCode | order by DeploymentName asc, ResponseCode asc"
    )
    url = f"{target.management}/v1/workspaces/{target.variables['ROLLOUT_EMULATOR_LOG_WORKSPACE_ID']}/query"
    token = target.token("https://api.loganalytics.io/.default")
    answer = requests.post(
        url, json={"query": question}, headers={"Authorization": f"Bearer {token}"}, verify=target.verify, timeout=30
    )
    assert answer.status_code == 200, answer.text
    (told,) = answer.json()["tables"]
    assert [list(map(str, line)) for line in told["rows"]] == [
        ["blue", "200", "3"],
        ["blue", "424", "1"],
        ["green", "200", "2"],
    ]


@case(
    "metrics.alerts",
    "An alert rule's alerts are listed with when they began, whether they go on, and the rule's id",
    ALERTS,
    unverified("that a rule looks at whole multiples of its frequency, and when its alert arrives"),
    needs="doors",
)
def test_alerts(watched: Watched) -> None:
    """A request in a minute: fired, and over after three quiet looks."""
    target, house = watched.house.target, watched.house
    rule = f"{target.scope.partition('/providers/')[0]}/providers/Microsoft.Insights/metricAlerts/{house.name}"
    answer = target.ask("PUT", rule, _rule(f"{target.scope}/{house.path}"), api="2018-03-01")
    assert answer.status_code in (200, 201), answer.text
    key = target.ask("POST", f"{house.path}/listKeys").json()["primaryKey"]
    target.score(house.show()["properties"]["scoringUri"], key, {})
    found: list[dict[str, Any]] = []

    def over() -> bool:
        path = f"/subscriptions/{target.subscription}/providers/Microsoft.AlertsManagement/alerts"
        query = {"alertRule": rule, "timeRange": "30d", "pageCount": "250"}
        listed = target.ask("GET", path, api="2019-03-01", query=query)
        assert listed.status_code == 200, listed.text
        found[:] = [one["properties"]["essentials"] for one in listed.json()["value"]]
        return any(one["monitorCondition"] == "Resolved" for one in found)

    _until(over)
    assert all(one["alertRule"].lower() == rule.lower() and one["startDateTime"] for one in found)
    assert all(one["targetResource"].lower() == f"{target.scope}/{house.path}".lower() for one in found)
    assert target.ask("DELETE", rule, api="2018-03-01").status_code in (200, 204)


def _rule(scope: str) -> dict[str, Any]:
    criterion = {
        "criterionType": "StaticThresholdCriterion",
        "name": "busy",
        "metricName": "RequestsPerMinute",
        "operator": "GreaterThan",
        "threshold": 0,
        "timeAggregation": "Total",
    }
    criteria = {"odata.type": "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria", "allOf": [criterion]}
    timing = {"evaluationFrequency": "PT1M", "windowSize": "PT1M"}
    return {"location": "global", "properties": {"severity": 3, "scopes": [scope], **timing, "criteria": criteria}}


@case("metrics.activity", "The activity log tells who wrote what, and how it ended", ACTIVITY)
def test_activity_log(watched: Watched) -> None:
    """A write of the endpoint, by its id."""
    target, house = watched.house.target, watched.house
    start = _span(target).partition("/")[0]
    found: list[dict[str, Any]] = []

    def there() -> bool:
        wanted = f"eventTimestamp ge '{start}' and resourceUri eq '{target.scope}/{house.path}'"
        answer = target.ask(
            "GET",
            f"/subscriptions/{target.subscription}/providers/Microsoft.Insights/eventtypes/management/values",
            api="2015-04-01",
            query={"$filter": wanted},
        )
        assert answer.status_code == 200, answer.text
        found[:] = answer.json()["value"]
        return bool(found)

    _until(there)
    names = {event["operationName"]["value"].lower() for event in found}
    assert "microsoft.machinelearningservices/workspaces/onlineendpoints/write" in names
    assert all(event["caller"] and event["eventTimestamp"] for event in found)
