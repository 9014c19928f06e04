"""A fleet in a queue on a real Postgres: its job decides, each member has a job under its endpoint's lock."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.conftest import Command
from tests.fleet.test_waves import BAD, BLUE, GOOD, RELEASED, fleet, of_waves, serving, states
from tests.store.postgres import Postgres

pytestmark = pytest.mark.slow
SIZE = 2 if "ROLLOUT_FLEET" in os.environ else 1
"""Members of a wave; the long form: ROLLOUT_FLEET=20."""
FOR_TWO = "ROLLOUT_FLEET" in os.environ
"""Whether two workers in processes of their own do it; in the short form one, in this process."""
CREATES = ("--allow-hazard", "creates-endpoint")


@pytest.fixture
def queue(
    postgres: Postgres, rollout: Command, on_scoring: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The address of a queue, told by a variable; the commands are run in the project's folder."""
    url = postgres.database()
    monkeypatch.setenv("ROLLOUT_QUEUE", url)
    monkeypatch.chdir(project)
    assert rollout("queue", "setup").code == 0
    return url


def worked(rollout: Command, *arguments: object) -> list[dict[str, Any]]:
    """What one worker did until nothing was due."""
    ended = rollout("worker", *arguments, "--once", "-o", "json")
    return [json.loads(line) for line in ended.out.splitlines()]


def counts(rollout: Command) -> tuple[int, int]:
    """Jobs that wait, and those of them that are due."""
    found = rollout("queue", "status", "-o", "json").json
    return found["queued"], found["due"]


def elsewhere(*more: str) -> subprocess.Popen[str]:
    """A worker in a process of its own."""
    mine = {
        key: value for key, value in os.environ.items() if key != "AZUREML_CURRENT_CLOUD"
    }  # the SDK has set it here
    command = [sys.executable, "-m", "rollout", "worker", "--once", "-o", "json", *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=mine)


def by_two() -> list[dict[str, Any]]:
    """What two workers at once did until nothing was due."""
    crew = [elsewhere() for _ in range(2)]
    return [json.loads(line) for one in crew for line in one.communicate(timeout=120)[0].splitlines()]


def test_a_bad_model_in_the_second_wave(rollout: Command, queue: str, project: Path) -> None:
    """Found in a folder and released wave by wave; then with a bad model (in the long form by two workers at once): the
    second wave is rolled back, the third never starts, and only the fleet's job and those that failed wait. A corrected
    file takes their place at once."""
    path = fleet(project, "queued", GOOD, size=SIZE)
    first = worked(rollout, ".", *CREATES)
    assert states(rollout("status", path, "-o", "json").json) == RELEASED
    begun = [one["member"] for one in first if one["member"]]
    assert [name.split("-")[1] for name in dict.fromkeys(begun)] == [
        wave for wave in ("one", "two", "three") for _ in range(SIZE)
    ]
    assert (first[-1]["member"], first[-1]["status"]) == ("", "done")
    assert counts(rollout) == (1, 0)

    fleet(project, "queued", BAD, size=SIZE)
    assert rollout("queue", "add", path).out == "queued.yml: brought forward\n"
    lines = by_two() if FOR_TWO else worked(rollout)

    now = rollout("status", path, "-o", "json").json
    assert states(now) == {"one": {("released", 100)}, "two": {("failed", 0)}, "three": {("pending", 0)}}
    assert of_waves(now) == {"one": "complete", "two": "blocked", "three": "blocked"}
    assert not any("three" in one["member"] for one in lines)
    assert counts(rollout) == (1 + SIZE, 0)

    fleet(project, "queued", dict.fromkeys(GOOD, "v2"), size=SIZE)
    rollout("queue", "add", path)
    worked(rollout)
    assert states(rollout("status", path, "-o", "json").json) == RELEASED
    assert counts(rollout) == (1, 0)
    rollout("destroy", path, "--yes")


def test_only_what_was_begun(rollout: Command, queue: str, project: Path) -> None:
    """A release of a fleet that nobody has begun by apply is left alone: no member has a job."""
    path = fleet(project, "unbegun", GOOD, size=1)
    assert rollout("queue", "add", path).out == "unbegun.yml: queued\n"
    told = worked(rollout, "--only-begun", *CREATES)
    assert [(one["plan"], one["member"], one["status"]) for one in told] == [("unbegun.yml", "", "held back")]
    assert counts(rollout) == (1, 0)


