"""Fuzz targets, one after the other: `python -m tests.fuzz [--seconds N] [--keep] [TARGET…]`; exit 1 for a fault.

`--keep` writes the figures to docs/reliability, and adds to the corpus whatever reaches more than what is in it.
The faults found are in `.fuzz/TARGET.json`, each with its input.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import yaml

from tests.fuzz import corpus
from tests.fuzz.target import LONGEST
from tests.fuzz.targets import TARGETS

ROOT: Final = Path(__file__).parents[2]
FOUND: Final = Path(__file__).with_name("found.yaml")
FIGURES: Final = ROOT / "docs" / "reliability"
MEGABYTES: Final = 1024
"""Memory of the fuzzing process; more ends it, which is a fault."""
SLOWEST: Final = 10
"""Seconds that one input may take on a busy machine."""
_UNITS: Final = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


def fuzzed(name: str, seconds: int, folder: Path) -> dict[str, Any]:
    """Fuzz one target in that folder: what was counted, and `faults`. New inputs are in `folder/new`."""
    old, new = _folder(folder / "old"), _folder(folder / "new")
    for index, data in enumerate((*TARGETS[name].seeds, *corpus.kept(name))):
        (old / str(index)).write_bytes(data)
    said = _driven(name, folder, f"-max_total_time={seconds}", "-print_final_stats=1", "-use_value_profile=0", new, old)
    counted = _UNITS.search(said.stderr)
    told = json.loads((folder / "told.json").read_text(encoding="utf-8"))
    if said.returncode != 0 or counted is None:
        ends = [path for path in folder.glob("end-*") if path.is_file()]
        text = ends[0].read_bytes().decode("utf-8", "surrogateescape") if ends else ""
        told["faults"].append({"kind": "the process ended", "says": said.stderr[-2000:], "input": text})
    inputs = int(counted[1]) if counted else 0
    return {"target": name, "inputs": inputs, "minutes": round(seconds / 60, 1), **told}


def known(name: str) -> int:
    """How many faults of a target were found before, and mended."""
    return sum(one["target"] == name for one in yaml.safe_load(FOUND.read_text(encoding="utf-8")))


def _driven(name: str, folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    work = _folder(folder / "work")
    limits = (
        f"-max_len={LONGEST}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-timeout={SLOWEST}",
        f"-artifact_prefix={folder}/end-",
    )
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz.driven", name, str(folder / "told.json"), *limits, *map(str, arguments)],
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _kept(figures: dict[str, Any], folder: Path) -> None:
    name = figures["target"]
    new = [path.read_bytes() for path in (folder / "new").iterdir()]
    with contextlib.chdir(_folder(folder / "work")):
        corpus.keep(TARGETS[name], (*corpus.kept(name), *new))
    counts = {**figures, "faults_found": len(figures["faults"]) + known(name)}
    del counts["faults"]
    text = json.dumps(counts, indent=1, sort_keys=True)
    (FIGURES / f"fuzz-{name}.json").write_text(text + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Fuzz what was asked for; how many targets had a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help=f"any of {', '.join(TARGETS)}; all of them if none"
    )
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--keep", action="store_true", help="write figures and corpus")
    asked = parser.parse_args(arguments)
    bad = 0
    for name in asked.targets or TARGETS:
        with tempfile.TemporaryDirectory() as temporary:
            figures = fuzzed(name, asked.seconds, Path(temporary))
            if asked.keep:
                _kept(figures, Path(temporary))
        for_reading = _folder(ROOT / ".fuzz") / f"{name}.json"
        for_reading.write_text(json.dumps(figures, indent=1), encoding="utf-8")
        faults = figures["faults"]
        bad += bool(faults)
        seen = f"{figures['inputs']} inputs, slowest {figures['slowest_ms']:.0f} ms, {len(faults)} faults"
        print(
            f"{name:10}{seen}", *(f"{'':12}{one['kind']}: {one['says'][:200]}" for one in faults), sep="\n", flush=True
        )
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
