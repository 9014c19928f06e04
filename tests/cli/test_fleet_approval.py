"""A fleet's saved change set: applied as it was approved, wave by wave, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from rollout.emulator import process
from tests.cli.conftest import Command
from tests.cli.fleets import HAZARD, read, states, write_fleet

pytestmark = pytest.mark.slow
RELEASED: Final = {"one": ["released"], "two": ["released", "released"]}
PENDING: Final = {"one": ["pending"], "two": ["pending", "pending"]}


def saved(rollout: Command, path: Path, *more: object) -> Path:
    """What `diff --out` writes, beside the fleet; the emulator's days are short."""
    file = path.with_suffix(".json")
    ran = rollout("diff", path, "--out", file, "--lifetime", "60d", *HAZARD, *more)
    assert ran.code == 0, ran.err
    return file


def reads(state: Path, ran: Any) -> int:
    """How many reads the emulator serves while something runs."""
    process.door(state, "POST", "reset-counts")
    ran()
    return int(process.status(state)["requests"]["reads"])


def test_exactly_what_was_approved(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """One file for all runs of the release, with the hazards that were allowed when it was looked at."""
    path = write_fleet(tmp_path, "given")
    file = saved(rollout, path)
    first = read(file)
    assert (first["approval"]["digest"], first["approval"]["fleet"]) == (first["digest"], "given")
    assert (first["approval"]["file"], first["valid_until"]) == (str(path), first["approval"]["valid_until"])
    assert (states(first), first["begun"]) == (PENDING, False)

    ran = rollout("apply", file, "-o", "json")
    assert (ran.code, states(ran.json), ran.json["begun"]) == (0, RELEASED, True), ran.err
    again = rollout("apply", file, "-o", "json")
    assert (again.code, again.json["status"]) == (0, "done"), again.err
    wrong = rollout("apply", file, "--expect", "0" * 16)
    assert (wrong.code, wrong.err) == (5, f"error: the saved change set is {first['digest']}, not {'0' * 16}\n")


def test_other_files_than_were_approved(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """An edited plan, an edited fleet, an edited change set: exit 5 before anything is asked of the service."""
    path = write_fleet(tmp_path, "edited")
    file = saved(rollout, path)
    again = f"hint: look at it again and have it approved: rollout diff {path} --out FILE\n"
    text, whole = path.read_text(), file.read_text()

    write_fleet(tmp_path, "edited", "v1 v2")
    goals = rollout("apply", file)
    assert (goals.code, goals.err.count("the plan's goal is "), goals.err.endswith(again)) == (5, 2, True), goals.err
    assert goals.err.startswith("error: edited-b: the plan's goal is ")

    path.write_text(text.replace("name: two\n", "name: two\n    bake: 1h\n"))
    waves = rollout("apply", file)
    told = "error: the fleet edited is not as it was approved: its waves were edited\n"
    assert (waves.code, waves.err) == (5, told + again)

    path.write_text(text.partition("      - {name: edited-c")[0])
    gone = rollout("apply", file)
    told = "error: the fleet edited has other members than were approved: edited-c (gone)\n"
    assert (gone.code, gone.err) == (5, told + again)

    path.write_text(text)
    file.write_text(whole.replace(read(file)["approval"]["meaning"], "0" * 16))
    sealed = rollout("apply", file)
    assert (sealed.code, sealed.err) == (5, "error: the saved change set was edited after it was written\n" + again)
    assert states(rollout("status", path, "-o", "json").json) == PENDING


def test_another_world_than_was_approved(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """A member of the last wave is another by now: nothing is done to any of them, and the field is named. What was
    approved too long ago is refused, too."""
    path = write_fleet(tmp_path, "moved")
    file = saved(rollout, path)
    (tmp_path / "other").mkdir()
    other = write_fleet(tmp_path / "other", "moved", "v9")
    other.write_text(other.read_text().replace("      - {name: moved-a", "      - {name: moved-x"))
    other.write_text(other.read_text().partition("      - {name: moved-c")[0])
    assert rollout("apply", other, "--auto-approve", *HAZARD).code == 0

    ran = rollout("apply", file, "-o", "json")
    assert ran.code == 5
    assert ran.err.startswith("error: moved-b: this changed since "), ran.err
    assert "endpoint: promoted is blue " in ran.err
    assert ran.err.endswith(f"rollout diff {path} --out FILE\n")
    assert (ran.json["kind"], ran.json["exit_code"]) == ("failure", 5)
    assert states(rollout("status", path, "-o", "json").json)["one"] == ["pending"]

    assert rollout("diff", path, "--out", file, "--lifetime", "1s", *HAZARD).code == 0
    late = rollout("apply", file)
    assert (late.code, " expired at " in late.err) == (5, True), late.err


def test_what_holds_no_fleet_to_apply(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """The result of an apply is no approval."""
    path = write_fleet(tmp_path, "looks")
    file = tmp_path / "applied.json"
    assert rollout("apply", path, "--auto-approve", *HAZARD, "-o", f"json={file}").code == 0
    ran = rollout("apply", file)
    assert (ran.code, ran.err) == (
        3,
        f"error: {file} holds no change set to apply\nhint: write one: rollout diff FLEET --out FILE\n",
    )


def test_one_look_serves(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """`apply --expect` decides on the look that it has compared: as many reads as `apply --auto-approve`."""
    path = write_fleet(tmp_path, "looks")
    digest = rollout("diff", path, *HAZARD, "-o", "json").json["digest"]
    assert rollout("apply", path, "--expect", digest, *HAZARD).code == 0
    digest = rollout("diff", path, *HAZARD, "-o", "json").json["digest"]
    expecting = reads(on_emulator, lambda: rollout("apply", path, "--expect", digest, *HAZARD))
    assert expecting == reads(on_emulator, lambda: rollout("apply", path, "--auto-approve", *HAZARD))
    assert expecting <= 6


def test_a_member_that_moved_meanwhile(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """Of a fleet that is under way: it stands still, with exit 5 and the field; the others go on as approved."""
    path = write_fleet(tmp_path, "midway")
    path.write_text(path.read_text().replace("name: one\n", "name: one\n    bake: 1h\n"))
    file = saved(rollout, path)
    begun = rollout("apply", file, "-o", "json")
    assert (begun.code, states(begun.json)) == (0, {**PENDING, "one": ["released"]}), begun.err
    (tmp_path / "other").mkdir()
    other = write_fleet(tmp_path / "other", "midway", "v9")
    head, _, members = other.read_text().partition("waves:\n")
    (line,) = [line for line in members.splitlines() if "midway-b" in line]
    other.write_text(f"{head}waves:\n  - name: two\n    members:\n{line}\n")
    assert rollout("apply", other, "--auto-approve", *HAZARD).code == 0

    ran = rollout("apply", file, "--wait", "-o", "json")
    assert (ran.code, states(ran.json)) == (5, {"one": ["released"], "two": ["held", "released"]}), ran.err
    assert ran.json["waves"][1]["members"][0]["reason"].startswith("this changed since "), ran.err
    assert f"rollout diff {path} --out FILE" in ran.err
