"""Metrics queries without HTTP: filters, grains, aggregations, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollout.emulator.answers import Rejected
from rollout.emulator.metrics import Metrics
from rollout.emulator.monitor import metric_answer, metric_query
from rollout.emulator.monitor.catalogue import DEPLOYMENTS, ENDPOINTS
from rollout.emulator.monitor.metric_samples import samples
from rollout.emulator.monitor.moments import BadMoment, duration, moment, span

NOW = datetime(2026, 1, 1, 13, tzinfo=UTC)
RESOURCE = "/subscriptions/s/…/onlineEndpoints/house"


@pytest.fixture
def metrics() -> Metrics:
    """Ten minutes: blue 9 × 200 a minute; green 3 × 200 and 1 × 424 in every second one."""
    known = Metrics(lambda: NOW)
    for number in range(10):
        at = NOW - timedelta(minutes=10 - number)
        for _ in range(9):
            known.record("house", "blue", 200, 0.010, model_status="200", at=at)
        if number % 2:
            for seconds in (0.1, 0.2, 0.3):
                known.record("house", "green", 200, seconds, model_status="200", at=at)
            known.record("house", "green", 424, 0.4, model_status="500", at=at)
    return known


def ask(metrics: Metrics, deployment: str | None = None, **parameters: str) -> list[Any]:
    """The series of the first metric: their dimensions, and their values without the empty minutes."""
    namespace = ENDPOINTS if deployment is None else DEPLOYMENTS
    query = metric_query.parse({"timespan": "PT10M", **parameters}, namespace, NOW)
    (which, *_) = query.metrics
    found = list(samples(which, metrics.rows("house"), metrics.samples("house"), deployment))
    return list(_series(metric_answer.metric(RESOURCE, query, which, found)["timeseries"]))


def _series(series: list[Any]) -> Iterator[tuple[dict[str, str], list[Any]]]:
    for one in series:
        names = {each["name"]["value"]: each["value"] for each in one["metadatavalues"]}
        points = [{key: value for key, value in point.items() if key != "timeStamp"} for point in one["data"]]
        yield names, [point for point in points if point]


def test_split_by_deployment_and_class(metrics: Metrics) -> None:
    """One series for each combination that was seen; minutes without requests have no value."""
    found = ask(metrics, filter="deployment eq '*' and statusCodeClass eq '*'", aggregation="Total")
    assert found == [
        ({"deployment": "blue", "statuscodeclass": "2xx"}, [{"total": 9.0}] * 10),
        ({"deployment": "green", "statuscodeclass": "2xx"}, [{"total": 3.0}] * 5),
        ({"deployment": "green", "statuscodeclass": "4xx"}, [{"total": 1.0}] * 5),
    ]


def test_every_minute_has_its_place(metrics: Metrics) -> None:
    """Also those in which nothing was measured: a time stamp without a value."""
    query = metric_query.parse({"timespan": "PT3M", "filter": "deployment eq 'green'"}, ENDPOINTS, NOW)
    found = list(samples(query.metrics[0], metrics.rows("house"), (), None))
    (one,) = metric_answer.metric(RESOURCE, query, query.metrics[0], found)["timeseries"]
    assert one["data"] == [
        {"timeStamp": "2026-01-01T12:57:00Z", "average": 2.0},
        {"timeStamp": "2026-01-01T12:58:00Z"},
        {"timeStamp": "2026-01-01T12:59:00Z", "average": 2.0},
    ]


def test_grains_and_aggregations(metrics: Metrics) -> None:
    """Five minutes of green: two or three samples of 3; all five aggregations of them."""
    found = ask(
        metrics,
        filter="deployment eq 'green' and statusCode eq '200'",
        interval="PT5M",
        aggregation="Average,Minimum,Maximum,Total,Count",
    )
    values = {"average": 3.0, "minimum": 3.0, "maximum": 3.0}
    assert found == [
        (
            {"deployment": "green", "statuscode": "200"},
            [{**values, "total": 6.0, "count": 2.0}, {**values, "total": 9.0, "count": 3.0}],
        )
    ]


QUANTILES = {
    "RequestLatency": 250.0,
    "RequestLatency_P50": 200.0,
    "RequestLatency_P90": 400.0,
    "RequestLatency_P95": 400.0,
    "RequestLatency_P99": 400.0,
}


@pytest.mark.parametrize("name", QUANTILES)
def test_latencies(metrics: Metrics, name: str) -> None:
    """Milliseconds of the minute: their mean, or a quantile of them; the same of the deployment itself."""
    ((_, found),) = ask(metrics, metricnames=name, filter="deployment eq 'green'")
    assert [round(point["average"], 6) for point in found] == [QUANTILES[name]] * 5
    if name != "RequestLatency":
        assert ask(metrics, "green", metricnames=name) == [({}, found)]


def test_of_a_deployment(metrics: Metrics) -> None:
    """Its own dimension is the response code."""
    found = ask(metrics, "green", filter="envoy_response_code eq '*'", aggregation="Total")
    assert [names for names, _ in found] == [{"envoy_response_code": "200"}, {"envoy_response_code": "424"}]


def test_without_split(metrics: Metrics) -> None:
    """One series; the total is that of all, the average that of the samples."""
    assert ask(metrics, aggregation="Total,Average")[0][1][:2] == [
        {"total": 9.0, "average": 9.0},
        {"total": 13.0, "average": pytest.approx(13 / 3)},
    ]
    assert ask(Metrics(lambda: NOW)) == [({}, [])]
    assert ask(Metrics(lambda: NOW), filter="deployment eq '*'") == []


def test_the_top_series(metrics: Metrics) -> None:
    """`top` series, by an aggregation, falling or rising."""
    split = {"filter": "deployment eq '*'", "top": "1", "aggregation": "Total"}
    assert [names["deployment"] for names, _ in ask(metrics, **split, orderby="Total desc")] == ["blue"]
    assert [names["deployment"] for names, _ in ask(metrics, **split, orderby="sum asc")] == ["green"]


FILTERS = {
    "deployment eq 'green'": {"green"},
    "Deployment EQ 'GREEN'": {"green"},
    "deployment ne 'green'": {"blue"},
    "deployment sw 'gr'": {"green"},
    "deployment eq 'green' or deployment eq 'blue'": {"blue", "green"},
    "(deployment eq 'green' or deployment eq 'blue') and statusCode eq '424'": {"green"},
}


@pytest.mark.parametrize("text", FILTERS)
def test_filters(metrics: Metrics, text: str) -> None:
    """`eq`, `ne`, `sw`, `and`, `or` within a dimension."""
    assert {names["deployment"] for names, _ in ask(metrics, filter=text)} == FILTERS[text]


NO_METRIC = (
    "Failed to find metric configuration for provider: Microsoft.MachineLearningServices, resource Type: "
    "workspaces/onlineEndpoints, metric: Nope, Valid metrics: RequestsPerMinute,RequestLatency,RequestLatency_P50,"
    "RequestLatency_P90,RequestLatency_P95,RequestLatency_P99"
)
REFUSED = {
    "metric": ({"metricnames": "Nope"}, NO_METRIC),
    "dimension": (
        {"filter": "colour eq '*'"},
        "Metric does not support requested dimension combination: colour, supported ones are: "
        "deployment,statusCode,statusCodeClass,modelStatusCode",
    ),
    "dimension of another metric": (
        {"metricnames": "RequestLatency", "filter": "statusCode eq '*'"},
        "Metric does not support requested dimension combination: statusCode, supported ones are: deployment",
    ),
    "filter": ({"filter": "deployment is '*'"}, "Invalid filter expression: deployment is '*'"),
    "unfinished": ({"filter": "deployment eq '*' and"}, "Invalid filter expression: deployment eq '*' and"),
    "sign": ({"filter": "deployment = '*'"}, "Invalid filter expression: deployment = '*'"),
    "or between dimensions": (
        {"filter": "deployment eq 'a' or statusCode eq '200'"},
        "Invalid filter expression: deployment eq 'a' or statusCode eq '200'",
    ),
    "grain": (
        {"interval": "PT7M"},
        "Detected invalid time grain input: PT7M, supported ones are: "
        "PT1M,PT5M,PT15M,PT30M,PT60M,PT360M,PT720M,PT1440M",
    ),
    "aggregation": (
        {"aggregation": "Median"},
        "Invalid aggregation type: median, supported ones are: Average,Minimum,Maximum,Total,Count",
    ),
    "top": ({"top": "many"}, "Invalid value for 'top': many"),
    "timespan": ({"timespan": "yesterday"}, "Invalid time span: yesterday"),
    "backwards": (
        {"timespan": "2026-01-01T13:00:00Z/2026-01-01T12:00:00Z"},
        "Start time 2026-01-01T13:00:00+00:00 has to be before the end time 2026-01-01T12:00:00+00:00",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case: str) -> None:
    """400 `BadRequest`, with the reason."""
    parameters, words = REFUSED[case]
    with pytest.raises(Rejected) as caught:
        metric_query.parse(parameters, ENDPOINTS, NOW)
    assert (caught.value.status, caught.value.error) == (400, {"code": "BadRequest", "message": words})


SPANS = {
    "PT1H": (NOW - timedelta(hours=1), NOW),
    "2026-01-01T12:00:00Z/2026-01-01T12:30:00.1234567Z": (
        NOW - timedelta(hours=1),
        NOW - timedelta(minutes=30) + timedelta(microseconds=123456),
    ),
    "2026-01-01T12:00:00/PT10M": (NOW - timedelta(hours=1), NOW - timedelta(minutes=50)),
    "P1DT1H/2026-01-01T13:00:00 01:00": (NOW - timedelta(hours=26), NOW - timedelta(hours=1)),
}


@pytest.mark.parametrize("text", SPANS)
def test_spans(text: str) -> None:
    """Start and end, start and duration, duration and end, a duration until now."""
    assert span(text, NOW) == SPANS[text]


@pytest.mark.parametrize("text", ["", "P", "PT", "1h", "PT1X"])
def test_no_durations(text: str) -> None:
    """Neither is a moment."""
    with pytest.raises(BadMoment):
        duration(text)
    with pytest.raises(BadMoment):
        moment(text)
