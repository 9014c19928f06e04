"""The source of the counts is down, slow, or talks rubbish while a bake waits for evidence, for every kind of source.

It waits, then holds; it never promotes and never rolls back; and when the source answers again, the rollout goes on.
In one process and one thread (`tests.reliability.alone`); every way to be down begins in a copy of the same world.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from rollout.cli.main import main
from rollout.emulator import web_monitor
from tests.e2e.harness import Desk
from tests.reliability.alone.bench import AloneBench, alone
from tests.reliability.alone.branches import apart
from tests.reliability.alone.sources import DOWN, Source, http, prometheus
from tests.reliability.figures import keep, whole
from tests.reliability.lives import Edit, Life, release, standing

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
KINDS: Final = {
    "azure_monitor": "source: azure_monitor, checks: {error_rate: {tolerate: 2%}}",
    "log_analytics": "source: {log_analytics: WORKSPACE}, checks: {error_rate: {tolerate: 2%}}",
    "prometheus": "source: {prometheus: 'https://prometheus.test'}, "
    "checks: {metric: {name: asked, bad: 'bad{d=\"$deployment\"}', total: 'total{d=\"$deployment\"}', tolerate: 2%}}",
    "http": "source: {http: 'https://counts.test/counts'}, checks: {error_rate: {tolerate: 2%}}",
}
PLAN: Final = """\
version: 1
name: evidence
endpoint: {file: house-prices/endpoint.yml, set: {name: evidence}}
candidate: house-prices/deployment.yml
stages:
  - deploy: candidate
  - smoke_test: house-prices/sample-request.json
  - traffic: 10
  - name: watch
    bake: {for: 40m, limit: 1h, SOURCE}
  - traffic: 100
  - delete: stable
"""
BETWEEN: Final = 1500.0
JOBS: Final = 6
"""A job every 25 minutes: the bake and its limit end within them."""
SOURCES: Final = re.compile(r"getBatch|/v1/workspaces|prometheus\.test|counts\.test")
SPLIT: Final = {"blue": 90, "green": 10}


def planned(source: str) -> Edit:
    """The plan with that source, committed."""

    def edit(desk: Desk) -> None:
        workspace = desk.emulator.environment()["ROLLOUT_EMULATOR_LOG_WORKSPACE_ID"]
        text = PLAN.replace("SOURCE", source.replace("WORKSPACE", workspace))
        (desk.root / "plans/evidence.rollout.yml").write_text(text, encoding="utf-8")
        desk.commit("A plan with checks")

    return edit


def life(kind: str) -> Life:
    """A release that is promoted on evidence from that kind of source."""
    return Life(
        name=f"promoted on evidence of {kind}",
        plan="evidence.rollout.yml",
        endpoint="evidence",
        before=(planned(KINDS[kind]),),
        last=release("v1", "v2"),
        end=standing({"green": 100}, green=("Succeeded", 1, "v2")),
        made=("blue", "green"),
    )


def wired(bench: AloneBench) -> Source:
    """All sources of this world, as one: their way to be down is set in one place."""
    network = bench.emulator.network
    source = Source(network.application, web_monitor.concerns)
    network.application = source
    for host, application in {"prometheus.test": prometheus, "counts.test": http}.items():
        other = Source(application)
        network.hosts[host] = other
    wish = {"endpoint": "evidence", "requests_per_minute": 600, "seed": 4}
    bench.emulator.door("POST", "traffic", wish)
    bench.instant.sleep(2.5 * BETWEEN)
    return source


def break_all(bench: AloneBench, way: Any) -> None:
    """Let every source of this world be down that way; None: up."""
    network = bench.emulator.network
    for source in (network.application, *network.hosts.values()):
        assert isinstance(source, Source), "they are wired"
        source.way = way


def job(bench: AloneBench) -> tuple[int, Any]:
    """One scheduled `rollout apply`: its exit code and its decision."""
    plan, out, err = str(bench.desk.root / "plans/evidence.rollout.yml"), io.StringIO(), io.StringIO()
    with bench.surroundings(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["apply", plan, "--target", "emulator", "--auto-approve", "--output", "json"])
    assert out.getvalue(), f"exit {code}\n{err.getvalue()}"
    return code, json.loads(out.getvalue())["decision"]


def told(bench: AloneBench) -> str:
    """What jobs say and do while the source is down and after it, in a few words; a broken promise raises."""
    words: list[str] = []
    for _ in range(JOBS):
        code, decision = job(bench)
        assert (decision["status"], code) in (("wait", 0), ("hold", 10)), decision
        assert bench.emulator.history("evidence")[-1]["traffic"] == SPLIT, decision
        assert "ERROR: " in decision["reason"], decision["reason"]
        words.append(decision["status"])
        bench.instant.sleep(BETWEEN)
    assert words == sorted(words, reverse=True), f"it waits again after it has held: {words}"
    assert {"wait", "hold"} == set(words), words
    break_all(bench, None)
    assert until_done(bench) == "done"
    return "waits, holds, goes on when it is back"


def until_done(bench: AloneBench) -> str:
    """Jobs until the rollout is done, or enough of them; what the last one decided."""
    for _ in range(JOBS):
        _, decision = job(bench)
        if decision["status"] == "done":
            break
        bench.instant.sleep(BETWEEN)
    return str(decision["status"])


@pytest.mark.parametrize("kind", KINDS if whole() else ["http"])
def test_a_source_that_is_down(tmp_path: Path, kind: str) -> None:
    """All ways for each kind; a sample of them in the quick form."""
    ways = list(DOWN) if whole() else random.Random(kind).sample(list(DOWN), 2)
    seen: Counter[str] = Counter()
    with alone(life(kind), tmp_path) as bench:
        wired(bench)
        assert job(bench)[1]["status"] == "wait"
        bench.instant.sleep(BETWEEN)
        for way in ways:
            said = apart(bench, _broken(way))
            seen[said if said.startswith("waits, ") else f"{way}: {said}"] += 1
    assert list(seen) == ["waits, holds, goes on when it is back"], seen
    keep(f"sources-{kind}", {"source": kind, "ways": len(ways), "outcomes": seen})


def _broken(way: str) -> Any:
    def work(bench: AloneBench) -> str:
        break_all(bench, DOWN[way])
        return told(bench)

    return work


@pytest.mark.skipif(not whole(), reason="the long form: hours of looks while a source is silent")
@pytest.mark.parametrize("kind", KINDS)
def test_a_slow_source(tmp_path: Path, kind: str) -> None:
    """An answer that takes twenty seconds is an answer: it is promoted on it. One that takes ten minutes is none."""
    with alone(life(kind), tmp_path) as bench:
        wired(bench)
        assert job(bench)[1]["status"] == "wait"
        assert apart(bench, _slow) == "done"
        assert apart(bench, _silent) == "waits, holds, goes on when it is back"


def _silent(bench: AloneBench) -> str:
    break_all(bench, DOWN["silent"])
    return told(bench)


def _slow(bench: AloneBench) -> str:
    bench.emulator.network.delay = lambda url: 20.0 if SOURCES.search(url) else 0.0
    return until_done(bench)
