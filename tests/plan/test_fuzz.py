"""Mutated plans and files: only our own errors, in bounded time and memory. ROLLOUT_FUZZ=100000 for the long form."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COUNT = int(os.environ.get("ROLLOUT_FUZZ", "800"))


def test_mutated_inputs(tmp_path: Path) -> None:
    """In a process of its own, whose memory is limited."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.plan.fuzz", str(COUNT)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    print(told)
    outcomes = told["outcomes"]
    assert sum(outcomes.values()) == COUNT
    assert len(outcomes) >= 15
    assert outcomes["valid"] > COUNT / 50
