"""Processes: what they see, what they listen on, and that none outlives the emulator."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rollout.emulator.backend import Container, Outcome, Route
from rollout.emulator.processes import Command, ForkServer, StartError, reserve_port
from rollout.emulator.router import Router

if TYPE_CHECKING:
    from tests.emulator.data.conftest import Plane

pytestmark = pytest.mark.asyncio(loop_scope="module")

TELL = """
import os, time

def init():
    time.sleep(float(os.environ.get("SLEEP", "0")))

def run(raw):
    return {"seen": sorted(os.environ), "model": os.environ.get("AZUREML_MODEL_DIR"), "here": os.getcwd()}
"""
OWNER = """
import asyncio, sys
from pathlib import Path
from rollout.emulator.backend import Container
from rollout.emulator.router import Router

async def main():
    router = Router(Path(sys.argv[1]))
    await router.start()
    code = Path(sys.argv[2])
    print((await router.deploy(Container(endpoint="e", deployment="d", code_dir=code, scoring_script="score.py",
                                         model_dir=code, count=2))).ok, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return False


def masters(logs: Path) -> set[int]:
    """Process ids of the scoring servers and their workers, from their logs."""
    text = "".join(log.read_text(encoding="utf-8") for log in logs.rglob("*.log"))
    return {int(pid) for pid in re.findall(r"Listening at: \S+ \((\d+)\)|Booting worker with pid: (\d+)", text)
            for pid in pid if pid}  # fmt: skip


async def gone(pids: set[int]) -> set[int]:
    """Those of the processes that are still there after up to five seconds."""
    for _ in range(50):
        if not any(alive(pid) for pid in pids):
            break
        await asyncio.sleep(0.1)
    return {pid for pid in pids if alive(pid)}


@asynccontextmanager
async def started(state: Path) -> AsyncIterator[Router]:
    """A router, started and stopped."""
    router = Router(state, speed=100.0)
    await router.start()
    try:
        yield router
    finally:
        await router.stop()


async def test_script_sees_its_own_environment_only(
    plane: Plane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of our environment a script sees a few harmless names; of the deployment's, everything."""
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "not for scripts")
    (tmp_path / "tell.py").write_text(TELL, encoding="utf-8")
    fields = {"code_dir": tmp_path, "scoring_script": "tell.py", "environment": {"FLAVOUR": "vanilla"}}
    await plane.serve("environment", {"blue": 100}, **fields)
    answer = (await plane.score("environment")).json
    assert answer["here"] == str(tmp_path)
    assert answer["model"] == str(plane.code)
    assert {"FLAVOUR", "AZUREML_MODEL_DIR", "AML_APP_ROOT", "AZUREML_ENTRY_SCRIPT"} <= set(answer["seen"])  # type: ignore[call-overload]
    assert "AZURE_CLIENT_SECRET" not in answer["seen"]  # type: ignore[operator]
    assert not (tmp_path / "__pycache__").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/net/tcp")
async def test_scoring_servers_listen_on_loopback_only(plane: Plane) -> None:
    """No scoring server is reachable from outside, although its own default is every interface."""
    await plane.serve("loopback", {"blue": 100})
    log = plane.router.logs("loopback", "blue", 100)
    assert re.search(r"Listening at: http://127\.0\.0\.1:\d+ ", log)
    assert "0.0.0.0" not in log


async def test_kill_of_the_emulator_ends_everything(tmp_path: Path, code: Path) -> None:
    """`kill -9` of the process that owns the router leaves no scoring process behind."""
    command = [sys.executable, "-c", OWNER, str(tmp_path), str(code)]
    root = str(Path(__file__).parents[3])
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": root})  # noqa: ASYNC220
    assert owner.stdout is not None
    assert await asyncio.to_thread(owner.stdout.readline) == b"True\n"
    pids = masters(tmp_path)
    assert len(pids) == 4
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert await gone(pids) == set()


async def test_stop_ends_everything_even_what_is_starting(tmp_path: Path) -> None:
    """Stopping the router ends a deployment that is under way: it fails, and its processes are gone."""
    (tmp_path / "score.py").write_text(TELL, encoding="utf-8")
    async with started(tmp_path / "state") as router:
        slow = Container(endpoint="e", deployment="d", code_dir=tmp_path, scoring_script="score.py",
                         environment={"SLEEP": "30"})  # fmt: skip
        deploying = asyncio.create_task(router.deploy(slow))
        async with asyncio.timeout(10):
            while "Booting worker" not in router.logs("e", "d", 100):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert (await deploying).code == "ResourceNotReady"
    assert await gone(masters(tmp_path / "state")) == set()


async def test_restore_brings_everything_up_again(tmp_path: Path, code: Path) -> None:
    """After a restart of the emulator the instances run and the routes hold; what cannot start is retried."""
    good = Container(endpoint="e", deployment="good", code_dir=code, scoring_script="score.py", model_dir=code, count=2)
    bad = Container(endpoint="e", deployment="bad", code_dir=code, scoring_script="score.py", model_dir=code,
                    environment={"FAIL_INIT": "1"})  # fmt: skip
    async with started(tmp_path) as router:
        await router.restore([good, bad], [Route(endpoint="e", traffic={"good": 100}, keys=("k",))])
        assert router.running("e", "good") == (2, 2)
        assert router.running("e", "bad") == (1, 0)
        async with asyncio.timeout(20):
            while router.logs("e", "bad", 1000).count("User's init function failed") < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_fork_server_is_started_again_when_it_dies(tmp_path: Path, code: Path) -> None:
    """If the fork server itself is killed, its processes end, and the next start brings a new one."""
    server = ForkServer(sys.executable, tmp_path / "server.log")
    with reserve_port() as port:
        command = Command(app_root=code, script="score.py", port=port.getsockname()[1], log=tmp_path / "1.log")
        first = await server.spawn(command)
        os.kill(parent(first.pid), signal.SIGKILL)
        assert await asyncio.wait_for(first.ended, 5) == -signal.SIGTERM
        assert await gone({first.pid}) == set()
        second = await server.spawn(command)
        await second.stop()
        assert second.ended.done()
    await server.stop()
    with pytest.raises(StartError, match="being stopped"):
        await server.spawn(command)


def parent(pid: int) -> int:
    """The process that started `pid`."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("PPid:")[2].split()[0])


async def test_missing_interpreter_fails_the_deployment(tmp_path: Path, code: Path) -> None:
    """A `--python` that does not exist is a failed deployment whose log says so, not a crash of ours."""
    router = Router(tmp_path, python=str(tmp_path / "no-python"))
    await router.start()
    outcome = await router.deploy(Container(endpoint="e", deployment="d", code_dir=code, scoring_script="score.py"))
    assert isinstance(outcome, Outcome)
    assert outcome.code == "ResourceNotReady"
    assert router.logs("e", "d", 5) == f"{tmp_path}/no-python cannot be started: No such file or directory"
    await router.stop()
