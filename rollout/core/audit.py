"""The audit's chain: what was decided, from what, by whom; each entry holds the hash of the one before it.

An entry is one line of canonical JSON (sorted keys, no spaces). Its `hash` is the SHA-256 of that JSON without the
`hash`, in hexadecimal; `previous` is the hash of the entry before, sixty-four zeros for the first. So a line that is
changed, removed or moved breaks the chain there; that the end was cut off shows to who knows a later hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

FORMAT: Final = 1
"""The version of what an entry says. Raise it where an older tool would read it wrong."""

Kind = Literal["decision", "outcome", "command", "repair"]


class Digests(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of what was to be done: the goal's revision, the change set, the plan's meaning, the policy ("": none)."""

    goal: str = ""
    change_set: str = ""
    plan: str = ""
    policy: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened, before it has a place in the chain.

    A `decision` is written before anything is done about it, with the `inputs` that it can be derived from again
    (`core.audit_inputs`); an `outcome` says how the action of the decision with the sequence `about` ended. A `command`
    is a person's word, `repair` the rest of a line that was never finished. `time` is the service's, UTC. Not
    `derivable`: what was hidden decided (`core.audit_inputs`).
    """

    kind: Kind
    format: int = FORMAT
    time: datetime | None = None
    plan: str = ""
    commit: str = ""
    actor: str = ""
    run: str = ""
    endpoint: str = ""
    digests: Digests = Digests()
    inputs: Mapping[str, Any] = {}
    decision: Mapping[str, Any] = {}
    derivable: bool = True
    about: int | None = None
    outcome: str = ""
    note: str = ""


class Entry(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A record in its place. Made by `sealed`; nobody else gives it a hash."""

    sequence: int
    previous: str
    hash: str = ""


class Head(msgspec.Struct, frozen=True):
    """The last entry of a chain: how many there are, and its hash."""

    sequence: int = 0
    hash: str = "0" * 64


START: Final = Head()
"""What the first entry follows."""


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one line (from 1), in words."""

    line: int
    message: str


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What checking a chain shows: how many lines there are, its last hash, and every fault."""

    lines: int
    head: Head
    faults: tuple[Fault, ...] = ()


def canonical(value: Any) -> bytes:
    """One text for one value: sorted keys, no spaces."""
    return msgspec.json.encode(value, order="sorted")


def sealed(record: Record, after: Head = START) -> Entry:
    """That record as the next entry behind `after`."""
    said = msgspec.to_builtins(record) | {"kind": record.kind, "format": record.format}
    said |= {"sequence": after.sequence + 1, "previous": after.hash}
    return msgspec.convert(said | {"hash": _hash(said)}, Entry)


def line_of(entry: Entry) -> bytes:
    """The entry as it stands in a file, with the end of its line."""
    said = msgspec.to_builtins(entry) | {"kind": entry.kind, "format": entry.format}
    return canonical(said) + b"\n"


def read(line: bytes) -> Entry:
    """The entry of one line that `fault_of` finds nothing in. Raises ValueError for one of another format."""
    found = msgspec.json.decode(line)
    if found.get("format") != FORMAT:
        raise ValueError(
            f"entry {found.get('sequence')} has the format {found.get('format')}, this tool reads {FORMAT}"
        )
    return msgspec.convert(found, Entry)


def head_of(line: bytes) -> Head:
    """The place of that line in its chain. Raises ValueError where the line itself is not as it was written."""
    found = _members(line)
    if isinstance(found, str):
        raise ValueError(found)
    return Head(found["sequence"], found["hash"])


def verify(lines: Iterable[bytes], head: str = "") -> Verified:
    """Check every line (with its end), and that the entry whose hash is `head` ("": any) is among them."""
    faults: list[Fault] = []
    gaps: list[tuple[int, int, int]] = []
    seen: set[int] = set()
    last, number, known = START, 0, not head or head == START.hash
    for number, line in enumerate(lines, 1):
        found = _members(line)
        if isinstance(found, str):
            faults.append(Fault(number, found))
            last = Head(last.sequence + 1, "")
            continue
        mine = Head(found["sequence"], found["hash"])
        known = known or mine.hash == head
        if last.sequence + 1 != mine.sequence:
            gaps.append((number, last.sequence + 1, mine.sequence))
        elif last.hash not in ("", found["previous"]):
            faults.append(Fault(number, f"entry {mine.sequence} does not follow the entry before it"))
        seen.add(mine.sequence)
        last = mine
    faults += [Fault(number, message) for number, message in _gaps(gaps, seen)]
    if not known:
        faults.append(Fault(number + 1, f"no entry has the hash {head}: the end was cut off, or it is another file"))
    return Verified(lines=number, head=last, faults=tuple(sorted(faults, key=lambda fault: fault.line)))


def _gaps(gaps: list[tuple[int, int, int]], seen: set[int]) -> Iterator[tuple[int, str]]:
    for line, wanted, found in gaps:
        if found < wanted or wanted in seen:
            yield line, f"entry {found} stands where entry {wanted} belongs: entries were moved, or repeated"
        elif found == wanted + 1:
            yield line, f"entry {wanted} is missing"
        else:
            yield line, f"entries {wanted} to {found - 1} are missing"


def _hash(members: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(members)).hexdigest()


def _members(line: bytes) -> dict[str, Any] | str:
    """The line's members, or what is wrong with it."""
    if not line.endswith(b"\n"):
        return "the last line is not finished: a process was killed while it wrote it; the next one repairs it"
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "the line was changed: it is no JSON"
    if not isinstance(found, dict) or canonical(found) + b"\n" != line:
        return "the line was changed: it is not written as an entry is"
    named = [isinstance(found.get(name), kind) for name, kind in (("sequence", int), ("previous", str), ("hash", str))]
    if not all(named):
        return "the line was changed: it is no entry"
    rest = {name: value for name, value in found.items() if name != "hash"}
    if _hash(rest) != found["hash"]:
        return f"entry {found['sequence']} was changed: its content has another hash"
    return found
