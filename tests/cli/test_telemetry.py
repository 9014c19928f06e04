"""Traces and metrics of the commands on a real emulator, as a collector on loopback gets them."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command, write_plan
from tests.cli.test_imports import ONE, ran
from tests.telemetry.collector import Collector, collecting, plain

pytestmark = pytest.mark.slow
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
LOST = "warning: telemetry was not delivered: "


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """The one that the variables name."""
    with collecting() as found:
        monkeypatch.setenv(ENDPOINT, found.url)
        yield found


def told_of(span: Any) -> dict[str, Any]:
    """A span's attributes, but for the commit, which is there where the plan is in a repository."""
    return {key: value for key, value in plain(span.attributes).items() if key != "rollout.commit"}


def points(collector: Collector, name: str) -> list[tuple[dict[str, Any], int]]:
    """The values of a counter or a gauge, with what they are about."""
    metric = collector.metrics[name]
    found = getattr(metric, metric.WhichOneof("data")).data_points
    return [(plain(one.attributes), one.as_int) for one in found]


def test_a_release_is_a_trace(
    rollout: Command, on_emulator: Path, tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first pass of a first release: names, parents, attributes, the job's span above all, and the numbers."""
    monkeypatch.setenv("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    plan = write_plan(tmp_path, "traced")
    ended = rollout("apply", plan, "--auto-approve")

    assert (ended.code, LOST in ended.err) == (0, False)
    look, act = "  rollout.look", "  rollout.act"
    assert collector.tree() == ["rollout.pass", look, act, look, act, look]
    whole = collector.spans[0]
    assert {span.trace_id.hex() for span in collector.spans} == {"0af7651916cd43dd8448eb211c80319c"}
    assert whole.parent_span_id.hex() == "b7ad6b7169203331"
    assert told_of(whole) == {
        "rollout.plan": "traced",
        "rollout.endpoint": "traced",
        "rollout.status": "wait",
        "rollout.phase": "first_release",
        "rollout.stage": "ok",
        "rollout.writes": 2,
    }
    assert [told_of(span) for span in collector.spans if span.name == "rollout.act"] == [
        {"rollout.action": "create_endpoint", "rollout.target": "traced", "rollout.outcome": "done"},
        {"rollout.action": "deploy", "rollout.target": "traced/blue", "rollout.outcome": "done"},
    ]
    assert collector.resource["service.name"] == "rollout"
    assert collector.resource["service.version"]

    assert points(collector, "rollout.passes") == [({"rollout.status": "wait"}, 1)]
    writes = {told["rollout.action"]: number for told, number in points(collector, "rollout.writes")}
    assert writes == {"create_endpoint": 1, "deploy": 1}
    (duration,) = collector.metrics["rollout.pass.duration"].histogram.data_points
    assert (duration.count, duration.sum > 0) == (1, True)
    assert rollout("destroy", plan, "--yes").code == 0


def test_a_gate_is_a_span_of_the_look_that_asks_it(
    rollout: Command, on_emulator: Path, tmp_path: Path, collector: Collector
) -> None:
    """The second release, from its approval to its bake: the measurement with its outcome, the candidate's half."""
    plan = write_plan(tmp_path, "measured")
    rollout("apply", plan, "--auto-approve")
    rollout("approve", plan)
    rollout("apply", plan, "--auto-approve")
    write_plan(tmp_path, "measured", "v2")
    rollout("apply", plan, "--auto-approve")
    rollout("approve", plan)
    collector.bodies.clear()
    assert rollout("apply", plan, "--auto-approve").code == 0

    look = "  rollout.look"
    assert collector.tree() == ["rollout.pass", look, "  rollout.act", look, "    rollout.measure"]
    assert told_of(collector.spans[-1]) == {
        "rollout.gate": "settle",
        "rollout.gate.kind": "bake",
        "rollout.outcome": "PASS",
    }
    assert points(collector, "rollout.verdicts") == [({"rollout.outcome": "PASS"}, 1)]
    about = {"rollout.plan": "measured", "rollout.endpoint": "measured"}
    assert points(collector, "rollout.candidate.weight") == [(about, 50)]
    assert rollout("destroy", plan, "--yes").code == 0


def test_each_pass_of_reconcile_is_a_trace_of_its_own(
    rollout: Command, on_emulator: Path, tmp_path: Path, collector: Collector
) -> None:
    """Two plans side by side, both held (only `apply` creates an endpoint): two traces, and no write."""
    for name in ("traced-a", "traced-b"):
        write_plan(tmp_path, name)
    ended = rollout("reconcile", tmp_path, "--no-orphans")

    assert ended.code == 10
    passes = [span for span in collector.spans if span.name == "rollout.pass"]
    assert sorted(plain(span.attributes)["rollout.plan"] for span in passes) == ["traced-a", "traced-b"]
    assert len({span.trace_id for span in collector.spans}) == 2
    assert sorted(collector.tree()) == ["  rollout.look"] * 2 + ["rollout.pass"] * 2
    assert {plain(span.attributes)["rollout.writes"] for span in passes} == {0}


@pytest.mark.parametrize("state", ["down", "refusing", "hanging"])
def test_a_collector_that_is_not_well_changes_nothing(
    state: str,
    rollout: Command,
    on_emulator: Path,
    tmp_path: Path,
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One warning, in a bounded time; the exit code and stdout as without it. The address is not told."""
    plan = write_plan(tmp_path, "unheard")
    why = "the collector did not answer within 3 s"
    if state == "down":
        with socket.create_server(("127.0.0.1", 0)) as free:
            monkeypatch.setenv(ENDPOINT, f"http://user:hunter2@127.0.0.1:{free.getsockname()[1]}")
        why = "the collector cannot be reached (ConnectionError)"
    elif state == "refusing":
        collector.status, why = 400, "the collector did not accept it"
    else:
        collector.released.clear()
    since = time.monotonic()
    ended = rollout("reconcile", plan, "-o", "json")
    took = time.monotonic() - since

    assert (ended.code, ended.json["plans"][0]["status"]) == (10, "hold")
    assert [line for line in ended.err.splitlines() if "telemetry" in line] == [LOST + why]
    assert "hunter2" not in ended.err
    assert "Traceback" not in ended.err
    assert took < 8


def test_a_variable_that_cannot_be_read_stops_nothing(
    rollout: Command, on_emulator: Path, tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One warning for all passes; nothing is sent."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
    for name in ("untold-a", "untold-b"):
        write_plan(tmp_path, name)
    ended = rollout("reconcile", tmp_path, "--no-orphans")

    assert (ended.code, collector.bodies) == (10, [])
    assert [line for line in ended.err.splitlines() if "telemetry" in line] == [
        "warning: no telemetry, a variable of OpenTelemetry's cannot be read: "
        "invalid literal for int() with base 10: 'soon'"
    ]


@pytest.mark.parametrize("disabled", [False, True])
def test_nothing_is_loaded_that_nobody_asked_for(
    disabled: bool, emulator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Really run, in a fresh interpreter: no endpoint, or one that is switched off."""
    monkeypatch.delenv(ENDPOINT, raising=False)
    variables = {ENDPOINT: "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"} if disabled else {}
    plan = str(write_plan(tmp_path, "quiet"))
    told = ran(ONE, "reconcile", plan, "--target", "emulator", ROLLOUT_STATE_DIR=str(emulator), **variables)

    assert told["code"] == 10
    assert [name for name in told["modules"] if name.split(".")[0] == "opentelemetry"] == []
