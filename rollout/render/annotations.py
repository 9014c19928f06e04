"""Annotations of GitHub Actions: workflow commands on stdout, as many as are shown.

GitHub shows ten of each level for one step, and fifty for a job; what is more is dropped without a word. So the most
important come first, and the last of a level says how many are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rollout.render import harmless
from rollout.render.document import AnyDocument, Finding
from rollout.render.findings import ORDER, findings

PER_LEVEL: Final = 10
_TITLE: Final = 100


def github_annotations(document: AnyDocument) -> str:
    """One line for each; "" if there is nothing to say."""
    found = findings(document)
    return "".join(f"{text}\n" for level in ORDER for text in _level(level, found))


def _level(level: str, found: tuple[Finding, ...]) -> Iterator[str]:
    mine = [finding for finding in found if finding.severity == level]
    shown = mine if len(mine) <= PER_LEVEL else mine[: PER_LEVEL - 1]
    yield from map(_command, shown)
    if len(shown) < len(mine):
        yield f"::{level} title=rollout::and {len(mine) - len(shown)} more; the step summary has them all"


def _command(found: Finding) -> str:
    place = {"file": found.file, "line": found.line, "col": found.column, "title": f"rollout {found.code}"[:_TITLE]}
    told = ",".join(f"{key}={harmless.attribute(str(value))}" for key, value in place.items() if value)
    text = found.message + "".join(
        f"\n{word}: {said}" for word, said in (("expected", found.expected), ("hint", found.hint)) if said
    )
    return f"::{found.severity} {told}::{harmless.data(text)}"
