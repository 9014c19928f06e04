"""`--audit FILE`: written before it is done, whole after kills, and derived again."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rollout.cli.audit_file import FileLedger
from rollout.cli.recording import Recorder
from rollout.core.audit import Head, Record, line_of, sealed, verify
from rollout.errors import Refused
from tests.cli.conftest import Command, write_plan
from tests.worlds.generated import Generated
from tests.worlds.history import History

DECISIONS = 1000
WRITER = """
import sys
from pathlib import Path
from rollout.cli.audit_file import FileLedger
from rollout.core.audit import Record
for number in range(int(sys.argv[2])):
    print(FileLedger(Path(sys.argv[1])).append(Record(kind="command", note=sys.argv[3] * 3000)).sequence, flush=True)
"""


def written(path: Path) -> list[str]:
    """What the entries say; every one must be as it was written."""
    assert verify(FileLedger(path).lines()).faults == ()
    return [f"{entry.kind} {entry.note}".strip() for entry in FileLedger(path).entries()]


def test_a_thousand_decisions_come_out_as_they_were(
    rollout: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random histories with failures, kills and hands from outside, written down by the recorder of the commands."""
    file, seed = tmp_path / "audit.jsonl", 0
    book, real = FileLedger(file), vars(History)["runner"].fget
    monkeypatch.setattr("os.fsync", lambda file: None)  # no power cut is tried here

    def recorded(history: History) -> object:
        runner = real(history)
        recorder = Recorder(book, history.release, history.allowed, "/endpoints/house")
        monkeypatch.setattr(runner, "_tell", recorder)
        return runner

    monkeypatch.setattr(History, "runner", property(recorded))
    count = 0
    while count < DECISIONS:
        Generated(random.Random(seed), kills=bool(seed % 2)).play()
        seed += 1
        count = file.read_bytes().count(b'"kind":"decision"')
    ran = rollout("replay", file)

    assert (ran.code, ran.out) == (0, f"{count} of {count} decisions came out as they were\n")
    assert rollout("audit", "verify", file).code == 0


