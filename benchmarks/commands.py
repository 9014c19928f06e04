"""Requests per pass: what each command asks of Resource Manager about one endpoint that is in sync, and what a person's
word costs. The real commands, each a process of its own; the emulator, another one, counts. Polls of operations apart.

A look is two reads, and one of the autoscale settings of the resource group, which all plans of a process share.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.fleet_stand import Stand, name_of, stand
from benchmarks.table import Row
from rollout.emulator import process

PLAN: Final = "PLAN"
"""In a command's words: the plan's path."""


class Step(NamedTuple):
    """A command, and how many reads and writes it may make."""

    words: tuple[str, ...]
    reads: int
    writes: int = 0


STEPS: Final = (
    Step(("validate", PLAN), 0),
    Step(("diff", PLAN), 3),
    Step(("status", PLAN), 3),
    Step(("history", PLAN), 3),
    Step(("apply", PLAN, "--auto-approve"), 3),
    Step(("reconcile", PLAN), 3),
    Step(("hold", PLAN), 4, 1),
    Step(("resume", PLAN), 4, 1),
)
"""In this order, on one endpoint."""


def rows() -> Iterator[Row]:
    """Reads and writes of each command."""
    with stand(1, speed=1000.0, throttle=False) as found:
        plan = found.plans / f"{name_of(0)}.rollout.yml"
        for step in STEPS:
            counted = _counted(found, step, plan)
            yield Row(name=f"{step.words[0]}: reads", value=counted["reads"], most=step.reads)
            yield Row(name=f"{step.words[0]}: writes", value=counted["writes"], most=step.writes)


def _counted(found: Stand, step: Step, plan: Path) -> dict[str, int]:
    found.served()
    words = [str(plan) if word == PLAN else word for word in step.words]
    python = [sys.executable, "-m", "rollout"]
    done = subprocess.run([*python, *words], env=found.environment(), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(step.words)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    requests: dict[str, int] = process.status(found.state)["requests"]
    return requests
