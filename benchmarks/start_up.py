"""How long `rollout validate PLAN` takes to start, think and end, against importing what it cannot do without.

CPU seconds of the whole process, because the wall clock of a shared machine says little. The variants take turns; the
result is the median of the ratios within a turn. All bytecode is compiled before, as in an installed wheel.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Final

import rollout
from benchmarks.table import Row

TURNS: Final = 15
MANY: Final = 100
PLANS: Final = Path(__file__).parents[1] / "plans"
COMMAND: Final = "import sys; from rollout.cli.start import main; sys.exit(main())"
VARIANTS: Final[dict[str, tuple[str, ...]]] = {
    "library": ("import pydantic, yaml",),
    "models": ("import click, yaml, rollout.plan.models",),
    "roles": (COMMAND, "validate", str(PLANS / "house-prices.rollout.yml")),
    "help": (COMMAND, "--help"),
    "literal": (COMMAND, "validate", str(PLANS / "safe-rollout.rollout.yml")),
}


def rows() -> Iterator[Row]:
    """Both plans against both yardsticks, and many plans at once."""
    with tempfile.TemporaryDirectory(prefix="rollout-start-up-") as folder:
        environment = _environment(folder)
        variants = {**VARIANTS, "many": (COMMAND, "validate", *_copies(Path(folder)))}
        for arguments in variants.values():
            _seconds(arguments, environment)  # compiles
        turns = [{name: _seconds(found, environment) for name, found in variants.items()} for _ in range(TURNS)]
    for plan in ("roles", "literal"):
        for yardstick, said, most in (("models", "CLI, YAML and models", 1.5), ("library", "pydantic, yaml", 3.0)):
            ratio = median(turn[plan] / turn[yardstick] for turn in turns)
            yield Row(name=f"validate ({plan}) ÷ importing {said}", value=ratio, most=most)
    ratio = median(turn["help"] / turn["library"] for turn in turns)
    yield Row(name="--help ÷ importing pydantic, yaml", value=ratio)
    each = median((turn["many"] - turn["roles"]) / (MANY - 1) for turn in turns)
    yield Row(name=f"validate {MANY} plans: each beyond the first", value=1000 * each, unit="ms", most=5.0)
    yield Row(name="validate (roles), CPU", value=1000 * median(turn["roles"] for turn in turns), unit="ms")
    yield Row(name="import pydantic, yaml, CPU", value=1000 * median(turn["library"] for turn in turns), unit="ms")


def _copies(folder: Path) -> list[str]:
    """A hundred plans, each with files of its own."""
    made = []
    for number in range(MANY):
        place = folder / f"plans-{number}"
        shutil.copytree(PLANS / "house-prices", place / "house-prices")
        plan = place / "house-prices.rollout.yml"
        plan.write_bytes((PLANS / plan.name).read_bytes())
        made.append(str(plan))
    return made


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
