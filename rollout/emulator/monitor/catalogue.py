"""The metrics that are emulated: names, units, dimensions, as Azure Monitor documents them. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

PROVIDER: Final = "Microsoft.MachineLearningServices"
ENDPOINTS: Final = f"{PROVIDER}/workspaces/onlineEndpoints"
DEPLOYMENTS: Final = f"{ENDPOINTS}/deployments"
AGGREGATIONS: Final = ("Average", "Minimum", "Maximum", "Total", "Count")


class Metric(msgspec.Struct, frozen=True):
    """One metric. `quantile` is of the latencies of a minute; None with `MilliSeconds`: their mean."""

    name: str
    unit: str
    dimensions: tuple[str, ...]
    description: str
    quantile: float | None = None


def _latencies(*dimensions: str) -> tuple[Metric, ...]:
    texts = {50: "50th", 90: "90th", 95: "95th", 99: "99th"}
    return tuple(
        Metric(
            f"RequestLatency_P{number}",
            "MilliSeconds",
            dimensions,
            f"The {text} percentile of the latencies of the requests of a minute.",
            number / 100,
        )
        for number, text in texts.items()
    )


_COUNT: Final = "The number of requests within a minute."
_MEAN: Final = "The mean of the latencies of the requests of a minute."
_OF_ENDPOINTS: Final = (
    Metric("RequestsPerMinute", "Count", ("deployment", "statusCode", "statusCodeClass", "modelStatusCode"), _COUNT),
    Metric("RequestLatency", "MilliSeconds", ("deployment",), _MEAN),
    *_latencies("deployment"),
)
_OF_DEPLOYMENTS: Final = (Metric("RequestsPerMinute", "Count", ("envoy_response_code",), _COUNT), *_latencies())

METRICS: Final[Mapping[str, tuple[Metric, ...]]] = MappingProxyType(
    {ENDPOINTS.lower(): _OF_ENDPOINTS, DEPLOYMENTS.lower(): _OF_DEPLOYMENTS}
)
"""By lower-case namespace."""


def definition(resource: str, namespace: str, metric: Metric) -> dict[str, object]:
    """A metric as `metricDefinitions` lists it."""
    return {
        "id": f"{resource}/providers/Microsoft.Insights/metricDefinitions/{metric.name}",
        "resourceId": resource,
        "namespace": namespace,
        "name": {"value": metric.name, "localizedValue": metric.name},
        "displayDescription": metric.description,
        "unit": metric.unit,
        "primaryAggregationType": "Average",
        "supportedAggregationTypes": list(AGGREGATIONS),
        "isDimensionRequired": False,
        "dimensions": [{"value": name, "localizedValue": name} for name in metric.dimensions],
        "metricAvailabilities": [{"timeGrain": "PT1M", "retention": "P93D"}],
    }
