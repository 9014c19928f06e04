"""The sources of counts that a plan can name, wired to what is there."""

from __future__ import annotations

from typing import assert_never

import msgspec

from rollout.azure.alerts import AlertReader
from rollout.azure.metrics import AzureMonitor
from rollout.core.gate_bodies import Source
from rollout.gates.source_web import HttpJson, Prometheus
from rollout.ports import MetricSource


class Sources(msgspec.Struct, frozen=True):
    """Implements `ports.MetricSources`."""

    monitor: AzureMonitor
    alerts: AlertReader

    def of(self, source: Source) -> MetricSource:
        """See `ports.MetricSources`."""
        match source.kind:
            case "azure_monitor":
                return self.monitor.metrics()
            case "log_analytics":
                return self.monitor.logs(source.address)
            case "prometheus":
                return Prometheus(source.address)
            case "http":
                return HttpJson(source.address)
            case _:
                assert_never(source.kind)
