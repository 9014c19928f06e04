"""Many plans in one pass: told apart, read with few requests, one bad one stops nobody; every plan in one shard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rollout.emulator import process
from tests.cli.conftest import Command, Ended

pytestmark = pytest.mark.slow
COUNT = 24
PLAN = """\
version: 1
name: fleet
endpoint: {{name: {endpoint}, auth_mode: key}}
candidate:
  model: {{path: {model}.txt}}
  environment: {{image: mcr.microsoft.com/azureml/minimal:1}}
  instance_type: Standard_DS3_v2
  instance_count: 1
stages: [deploy: candidate, traffic: 100]
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state directory of an emulator of its own: its requests are counted."""
    folder = tmp_path_factory.mktemp("many")
    process.start(folder, speed=2000.0, extra=("--no-processes", "--no-throttle"))
    yield folder
    process.stop(folder)


@pytest.fixture(autouse=True)
def target(house: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The target is that emulator, told by variables."""
    monkeypatch.setenv("ROLLOUT_STATE_DIR", str(house))
    monkeypatch.setenv("ROLLOUT_TARGET", "emulator")
    return house


@pytest.fixture
def counted(house: Path) -> Any:
    """What the emulator has served since the last call, by operation."""

    def since() -> dict[str, int]:
        found: dict[str, int] = process.status(house)["requests"]["by_operation"]
        process.door(house, "POST", "reset-counts")
        return found

    return since


def plan_for(folder: Path, endpoint: str, model: str = "v1") -> Path:
    """The plan `fleet` for that endpoint: what its copies carry as their record."""
    (folder / f"{model}.txt").write_text(model)
    found = folder / f"{endpoint}.rollout.yml"
    found.write_text(PLAN.format(endpoint=endpoint, model=model))
    return found


@pytest.fixture
def fleet(rollout: Command, house: Path, tmp_path: Path) -> Path:
    """A folder of plans whose endpoints have all converged."""
    names = [f"many-{number:02}" for number in range(COUNT)]
    plans = [plan_for(tmp_path, name) for name in names]
    assert rollout("apply", plans[0], "--auto-approve").code == 0
    process.door(house, "POST", "copies", {"endpoint": names[0], "names": names[1:]})
    return tmp_path


def ends(ended: Ended) -> dict[str, tuple[str, int]]:
    """Status and exit code by the plan's file."""
    return {Path(one["file"]).name.split(".")[0]: (one["status"], one["exit_code"]) for one in ended.json["plans"]}


def test_a_pass_over_a_fleet(rollout: Command, fleet: Path, counted: Any) -> None:
    """Converged: one list, one read of each endpoint's deployments, one of the autoscale settings; no write, no key.
    What moved is found, what is broken or doubled is told, and nobody else is stopped."""
    counted()
    looked = rollout("diff", fleet)
    assert counted() == {"OnlineEndpoints_List": 1, "OnlineDeployments_List": COUNT, "AutoscaleSettings_List": 1}
    assert (looked.code, looked.out.splitlines()[-2:]) == (0, ["status  plans  writes", "done       24       0"])
    assert looked.err.splitlines()[-1] == "diff: 24 of 24 plans"
    done = rollout("reconcile", fleet, "--no-orphans", "-o", "json")
    assert counted() == {"OnlineEndpoints_List": 1, "OnlineDeployments_List": COUNT, "AutoscaleSettings_List": 1}
    assert set(ends(done).values()) == {("done", 0)}

    plan_for(fleet, "many-03", "v2")
    (fleet / "many-05.rollout.yml").write_text("version: 1\nstages: [nonsense]\n")
    twin = fleet / "twin.rollout.yml"
    twin.write_text((fleet / "many-07.rollout.yml").read_text())
    counted()
    moved = rollout("diff", fleet, "--detailed-exitcode", "-o", "json", "-o", f"jsonl={fleet / 'lines.jsonl'}")
    told = ends(moved)
    different = {name: how for name, how in told.items() if how != ("done", 0)}
    assert different == {"many-03": ("act", 2), "many-05": ("error", 3), "many-07": ("error", 3), "twin": ("error", 3)}
    assert (moved.code, len(told), moved.json["command"]) == (3, COUNT + 1, "diff")
    home = f"many-07: {told_id(moved, 'many-03').replace('many-03', 'many-07')}"
    assert reason(moved, "twin") == f"{twin} and {fleet / 'many-07.rollout.yml'} are about the same endpoint, {home}"
    assert counted()["OnlineDeployments_List"] == COUNT - 2
    lines = [json.loads(text) for text in (fleet / "lines.jsonl").read_text().splitlines()]
    assert sorted(lines, key=file) == sorted(moved.json["plans"], key=file)

    alone = rollout("diff", fleet / "many-07.rollout.yml", twin, "-o", "jsonl")
    assert (alone.code, [json.loads(text)["exit_code"] for text in alone.out.splitlines()]) == (3, [3, 3])


def file(one: Any) -> str:
    """By which passes are put in order."""
    return str(one["file"])


def reason(ended: Ended, name: str) -> str:
    """Why a plan ended so."""
    return str(next(one["reason"] for one in ended.json["plans"] if f"{name}." in one["file"]))


def told_id(ended: Ended, name: str) -> str:
    """The ARM id of a plan's endpoint, in lower case."""
    found = next(one for one in ended.json["plans"] if f"{name}." in one["file"])
    return str(found["change_set"]["approval"]["endpoint"]).lower()


def test_shards_part_the_fleet(rollout: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three jobs: each plan in exactly one, the unreadable one too; the two of one endpoint always meet."""
    for number in range(7):
        plan_for(tmp_path, f"shard-{number}")
    (tmp_path / "twin.rollout.yml").write_text((tmp_path / "shard-2.rollout.yml").read_text())
    (tmp_path / "wrong.rollout.yml").write_text("version: 1\nstages: 7\n")
    whole = ends(rollout("diff", tmp_path, "-o", "json"))
    parts = [ends(rollout("diff", tmp_path, "--shard", f"{index}/3", "-o", "json")) for index in (1, 2)]
    monkeypatch.setenv("ROLLOUT_SHARD", "3/3")
    parts.append(ends(rollout("reconcile", tmp_path, "-o", "json")))
    assert sorted(name for part in parts for name in part) == sorted(whole)
    assert len(whole) == 9
    twins = {"twin": ("error", 3), "shard-2": ("error", 3)}
    assert [twins.items() <= part.items() for part in parts].count(True) == 1


def test_what_does_not_fit(rollout: Command, tmp_path: Path) -> None:
    """A change set in a file is one plan's; a shard has a number; a folder without plans is a mistake."""
    plan_for(tmp_path, "alone")
    refused = rollout("diff", tmp_path, "--out", tmp_path / "x.json")
    assert (refused.code, refused.err) == (
        3,
        "error: --out is for the change set of one plan\nhint: --output json=FILE holds all of them\n",
    )
    wrong = rollout("diff", tmp_path, "--shard", "3/2")
    assert (wrong.code, "'3/2' is not a shard such as 2/8, the second of eight" in wrong.err) == (3, True)
    (tmp_path / "empty").mkdir()
    assert rollout("diff", tmp_path / "empty").code == 3
