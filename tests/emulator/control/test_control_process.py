"""The emulator as a process: start, stop, kill, restart, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from rollout.emulator import __main__ as main
from rollout.emulator import process
from rollout.emulator.identity import identity
from rollout.emulator.server import EmulatorServer
from rollout.emulator.service import Options
from rollout.emulator.settings import Settings
from rollout.errors import UsageError
from tests.emulator.control.bodies import deployment_body, endpoint_body
from tests.emulator.control.conftest import Arm

pytestmark = pytest.mark.slow
NO_PROCESSES = ("--no-processes",)


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    """A state directory; whatever runs in it is stopped."""
    yield tmp_path / "state"
    process.stop(tmp_path / "state")


def test_start_status_env_stop(state_dir: Path) -> None:
    """It starts, says where it is, gives the variables, stops; then status says that none is running."""
    started = process.start(state_dir, speed=50, extra=NO_PROCESSES)
    assert started["pid"] == process.running(state_dir)
    assert (started["speed"], started["workspace"]) == (50, "emulator")
    assert process.status(state_dir)["url"] == started["url"]
    variables = process.env(state_dir)
    assert variables["AZUREML_DEV_URL_MFE"] == started["url"]
    assert variables["REQUESTS_CA_BUNDLE"] == str(state_dir / "ca.pem")
    assert process.stop(state_dir)
    assert not process.stop(state_dir)
    with pytest.raises(UsageError, match="No emulator is running in"):
        process.status(state_dir)
    log = process.logs(state_dir)
    assert log == f"Serving on {started['url']}\n"
    assert variables["AZURE_CLIENT_SECRET"] not in log


def test_only_one_in_a_directory(state_dir: Path) -> None:
    """A second start is refused and leaves the first one running."""
    started = process.start(state_dir, extra=NO_PROCESSES)
    with pytest.raises(UsageError, match="An emulator is already running in"):
        process.start(state_dir, extra=NO_PROCESSES)
    assert process.running(state_dir) == started["pid"]


def _headers(state_dir: Path, url: str) -> dict[str, str]:
    known = identity(state_dir)
    form = {
        "grant_type": "client_credentials",
        "client_id": known.client_id,
        "client_secret": known.client_secret,
        "scope": "https://management.azure.com/.default",
    }
    told = requests.post(
        f"{url}/{known.tenant_id}/oauth2/v2.0/token", data=form, verify=str(state_dir / "ca.pem"), timeout=10
    )
    return {"Authorization": f"Bearer {told.json()['access_token']}"}


def test_killed_in_the_middle(state_dir: Path) -> None:
    """After `kill -9` all answered writes are there, operations go on, time has not gone back, tokens still count."""
    started = process.start(state_dir, speed=1, extra=NO_PROCESSES)
    url, bundle = started["url"], str(state_dir / "ca.pem")
    headers = _headers(state_dir, url)
    known = identity(state_dir)
    root = (
        f"{url}/subscriptions/{known.subscription_id}/resourceGroups/emulator/providers"
        "/Microsoft.MachineLearningServices/workspaces/emulator/onlineEndpoints/house?api-version=2024-04-01"
    )
    put = requests.put(root, json=endpoint_body(tags={"a": "b"}), headers=headers, verify=bundle, timeout=10)
    operation = put.headers["Azure-AsyncOperation"]
    before = requests.get(root, headers=headers, verify=bundle, timeout=10)
    os.kill(started["pid"], signal.SIGKILL)
    while process.locked(state_dir):
        time.sleep(0.02)
    again = process.start(state_dir, speed=1, extra=NO_PROCESSES)
    assert again["url"] == url
    after = requests.get(root, headers=headers, verify=bundle, timeout=10)
    assert after.json() == before.json()
    assert after.headers["Date"] >= before.headers["Date"]
    poll = requests.get(operation, headers=headers, verify=bundle, timeout=10)
    assert poll.json()["status"] == "Updating"
    requests.post(f"{url}/_emulator/clock", json={"advance": 200}, verify=bundle, timeout=10)
    assert requests.get(operation, headers=headers, verify=bundle, timeout=10).json()["status"] == "Succeeded"


def test_it_stops_when_its_parent_has_gone(state_dir: Path) -> None:
    """With `--parent-pid` it does not outlive the process that wanted it."""
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    process.start(state_dir, parent_pid=parent.pid, extra=NO_PROCESSES)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while process.locked(state_dir) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.running(state_dir) is None


def test_a_pid_file_without_a_process(state_dir: Path) -> None:
    """What a killed emulator left behind is no obstacle, even if its pid is somebody else's now."""
    state_dir.mkdir(parents=True)
    (state_dir / "run.json").write_text(f'{{"pid": {os.getpid()}, "url": "https://127.0.0.1:1"}}')
    (state_dir / "lock").touch()
    assert process.running(state_dir) is None
    assert not process.stop(state_dir)
    assert process.start(state_dir, extra=NO_PROCESSES)["pid"] != os.getpid()


