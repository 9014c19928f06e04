"""`ports.MetricSource` by Azure's own query libraries: minutes from Azure Monitor, single requests from Log Analytics.

Imported when a plan's check is measured first, as the libraries are: nobody else pays for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from rollout.azure.credentials import AsyncCredential
from rollout.azure.errors import from_exception
from rollout.core.evidence.counts import Row
from rollout.core.evidence.grid import MINUTE, floor
from rollout.core.gate_bodies import ErrorRate, Latency, Question
from rollout.core.observed import Endpoint
from rollout.errors import AzureError
from rollout.ports import Counted, CountQuery, MetricSource

NAMESPACE: Final = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
METRIC: Final = "RequestsPerMinute"
FILTER: Final = "deployment eq '*' and statusCode eq '*'"
"""By status, not by its class: a model that fails is a 424, which is in one class with what a caller did wrong."""
_MOST_SERIES: Final = 1000
_RETRIES: Final = {"retry_total": 3, "retry_backoff_factor": 0.3, "retry_backoff_max": 20}
OURS: Final = "rollout-"
"""What our own requests are called in `x-ms-client-request-id`; they are no evidence."""
_METRICS: Final[Mapping[str, str]] = {
    "management.usgovcloudapi.net": "metrics.monitor.azure.us",
    "management.chinacloudapi.cn": "metrics.monitor.azure.cn",
}
_LOGS: Final[Mapping[str, str]] = {
    "management.usgovcloudapi.net": "https://api.loganalytics.us",
    "management.chinacloudapi.cn": "https://api.loganalytics.azure.cn",
}


class AzureMonitor(msgspec.Struct, frozen=True):
    """The way to both, with the session's trusted authorities. `arm_url` tells the cloud; of a server on this machine
    (an emulator) it is the address of everything."""

    arm_url: str
    credential: AsyncCredential
    session: aiohttp.ClientSession

    def metrics(self) -> MetricSource:
        """Azure Monitor's metrics of the endpoint."""
        return _Metrics(self)

    def logs(self, workspace: str) -> MetricSource:
        """The table AmlOnlineEndpointTrafficLog of a Log Analytics workspace."""
        return _Logs(self, workspace)

    @property
    def host(self) -> str:
        """The host of Resource Manager."""
        return urlsplit(self.arm_url).hostname or ""

    @property
    def local(self) -> bool:
        """Whether everything is on this machine."""
        return self.host in ("127.0.0.1", "localhost", "::1")

    def options(self) -> dict[str, Any]:
        """What both libraries' clients get: our connections, and no redirects that would carry the token elsewhere."""
        from azure.core.pipeline.transport import AioHttpTransport

        transport = AioHttpTransport(session=self.session, session_owner=False)
        return {"credential": self.credential, "transport": transport, "permit_redirects": False, **_RETRIES}

    async def series(
        self,
        endpoint: Endpoint,
        metrics: Sequence[str],
        only: str,
        span: tuple[datetime, datetime],
        grain: timedelta = MINUTE,
    ) -> list[tuple[str, Any]]:
        """The series of these metrics of an endpoint, each with its metric's name."""
        from azure.monitor.querymetrics.aio import MetricsClient

        async with MetricsClient(self._address(endpoint), **self.options()) as client:
            results = await client.query_resources(
                resource_ids=[endpoint.id],
                metric_namespace=NAMESPACE,
                metric_names=list(metrics),
                timespan=span,
                granularity=grain,
                aggregations=["Total", "Average"],
                filter=only,
                max_results=_MOST_SERIES,
            )
        found = [(metric.name, one) for result in results for metric in result.metrics for one in metric.timeseries]
        if len(found) >= _MOST_SERIES:
            raise AzureError("there are more series than can be read", code="TooManySeries")
        return found

    def _address(self, endpoint: Endpoint) -> str:
        if self.local:
            return self.arm_url
        region = endpoint.location.replace(" ", "").lower()
        if not region:
            raise AzureError("the endpoint's region is not known", code="NoRegion")
        return f"https://{region}.{_METRICS.get(self.host, 'metrics.monitor.azure.com')}"


class _Metrics(msgspec.Struct, frozen=True):
    monitor: AzureMonitor

    async def count(self, query: CountQuery) -> Counted:
        """See `ports.MetricSource`. Only error rates: there are quantiles of latencies here, no single requests."""
        if not isinstance(query.question, ErrorRate):
            raise AzureError("Azure Monitor counts requests by status only", code="NoSuchMetric")
        what = f"read the metrics of {query.endpoint.name}"
        try:
            series = await self.monitor.series(query.endpoint, (METRIC,), FILTER, (query.start, query.end))
        except Exception as error:
            raise from_exception(error, what) from error
        said = f"{METRIC} (Total, PT1M) of {query.endpoint.id}, {_interval(query)}, filter: {FILTER}"
        return Counted(tuple(_rows(series, query)), said)


