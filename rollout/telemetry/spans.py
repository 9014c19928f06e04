"""Spans inside of each other, one way down: the current one is the parent of the next."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Token
from typing import Final

from opentelemetry import context
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

MOST: Final = 300
"""Characters of an error's text."""
Said = str | int


def parent(environment: Mapping[str, str]) -> Context:
    """The span that started this process, by the variables TRACEPARENT and TRACESTATE of W3C's Trace Context."""
    names = ("traceparent", "tracestate")
    carrier = {name: environment[name.upper()] for name in names if environment.get(name.upper())}
    return TraceContextTextMapPropagator().extract(carrier, Context())


class Spans:
    """Those that are open. The innermost is the current one of this task, so that libraries find it."""

    def __init__(self, tracer: Tracer, outside: Context) -> None:
        self._tracer = tracer
        self._around = outside
        self._open: list[tuple[Span, Token[Context]]] = []

    @property
    def depth(self) -> int:
        """How many are open."""
        return len(self._open)

    def begin(self, name: str, said: Mapping[str, Said] | None = None) -> None:
        """Open one inside of the innermost."""
        around = set_span_in_context(self._open[-1][0], self._around) if self._open else self._around
        span = self._tracer.start_span(name, around, attributes=dict(said or {}))
        self._open.append((span, context.attach(set_span_in_context(span, around))))

    def say(self, said: Mapping[str, Said]) -> None:
        """Attributes of the innermost."""
        self._open[-1][0].set_attributes(dict(said))

    def end(self, said: Mapping[str, Said] | None = None, error: str = "") -> None:
        """Close the innermost; with `error` (its first line is told) as one that failed."""
        span, token = self._open.pop()
        span.set_attributes(dict(said or {}))
        if error:
            span.set_status(Status(StatusCode.ERROR, error.splitlines()[0][:MOST]))
        context.detach(token)
        span.end()

    def end_down_to(self, depth: int, error: str) -> None:
        """Close those that nobody will close any more."""
        while self.depth > depth:
            self.end(error=error)
