"""The way to the collector: OTLP over HTTP, which may fail or hang without anybody having to wait for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, TypeVar

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Meter, NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import NoOpTracerProvider, Tracer

from rollout.telemetry.signals import Signals

NAME: Final = "rollout"
SECONDS: Final = 3.0
"""How long a command waits at its end for what is still to be sent."""
Taken = TypeVar("Taken", SpanExportResult, MetricExportResult)


class Warned:
    """Says once, from whatever thread, that something was lost. Never where to: an address may hold a password."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._first = threading.Lock()

    def __call__(self, why: str) -> None:
        """It was lost for that reason."""
        if self._first.acquire(blocking=False):
            self._warn(f"telemetry was not delivered: {why}")

    def delivered(self, send: Callable[[], Taken], failure: Taken) -> Taken:
        """What `send` says; `failure` where it raises."""
        try:
            result = send()
        except Exception as error:
            self(f"the collector cannot be reached ({type(error).__name__})")
            return failure
        if result is failure:
            self("the collector did not accept it")
        return result


class _Spans(OTLPSpanExporter):
    """The SDK's, which tells us of its failures instead of a log."""

    def __init__(self, warned: Warned) -> None:
        super().__init__()
        self._warned = warned

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See its parent."""
        parent = super().export
        return self._warned.delivered(lambda: parent(spans), SpanExportResult.FAILURE)


class _Metrics(OTLPMetricExporter):
    """The same for metrics."""

    def __init__(self, warned: Warned) -> None:
        super().__init__()
        self._warned = warned

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """See its parent."""
        parent = super().export
        return self._warned.delivered(
            lambda: parent(metrics_data, timeout_millis, **kwargs), MetricExportResult.FAILURE
        )


class Delivery:
    """A tracer and a meter whose findings leave in the background. `close` it at the end of the command."""

    def __init__(self, wanted: Signals, warn: Callable[[str], None]) -> None:
        quiet = logging.getLogger("opentelemetry")
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False
        self._warned = Warned(warn)
        self._ends: list[Callable[[], None]] = []
        resource = _resource()
        self.tracer = self._tracer(resource) if wanted.traces else NoOpTracerProvider().get_tracer(NAME)
        self.meter = self._meter(resource) if wanted.metrics else NoOpMeterProvider().get_meter(NAME)

    def _tracer(self, resource: Resource) -> Tracer:
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(_Spans(self._warned)))
        self._ends.append(provider.shutdown)
        return provider.get_tracer(NAME)

    def _meter(self, resource: Resource) -> Meter:
        reader = PeriodicExportingMetricReader(_Metrics(self._warned))
        provider = MeterProvider((reader,), resource=resource, shutdown_on_exit=False)
        self._ends.append(provider.shutdown)
        return provider.get_meter(NAME)

    def close(self, seconds: float = SECONDS) -> None:
        """Send what is left, and wait so long for it at most. Threads that hang are left behind."""
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=end, daemon=True) for end in self._ends]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0.0))
        if any(thread.is_alive() for thread in threads):
            self._warned(f"the collector did not answer within {seconds:g} s")


def _resource() -> Resource:
    """Who tells this: rollout, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise."""
    try:
        mine = version("azureml-rollout")
    except PackageNotFoundError:
        mine = "0"
    told = OTELResourceDetector().detect().attributes
    return Resource.create({"service.name": NAME, "service.version": mine, **told})