def test_a_taken_port(state_dir: Path, server: EmulatorServer) -> None:
    """The reason is told, and the exit is not a traceback."""
    command = [sys.executable, "-m", "rollout.emulator", "--state-dir", str(state_dir), "--port", str(server.port)]
    done = subprocess.run([*command, *NO_PROCESSES], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Cannot listen on port {server.port}: ")
    assert "Traceback" not in done.stderr


def test_private_files(state_dir: Path) -> None:
    """Secrets in the state directory are readable for the owner only; the server listens on loopback only."""
    with EmulatorServer(state_dir) as server:
        modes = {name: (state_dir / name).stat().st_mode & 0o777 for name in ("identity.json", "server.pem")}
        assert modes == {"identity.json": 0o600, "server.pem": 0o600}
        context = ssl.create_default_context(cafile=str(state_dir / "ca.pem"))
        with urllib.request.urlopen(f"{server.url}/_emulator/status", context=context) as answer:
            assert answer.status == 200
        assert server.url.startswith("https://127.0.0.1:")


def test_another_port_moves_the_addresses(tmp_path: Path) -> None:
    """After a restart elsewhere, documents and datastore name the new address."""
    with EmulatorServer(tmp_path, Options(speed=2000)) as first:
        arm = Arm(first)
        name = arm.house("blue")
        old = first.url
        blocker_port = first.port
    with EmulatorServer(tmp_path / "other", port=blocker_port), EmulatorServer(tmp_path, Options(speed=2000)) as moved:
        assert moved.url != old
        live = Arm(moved).ask("GET", f"onlineEndpoints/{name}").json()
        assert live["properties"]["scoringUri"] == f"{moved.url}/endpoints/{name}/score"
        assert old not in str(live)


def test_work_under_way_goes_on_after_a_restart(tmp_path: Path) -> None:
    """A deployment that was being made when the emulator stopped is made after it has started again."""
    with EmulatorServer(tmp_path, Options(speed=2000)) as first:
        name = Arm(first).house()
    with EmulatorServer(tmp_path, Options(speed=1)) as slow:
        arm = Arm(slow)
        assert arm.ask("PUT", f"onlineEndpoints/{name}/deployments/blue", deployment_body()).status_code == 201
    with EmulatorServer(tmp_path, Options(speed=2000)) as third:
        arm = Arm(third)
        path = f"onlineEndpoints/{name}/deployments/blue"
        deadline = time.monotonic() + 10
        while (state := arm.ask("GET", path).json()["properties"]["provisioningState"]) == "Updating":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert state == "Succeeded"


def test_settings_from_a_file(state_dir: Path, tmp_path: Path) -> None:
    """A settings file changes the rules; one that makes no sense is refused before anything starts."""
    path = tmp_path / "settings.json"
    path.write_text('{"cores": 8, "endpoints": 2000}')
    assert main.settings(path) == Settings(cores=8, endpoints=2000)
    path.write_text('{"cores": "many"}')
    command = [sys.executable, "-m", "rollout.emulator", "--state-dir", str(state_dir), "--settings", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr.splitlines()) == (
        3,
        [f"Cannot use the settings in {path}: Expected `int`, got `str` - at `$.cores`"],
    )


def test_the_files_of_what_is_deleted_go(tmp_path: Path) -> None:
    """Unpacked assets do not outlive their deployment."""
    with EmulatorServer(tmp_path, Options(speed=2000)) as server:
        arm = Arm(server)
        name = arm.house("blue")
        folder = tmp_path / "deployments" / name / "blue" / "x"
        folder.mkdir(parents=True)
        arm.wait(arm.ask("DELETE", f"onlineEndpoints/{name}"))
        assert not (tmp_path / "deployments" / name).exists()
