"""An emulator in a process of its own with any number of converged endpoints, and their plans in a folder."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rollout.cli.main import main
from rollout.emulator import process
from rollout.emulator.settings import RECORDED_SECONDS

PLAN: Final = """\
version: 1
name: fleet
endpoint: {{name: {endpoint}, auth_mode: key}}
candidate:
  model: {{path: model.txt}}
  environment: {{image: mcr.microsoft.com/azureml/minimal:1}}
  instance_type: Standard_DS3_v2
  instance_count: 1
stages: [deploy: candidate, traffic: 100]
"""
LATENCY: Final = 0.02
"""Seconds by which every answer is delayed."""
AT_ONCE: Final = 500
"""Copies in one request to the emulator."""


@dataclass(frozen=True, slots=True)
class Stand:
    """A running emulator's state directory, and the folder of the plans."""

    state: Path
    plans: Path

    def child(self, module: str, *arguments: object) -> Any:
        """What `python -m MODULE ARGUMENTS…` prints as JSON, with this emulator as its target."""
        words = [sys.executable, "-m", module, *map(str, arguments)]
        done = subprocess.run(words, env=self.environment(), check=True, capture_output=True, text=True)
        return json.loads(done.stdout.splitlines()[-1])

    def environment(self) -> dict[str, str]:
        """That of a process whose target is this emulator."""
        known = {"ROLLOUT_STATE_DIR": str(self.state), "ROLLOUT_TARGET": "emulator", "NO_COLOR": "1"}
        return {**os.environ, **process.env(self.state), **known}

    def served(self) -> int:
        """How many reads it has served since the last call."""
        reads = int(process.status(self.state)["requests"]["reads"])
        process.door(self.state, "POST", "reset-counts")
        return reads


@contextmanager
def stand(count: int, *, speed: float, throttle: bool) -> Iterator[Stand]:
    """That many endpoints, all in sync with their plans; every answer takes `LATENCY`."""
    with tempfile.TemporaryDirectory(prefix="rollout-fleet-") as name:
        found = Stand(Path(name, "state"), Path(name, "plans"))
        found.plans.mkdir()
        settings = Path(name, "settings.json")
        settings.write_text(json.dumps({"seconds": dict.fromkeys(RECORDED_SECONDS, 1.0)}))
        limits = () if throttle else ("--no-throttle",)
        process.start(found.state, speed=speed, extra=("--no-processes", "--settings", str(settings), *limits))
        try:
            _fill(found, count)
            slow = {"effect": {"kind": "delay", "seconds": LATENCY}, "times": None}
            process.door(found.state, "PUT", "faults", [slow])
            process.door(found.state, "POST", "clock", {"advance": 3600})
            found.served()
            yield found
        finally:
            process.stop(found.state)


def name_of(number: int) -> str:
    """The name of an endpoint."""
    return f"house-{number:05}"


def _fill(found: Stand, count: int) -> None:
    """One release by the command itself, then copies of its endpoint."""
    (found.plans / "model.txt").write_text("v1")
    names = [name_of(number) for number in range(count)]
    for name in names:
        (found.plans / f"{name}.rollout.yml").write_text(PLAN.format(endpoint=name))
    before = dict(os.environ)
    os.environ.update(found.environment())
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            code = main(["apply", str(found.plans / f"{names[0]}.rollout.yml"), "--auto-approve"])
    finally:
        os.environ.clear()
        os.environ.update(before)
    if code != 0:
        raise RuntimeError(f"the first release ended with {code}")
    for start in range(1, count, AT_ONCE):
        process.door(found.state, "POST", "copies", {"endpoint": names[0], "names": names[start : start + AT_ONCE]})
