"""Mutants that the type checker refuses: `make check` would not let them land."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from mypy import api

from tests.mutation.mutants import Mutant


def refused(mutants: Iterable[Mutant], files: dict[str, Path], cache: Path) -> Iterator[Mutant]:
    """Those of the mutants with which their module breaks a rule of `mypy --strict` that it keeps without."""
    with TemporaryDirectory() as folder:
        changed = Path(folder) / "mutant.py"
        for mutant in mutants:
            path = files[mutant.module]
            changed.write_text(mutant.source, encoding="utf-8")
            found, wrong, status = api.run(
                ["--cache-dir", str(cache), "--shadow-file", str(path), str(changed), "--no-error-summary", str(path)]
            )
            if status == 2:
                raise RuntimeError(found + wrong)
            if status == 1:
                yield mutant
