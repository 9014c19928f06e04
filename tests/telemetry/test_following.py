"""What the runner tells, as spans in memory: what fails, and what is never finished."""

from __future__ import annotations

import contextlib

import pytest
from opentelemetry.context import Context
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import get_current_span

from rollout.core.actions import DeleteDeployment
from rollout.errors import AzureError
from rollout.runner import Event, Finished, Looking, Started, Troubled
from rollout.telemetry.following import About, Following, Instruments

DELETE = DeleteDeployment(deployment="blue", reason="it is old")


@pytest.fixture
def memory() -> InMemorySpanExporter:
    """Where the spans go."""
    return InMemorySpanExporter()


def following(memory: InMemorySpanExporter, heard: list[Event]) -> Following:
    """One pass over `shop`."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    numbers = Instruments(NoOpMeterProvider().get_meter("test"))
    return Following(provider.get_tracer("test"), Context(), numbers, About("shop", "shop", "abc"), heard.append)


def told(spans: tuple[ReadableSpan, ...]) -> list[tuple[str, str, str]]:
    """Name, status and its description of each, in the order in which they ended."""
    return [(span.name, span.status.status_code.name, span.status.description or "") for span in spans]


def test_an_action_that_fails_is_a_failed_span_in_a_failed_pass(memory: InMemorySpanExporter) -> None:
    """Of an error with the service's log, the first line is told; everybody else heard of it, too."""
    heard: list[Event] = []
    events: list[Event] = [Started(DELETE), Finished(DELETE, "no quota\nlog line")]
    with contextlib.suppress(AzureError), following(memory, heard) as one:
        for event in events:
            one(event)
        raise AzureError("no quota", code="Quota")

    spans = memory.get_finished_spans()
    assert heard == events
    assert told(spans) == [("rollout.act", "ERROR", "no quota"), ("rollout.pass", "ERROR", "no quota")]
    assert dict(spans[0].attributes or {}) == {
        "rollout.action": "delete",
        "rollout.target": "shop/blue",
        "rollout.outcome": "failed",
    }
    assert dict(spans[1].attributes or {}) == {
        "rollout.plan": "shop",
        "rollout.endpoint": "shop",
        "rollout.commit": "abc",
        "rollout.status": "error",
        "rollout.writes": 0,
    }


def test_what_trouble_interrupts_is_closed(memory: InMemorySpanExporter) -> None:
    """A look and an action that nobody tells the end of; the next look begins below the pass again."""
    with following(memory, []) as one:
        for event in (Looking(), Troubled("too many requests", 1.0), Looking(), Started(DELETE), Looking()):
            one(event)

    assert told(memory.get_finished_spans()) == [
        ("rollout.look", "ERROR", "too many requests"),
        ("rollout.act", "ERROR", "not finished"),
        ("rollout.look", "ERROR", "not finished"),
        ("rollout.look", "ERROR", "not finished"),
        ("rollout.pass", "UNSET", ""),
    ]


def test_the_innermost_span_is_the_current_one(memory: InMemorySpanExporter) -> None:
    """So that a library's spans would be its children; afterwards everything is as before."""
    with following(memory, []) as one:
        whole = get_current_span().get_span_context()
        one(Started(DELETE))
        inner = get_current_span().get_span_context()
        one(Finished(DELETE))
        assert get_current_span().get_span_context() == whole

    assert inner != whole
    assert not get_current_span().get_span_context().is_valid
