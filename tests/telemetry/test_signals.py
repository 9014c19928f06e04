"""Which variables switch it on, and off."""

from __future__ import annotations

import pytest

from rollout.telemetry.signals import Signals, signals

ALL = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, Signals(False, False)),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, Signals(False, False)),
        (ALL, Signals(True, True)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector"}, Signals(True, False)),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://collector"}, Signals(False, True)),
        ({**ALL, "OTEL_SDK_DISABLED": "True"}, Signals(False, False)),
        ({**ALL, "OTEL_SDK_DISABLED": "false"}, Signals(True, True)),
        ({**ALL, "OTEL_METRICS_EXPORTER": "none"}, Signals(True, False)),
    ],
)
def test_the_standard_variables_decide(environment: dict[str, str], wanted: Signals) -> None:
    """An endpoint switches a signal on; what is disabled stays off."""
    assert signals(environment) == wanted
    assert bool(signals(environment)) == (wanted != Signals(False, False))
