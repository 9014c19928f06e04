"""`reconcile --expect` and `queue add --expect` of fleets: what was approved of all members, and nothing else."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from rollout.emulator import process
from rollout.store import address
from rollout.store.jobs import APPROVED_FLEETS, PassJob
from rollout.store.queue import opened
from tests.cli.conftest import Command
from tests.cli.fleets import HAZARD, read, states, write_fleet
from tests.cli.test_fleet_approval import PENDING, RELEASED, saved
from tests.cli.test_worker import queue, status

__all__ = ["queue"]

pytestmark = pytest.mark.slow
REFUSED: Final = {"queued": 1, "due": 0, "running": 0, "failed": 1}


def whole(found: Any) -> tuple[str, int, str]:
    """The row of the fleet itself: its status, exit code and reason."""
    row = found["plans"][-1]
    return row["status"], row["exit_code"], row["reason"]


def now(rollout: Command, path: Path) -> dict[str, list[str]]:
    """Of each wave: how its members stand."""
    return states(rollout("status", path, "-o", "json").json)


def worked(rollout: Command, *more: object) -> list[tuple[str, str, int]]:
    """What one worker did until nothing was due: member, status, exit code."""
    ran = rollout("worker", "--once", "--only-begun", "-o", "json", *more)
    return [(one["member"], one["status"], one["exit_code"]) for one in map(json.loads, ran.out.splitlines())]


def test_passes_under_an_approval(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """A folder's fleet, with the hazards that were allowed when it was looked at; once more, there is nothing to do. An
    edited member is exit 5 in the fleet's row, before anything is asked of the service; so are other waves."""
    path = write_fleet(tmp_path, "passes")
    assert rollout("reconcile", path, *HAZARD).code == 10, "no schedule creates endpoints by itself"
    file = saved(rollout, path)
    for _ in range(2):
        ran = rollout("reconcile", tmp_path, "--no-orphans", "--expect", file, "-o", "json")
        assert (ran.code, whole(ran.json)[:2], now(rollout, path)) == (0, ("done", 0), RELEASED), ran.err
    assert [one["status"] for one in ran.json["plans"]] == ["released", "released", "released", "done"]

    text = path.read_text()
    write_fleet(tmp_path, "passes", "v1 v2")
    ran = rollout("reconcile", path, "--expect", file, "-o", "json")
    status, code, reason = whole(ran.json)
    assert (ran.code, status, code, len(ran.json["plans"])) == (5, "error", 5, 1)
    assert reason.startswith("passes-b: the plan's goal is "), reason

    path.write_text(text.replace("name: two\n", "name: two\n    bake: 1h\n"))
    ran = rollout("reconcile", path, "--expect", file, "-o", "json")
    assert whole(ran.json) == ("error", 5, "the fleet passes is not as it was approved: its waves were edited")


