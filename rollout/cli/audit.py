"""`rollout audit` and `rollout replay`: what `--audit FILE` wrote down, checked, shown, and derived again; offline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import click
import msgspec

from rollout.cli import exits, options
from rollout.cli.audit_file import FileLedger
from rollout.cli.options import Output
from rollout.cli.printing import publish_value
from rollout.core.audit import Entry, Verified, head_of, read, verify
from rollout.core.audit_inputs import derived
from rollout.errors import RolloutError
from rollout.render.document import FORMAT_VERSION
from rollout.render.styled import Line, line, spans
from rollout.render.words import moment

_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.group()
def audit() -> None:
    """Check or show what `--audit FILE` wrote down; offline."""


@audit.command("verify")
@_FILE
@options.option("--head", default="", metavar="HASH", help="A hash that was seen before: its entry must be there.")
@options.plain_output
def verify_(file: Path, head: str, outputs: tuple[Output, ...]) -> int:
    """Check the chain of FILE: exit 0 if every entry is as it was written, 1 if one was changed, removed or moved.

    That the end was cut off is only found with --head: keep the hash that this prints somewhere else.
    """
    found = verify(FileLedger(file).lines(), head)
    value = {"format_version": FORMAT_VERSION, **msgspec.to_builtins(found)}
    publish_value(value, _verified(file, found), outputs)
    return exits.ERROR if found.faults else exits.OK


def _verified(file: Path, found: Verified) -> Iterator[Line]:
    for fault in found.faults:
        yield line(f"{file}:{fault.line}: {fault.message}", "bad")
    if not found.faults:
        yield line(f"{found.lines} entries, each as it was written; the last one's hash is {found.head.hash}")


@audit.command("show")
@_FILE
@options.option("--plan", default="", metavar="NAME", help="Only the entries of the plan of that name.")
@options.plain_output
def show(file: Path, plan: str, outputs: tuple[Output, ...]) -> int:
    """Show the entries of FILE: when, which plan, who, what was decided and how it ended; all of it as JSON."""
    found = [entry for entry in FileLedger(file).entries() if not plan or entry.plan == plan]
    value = {"format_version": FORMAT_VERSION, "entries": msgspec.to_builtins(found)}
    publish_value(value, map(_row, found), outputs)
    return exits.OK


def _row(entry: Entry) -> Line:
    when = moment(entry.time) if entry.time else " " * len("2026-01-31 08:00Z")
    who = f", by {entry.actor}" if entry.actor and entry.kind != "outcome" else ""
    return spans((f"{entry.sequence:5} ", "dim"), (f"{when}  {entry.plan}  {_said(entry)}{who}", ""))


def _said(entry: Entry) -> str:
    match entry.kind:
        case "decision":
            return f"{entry.decision.get('status')}: {entry.decision.get('reason')}"
        case "outcome":
            return f"{entry.outcome} (of {entry.about})"
        case _:
            return f"{entry.kind}: {entry.note}"


class Derived(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that came out differently, or could not be derived (`fault` says why)."""

    sequence: int
    recorded: Mapping[str, Any] = {}
    derived: Mapping[str, Any] = {}
    fault: str = ""


@click.command()
@_FILE
@options.plain_output
def replay(file: Path, outputs: tuple[Output, ...]) -> int:
    """Derive each decision in FILE again, by this version and from what is written there, and compare.

    Exit 0 if all came out as they were; 1 if some did not, which are shown, or cannot be read.
    """
    results = [found for number, text in enumerate(FileLedger(file).lines(), 1) for found in _again(number, text)]
    different = [found for found in results if found is not None]
    value = {"format_version": FORMAT_VERSION, "decisions": len(results), "different": msgspec.to_builtins(different)}
    publish_value(value, _replayed(len(results), different), outputs)
    return exits.ERROR if different else exits.OK


def _again(number: int, text: bytes) -> Iterator[Derived | None]:
    """None for a decision that came out as it was; nothing for what is no decision."""
    try:
        head_of(text)
        entry = read(text)
        if entry.kind != "decision":
            return
        if not entry.derivable:
            yield Derived(sequence=entry.sequence, fault="a hidden value decided: it cannot be derived again")
            return
        again = derived(entry.inputs)
    except (ValueError, RolloutError) as error:
        yield Derived(sequence=number, fault=str(error))
        return
    same = again == entry.decision
    yield None if same else Derived(sequence=entry.sequence, recorded=entry.decision, derived=again)


def _replayed(decisions: int, different: list[Derived]) -> Iterator[Line]:
    same = decisions - len(different)
    yield line(f"{same} of {decisions} decisions came out as they were", "title")
    yield from chain.from_iterable(map(_difference, different))


def _difference(found: Derived) -> Iterator[Line]:
    if found.fault:
        yield line(f"  {found.sequence}: {found.fault}", "bad")
        return
    names = [name for name in found.derived if found.derived[name] != found.recorded.get(name)]
    yield line(f"  {found.sequence}: {', '.join(names)}", "bad")
    for name in names:
        for word, said in (("was", found.recorded.get(name)), ("is ", found.derived[name])):
            text = said if isinstance(said, str) else msgspec.json.encode(said).decode()
            yield line(f"      {name} {word} {text}")
