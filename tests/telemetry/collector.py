"""A collector of OTLP over HTTP on loopback, which decodes what it gets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def plain(attributes: Any) -> dict[str, Any]:
    """Attributes as a mapping."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


class Collector:
    """What came, in order. `status` is what it answers; while `released` is not set, it does not answer at all."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.status = 200
        self.released = threading.Event()
        self.released.set()
        self.bodies: list[tuple[str, bytes]] = []

    @property
    def spans(self) -> list[Any]:
        """All spans, in the order in which they began."""
        sent = [ExportTraceServiceRequest.FromString(body) for path, body in self.bodies if path == "/v1/traces"]
        scopes = [scope for one in sent for group in one.resource_spans for scope in group.scope_spans]
        return sorted((span for scope in scopes for span in scope.spans), key=lambda span: span.start_time_unix_nano)

    @property
    def metrics(self) -> dict[str, Any]:
        """All metrics, by name."""
        sent = [ExportMetricsServiceRequest.FromString(body) for path, body in self.bodies if path == "/v1/metrics"]
        groups = [group for one in sent for group in one.resource_metrics]
        return {metric.name: metric for group in groups for scope in group.scope_metrics for metric in scope.metrics}

    @property
    def resource(self) -> dict[str, Any]:
        """Who the first spans came from."""
        first = next(body for path, body in self.bodies if path == "/v1/traces")
        return plain(ExportTraceServiceRequest.FromString(first).resource_spans[0].resource.attributes)

    def tree(self) -> list[str]:
        """The spans' names, each indented below its parent, in the order in which they began."""
        by_id = {span.span_id: span for span in self.spans}

        def depth(span: Any) -> int:
            return 1 + depth(by_id[span.parent_span_id]) if span.parent_span_id in by_id else 0

        return ["  " * depth(span) + span.name for span in self.spans]


@contextmanager
def collecting() -> Iterator[Collector]:
    """One that is there while this lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.released.wait(30)
            collector.bodies.append((self.path, body))
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield collector
    finally:
        collector.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
