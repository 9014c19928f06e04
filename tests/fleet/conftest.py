"""A fleet in a folder, an emulator that scores, and the command line."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout.emulator import process
from tests.cli.conftest import Command, Ended, rollout

__all__ = ["Command", "Ended", "rollout"]

ROOT = Path(__file__).parents[2]
TEMPLATE = """\
version: 1
name: prices
endpoint: {auth_mode: key}
candidate:
  model: {path: models/v1}
  code_configuration: {code: src, scoring_script: score.py}
  environment: {image: mcr.microsoft.com/azureml/minimal:1}
  instance_type: Standard_DS3_v2
  instance_count: 1
stages:
  - deploy: candidate
  - name: smoke
    smoke_test: {requests: [request.json], expect: {assertions: ["price > `0`"]}}
  - traffic: 10
  - name: watch
    smoke_test: {requests: [request.json], expect: {assertions: ["price > `1000`"]}}
  - traffic: 100
"""
SCORE = """\
import json, os, pathlib
def init():
    global factor
    file = next(pathlib.Path(os.environ["AZUREML_MODEL_DIR"]).rglob("model.json"))
    factor = json.loads(file.read_text())["factor"]
def run(data):
    return {"price": factor * json.loads(data)["area"]}
"""


@pytest.fixture(scope="module")
def scoring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state directory of an emulator that scores in its own process."""
    folder = tmp_path_factory.mktemp("scoring")
    command = [sys.executable, "-m", "tests.fleet.serving", str(folder), "3000", str(os.getpid())]
    with (folder / "emulator.log").open("ab") as log:
        child = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + process.START_SECONDS
        while True:
            with contextlib.suppress(OSError):
                if process.running(folder) == child.pid and process.status(folder):
                    break
            assert child.poll() is None, (folder / "emulator.log").read_text()
            assert time.monotonic() < deadline, (folder / "emulator.log").read_text()
            time.sleep(0.05)
        yield folder
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(10)


@pytest.fixture
def on_scoring(scoring: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The target is that emulator."""
    monkeypatch.setenv("ROLLOUT_STATE_DIR", str(scoring))
    monkeypatch.setenv("ROLLOUT_TARGET", "emulator")
    return scoring


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a template, its script, and two good models and a bad one."""
    for name, text in {
        "prices.rollout.yml": TEMPLATE,
        "src/score.py": SCORE,
        "models/v1/model.json": '{"factor": 2000}',
        "models/v2/model.json": '{"factor": 2100}',
        "models/bad/model.json": '{"factor": 2}',
        "request.json": '{"area": 50}',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path
