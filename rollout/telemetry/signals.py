"""What the standard variables ask for. Pure, and imports nothing of OpenTelemetry's.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Signals(msgspec.Struct, frozen=True):
    """Which signals have a place to go to."""

    traces: bool
    metrics: bool

    def __bool__(self) -> bool:
        return self.traces or self.metrics


def signals(environment: Mapping[str, str]) -> Signals:
    """Those that have an endpoint by a variable of their own or by that of all, and that nothing switches off."""
    off = _said(environment, "OTEL_SDK_DISABLED").lower() == "true"
    return Signals(*(not off and _has_endpoint(environment, name) for name in ("TRACES", "METRICS")))


def _has_endpoint(environment: Mapping[str, str], name: str) -> bool:
    if _said(environment, f"OTEL_{name}_EXPORTER").lower() == "none":
        return False
    places = (f"OTEL_EXPORTER_OTLP_{name}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    return any(_said(environment, place) for place in places)


def _said(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name, "").strip()
