"""`rollout store upgrade|show`: the history of decisions that workers write into a database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from rollout.cli import exits, options, queue_options
from rollout.cli.options import Output
from rollout.cli.printing import publish_value, say
from rollout.errors import RolloutError, UsageError
from rollout.render.styled import Line, line

if TYPE_CHECKING:
    from rollout.core.audit import Entry

_HINT: Final = "ROLLOUT_HISTORY=sqlite:///PATH or postgresql://USER@HOST/DATABASE, or --history"


@click.group()
def store() -> None:
    """The history of decisions, in SQLite or Postgres."""


@store.command()
@queue_options.history
@queue_options.auth
def upgrade(history: str | None) -> int:
    """Make the history's tables, or bring them forward; doing it twice does nothing."""
    if not history:
        raise UsageError("no history", hint=_HINT)
    found = queue_options.history_at(history)
    from rollout.store import upgrade as migrations

    say(f"{found.shown}: the history {migrations.upgrade(found)}")
    return exits.OK


@store.command()
@queue_options.history
@queue_options.auth
@options.option("--endpoint", metavar="ID", help="All of that endpoint, by its ARM id; by default the youngest of all.")
@options.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the lines of --endpoint into this file, for `rollout audit` and `rollout replay`.",
)
@options.option("--limit", default=20, type=click.IntRange(1, 10_000), help="How many of the youngest.")
@options.plain_output
def show(history: str | None, endpoint: str | None, out: Path | None, limit: int, outputs: tuple[Output, ...]) -> int:
    """What passes came to: when, by whom, from which commit. With --endpoint its whole chain, held to be unbroken."""
    found = queue_options.opened_history(history)
    if found is None:
        raise UsageError("no history", hint=_HINT)
    if out is not None and not endpoint:
        raise UsageError("--out needs --endpoint", hint="a chain is that of one endpoint")
    from rollout.core.audit import read, verify

    lines = found.lines(endpoint.lower()) if endpoint else ()
    if out is not None:
        _written(out, lines)
    faults = [f"{one.line}: {one.message}" for one in verify(lines).faults]
    entries = [] if faults else [read(one) for one in lines] if endpoint else found.latest(limit)
    told = [*map(_line, entries), *(line(f"broken at {fault}") for fault in faults)]
    publish_value({"faults": faults, "entries": [msgspec.to_builtins(one) for one in entries]}, told, outputs)
    return exits.ERROR if faults else exits.OK


def _written(path: Path, lines: Sequence[bytes]) -> None:
    try:
        path.write_bytes(b"".join(lines))
    except OSError as error:
        raise RolloutError(f"cannot write {path}: {error.strerror}") from error


def _line(entry: Entry) -> Line:
    name = entry.endpoint.rpartition("/")[2]
    by = "".join(f" {word} {said}" for word, said in (("by", entry.actor), ("from", entry.commit[:8])) if said)
    time = f"{entry.time:%Y-%m-%d %H:%M:%S} " if entry.time else ""
    return line(f"{time}{name} {entry.sequence}: {entry.outcome or entry.kind}: {entry.note}{by}")
