"""The chain of the audit: what breaks it is found and named, whatever it is."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.core.audit import START, Entry, Head, Record, head_of, line_of, read, sealed, verify

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RECORDS = [
    Record(kind="decision", time=WHEN, plan="house", actor="ada", inputs={"now": 1.5}, decision={"status": "act"}),
    Record(kind="outcome", time=WHEN, plan="house", about=1),
    Record(kind="command", time=WHEN, plan="house", actor="bob", note="hold: a look at the café"),
    Record(kind="decision", time=WHEN, plan="house", decision={"status": "hold"}),
]


def chained(records: list[Record]) -> list[Entry]:
    """Those records as one chain."""
    entries, head = [], START
    for record in records:
        entries.append(entry := sealed(record, head))
        head = Head(entry.sequence, entry.hash)
    return entries


ENTRIES = chained(RECORDS)
LINES = [line_of(entry) for entry in ENTRIES]
FILE = b"".join(LINES)


def faults(lines: list[bytes], head: str = "") -> list[tuple[int, str]]:
    """What is found, as pairs."""
    return [(fault.line, fault.message) for fault in verify(lines, head).faults]


def test_a_line_is_an_entry() -> None:
    """What is written is what is read; a chain as it was written has no faults, and knows its head."""
    assert [read(line) for line in LINES] == ENTRIES
    assert [head_of(line).sequence for line in LINES] == [1, 2, 3, 4]
    assert LINES[1] == (
        b'{"about":1,"format":1,"hash":"' + ENTRIES[1].hash.encode() + b'","kind":"outcome","plan":"house","previous":"'
        + ENTRIES[0].hash.encode() + b'","sequence":2,"time":"2026-01-02T03:04:05Z"}\n'
    )  # fmt: skip
    assert verify(LINES, ENTRIES[2].hash).faults == ()
    assert verify(LINES).head == Head(4, ENTRIES[3].hash)
    assert verify([]).head == START


def test_what_was_done_to_it_is_said() -> None:
    """A changed, a removed and a moved line, a torn end and a cut end: each by its line, in words."""
    changed = LINES[1].replace(b"house", b"mouse")
    assert faults([LINES[0], changed, *LINES[2:]]) == [(2, "entry 2 was changed: its content has another hash")]
    assert faults([LINES[0], *LINES[2:]]) == [(2, "entry 2 is missing")]
    assert faults([LINES[0], LINES[3]]) == [(2, "entries 2 to 3 are missing")]
    assert faults([LINES[0], LINES[2], LINES[1], LINES[3]]) == [
        (2, "entry 3 stands where entry 2 belongs: entries were moved, or repeated"),
        (3, "entry 2 stands where entry 4 belongs: entries were moved, or repeated"),
        (4, "entry 4 stands where entry 3 belongs: entries were moved, or repeated"),
    ]
    torn = "the last line is not finished: a process was killed while it wrote it; the next one repairs it"
    assert faults([*LINES[:3], LINES[3][:-9]]) == [(4, torn)]
    assert faults(LINES[:3]) == []
    end = ENTRIES[3].hash
    assert faults(LINES[:3], end) == [(4, f"no entry has the hash {end}: the end was cut off, or it is another file")]
    other = sealed(RECORDS[1], Head(1, "f" * 64))
    assert faults([LINES[0], line_of(other)]) == [(2, "entry 2 does not follow the entry before it")]


def test_what_no_entry_is() -> None:
    """No JSON, other spaces, a number, an object of another kind: the line was changed."""
    assert faults([b"{\n"]) == [(1, "the line was changed: it is no JSON")]
    assert faults([LINES[0].replace(b",", b", ", 1)]) == [(1, "the line was changed: it is not written as an entry is")]
    assert faults([b"1\n"]) == [(1, "the line was changed: it is not written as an entry is")]
    assert faults([b'{"a":1}\n']) == [(1, "the line was changed: it is no entry")]
    with pytest.raises(ValueError, match="it is no JSON"):
        head_of(b"\xff\n")


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"sequence":' + b"9" * 400 + b"}",
        b'{"a":"\\ud800"}',
        b'{"a":1e999}',
        b"\x00",
        b"",
    ],
    ids=["nested", "digits", "surrogate", "infinite", "nul", "empty"],
)
def test_hostile_lines(text: bytes) -> None:
    """Whatever somebody wrote there: a fault of that line, never an error of ours."""
    (found,) = faults([text + b"\n"])

    assert (found[0], found[1].startswith("the line was changed: it is no ")) == (1, True)


def test_another_format_is_told() -> None:
    """An entry of a later version stands in its chain, and is not read."""
    later = sealed(msgspec.structs.replace(RECORDS[0], format=2))

    assert verify([line_of(later)]).faults == ()
    with pytest.raises(ValueError, match=r"^entry 1 has the format 2, this tool reads 1$"):
        read(line_of(later))


@given(at=st.integers(0, len(FILE) - 1), byte=st.integers(0, 255))
def test_every_changed_byte_is_found(at: int, byte: int) -> None:
    """Any byte of the file that is another one."""
    changed = FILE[:at] + bytes([byte]) + FILE[at + 1 :]

    assert bool(verify(changed.splitlines(keepends=True)).faults) == (changed != FILE)


@given(at=st.integers(0, len(FILE) - 1))
def test_every_removed_byte_is_found(at: int) -> None:
    """Any byte of the file that is gone."""
    assert verify((FILE[:at] + FILE[at + 1 :]).splitlines(keepends=True)).faults


@given(order=st.permutations(range(len(LINES))), keep=st.integers(0, len(LINES)))
def test_every_removal_and_move_of_lines_is_found(order: list[int], keep: int) -> None:
    """Only the beginning of the file is a chain; with the head known, only the whole."""
    lines = [LINES[index] for index in order[:keep]]

    assert (verify(lines).faults == ()) == (lines == LINES[:keep])
    assert (verify(lines, ENTRIES[-1].hash).faults == ()) == (lines == LINES)


def test_an_empty_chain() -> None:
    """Has no lines and no faults; only its own head is its head."""
    assert (verify([]).lines, faults([]), faults([], START.hash)) == (0, [], [])
    assert faults([], "f" * 64)[0][0] == 1
    assert faults(LINES, START.hash) == []


def test_every_damaged_line_is_named() -> None:
    """What comes behind one is still looked at."""
    spoilt = [b"{\n", LINES[1], b"[]\n", LINES[3]]
    assert [line for line, _ in faults(spoilt)] == [1, 3]


def test_an_entry_that_stands_too_late() -> None:
    """A repetition where nothing is missing yet: the number that belongs there was never seen."""
    moved = "entry 1 stands where entry 3 belongs: entries were moved, or repeated"
    assert faults([LINES[0], LINES[1], LINES[0]]) == [(3, moved)]