def members_at_work(url: str) -> int:
    """How many jobs of members run."""
    statement = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing' AND args::text LIKE '%\"member\"%'"
    with psycopg.connect(url) as connection:
        found = connection.execute(statement.encode()).fetchone()
    assert found is not None
    return int(found[0])


def test_everything_is_taken_back_from_the_queue(rollout: Command, queue: str, project: Path) -> None:
    """`on_failure: roll_back`: the first wave is released by this release, the second fails, and a job of the queue
    takes the first back; nothing is left but the fleet's own job and those of who failed by itself."""
    path = fleet(project, "taken", GOOD, size=1)
    worked(rollout, ".", *CREATES)
    fleet(project, "taken", BAD, "on_failure: roll_back\n", size=1)
    rollout("queue", "add", path)
    told = worked(rollout)
    backs = [one for one in told if one["status"] == "taken back"]
    assert [(one["member"], one["exit_code"]) for one in backs] == [("taken-one-00", 10)], told
    now = rollout("status", path, "-o", "json").json
    assert states(now) == {"one": {("failed", 0)}, "two": {("failed", 0)}, "three": {("pending", 0)}}
    assert serving(rollout, path) == BLUE
    rollout("destroy", path, "--yes")


def test_rolled_back_by_a_person_while_members_wait(rollout: Command, queue: str, project: Path) -> None:
    """`rollout rollback` while the jobs of a wave are queued: they find that their goal has failed, and start nothing
    anew; what was promoted serves."""
    path = fleet(project, "person", GOOD, size=1)
    worked(rollout, ".", *CREATES)
    fleet(project, "person", dict.fromkeys(GOOD, "v2"), size=1)
    assert rollout("apply", path, "--auto-approve").code == 0
    assert rollout("queue", "add", path).code == 0
    assert rollout("rollback", path, "-m", "customers call").code == 0
    before = serving(rollout, path)
    told = worked(rollout)
    assert not any(one["status"] == "done" and one["member"].startswith("person-one") for one in told), told
    assert serving(rollout, path)["one"] == before["one"]
    rollout("destroy", path, "--yes")


def test_a_file_that_is_gone_while_its_jobs_wait(rollout: Command, queue: str, project: Path) -> None:
    """The fleet's job ends and says so; nothing of it is queued any more, and nothing was made."""
    path = fleet(project, "lost", GOOD, size=1)
    rollout("queue", "add", path)
    path.unlink()
    told = worked(rollout, *CREATES)
    assert [(one["member"], one["status"], one["reason"]) for one in told] == [
        ("", "gone", "its file is not in this repository any more")
    ]
    assert counts(rollout) == (0, 0)


@pytest.mark.skipif(not FOR_TWO, reason="the long form: ROLLOUT_FLEET=20")
def test_a_killed_worker(rollout: Command, queue: str, project: Path) -> None:
    """kill -9 while a member of the first wave is worked on: the other worker notices its silence, and finishes all
    waves."""
    path, rhythm = fleet(project, "killed", GOOD, size=1), ("--heartbeat", "500ms", "--grace", "1s")
    rollout("queue", "add", path)
    deadline = time.monotonic() + 120
    with elsewhere(*rhythm, *CREATES) as first:
        while not members_at_work(queue):
            assert time.monotonic() < deadline
            assert first.poll() is None
        first.send_signal(signal.SIGKILL)
    assert members_at_work(queue) == 1, "its job is still its own"
    assert states(rollout("status", path, "-o", "json").json)["one"] != {("released", 100)}
    done: list[dict[str, Any]] = []
    while states(rollout("status", path, "-o", "json").json) != RELEASED:
        assert time.monotonic() < deadline, done
        done += worked(rollout, *rhythm, *CREATES)
        time.sleep(1)
    assert [one["member"] for one in done if one["member"] and one["status"] == "done"] == [
        "killed-one-00",
        "killed-two-00",
        "killed-three-00",
    ]
    rollout("destroy", path, "--yes")
