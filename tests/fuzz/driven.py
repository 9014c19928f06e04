"""One target driven by libFuzzer, which sees what each input reaches: `python -m tests.fuzz.driven TARGET FILE ARGS`.

It does not come back: the process ends with the run. A fault does not end the run; each kind of fault is written to
FILE once, with its input. Too much time or memory does end it (libFuzzer's `-timeout`, `-rss_limit_mb`).
"""

from __future__ import annotations

import json
import random
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["rollout"], enable_loader_override=False):
    from tests.fuzz.mutate import mutation
    from tests.fuzz.target import Target
    from tests.fuzz.targets import TARGETS


class Watched:
    """A target whose faults and slowest trial are written down."""

    def __init__(self, target: Target, file: Path) -> None:
        self._target = target
        self._file = file
        self._slowest = 0.0
        self._faults: dict[str, dict[str, Any]] = {}

    def trial(self, data: bytes) -> None:
        """One input."""
        start = time.process_time()
        try:
            self._target.trial(data)
        except Exception as error:
            self._add(error, data)
        seconds = time.process_time() - start
        if seconds > self._slowest:
            self._slowest = seconds
            self._write()

    def mutated(self, data: bytes, most: int, seed: int) -> bytes:
        """An input changed by its structure, or as libFuzzer would change it."""
        dice = random.Random(seed)
        made = mutation(self._target, data, dice) if dice.random() < 0.7 else atheris.Mutate(data, most)
        return bytes(made[:most])

    def _add(self, error: Exception, data: bytes) -> None:
        frames = traceback.extract_tb(error.__traceback__)[-2:]
        kind = " ".join([type(error).__name__, *(f"{Path(one.filename).name}:{one.lineno}" for one in frames)])
        if kind not in self._faults:
            text = data.decode("utf-8", "surrogateescape")
            self._faults[kind] = {"kind": kind, "says": str(error)[:300], "input": text}
            self._write()

    def _write(self) -> None:
        figures = {"slowest_ms": round(self._slowest * 1000, 1), "faults": list(self._faults.values())}
        self._file.write_text(json.dumps(figures), encoding="utf-8")


def main(name: str, file: str, arguments: list[str]) -> None:
    """Fuzz until libFuzzer's limits are reached."""
    watched = Watched(TARGETS[name], Path(file))
    atheris.Setup([sys.argv[0], *arguments], watched.trial, custom_mutator=watched.mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
