"""Many passes as text: a line for each plan, and what they come to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rollout.render import harmless
from rollout.render.document import Pass
from rollout.render.styled import Line, line

ALL_OF: Final = 50
"""Of more plans only those are listed in which there is something to see."""
_HEAD: Final = ("status", "plans", "writes")


def many_lines(plans: Sequence[Pass]) -> Iterator[Line]:
    """The text form of many passes."""
    listed = [found for found in plans if len(plans) <= ALL_OF or not _quiet(found)]
    yield from map(_pass_line, listed)
    if (quiet := len(plans) - len(listed)) > 0:
        yield line(f"… and {quiet:,} in sync", "dim")
    if len(plans) > 1:
        yield line()
        yield from _summary(plans)


def _quiet(found: Pass) -> bool:
    return found.status == "done" and found.exit_code == 0 and not found.writes


def _pass_line(found: Pass) -> Line:
    """One line for one plan; of several faults the first, for stderr has told them all."""
    first, more = harmless.first_line(found.reason), found.reason.strip().count("\n")
    return line(f"{found.file}: {found.status}: {first}" + (f" (and {more} more)" if more else ""))


def _summary(plans: Sequence[Pass]) -> Iterator[Line]:
    """How many are how, and what was written."""
    states = dict.fromkeys(found.status for found in plans)
    rows = [_row(state, [found for found in plans if found.status == state]) for state in states]
    table = [_HEAD, *rows, *([_row("all", plans)] if len(rows) > 1 else [])]
    first, *others = (max(map(len, column)) for column in zip(*table, strict=True))
    for name, *numbers in table:
        cells = (number.rjust(width) for number, width in zip(numbers, others, strict=True))
        yield line("  ".join((name.ljust(first), *cells)))


def _row(name: str, plans: Sequence[Pass]) -> tuple[str, str, str]:
    return name, f"{len(plans):,}", f"{sum(found.writes for found in plans):,}"
