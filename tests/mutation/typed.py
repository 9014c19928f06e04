"""Mutants that the type checker refuses: `make check` would not let them land."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from mypy import api

from tests.mutation.mutants import Mutant

_ERROR: Final = re.compile(r"(?:.*/)?(copy_\w+)\.py:\d+: error: (.*)")


def refused(mutants: Sequence[Mutant], files: Mapping[str, Path], cache: Path) -> list[Mutant]:
    """Those with which a copy of their module has an error that a copy without the mistake has not.

    One run for all of them, each a module of its own beside the project; a copy is not quite its original (its classes
    are others), hence the comparison. Raises RuntimeError where mypy itself fails.
    """
    if not mutants:
        return []
    with TemporaryDirectory() as folder:
        copies = {f"copy_{number}": one.source for number, one in enumerate(mutants)}
        copies |= {_plain(module): path.read_text(encoding="utf-8") for module, path in files.items()}
        for name, source in copies.items():
            (Path(folder) / f"{name}.py").write_text(source, encoding="utf-8")
        paths = [str(Path(folder) / f"{name}.py") for name in copies]
        found, wrong, status = api.run(["--strict", "--cache-dir", str(cache), "--no-error-summary", *paths])
    if status not in (0, 1):
        raise RuntimeError(found + wrong)
    errors = _errors(found)
    return [one for number, one in enumerate(mutants) if errors[f"copy_{number}"] - errors[_plain(one.module)]]


def _errors(output: str) -> defaultdict[str, set[str]]:
    """The messages about each copy, without lines and without the copy's own name."""
    errors: defaultdict[str, set[str]] = defaultdict(set)
    for line in output.splitlines():
        if match := _ERROR.match(line):
            errors[match[1]].add(match[2].replace(match[1], "copy"))
    return errors


def _plain(module: str) -> str:
    return f"copy_of_{module.replace('.', '_')}"
