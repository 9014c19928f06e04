"""The whole walk-through by `rollout apply` against the same steps scripted with the SDK: wall time, the emulator's
timings (the service's, 120 times as fast), a fresh emulator for each, in turns. Both scale green to two before it takes
over; both test it by the header.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.table import Row
from rollout.emulator import process

TURNS: Final = 2
SPEED: Final = 120.0
ROOT: Final = Path(__file__).parents[1]
PLAN: Final = ROOT / "plans/safe-rollout.rollout.yml"
OURS: Final = ("-m", "rollout", "apply", str(PLAN), "--target", "emulator", "--auto-approve")
THEIRS: Final = ("-m", "benchmarks.by_sdk", str(ROOT / "plans"))


def rows() -> Iterator[Row]:
    """Wall time, and the writes that the emulator counted."""
    turns = [(_run(OURS), _run(THEIRS)) for _ in range(TURNS)]
    ratio = median(ours[0] / theirs[0] for ours, theirs in turns)
    ours, theirs = turns[-1]
    yield Row(name="walk-through: rollout ÷ SDK script, wall time", value=ratio, most=1.0)
    yield Row(name="walk-through: rollout", value=median(turn[0][0] for turn in turns), unit="s")
    yield Row(name="walk-through: SDK script", value=median(turn[1][0] for turn in turns), unit="s")
    for name, count in (
        ("endpoint and deployment writes", _writes),
        ("reads and writes of Resource Manager, polls apart", _asked),
    ):
        yield Row(name=f"{name}: rollout", value=count(ours[1]), most=count(theirs[1]))
        yield Row(name=f"{name}: SDK script", value=count(theirs[1]))
    yield Row(name="polls: rollout", value=ours[1]["polls"])
    yield Row(name="polls: SDK script", value=theirs[1]["polls"])


def _run(arguments: tuple[str, ...]) -> tuple[float, dict[str, Any]]:
    """Seconds of one walk on an emulator of its own, and the requests that it has counted."""
    with tempfile.TemporaryDirectory(prefix="rollout-walk-") as folder:
        state = Path(folder)
        process.start(state, speed=SPEED, parent_pid=os.getpid())
        try:
            environment = {**os.environ, **process.env(state), "ROLLOUT_STATE_DIR": folder, "PYTHONPATH": str(ROOT)}
            started = time.monotonic()
            done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True)
            seconds = time.monotonic() - started
            if done.returncode:
                raise RuntimeError(f"{' '.join(arguments[:3])} ended with {done.returncode}:\n{done.stderr[-2000:]}")
            served: dict[str, Any] = process.status(state)["requests"]
            return seconds, served
        finally:
            process.stop(state)


def _asked(served: dict[str, Any]) -> int:
    return int(served["reads"] + served["writes"])


def _writes(served: dict[str, Any]) -> int:
    kinds, verbs = ("OnlineEndpoints", "OnlineDeployments"), ("CreateOrUpdate", "Update", "Delete")
    return sum(
        count
        for name, count in served["by_operation"].items()
        if name.partition("_")[0] in kinds and name.partition("_")[2] in verbs
    )
