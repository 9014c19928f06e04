"""What is known of the mutants: figures in docs/reliability/, survivors that are justified in justified.yaml."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

ROOT: Final = Path(__file__).parents[2]
CORE: Final = ROOT / "rollout" / "core"
KEPT: Final = ROOT / "docs" / "reliability"
JUSTIFIED: Final = Path(__file__).with_name("justified.yaml")


class Survivor(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A mutant by what stays when lines move; `why` says why no test can or should tell it from the code."""

    function: str
    line: str
    was: str
    now: str
    why: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """Which one it is, within its module."""
        return self.function, self.line, self.was, self.now


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One module: how many mutants, killed by a test, surviving with a reason; `open` are those without one.

    `refused` are those that the type checker refuses (in none of the other numbers), `source` is the digest of the
    module that was tried.
    """

    module: str
    mutants: int
    killed: int
    justified: int
    refused: int = 0
    open: tuple[Survivor, ...] = ()
    source: str = ""


def modules() -> dict[str, Path]:
    """The files of the core by the names used here: `decide`, `evidence.judge`."""
    files = [path for path in sorted(CORE.rglob("*.py")) if path.name != "__init__.py"]
    return {".".join(path.relative_to(CORE).with_suffix("").parts): path for path in files}


def chosen(names: Iterable[str]) -> dict[str, Path]:
    """Those asked for, by name, last part or package; all where none is. Raises SystemExit for a name that is none."""
    known = modules()
    picked: dict[str, Path] = {}
    for name in names:
        found = {one: path for one, path in known.items() if name in (one, one.split(".")[-1], one.split(".")[0])}
        if not found:
            raise SystemExit(f"rollout/core has no module {name}")
        picked |= found
    return picked or known


def digest(path: Path) -> str:
    """Of the source: a score is about one form of it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def scores() -> Iterator[Score]:
    """The kept ones, module by module."""
    for path in sorted(KEPT.glob("mutation-*.json")):
        yield msgspec.json.decode(path.read_bytes(), type=Score)


def keep(score: Score) -> None:
    """Write one module's figures."""
    text = json.dumps(msgspec.to_builtins(score), indent=1, ensure_ascii=False)
    name = score.module.replace(".", "-")
    (KEPT / f"mutation-{name}.json").write_text(text + "\n", encoding="utf-8")


def justified() -> dict[str, tuple[Survivor, ...]]:
    """The survivors with a reason, by module."""
    read: dict[str, Any] = yaml.safe_load(JUSTIFIED.read_text(encoding="utf-8")) or {}
    return {module: tuple(_reasons(functions)) for module, functions in read.items()}


def _reasons(functions: dict[str, list[dict[str, Any]]]) -> Iterator[Survivor]:
    for function, entries in functions.items():
        for entry in entries:
            now = entry["now"]
            for one in now if isinstance(now, list) else [now]:
                yield msgspec.convert({**entry, "now": one, "function": function}, Survivor)
