"""A fleet in a queue on a real Postgres: its job decides, each member has a job under its endpoint's lock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command
from tests.fleet.test_waves import BAD, GOOD, RELEASED, fleet, of_waves, states
from tests.store.postgres import Postgres, running

pytestmark = pytest.mark.slow
CREATES = ("--allow-hazard", "creates-endpoint")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A server."""
    with running() as server:
        yield server


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


def test_a_bad_model_in_the_second_wave(rollout: Command, queue: str, project: Path) -> None:
    """Found in a folder and released wave by wave; then with a bad model by two workers at once: the second wave is
    rolled back, the third never starts, and only the fleet's job and those that failed wait. A corrected file takes
    their place at once."""
    path = fleet(project, "queued", GOOD, size=2)
    first = worked(rollout, ".", *CREATES)
    assert states(rollout("status", path, "-o", "json").json) == RELEASED
    begun = [one["member"] for one in first if one["member"]]
    assert [name.split("-")[1] for name in dict.fromkeys(begun)] == ["one", "one", "two", "two", "three", "three"]
    assert (first[-1]["member"], first[-1]["status"]) == ("", "done")
    assert counts(rollout) == (1, 0)

    fleet(project, "queued", BAD, size=2)
    assert rollout("queue", "add", path).out == "queued.yml: brought forward\n"
    mine = {
        key: value for key, value in os.environ.items() if key != "AZUREML_CURRENT_CLOUD"
    }  # the SDK has set it here
    command = [sys.executable, "-m", "rollout", "worker", "--once", "-o", "json"]
    crew = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=mine)
        for _ in range(2)
    ]
    lines = [json.loads(line) for one in crew for line in one.communicate(timeout=120)[0].splitlines()]

    now = rollout("status", path, "-o", "json").json
    assert states(now) == {"one": {("released", 100)}, "two": {("failed", 0)}, "three": {("pending", 0)}}
    assert of_waves(now) == {"one": "complete", "two": "blocked", "three": "blocked"}
    assert not any("three" in one["member"] for one in lines)
    assert counts(rollout) == (3, 0)

    fleet(project, "queued", dict.fromkeys(GOOD, "v2"), size=2)
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