def test_another_world_than_was_approved(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """Somebody has released something else to a member of the last wave: nothing is written to any of them."""
    path = write_fleet(tmp_path, "elsewhere")
    file = saved(rollout, path)
    (tmp_path / "other").mkdir()
    other = write_fleet(tmp_path / "other", "elsewhere", "v9")
    other.write_text(other.read_text().replace("{name: elsewhere-a", "{name: elsewhere-x"))
    assert rollout("apply", other, "--auto-approve", *HAZARD).code == 0
    ran = rollout("reconcile", path, "--expect", file, "-o", "json")
    status, code, reason = whole(ran.json)
    assert (ran.code, status, code, len(ran.json["plans"])) == (5, "error", 5, 1)
    assert reason.startswith("elsewhere-b: this changed since "), reason
    assert now(rollout, path)["one"] == ["pending"]


def test_queued_as_it_was_approved(
    rollout: Command, queue: str, on_emulator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that begins nothing by itself begins this, wave by wave, with one approval for all jobs that come of it;
    when it is done the fleet's job is one like any other."""
    monkeypatch.chdir(tmp_path)
    path = write_fleet(Path(), "queued")
    file = saved(rollout, path)
    assert rollout("queue", "add", path).out == "queued.fleet.yml: queued\n"
    assert worked(rollout, *HAZARD, "--allow-hazard", "creates-endpoint") == [("", "held back", 0)]

    assert rollout("queue", "add", path, "--expect", file).out == "queued.fleet.yml: brought forward\n"
    done = worked(rollout)
    ended = [name for name, state, _ in done if state == "done" and name]
    assert (ended[0], sorted(ended)) == ("queued-a", ["queued-a", "queued-b", "queued-c"])
    assert (done[-1], now(rollout, path)) == (("", "done", 0), RELEASED)
    assert status(rollout) == {"queued": 1, "due": 0, "running": 0, "failed": 0}
    assert waiting(queue) == [("fleet", "", False)]


def test_the_queue_does_nothing_else(
    rollout: Command, queue: str, on_emulator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fleet that was edited since is refused (exit 5), and its job keeps the approval, so that no later pass does it
    without; what a member's job has left behind starts nobody either, where the approval is lost."""
    monkeypatch.chdir(tmp_path)
    path = write_fleet(Path(), "refused")
    file = saved(rollout, path)
    rollout("queue", "add", path, "--expect", file)
    text = path.read_text()
    write_fleet(Path(), "refused", "v1 v2")
    assert worked(rollout, *HAZARD) == [("", "error", 5)]
    assert (status(rollout), now(rollout, path)) == (REFUSED, PENDING)
    approval = read(file)["approval"]
    assert waiting(queue) == [("fleet", f"{approval['digest']}.{approval['seal']}", True)]

    path.write_text(text)
    where = f"fleet:rollout:{path.name}"
    lost = PassJob(format=APPROVED_FLEETS, kind="fleet", plan=path.name, endpoint=where, target="emulator")
    asyncio.run(_add(queue, lost, approval))
    assert worked(rollout, *HAZARD, "--allow-hazard", "creates-endpoint") == [("", "error", 5)]
    assert now(rollout, path) == PENDING

    stranger = rollout("queue", "add", tmp_path / "src", "--expect", file)
    assert (stranger.code, stranger.err.startswith("error: no plan in ")) == (3, True)
    write_fleet(Path(), "beside")
    stranger = rollout("queue", "add", "beside.fleet.yml", "--expect", file)
    told = f"error: --expect is about {path.resolve()}, which is not among the plans\n"
    assert (stranger.code, stranger.err) == (3, told)


def test_a_member_that_moved_meanwhile(
    rollout: Command, queue: str, on_emulator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a fleet that is under way: its own job is refused, with exit 5; the others are released as approved."""
    monkeypatch.chdir(tmp_path)
    path = write_fleet(Path(), "halfway")
    path.write_text(path.read_text().replace("name: one\n", "name: one\n    bake: 1h\n"))
    file = saved(rollout, path)
    rollout("queue", "add", path, "--expect", file)
    worked(rollout)
    assert now(rollout, path) == {**PENDING, "one": ["released"]}
    Path("other").mkdir()
    other = write_fleet(Path("other"), "halfway", "v9")
    head, _, members = other.read_text().partition("waves:\n")
    (line,) = [line for line in members.splitlines() if "halfway-b" in line]
    other.write_text(f"{head}waves:\n  - name: two\n    members:\n{line}\n")
    assert rollout("apply", other, "--auto-approve", *HAZARD).code == 0

    process.door(on_emulator, "POST", "clock", {"advance": 3600})
    assert rollout("queue", "add", path, "--expect", file).out == "halfway.fleet.yml: brought forward\n"
    done = worked(rollout)
    assert ("halfway-b", "error", 5) in done, done
    assert ("halfway-c", "done", 0) in done, done
    assert now(rollout, path) == {"one": ["released"], "two": ["pending", "released"]}
    assert status(rollout) == {"queued": 2, "due": 0, "running": 0, "failed": 1}
    key = read(file)["approval"]
    under = f"{key['digest']}.{key['seal']}"
    assert sorted(waiting(queue)) == [("fleet", under, True), ("member", under, False)]


def waiting(url: str) -> list[tuple[str, str, bool]]:
    """The jobs that wait: their kind, the key of the approval that they are under, and whether they hold it."""
    return asyncio.run(_waiting(url))


async def _waiting(url: str) -> list[tuple[str, str, bool]]:
    async with opened(address.parse(url), "rollout") as found:
        jobs = await found.app.job_manager.list_jobs_async(status="todo")
    kept = [job.task_kwargs for job in jobs]
    return [(str(one["kind"]), str(one["under"]), one["given"] is not None) for one in kept]


async def _add(url: str, job: PassJob, approval: Any) -> None:
    """What a member under that approval leaves behind, in place of what waits."""
    left = msgspec.structs.replace(job, under=f"{approval['digest']}.{approval['seal']}")
    async with opened(address.parse(url), "rollout") as found:
        await found.add_now(left)
