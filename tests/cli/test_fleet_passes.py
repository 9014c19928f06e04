"""`reconcile` over fleets beside each other, and what a schedule does where a member cannot be looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rollout.cli.main import main
from rollout.emulator import process
from tests.cli.conftest import Command
from tests.cli.fleets import HAZARD, read, states, write_fleet

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def released(emulator: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two fleets, released."""
    paths = [write_fleet(tmp_path_factory.mktemp("fleets"), name) for name in ("early", "late")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROLLOUT_STATE_DIR", str(emulator))
        patch.setenv("ROLLOUT_TARGET", "emulator")
        for path in paths:
            assert main(["apply", str(path), "--auto-approve", *HAZARD]) == 0
    return paths


@pytest.fixture
def forbid(on_emulator: Path) -> Iterator[Callable[[str], None]]:
    """Refuse every read of an endpoint's deployments, until the test is over."""

    def refuse(endpoint: str) -> None:
        effect = {"kind": "status", "status": 403, "code": "AuthorizationFailed", "message": "No read for you."}
        rule = {"method": "GET", "path": f"/{endpoint}/deployments", "effect": effect, "times": 1_000}
        process.door(on_emulator, "PUT", "faults", [rule])

    yield refuse
    process.door(on_emulator, "PUT", "faults", [])


def reads(state: Path, ran: Callable[[], object]) -> int:
    """How many reads the emulator serves while something runs."""
    process.door(state, "POST", "reset-counts")
    ran()
    return int(process.status(state)["requests"]["reads"])


def test_fleets_share_what_a_process_knows(rollout: Command, on_emulator: Path, released: list[Path]) -> None:
    """The list of a workspace's endpoints, and the autoscale settings of its group, are read once for all fleets; only
    `status` lists them once more, for those that are members no more."""
    first, second = released
    alone = [
        reads(on_emulator, lambda: rollout("reconcile", first)),
        reads(on_emulator, lambda: rollout("status", second)),
    ]
    assert reads(on_emulator, lambda: rollout("reconcile", *released)) == sum(alone) - 3


def test_a_fleet_that_cannot_be_read_stops_no_other(rollout: Command, on_emulator: Path, released: list[Path]) -> None:
    """It has a row with its fault; what is said of the other is in its own row, and in those of its members."""
    whole = released[1]
    broken = whole.with_name("broken.fleet.yml")
    broken.write_text(whole.read_text().replace("waves:", "wawes:"))
    ran = rollout("reconcile", broken, whole, "-o", "json")
    rows = [(one["file"], one["status"], one["part_of"]) for one in ran.json["plans"]]
    members = [
        (f"{whole} {wave}/late-{end}", "released", str(whole))
        for wave, end in (("one", "a"), ("two", "b"), ("two", "c"))
    ]
    assert (ran.code, rows) == (3, [(str(broken), "error", ""), *members, (str(whole), "done", "")])
    (fleet,) = [one["fleet"] for one in ran.json["plans"] if one["fleet"]]
    assert states(fleet) == {"one": ["released"], "two": ["released", "released"]}
    assert {one["change_set"] for wave in fleet["waves"] for one in wave["members"]} == {None}


def test_who_cannot_be_looked_at_is_not_begun(
    rollout: Command, on_emulator: Path, released: list[Path], forbid: Callable[[str], None], tmp_path: Path
) -> None:
    """It may wait to be begun by `apply`: a schedule begins nothing, and says whom it could not see. Without a look
    at it nobody approves the fleet, either."""
    path = released[0].with_name("edited.fleet.yml")
    path.with_name("v2.txt").write_text("v2")
    before, _, last = released[0].read_text().rpartition("v1.txt")
    path.write_text(f"{before}v2.txt{last}")
    forbid("early-c")

    ran = rollout("ci", "reconcile", path, "--only-begun", "--documents", tmp_path / "documents")
    assert ran.code == 0
    told = f"warning: {path}: not begun; only apply begins it, when it is approved; early-c cannot be looked at: "
    assert ran.err.startswith(told), ran.err
    assert list((tmp_path / "documents").glob("*.json")) == []

    looked = rollout("diff", path, "--out", tmp_path / "seen.json")
    found = read(tmp_path / "seen.json")
    assert (states(found)["two"], found["approval"], found["exit_code"]) == (["released", "unknown"], None, 1), looked
    assert rollout("apply", tmp_path / "seen.json").code == 3
