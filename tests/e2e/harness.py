"""What the end-to-end tests stand on: an emulator process, the command line as its user runs it, and a Git checkout.

Nothing of rollout is used but the emulator's own start and stop: everything else goes through processes and HTTP.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import requests

from rollout.emulator import process
from tests.e2e.warm import Running, starter

REPOSITORY: Final = Path(__file__).parents[2]
SPEED: Final = 600.0
"""Seconds of the service's time in a real second: a bake of an hour takes six seconds."""
TIMEOUT: Final = 120.0
_OURS: Final = (
    "ROLLOUT_", "AZURE_", "AZUREML_", "REQUESTS_CA", "SSL_CERT", "CURL_CA", "ARM_CLOUD", "REGISTRY_DISC",
    "HTTPS_PROXY", "PYTHONDONT",
)  # fmt: skip
"""What the variables are called that a command must not inherit from the tests' own surroundings."""
API: Final = {"api-version": "2024-04-01"}


@dataclass(frozen=True, slots=True)
class Ran:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its stdout, read as JSON."""
        return json.loads(self.out)

    @property
    def told(self) -> str:
        """Everything that it printed, for a failing test to show."""
        return f"exit {self.code}\n{self.out}\n{self.err}"

    @property
    def events(self) -> list[str]:
        """The progress lines without their clock: `pass     smoke: …`."""
        lines = [line.split(maxsplit=1) for line in self.err.splitlines()]
        return [" ".join(parts[1].split()) for parts in lines if len(parts) == 2 and parts[0][:2].isdigit()]


@dataclass(slots=True)
class Emulator:
    """One emulator process over a state directory of its own."""

    state_dir: Path
    speed: float = SPEED
    extra: tuple[str, ...] = ()
    url: str = field(init=False, default="")
    session: requests.Session = field(init=False, default_factory=requests.Session)
    _root: str = field(init=False, default="")

    def __enter__(self) -> Emulator:
        told = process.start(self.state_dir, speed=self.speed, parent_pid=os.getpid(), extra=self.extra)
        self.url = told["url"]
        self.session.verify, self.session.trust_env = told["ca_bundle"], False
        self._root = (
            f"{self.url}/subscriptions/{told['subscription_id']}/resourceGroups/{told['resource_group']}/providers"
            f"/Microsoft.MachineLearningServices/workspaces/{told['workspace']}/"
        )
        self._sign_in()
        return self

    def __exit__(self, *exception: object) -> None:
        self.session.close()
        process.stop(self.state_dir)

    def environment(self) -> dict[str, str]:
        """The variables of `rollout emulator env`."""
        return process.env(self.state_dir)

    def _sign_in(self) -> None:
        known = self.environment()
        form = {
            "grant_type": "client_credentials",
            "client_id": known["AZURE_CLIENT_ID"],
            "client_secret": known["AZURE_CLIENT_SECRET"],
            "scope": "https://management.azure.com/.default",
        }
        told = self.session.post(f"{self.url}/{known['ROLLOUT_EMULATOR_TENANT_ID']}/oauth2/v2.0/token", data=form)
        self.session.headers["Authorization"] = f"Bearer {told.json()['access_token']}"

    def arm(self, method: str, path: str, body: Any = None) -> requests.Response:
        """One request to Resource Manager, below the workspace."""
        return self.session.request(method, self._root + path, json=body, params=API, timeout=30)

    def door(self, method: str, door: str, body: Any = None) -> Any:
        """One of the emulator's own doors."""
        answer = self.session.request(method, f"{self.url}/_emulator/{door}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def advance(self, seconds: float) -> None:
        """Skip service time."""
        self.door("POST", "clock", {"advance": seconds})

    def faults(self, *faults: Mapping[str, Any]) -> None:
        """Put these faults in the place of all others."""
        self.door("PUT", "faults", list(faults))

    def history(self, endpoint: str) -> list[dict[str, Any]]:
        """Every committed state of an endpoint since it was created last."""
        found: list[dict[str, Any]] = self.door("GET", f"history?endpoint={endpoint}")["value"]
        last = max((index for index, state in enumerate(found[:-1]) if state["state"] == "Deleted"), default=-1)
        return found[last + 1 :]

    def until(self, endpoint: str, reached: Callable[[dict[str, Any]], bool], timeout: float = 60) -> dict[str, Any]:
        """Wait until the endpoint's latest state is so; that state."""
        deadline = time.monotonic() + timeout
        while not (history := self.history(endpoint)) or not reached(history[-1]):
            assert time.monotonic() < deadline, f"{endpoint} did not come so far: {history[-1:]}"
            time.sleep(0.05)
        return history[-1]

    def served(self) -> dict[str, Any]:
        """The requests served since `reset`: `reads`, `writes`, `polls`, `by_operation`."""
        found: dict[str, Any] = self.door("GET", "status")["requests"]
        return found

    def reset(self) -> None:
        """Count from zero."""
        self.door("POST", "reset-counts")

    def clear(self) -> None:
        """No faults, no endpoints, counts at zero."""
        self.faults()
        listed = self.arm("GET", "onlineEndpoints").json()["value"]
        for one in listed:
            self.delete(one["name"])
        self.reset()

    def delete(self, endpoint: str) -> None:
        """Delete an endpoint, whatever is under way on it, and wait until it is gone."""
        deadline = time.monotonic() + 30
        while self.arm("GET", f"onlineEndpoints/{endpoint}").status_code != 404:
            assert time.monotonic() < deadline, f"{endpoint} cannot be deleted"
            self.arm("DELETE", f"onlineEndpoints/{endpoint}")
            self.advance(600)
            time.sleep(0.05)

    def standing(self, endpoint: str) -> dict[str, Any]:
        """Traffic, mirror, and each deployment's state, instances and the model that answers: an end to compare."""
        inner = self.arm("GET", f"onlineEndpoints/{endpoint}").json()["properties"]
        listed = self.arm("GET", f"onlineEndpoints/{endpoint}/deployments").json()["value"]
        return {
            "traffic": {name: weight for name, weight in inner["traffic"].items() if weight},
            "mirror": {name: weight for name, weight in inner["mirrorTraffic"].items() if weight},
            "deployments": {
                one["name"]: (one["properties"]["provisioningState"], one["sku"]["capacity"], self.model(endpoint, one))
                for one in listed
            },
        }

    def model(self, endpoint: str, deployment: Mapping[str, Any]) -> str:
        """The version of the model that a deployment answers with, "" if it does not answer."""
        body = (REPOSITORY / "plans/house-prices/sample-request.json").read_bytes()
        answer = self.score(endpoint, body, deployment["name"])
        return str(answer.json()["version"]) if answer.status_code == 200 else ""

    def key(self, endpoint: str) -> str:
        """The endpoint's primary key."""
        found: str = self.arm("POST", f"onlineEndpoints/{endpoint}/listKeys").json()["primaryKey"]
        return found

    def secrets(self) -> dict[str, str]:
        """Everything here that nobody may ever see, by what it is: the sign-in secret, our own token, the signature of
        the storage, and both keys of every endpoint."""
        found = {"client secret": process.env(self.state_dir)["AZURE_CLIENT_SECRET"]}
        found["token"] = str(self.session.headers["Authorization"]).removeprefix("Bearer ")
        sas = self.arm("POST", "datastores/workspaceblobstore/listSecrets").json()["sasToken"]
        found["storage signature"] = sas.rpartition("sig=")[2]
        for one in self.arm("GET", "onlineEndpoints").json()["value"]:
            keys = self.arm("POST", f"onlineEndpoints/{one['name']}/listKeys").json()
            found |= {f"{which} of {one['name']}": key for which, key in keys.items() if key}
        return found

    def score(self, endpoint: str, body: bytes, deployment: str = "") -> requests.Response:
        """One scoring request, by header to a deployment if one is named."""
        headers = {"Authorization": f"Bearer {self.key(endpoint)}", "Content-Type": "application/json"}
        headers |= {"azureml-model-deployment": deployment} if deployment else {}
        return requests.post(
            f"{self.url}/endpoints/{endpoint}/score",
            data=body,
            headers=headers,
            verify=str(self.session.verify),
            timeout=30,
        )


def _no_traceback(err: str) -> None:
    """Nothing of ours went wrong unseen; a line that quotes a container's log may have a traceback."""
    assert not any(line.startswith("Traceback") for line in err.splitlines()), err


@dataclass(slots=True)
class Desk:
    """A person's desk: a Git checkout of the sample plans, and the command line in front of an emulator."""

    root: Path
    emulator: Emulator

    @classmethod
    def laid(cls, root: Path, emulator: Emulator) -> Desk:
        """A new checkout with one commit."""
        shutil.copytree(REPOSITORY / "plans", root / "plans", ignore=shutil.ignore_patterns("__pycache__"))
        desk = cls(root, emulator)
        desk.git("init", "--quiet", "--initial-branch=main")
        desk.commit("The sample plans")
        return desk

    def git(self, *arguments: str) -> str:
        """Run Git in the checkout, as a person without any configuration of their own."""
        known = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        who = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
        done = subprocess.run(
            ["git", *who, *arguments], cwd=self.root, env={**os.environ, **known}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def edit(self, path: str, old: str, new: str) -> None:
        """Change one line of a file and commit it: what a release is."""
        file = self.root / "plans" / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is not once in {path}"
        file.write_text(text.replace(old, new), encoding="utf-8")
        self.commit(f"{path}: {new}")

    def variables(self, **more: str) -> dict[str, str]:
        """The environment of a command: this machine's, but for targets, sign-in and byte code."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        known = {"PYTHONPATH": str(REPOSITORY), "ROLLOUT_STATE_DIR": str(self.emulator.state_dir), "NO_COLOR": "1"}
        return {**kept, **known, **more}

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """`rollout …` in the background, a process that starts from nothing."""
        return subprocess.Popen(
            [sys.executable, "-m", "rollout", *arguments],
            cwd=self.root,
            env=self.variables(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def rollout(self, *arguments: str, **variables: str) -> Ran:
        """`rollout …`, to its end; it never lasts longer than `TIMEOUT`."""
        with starter().start(arguments, self.root, self.variables(**variables)) as running:
            code, out, err = running.ended(TIMEOUT)
        _no_traceback(err)
        self._no_secret(out + err)
        return Ran(code, out, err)

    def _no_secret(self, text: str) -> None:
        """The secret that everybody signs in with is not in what a command printed."""
        assert process.env(self.emulator.state_dir)["AZURE_CLIENT_SECRET"] not in text, text

    def apply(self, plan: str, *arguments: str, **variables: str) -> Ran:
        """`rollout apply PLAN --target emulator --auto-approve …`."""
        return self.rollout("apply", f"plans/{plan}", "--target", "emulator", "--auto-approve", *arguments, **variables)

    def carried_on(self, plan: str, *, to: str = "", passes: int = 20) -> list[Ran]:
        """`apply` as a schedule runs it: again and again, the time between two runs skipped, until nothing waits.

        With `to` it also ends in that phase, e.g. `complete` while a former stable is still kept.
        """
        ran: list[Ran] = []
        for _ in range(passes):
            ran.append(self.apply(plan, "--output", "json"))
            decision = ran[-1].json["decision"]
            if decision["status"] != "wait" or decision["phase"] == to:
                return ran
            assert ran[-1].code == 0, ran[-1].told
            self.skip_to(decision["next_after"])
        raise AssertionError(f"still waiting after {passes} passes: {ran[-1].told}")

    def waited(self, plan: str, *arguments: str, every: float = 600) -> Ran:
        """`apply --wait`, while the service's time makes leaps of `every` seconds, so that nobody waits for long."""
        target = ("--target", "emulator", "--auto-approve", "--wait", "--output", "json")
        command = ("apply", f"plans/{plan}", *target, *arguments)
        with starter().start(command, self.root, self.variables()) as running:
            return self._leaping(running, every)

    def _leaping(self, running: Running, every: float) -> Ran:
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code, out, err = running.ended(0.3)
                _no_traceback(err)
                return Ran(code, out, err)
            self.emulator.advance(every)
        raise AssertionError("apply --wait did not end")

    def skip_to(self, moment: str) -> None:
        """Let the service's time be that moment."""
        from datetime import datetime

        now = datetime.fromisoformat(self.emulator.door("GET", "status")["time"])
        self.emulator.advance(max(0.0, (datetime.fromisoformat(moment) - now).total_seconds()) + 1)

    @contextlib.contextmanager
    def load(self, endpoint: str, *bodies: str, rate: float = 40, seconds: float = 120) -> Iterator[Load]:
        """Keep load on an endpoint from another process while the block runs."""
        running = Load(self.root / f"load-{endpoint}.json")
        command = [sys.executable, "-m", "rollout.emulator.load", "--out", str(running.report)]
        command += [
            "--url",
            f"{self.emulator.url}/endpoints/{endpoint}/score",
            "--ca",
            str(self.emulator.session.verify),
        ]
        command += ["--rate", str(rate), "--seconds", str(seconds)]
        for body in bodies:
            command += ["--body", str(self.root / "plans" / body)]
        known = self.variables(ROLLOUT_LOAD_KEY=self.emulator.key(endpoint))
        with subprocess.Popen(command, env=known, stdout=subprocess.DEVNULL) as child:
            try:
                yield running
            finally:
                child.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=20)
                child.kill()


@dataclass(frozen=True, slots=True)
class Load:
    """A load generator that runs, or has run."""

    report: Path

    @property
    def seen(self) -> dict[str, Any]:
        """Its counts so far: `sent`, `failed`, `statuses`, `deployments`, …"""
        found: dict[str, Any] = json.loads(self.report.read_text(encoding="utf-8"))
        return found

    def reached(self, sent: int, timeout: float = 60.0) -> dict[str, Any]:
        """Wait for that many requests."""
        deadline = time.monotonic() + timeout
        while not self.report.exists() or self.seen["sent"] < sent:
            assert time.monotonic() < deadline, f"the load did not reach {sent} requests"
            time.sleep(0.1)
        return self.seen
