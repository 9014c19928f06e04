"""What `rollout ci` leaves for people to look at: a page for each rollout in which something happened."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rollout.cli import exits

if TYPE_CHECKING:
    from rollout.render.document import Document


def slug(path: Path) -> str:
    """A plan's path as a file name that means nothing to any shell, log or file system."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.as_posix()).strip("-.")[-80:] or "plan"


def write_reports(documents: Path, folder: Path, options: Sequence[str]) -> Iterator[str]:
    """Write `rollout report` of each plan to which something was done, or that did not end well, as the results in
    `documents` say; `options` are handed on. Yields what went wrong, in words: a report is never why a job fails."""
    from rollout.cli.publishing import read_documents

    for path, one in read_documents([documents]):
        if one.document is None or one.part_of or not _eventful(one.document):
            continue
        page = folder / f"{slug(Path(one.file))}.html"
        code = _report(one.file, "--measured", str(path), "--output", f"html={page}", *options)
        if code != exits.OK:
            yield f"there is no report of {one.file}: the log says why (exit {code})"


def _eventful(document: Document) -> bool:
    result = document.result
    return result is not None and bool(result.writes or result.exit_code or result.measurements)


def _report(*words: str) -> int:
    from rollout.cli.main import main

    return main(["report", *words])