def test_a_release_written_down(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """From nothing to an approval and a person's word: each write has its decision, each decision follows again."""
    plan, file = write_plan(tmp_path, "audited"), tmp_path / "audit.jsonl"
    ran = rollout("apply", plan, "--auto-approve", "--audit", file)
    assert ran.code == 0, ran.err
    assert rollout("hold", plan, "--why", "a look", "--audit", file).code == 0
    assert rollout("apply", plan, "--auto-approve", "--audit", file).code == 10
    shown = rollout("audit", "show", file, "--output", "json").json["entries"]
    outcomes = [entry["outcome"] for entry in shown if entry["kind"] == "outcome"]

    assert outcomes[:2] == ["create_endpoint: done", "deploy: done"]
    assert outcomes[-1] == "record: done"
    decisions = {entry["sequence"]: entry for entry in shown if entry["kind"] in ("decision", "command")}
    assert {entry["about"] for entry in shown if entry["kind"] == "outcome"} <= set(decisions)
    first = shown[0]
    assert (first["plan"], first["actor"], first["endpoint"].rpartition("/")[2]) == ("audited", "ann", "audited")
    assert len(first["digests"]["goal"]) == 20
    assert len(first["digests"]["change_set"]) == 16
    assert shown[-1]["decision"]["status"] == "hold"
    command = next(entry for entry in shown if entry["kind"] == "command")
    assert (command["actor"], command["note"]) == ("ann", "held by ann: a look")
    ran = rollout("replay", file)
    assert (ran.code, ran.out.count(" decisions came out as they were")) == (0, 1)
    rows = rollout("audit", "show", file, "--plan", "audited").out.splitlines()
    assert len(rows) == len(shown)
    assert rows[0].endswith("audited  act: the endpoint does not exist, by ann")
    assert rollout("audit", "show", file, "--plan", "other").out == ""


def test_a_release_written_into_a_database(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """Decisions and a person's command are one chain; as lines it is verified, and every decision derived again."""
    plan, file = write_plan(tmp_path, "audited-in-sql"), tmp_path / "chain.jsonl"
    audit = f"sqlite:///{tmp_path}/audit.db"
    ran = rollout("apply", plan, "--auto-approve", "--audit", audit)
    assert ran.code == 0, ran.err
    assert rollout("hold", plan, "--why", "a look", "--audit", audit).code == 0
    (entry, *_) = rollout("store", "show", "--history", audit, "-o", "json").json["entries"]
    shown = rollout("store", "show", "--history", audit, "--endpoint", entry["endpoint"], "--out", file)
    assert shown.code == 0, shown.err
    assert (verified := rollout("audit", "verify", file)).code == 0, verified.err
    assert (again := rollout("replay", file)).code == 0, again.out
    kinds = [json.loads(line)["kind"] for line in file.read_text().splitlines()]
    assert (kinds.count("command"), "decision" in kinds, kinds[-1]) == (1, True, "outcome")


def test_nothing_is_done_that_cannot_be_written_down(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """A folder that is not there: refused, before any write."""
    plan = write_plan(tmp_path, "unaudited")
    ran = rollout("apply", plan, "--auto-approve", "--audit", tmp_path / "no" / "audit.jsonl")

    assert (ran.code, "cannot write the audit to" in ran.err) == (6, True)
    assert rollout("status", plan, "--output", "json").json["endpoint"]["exists"] is False


def test_a_line_that_was_never_finished(tmp_path: Path) -> None:
    """Cut at any byte, the next writer goes on; a line that lacks its end only keeps its place."""
    file = tmp_path / "audit.jsonl"
    for note in ("one", "two"):
        FileLedger(file).append(Record(kind="command", note=note))
    whole = file.read_bytes()
    second = whole.index(b"\n") + 1
    for cut in range(second + 1, len(whole), 7):
        file.write_bytes(whole[:cut])
        FileLedger(file).append(Record(kind="command", note="three"))
        torn = whole[second:cut].decode()
        assert written(file) == [
            "command one",
            f"repair a line of {cut - second} bytes was not finished: {torn}",
            "command three",
        ]
    file.write_bytes(whole[:-1])
    FileLedger(file).append(Record(kind="command", note="three"))
    assert written(file) == ["command one", "command two", "command three"]
    file.write_bytes(whole[: second - 3])
    FileLedger(file).append(Record(kind="command", note="three"))
    assert [line.split()[0] for line in written(file)] == ["repair", "command"]


def test_two_writers_and_a_kill(tmp_path: Path) -> None:
    """Two processes write at the same time, one is killed: one chain, and all that was acknowledged."""
    file = tmp_path / "audit.jsonl"
    command = [sys.executable, "-c", WRITER, str(file)]
    killed = subprocess.Popen([*command, "100000", "x"], stdout=subprocess.PIPE, text=True)
    other = subprocess.Popen([*command, "40", "y"], stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    mine = [int(killed.stdout.readline()) for _ in range(20)]
    killed.kill()
    mine += map(int, killed.communicate()[0].split())
    theirs = list(map(int, other.communicate()[0].split()))
    FileLedger(file).append(Record(kind="command", note="last"))
    found = {entry.sequence: entry.note[:1] for entry in FileLedger(file).entries()}

    assert verify(FileLedger(file).lines()).faults == ()
    assert len(theirs) == 40
    assert {found[number] for number in mine} == {"x"}
    assert {found[number] for number in theirs} == {"y"}


def test_what_is_wrong_is_told(rollout: Command, tmp_path: Path) -> None:
    """A changed line by its place; a cut end by the head that was known; damage at the end is not written behind."""
    file = tmp_path / "audit.jsonl"
    last = [FileLedger(file).append(Record(kind="command", note=note)) for note in ("one", "two", "three")][-1]
    fine = rollout("audit", "verify", file)
    assert (fine.code, fine.out) == (
        0,
        f"3 entries, each as it was written; the last one's hash is {last.hash}\n",
    )
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:2]))
    cut = rollout("audit", "verify", file, "--head", last.hash)
    assert cut.code == 1
    assert f"{file}:3: no entry has the hash {last.hash}" in cut.out.replace("\n", " ")
    file.write_bytes(lines[0] + lines[1].replace(b"two", b"too"))
    found = rollout("audit", "verify", file, "--output", "json")
    assert (found.code, found.json["faults"]) == (
        1,
        [{"line": 2, "message": "entry 2 was changed: its content has another hash"}],
    )
    with pytest.raises(Refused, match=r"^the end of .* is damaged: entry 2 was changed: its content has another hash$"):
        FileLedger(file).append(Record(kind="command"))
    assert rollout("audit", "show", file).code == 6
    assert rollout("audit", "show", tmp_path / "none").code == 6


def test_replay_shows_what_differs(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """Another decision, one that hidden values decided, inputs and a format that nobody knows: each is told."""
    plan, file = write_plan(tmp_path, "replayed"), tmp_path / "audit.jsonl"
    rollout("apply", plan, "--auto-approve", "--audit", file)
    first = next(FileLedger(file).entries())
    base = {name: getattr(first, name) for name in Record.__struct_fields__}
    changes: tuple[dict[str, Any], ...] = (
        {"decision": {**first.decision, "reason": "because"}},
        {"derivable": False},
        {"inputs": {}},
        {"format": 9},
    )
    file.unlink()
    text, head = b"", Head()
    for change in changes:
        entry = sealed(Record(**{**base, **change}), head)
        text, head = text + line_of(entry), Head(entry.sequence, entry.hash)
    file.write_bytes(text)
    ran = rollout("replay", file)

    assert (ran.code, ran.out.splitlines()) == (
        1,
        [
            "0 of 4 decisions came out as they were",
            "  1: reason",
            "      reason was because",
            "      reason is  the endpoint does not exist",
            "  2: a hidden value decided: it cannot be derived again",
            "  3: Object missing required field `release`",
            "  4: entry 4 has the format 9, this tool reads 1",
        ],
    )
    assert json.loads(rollout("replay", file, "-o", "json").out)["decisions"] == 4
