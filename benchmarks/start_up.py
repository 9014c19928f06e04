"""How long `rollout validate PLAN` takes to start, think and end, against importing what it cannot do without.

CPU seconds of the whole process, because the wall clock of a shared machine says little. The variants take turns; the
result is the median of the ratios within a turn. All bytecode is compiled before, as in an installed wheel.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Final

import rollout
from benchmarks.table import Row

TURNS: Final = 21
PLANS: Final = Path(__file__).parents[1] / "plans"
COMMAND: Final = "import sys; from rollout.cli.start import main; sys.exit(main())"
VARIANTS: Final[dict[str, tuple[str, ...]]] = {
    "library": ("import pydantic, yaml",),
    "models": ("import click, yaml, rollout.plan.models",),
    "roles": (COMMAND, "validate", str(PLANS / "house-prices.rollout.yml")),
    "literal": (COMMAND, "validate", str(PLANS / "safe-rollout.rollout.yml")),
}


def rows() -> Iterator[Row]:
    """Both plans against both yardsticks."""
    with tempfile.TemporaryDirectory(prefix="rollout-start-up-") as folder:
        environment = _environment(folder)
        for arguments in VARIANTS.values():
            _seconds(arguments, environment)  # compiles
        turns = [{name: _seconds(found, environment) for name, found in VARIANTS.items()} for _ in range(TURNS)]
    for plan in ("roles", "literal"):
        for yardstick, said, most in (("models", "CLI, YAML and models", 1.5), ("library", "pydantic, yaml", 3.0)):
            ratio = median(turn[plan] / turn[yardstick] for turn in turns)
            yield Row(name=f"validate ({plan}) ÷ importing {said}", value=ratio, most=most)
    yield Row(name="validate (roles), CPU", value=1000 * median(turn["roles"] for turn in turns), unit="ms")


def _environment(folder: str) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPATH": str(Path(rollout.__file__).parents[1]), "PYTHONPYCACHEPREFIX": folder}


def _seconds(arguments: tuple[str, ...], environment: Mapping[str, str]) -> float:
    before = _children()
    command = [sys.executable, "-c", *arguments]
    quiet = subprocess.DEVNULL
    subprocess.run(command, env=environment, stdout=quiet, stderr=quiet, check=True, cwd=PLANS)
    return _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
