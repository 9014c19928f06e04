"""`ports.Telemetry` by Azure Monitor's metrics: requests, errors and latencies of every deployment, to be looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from rollout.azure.errors import from_exception
from rollout.azure.metrics import FILTER, METRIC, AzureMonitor, added_up, dimensions
from rollout.core.evidence.grid import floor
from rollout.core.gate_bodies import ErrorRate
from rollout.core.observed import Endpoint
from rollout.ports import Reading

_HALF: Final = "RequestLatency_P50"
_MOST: Final = "RequestLatency_P95"
_BY_DEPLOYMENT: Final = "deployment eq '*'"


class AzureTelemetry(msgspec.Struct, frozen=True):
    """Two queries a look. What is bad is what a check on the error rate calls so by default."""

    monitor: AzureMonitor

    async def readings(self, endpoint: Endpoint, start: datetime, end: datetime, grain: float) -> Sequence[Reading]:
        """See `ports.Telemetry`."""
        span, each = (floor(start), floor(end)), timedelta(seconds=grain)
        try:
            counts = await self.monitor.series(endpoint, (METRIC,), FILTER, span, each)
            latencies = await self.monitor.series(endpoint, (_HALF, _MOST), _BY_DEPLOYMENT, span, each)
        except Exception as error:
            raise from_exception(error, f"read the metrics of {endpoint.name}") from error
        return tuple(_readings(counts, latencies))


def _readings(counts: Iterable[tuple[str, Any]], latencies: Iterable[tuple[str, Any]]) -> Iterable[Reading]:
    seconds = {
        (metric, floor(point.timestamp), dimensions(one).get("deployment", "").lower()): point.average / 1000
        for metric, one in latencies
        for point in one.data
        if point.average is not None
    }
    for (at, name), (requests, bad) in sorted(added_up(counts, ErrorRate().statuses).items()):
        half, most = seconds.get((_HALF, at, name)), seconds.get((_MOST, at, name))
        yield Reading(at=at, deployment=name, requests=requests, bad=bad, p50=half, p95=most)
