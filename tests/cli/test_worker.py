"""`rollout worker` and `rollout queue` on a real Postgres and an emulator, and what they say where one is missing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rollout.azure import target
from rollout.emulator import process
from tests.cli.conftest import Command, write_plan
from tests.store.postgres import Postgres

pytestmark = pytest.mark.slow
CREATES = ("--allow-hazard", "creates-endpoint")


@pytest.fixture
def queue(postgres: Postgres, rollout: Command, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a queue, told by a variable."""
    url = postgres.database()
    monkeypatch.setenv("ROLLOUT_QUEUE", url)
    assert rollout("queue", "setup").code == 0
    return url


@pytest.fixture
def repository(queue: str, on_emulator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one plan, in which the commands are run."""
    write_plan(tmp_path, "working")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def status(rollout: Command) -> dict[str, object]:
    """How the queue stands."""
    found: dict[str, object] = rollout("queue", "status", "-o", "json").json
    return {name: found[name] for name in ("queued", "due", "running", "failed")}


def test_a_plan_is_found_and_carried_on(rollout: Command, repository: Path) -> None:
    """Its first pass creates the endpoint and waits for a person; the next one waits for its time in the queue."""
    ended = rollout("worker", ".", "--once", *CREATES)
    assert ended.code == 0
    assert (
        ended.out
        == "working.rollout.yml: wait: ok: waiting for approval (rollout approve --stage ok); again in 600 s\n"
    )
    assert status(rollout) == {"queued": 1, "due": 0, "running": 0, "failed": 0}
    assert rollout("approve", "working.rollout.yml").code == 0
    added = rollout("queue", "add", "working.rollout.yml")
    assert (added.code, added.out) == (0, "working.rollout.yml: brought forward\n")
    again = rollout("worker", "--once", "-o", "json", *CREATES)
    told = json.loads(again.out)
    assert (again.code, told["plan"], told["status"]) == (0, "working.rollout.yml", "done")
    rollout("destroy", "working.rollout.yml", "--yes")


def test_a_broken_plan_fails_and_is_looked_at_again(rollout: Command, repository: Path) -> None:
    """Its job counts as failed with exit code 3; the next look waits."""
    plan = repository / "working.rollout.yml"
    assert rollout("queue", "add", plan).out == "working.rollout.yml: queued\n"
    plan.write_text(plan.read_text().replace("traffic: 50", "trafic: 50"))
    ended = rollout("worker", "--once")
    assert ended.code == 3
    assert "again in 600 s" in ended.out
    assert status(rollout) == {"queued": 1, "due": 0, "running": 0, "failed": 1}


def test_a_plan_of_a_later_format_is_left(rollout: Command, repository: Path) -> None:
    """The job is no failure: it waits a minute for a newer worker."""
    plan = repository / "working.rollout.yml"
    rollout("queue", "add", plan)
    plan.write_text(plan.read_text().replace("version: 1", "version: 2"))
    ended = rollout("worker", "--once")
    assert ended.code == 3
    assert ended.out.endswith("; again in 60 s\n")
    assert status(rollout) == {"queued": 1, "due": 0, "running": 0, "failed": 0}


def test_a_plan_that_is_gone_has_no_next_pass(rollout: Command, repository: Path) -> None:
    """Its last job says so, and nothing is lost but it."""
    plan = repository / "working.rollout.yml"
    rollout("queue", "add", plan)
    plan.unlink()
    ended = rollout("worker", "--once")
    assert ended.out == "working.rollout.yml: gone: its file is not in this repository any more\n"
    assert status(rollout) == {"queued": 0, "due": 0, "running": 0, "failed": 0}


def test_a_plan_for_another_endpoint_gets_its_lock(rollout: Command, repository: Path) -> None:
    """The job is queued anew under the endpoint that the plan names by now, before anything is looked at."""
    rollout("queue", "add", "working.rollout.yml")
    write_plan(repository, "moved")
    (repository / "working.rollout.yml").write_text((repository / "moved.rollout.yml").read_text())
    ended = rollout("worker", "--once")
    assert ended.out.startswith("working.rollout.yml: moved: the plan is about /subscriptions/")
    assert ended.out.split("; again")[0].endswith("/onlineEndpoints/moved now")


def test_a_plan_outside_of_the_repository(rollout: Command, repository: Path) -> None:
    """It is not queued, and a worker that finds one in a job does not open it."""
    inner = repository / "inner"
    inner.mkdir()
    ended = rollout("queue", "add", "working.rollout.yml", "--repository", inner)
    assert ended.code == 3
    assert "error: working.rollout.yml is not in the repository inner" in ended.err.replace(f"{repository}/", "")
    assert rollout("queue", "add", "working.rollout.yml").code == 0
    (repository / "working.rollout.yml").rename(inner / "other.yml")
    (repository / "working.rollout.yml").symlink_to("/etc/hostname")
    assert "is not in the repository" in rollout("worker", "--once").err


def test_only_what_was_begun(rollout: Command, repository: Path) -> None:
    """A release that nobody has begun by apply is left alone."""
    plan = write_plan(repository, "unbegun")
    rollout("queue", "add", plan)
    ended = rollout("worker", "--once", "--only-begun")
    assert ended.out == (
        "unbegun.rollout.yml: held back: its endpoint does not exist; only apply creates one; again in 600 s\n"
    )


def test_passes_share_one_sign_in(rollout: Command, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four plans of one workspace: one credential, one TLS context."""
    state = Path(os.environ["ROLLOUT_STATE_DIR"])
    for number in range(3):
        write_plan(repository, f"shared-{number}")
    made: list[str] = []
    for name in ("build", "tls_context"):
        real = getattr(target, name)

        def noted(*given: object, _real: Any = real, _name: str = name, **more: object) -> object:
            made.append(_name)
            return _real(*given, **more)

        monkeypatch.setattr(target, name, noted)
    process.door(state, "POST", "reset-counts")
    ended = rollout("worker", ".", "--once")
    served = process.status(state)["requests"]["by_operation"]
    assert ended.out.count("; again in ") == 4
    assert sorted(made) == ["build", "tls_context"]
    assert served["OnlineEndpoints_Get"] == 4


def test_sigterm_ends_a_worker_in_order(queue: str, repository: Path) -> None:
    """It says so and exits 0; its probe's file was touched."""
    command = [sys.executable, "-m", "rollout", "worker", "--heartbeat", "1s", "--alive-file", "alive"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"ROLLOUT_QUEUE": queue}) as one:
        assert one.stderr is not None
        assert one.stderr.readline().startswith("queue rollout in postgresql://postgres@")
        for _ in range(500):
            if (repository / "alive").exists():
                break
            signal.sigtimedwait([], 0.02)
        one.send_signal(signal.SIGTERM)
        assert one.stderr.read() == "stopping: passes under way may end, no other begins\n"
        assert one.wait(10) == 0
    assert (repository / "alive").exists()


