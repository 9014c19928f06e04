"""Which source answers for which word of a plan; and what a stage with checks is called."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.azure.credentials import AsyncCredential
from rollout.azure.metrics import AzureMonitor
from rollout.cli.sources import Sources
from rollout.core.gate_bodies import Bake, Compare, Source
from rollout.core.release import Gate, GateKind
from rollout.gates.source_web import HttpJson, Prometheus
from rollout.render.words import stage_text
from tests.gates.counting import bake

NOTHING: Any = None
MONITOR = AzureMonitor("https://management.azure.com", AsyncCredential(NOTHING), NOTHING)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Source(), MONITOR.metrics()),
        (Source(kind="log_analytics", address="w"), MONITOR.logs("w")),
        (Source(kind="prometheus", address="https://p"), Prometheus("https://p")),
        (Source(kind="http", address="https://h/counts"), HttpJson("https://h/counts")),
    ],
)
def test_each_word_has_its_source(source: Source, expected: object) -> None:
    """With the address that the plan gives it. Nothing is asked yet."""
    assert Sources(MONITOR, NOTHING).of(source) == expected


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (Bake(seconds=1800), "healthy for 30m"),
        (bake(), "healthy for 30m, proven not to be worse by error_rate"),
        (bake(promote_when="unproven"), "healthy for 30m, not shown to be worse by error_rate"),
    ],
)
def test_what_a_bake_asks_for_in_words(body: Bake, text: str) -> None:
    """In change sets and in the status."""
    assert stage_text(Gate(name="watch", kind=GateKind.BAKE, digest="d", seconds=1800, body=body)) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (Compare(requests=()), "the answers of stable"),
        (Compare(requests=(), unit="row", at_most=0.015), "the rows of stable, but for 1.5 %"),
    ],
)
def test_what_a_comparison_asks_for_in_words(body: Compare, text: str) -> None:
    """What may differ is said."""
    assert stage_text(Gate(name="same", kind=GateKind.COMPARE, digest="d", body=body)) == text
