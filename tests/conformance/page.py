"""docs/emulator.md: the hand-written text of `emulator.template.md` with the tables that the code makes.

Write it again with `python -m tests.conformance.page > docs/emulator.md` (or `make pages`).
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from rollout.emulator import settings
from rollout.emulator.settings import Settings
from tests.conformance.case import KINDS, Case, cases_of
from tests.conformance.not_emulated import NOT_EMULATED
from tests.replay.differences import LISTED, UNPROVOKED

HERE: Final = Path(__file__).parent
TEMPLATE: Final = HERE / "emulator.template.md"
AREAS: Final = {
    "traffic": "Traffic", "mirror": "Mirrored traffic", "deletion": "Deletion", "names": "Names",
    "mutability": "What can be changed", "values": "Values and defaults", "operations": "Operations",
    "failures": "Failed operations", "wire": "Lists, keys, logs, headers, errors", "limits": "Quota and limits",
    "tags": "Tags", "throttling": "Throttling", "auth": "Signing in, permissions, locks", "assets": "Assets and blobs",
    "scoring": "Scoring",
    "metrics": "Metrics and logs", "sdk": "azure-ai-ml", "management": "The management client",
}  # fmt: skip
_ALWAYS: Final = re.compile(r"^(azure-sdk-for-python, test_online_deployment\.json @0edb01d7|azure-ai-ml 1\.35\.2), ")
"""What the page says once of all recorded and captured sources."""
_UNVERIFIED: Final = "Unverified: "


@dataclass(frozen=True, slots=True)
class Proven:
    """A case, and the test that checks it."""

    case: Case
    test: str


def proven() -> list[Proven]:
    """Every case of the suite, by area in the page's order."""
    found = [one for path in sorted(HERE.glob("test_*.py")) for one in _of_module(path.stem)]
    return sorted(found, key=lambda one: list(AREAS).index(one.case.area))


def _of_module(name: str) -> Iterator[Proven]:
    module = importlib.import_module(f"tests.conformance.{name}")
    for test in vars(module).values():
        for each in cases_of(test):
            yield Proven(each, f"{name}::{test.__name__}")


def page() -> str:
    """The whole page."""
    known = proven()
    parts = {
        "unverified settings": _table(("setting", "default", "meaning"), _settings(unverified=True)),
        "settings": _table(("setting", "default", "meaning"), _settings(unverified=False)),
        "not emulated": _table(("not emulated", "instead"), NOT_EMULATED),
        "differences": _table(("against", "at", "difference", "reason"), _differences()),
        "unprovoked": _table(("error", "reason"), [(each.case, each.reason) for each in UNPROVOKED]),
        "counts": _counts(known),
        "cases": "\n\n".join(_area(area, list(group)) for area, group in groupby(known, lambda one: one.case.area)),
    }
    return re.sub(r"\{\{(.+?)\}\}", lambda match: parts[match[1]], TEMPLATE.read_text(encoding="utf-8"))


def _differences() -> list[tuple[str, str, str, str]]:
    return [(each.source, f"`{each.operation}`", f"`{each.what}`", each.reason) for each in LISTED]


def _settings(*, unverified: bool) -> Iterator[tuple[str, str, str]]:
    """Name, default and text of each field, from the source."""
    (shape,) = ast.parse(inspect.getsource(settings.Settings)).body
    assert isinstance(shape, ast.ClassDef)
    for field, text in zip(shape.body, shape.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            meaning = _text(text)
            if meaning.startswith(_UNVERIFIED) == unverified:
                yield f"`{field.target.id}`", _default(field.target.id), meaning.removeprefix(_UNVERIFIED)


def _text(node: ast.stmt) -> str:
    assert isinstance(node, ast.Expr), "every setting has a text below it"
    assert isinstance(node.value, ast.Constant)
    return " ".join(str(node.value.value).split())


def _default(name: str) -> str:
    value: Any = getattr(Settings(), name)
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    return f"`{value}`" if isinstance(value, int | float | str) else "as recorded"


def _counts(known: Sequence[Proven]) -> str:
    """How many cases of each area are known how well."""
    rows = []
    for area, group in groupby(known, lambda one: one.case.area):
        cases = [one.case for one in group]
        rows.append((AREAS[area], *_per_kind(cases), str(len(cases))))
    everything = [one.case for one in known]
    rows.append(("**all**", *_per_kind(everything), f"**{len(everything)}**"))
    return _table(("area", *KINDS, "cases"), rows)


def _per_kind(cases: Iterable[Case]) -> list[str]:
    kinds = [case.kind for case in cases]
    return [str(kinds.count(kind) or "") for kind in KINDS]


def _area(area: str, group: Sequence[Proven]) -> str:
    rows = [
        (f"`{one.case.id}`{'°' if one.case.needs else ''}", one.case.title, _sources(one.case), f"`{one.test}`")
        for one in group
    ]
    return f"### {AREAS[area]}\n\n" + _table(("case", "what", "known from", "verified by"), rows)


def _sources(case: Case) -> str:
    return "; ".join(f"*{source.kind}* {_ALWAYS.sub('', source.where)}" for source in case.sources)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(page())