def test_a_wrong_password_is_exit_9(rollout: Command, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker does not wait for a better one; nothing shows it."""
    monkeypatch.setenv("ROLLOUT_QUEUE", postgres.address("postgres", user="app", password="open-sesame"))
    for command in (("worker",), ("queue", "status"), ("queue", "setup")):
        ended = rollout(*command)
        assert ended.code == 9
        assert 'password authentication failed for user "app"' in ended.err
        assert "open-sesame" not in ended.err + ended.out


def test_a_password_on_the_command_line_is_warned_of(rollout: Command) -> None:
    """It can be read in the list of processes; and an unreachable host is an error that may pass."""
    ended = rollout("queue", "status", "--queue", "postgresql://ann:pass-word@127.0.0.1:1/d")
    assert ended.code == 1
    first, second, third = ended.err.splitlines()
    assert first == "warning: a password in --queue is seen in the list of processes; ROLLOUT_QUEUE is not"
    assert second.startswith("error: postgresql://ann@127.0.0.1:1/d cannot be reached: ")
    assert third == "hint: no job is lost; work goes on when it is back"
    assert "pass-word" not in ended.err


@pytest.mark.parametrize("said", ["flag", "variable"])
def test_entra_instead_of_a_password(rollout: Command, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """Who signs in is chosen as for Azure, for queue and history alike, before the database is asked for anything."""
    monkeypatch.setenv("ROLLOUT_CREDENTIAL", "client_secret")
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    flag = ("--database-auth", "entra") if said == "flag" else ()
    if not flag:
        monkeypatch.setenv("ROLLOUT_DATABASE_AUTH", "entra")
    url = "postgresql://ann@127.0.0.1:1/d"
    for command in (("queue", "status", "--queue", url), ("store", "show", "--history", url)):
        ended = rollout(*command, *flag)
        assert (ended.code, ended.err.splitlines()[0]) == (
            9,
            "error: client_secret needs AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET",
        )


def test_without_a_queue(rollout: Command, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """No address; a database without the tables."""
    monkeypatch.delenv("ROLLOUT_QUEUE", raising=False)
    assert rollout("worker").code == 3
    monkeypatch.setenv("ROLLOUT_QUEUE", postgres.database())
    ended = rollout("worker", "--once")
    assert ended.code == 1
    assert ended.err.endswith("has no queue\nhint: make it: rollout queue setup\n")


def test_without_the_extra(rollout: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install, in one line."""
    monkeypatch.setitem(sys.modules, "procrastinate", None)
    ended = rollout("queue", "status", "--queue", "postgresql://h/d")
    assert ended.code == 1
    assert ended.err == "error: procrastinate is not installed\nhint: pip install 'azureml-rollout[worker]'\n"


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_what_passes_came_to(rollout: Command, repository: Path, postgres: Postgres, kind: str) -> None:
    """Each change is written down once; the same again is not; the chain of the endpoint is whole."""
    url = f"sqlite:///{repository}/history.db" if kind == "sqlite" else postgres.database()
    write_plan(repository, f"told-{kind}")
    if kind == "postgres":
        missing = rollout("worker", "--once", "--history", url)
        assert (missing.code, missing.err.splitlines()[-1]) == (1, "hint: rollout store upgrade --history URL")
        assert rollout("store", "upgrade", "--history", url).out.endswith(": the history made\n")
    plan = f"told-{kind}.rollout.yml"
    for _ in range(2):
        rollout("queue", "add", plan)
        rollout("worker", "--once", "--history", url, *CREATES)
    rollout("approve", plan)
    rollout("queue", "add", plan)
    rollout("worker", "--once", "--history", url, *CREATES)
    entries = rollout("store", "show", "--history", url, "-o", "json").json["entries"]
    assert [(one["sequence"], one["outcome"], one["actor"]) for one in entries] == [
        (2, "done", "ann"),
        (1, "wait", "ann"),
    ]
    shown = rollout("store", "show", "--history", url, "--endpoint", entries[0]["endpoint"])
    assert shown.code == 0
    assert [text.split(" ", 2)[2].split(": ")[:2] for text in shown.out.splitlines()] == [
        [f"told-{kind} 1", "wait"],
        [f"told-{kind} 2", "done"],
    ]
    assert rollout("store", "show", "--history", url, "--endpoint", entries[0]["endpoint"], "--out", "lines").code == 0
    assert rollout("audit", "verify", "lines").out.startswith("2 entries, each as it was written")
    rollout("destroy", plan, "--yes")
