"""The service of docs/metric-source.md, as it is printed there; its plans are plans."""

from __future__ import annotations

import asyncio
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from rollout.core.evidence.counts import Row
from rollout.core.gate_bodies import Custom
from rollout.core.observed import Endpoint
from rollout.gates.source_web import HttpJson
from rollout.plan.load import load_release
from rollout.ports import CountQuery

PAGE: Final = (Path(__file__).parents[2] / "docs/metric-source.md").read_text(encoding="utf-8")
STAGES: Final = re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL)
NINE: Final = datetime(2026, 11, 23, 9, tzinfo=UTC)
ANSWERS: Final = [
    ("2026-11-23T09:00:10Z", "prices", "green", 0),
    ("2026-11-23T09:00:50Z", "prices", "green", 1),
    ("2026-11-23T09:00:59Z", "prices", "blue", 0),
    ("2026-11-23T09:01:00Z", "prices", "green", 0),
    ("2026-11-23T09:01:30Z", "prices", "purple", 1),
    ("2026-11-23T09:02:00Z", "prices", "green", 1),
    ("2026-11-23T09:01:00Z", "another", "green", 1),
]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The service on loopback, over a table with those answers."""
    table = tmp_path / "answers.sqlite"
    with sqlite3.connect(table) as answers:
        answers.execute("CREATE TABLE answers (answered_at TEXT, endpoint TEXT, deployment TEXT, is_bad INTEGER)")
        answers.executemany("INSERT INTO answers VALUES (?, ?, ?, ?)", ANSWERS)
    answers.close()
    (script,) = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)
    (tmp_path / "counts.py").write_text(script, encoding="utf-8")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "counts.py", str(table), str(port)]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as running:
        try:
            _until_it_listens(port)
            yield f"http://127.0.0.1:{port}/answers"
        finally:
            running.terminate()


def _until_it_listens(port: int) -> None:
    for _ in range(100):
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the service does not listen")


def test_it_answers_as_it_is_asked(address: str) -> None:
    """Whole minutes, the asked deployments of the asked endpoint, up to and without the end."""
    query = CountQuery(
        endpoint=Endpoint(name="prices"),
        deployments=("blue", "green"),
        question=Custom(bad="out of range", total="all"),
        start=NINE,
        end=NINE.replace(minute=2),
    )
    counted = asyncio.run(HttpJson(address).count(query))
    assert set(counted.rows) == {
        Row(NINE, "green", 2, 1),
        Row(NINE, "blue", 1, 0),
        Row(NINE.replace(minute=1), "green", 1, 0),
    }
    assert counted.query == (
        "GET /answers?endpoint=prices&deployments=blue%2Cgreen&start=2026-11-23T09%3A00%3A00Z"
        "&end=2026-11-23T09%3A02%3A00Z&check=metric&bad=out+of+range&total=all"
    )


@pytest.mark.parametrize("stage", STAGES, ids=["prometheus", "http"])
def test_its_stages_are_stages(tmp_path: Path, stage: str) -> None:
    """Each can be copied into a plan."""
    plan = (Path(__file__).parents[2] / "plans/house-prices.rollout.yml").read_text(encoding="utf-8")
    home = (Path(__file__).parents[2] / "plans/house-prices").as_posix()
    indented = "".join(f"  {line}\n" for line in stage.splitlines())
    text = plan.replace("  - traffic: 50\n", f"{indented}  - traffic: 50\n").replace("house-prices/", f"{home}/")
    file = tmp_path / "plan.rollout.yml"
    file.write_text(text, encoding="utf-8")
    assert len(load_release(file).release.stages) == 12