def _rows(series: Iterable[tuple[str, Any]], query: CountQuery) -> Iterator[Row]:
    assert isinstance(query.question, ErrorRate)
    for (minute, deployment), (requests, failed) in sorted(added_up(series, query.question.statuses).items()):
        if deployment in query.deployments:
            yield Row(minute, deployment, requests, failed)


def added_up(
    series: Iterable[tuple[str, Any]], bad_statuses: Iterable[str]
) -> dict[tuple[datetime, str], tuple[float, float]]:
    """The series by deployment and status, added up by minute and deployment: requests, and bad ones."""
    sums: dict[tuple[datetime, str], tuple[float, float]] = {}
    bad_ones = tuple(bad_statuses)
    for _, one in series:
        names = dimensions(one)
        deployment, bad = names.get("deployment", "").lower(), is_bad(names.get("statuscode", ""), bad_ones)
        for point in one.data:
            requests, failed = sums.get((floor(point.timestamp), deployment), (0.0, 0.0))
            count = point.total or 0.0
            sums[floor(point.timestamp), deployment] = (requests + count, failed + count * bad)
    return sums


def dimensions(one: Any) -> dict[str, str]:
    """A series' dimensions, by their names in lower case."""
    return {name.lower(): str(value) for name, value in one.metadata_values.items()}


def is_bad(status: str, statuses: Iterable[str]) -> bool:
    """Whether a status is among these statuses and classes."""
    return any(status == one or (one.endswith("xx") and len(status) == 3 and status[0] == one[0]) for one in statuses)


class _Logs(msgspec.Struct, frozen=True):
    monitor: AzureMonitor
    workspace: str

    async def count(self, query: CountQuery) -> Counted:
        """See `ports.MetricSource`. A partial answer is no answer."""
        text = kusto(query)
        what = f"query the traffic log of {query.endpoint.name}"
        try:
            found = await self._table(text, query)
        except Exception as error:
            raise from_exception(error, what) from error
        rows = tuple(Row(floor(at), str(name).lower(), float(count), float(bad)) for name, at, count, bad in found)
        return Counted(rows, f"{text} ({_interval(query)})")

    async def _table(self, text: str, query: CountQuery) -> list[Any]:
        from azure.monitor.query import LogsQueryStatus
        from azure.monitor.query.aio import LogsQueryClient

        url = (
            self.monitor.arm_url if self.monitor.local else _LOGS.get(self.monitor.host, "https://api.loganalytics.io")
        )
        options = self.monitor.options()
        if self.monitor.local:
            options["audience"] = "https://api.loganalytics.io"
        async with LogsQueryClient(endpoint=url, **options) as client:
            answer = await client.query_workspace(self.workspace, text, timespan=(query.start, query.end))
        if answer.status is not LogsQueryStatus.SUCCESS:
            raise AzureError("Log Analytics answered in part only", code="PartialResult")
        if not answer.tables:  # the service answers with a table, empty or not: this is somebody else
            raise AzureError("Log Analytics answered without a table", code="UnreadableAnswer")
        return [tuple(row) for table in answer.tables for row in table.rows]


def kusto(query: CountQuery) -> str:
    """The query in Kusto's language; its span of time is given beside it. Our own requests are told by their id and
    left out."""
    names = ", ".join(_quoted(name) for name in query.deployments)
    return (
        "AmlOnlineEndpointTrafficLog"
        f" | where EndpointName =~ {_quoted(query.endpoint.name)}"
        f" | where tolower(DeploymentName) in ({names})"
        f" | where not(XMSClientRequestId startswith '{OURS}')"
        f" | summarize requests = count(), bad = countif({_condition(query.question)})"
        " by DeploymentName, minute = bin(TimeGenerated, 1m)"
        " | project DeploymentName, minute, requests, bad"
    )


def _condition(question: Question) -> str:
    match question:
        case ErrorRate(statuses=statuses):
            return " or ".join(
                f"(ResponseCode >= {one[0]}00 and ResponseCode <= {one[0]}99)"
                if one.endswith("xx")
                else f"ResponseCode == {int(one)}"
                for one in statuses
            )
        case Latency(over=seconds):
            return f"TotalDurationMs > {seconds * 1000:.0f}"
        case _:
            raise AzureError("the traffic log has no such metric", code="NoSuchMetric")


def _quoted(text: str) -> str:
    return "'" + text.lower().replace("\\", "\\\\").replace("'", "\\'") + "'"


def _interval(query: CountQuery) -> str:
    return f"{query.start:%Y-%m-%dT%H:%MZ}/{query.end:%Y-%m-%dT%H:%MZ}"
