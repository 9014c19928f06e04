"""What the dashboard's tests stand on: an emulator, plans before it, and `rollout dashboard` as its user starts it."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import requests

from rollout.cli.main import main
from rollout.emulator import process
from rollout.emulator.doors import use

REPOSITORY: Final = Path(__file__).parents[2]
PLAN: Final = """\
version: 1
name: {name}
endpoint: {{name: {name}, auth_mode: key}}
candidate:
  model: {{path: {model}.txt}}
  code_configuration: {{code: src, scoring_script: score.py}}
  environment: {{image: mcr.microsoft.com/azureml/minimal:1}}
  instance_type: Standard_DS3_v2
  instance_count: 1
stages:
  - deploy: candidate
  - traffic: 10
  - {{name: watch, bake: {{for: 2h, checks: {{error_rate: {{tolerate: 2%}}}}}}}}
  - {{name: ok, approval: Is it good?}}
  - traffic: 50
  - {{name: settle, bake: 1h}}
  - traffic: 100
  - delete: stable
"""


@dataclass(frozen=True, slots=True)
class Site:
    """An emulator's state directory, and a folder of plans."""

    state: Path
    folder: Path

    def write(self, name: str, model: str = "v1") -> Path:
        """A plan whose candidate is that model."""
        (self.folder / "src").mkdir(exist_ok=True)
        (self.folder / "src" / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
        (self.folder / f"{model}.txt").write_text(model)
        path = self.folder / f"{name}.rollout.yml"
        path.write_text(PLAN.format(name=name, model=model))
        return path

    def rollout(self, *arguments: object) -> int:
        """`rollout ARGUMENTS… --target emulator` in this process, as `ann`."""
        known = {"ROLLOUT_STATE_DIR": str(self.state), "ROLLOUT_WHO": "ann", "ROLLOUT_TARGET": "emulator"}
        before = dict(os.environ)
        os.environ.update(known)
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                return main([str(argument) for argument in arguments])
        finally:
            os.environ.clear()
            os.environ.update(before)

    def door(self, method: str, name: str, body: Any = None) -> dict[str, Any]:
        """One of the emulator's own doors."""
        told = process.status(self.state)
        return use(told["url"], told["ca_bundle"], method, name, body)

    def traffic(self, name: str, **behaviours: dict[str, float]) -> None:
        """An hour of made-up requests, all at once: at this speed nobody could make them up as time passes."""
        wish = {"endpoint": name, "requests_per_minute": 240, "deployments": behaviours, "seed": 4}
        self.door("POST", "traffic", wish)
        self.door("POST", "clock", {"advance": 3660})
        self.door("DELETE", "traffic")

    def split(self, name: str) -> dict[str, int]:
        """The live weights as the service has them last."""
        states = self.door("GET", f"history?endpoint={name}")["value"]
        return {key: weight for key, weight in states[-1]["traffic"].items() if weight}

    def released(self, name: str, first: str = "v1") -> None:
        """The first release serves everything."""
        plan = self.write(name, first)
        assert self.rollout("apply", plan, "--auto-approve") == 0
        assert self.rollout("approve", plan, "-m", "the first") == 0
        assert self.rollout("apply", plan, "--auto-approve") == 0

    def at_ten(self, name: str, error_share: float = 0.004) -> Path:
        """`v2` has 10 % and is watched; an hour of its requests is counted."""
        self.released(name)
        plan = self.write(name, "v2")
        assert self.rollout("apply", plan, "--auto-approve") == 0
        self.traffic(name, green={"error_share": error_share}, blue={"error_share": 0.004})
        return plan


class Page(HTMLParser):
    """A page, read: its visible text, its links by text, its inputs, the classes of what it draws."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html, self.text = html, ""
        self.links: dict[str, str] = {}
        self.inputs: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._link = ""
        self.feed(html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.tags.append((tag, known))
        if tag == "a":
            self._link = known.get("href", "")
        if tag == "input":
            self.inputs[known["name"]] = known.get("value", "")

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"
        if self._link and data.strip():
            self.links[data.strip()] = self._link
            self._link = ""


class Visitor:
    """A browser without JavaScript that has opened the printed address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.root = address.partition("/?")[0]
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.get(address, timeout=30)

    def get(self, path: str, **settings: Any) -> requests.Response:
        """One page."""
        return self.session.get(self.root + path, timeout=30, **settings)

    def page(self, path: str) -> Page:
        """The same, read."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return Page(answer.text)

    def post(self, path: str, form: dict[str, str], **settings: Any) -> requests.Response:
        """Send a form."""
        return self.session.post(self.root + path, data=form, timeout=60, allow_redirects=False, **settings)

    def press(self, path: str, why: str) -> requests.Response:
        """Open a button's page, give a reason, confirm."""
        asking = self.page(path)
        return self.post(path, {**asking.inputs, "why": why})


@contextmanager
def dashboard(site: Site, *arguments: str) -> Iterator[str]:
    """`rollout dashboard` in a process of its own; the address that it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROLLOUT_")}
    known = {"ROLLOUT_STATE_DIR": str(site.state), "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "rollout", "dashboard", ".", "--target", "emulator", "--port", "0"]
    with subprocess.Popen(
        [*command, "--who", "ann", "--every", "1s", "--reads", "200", *arguments],
        cwd=site.folder,
        env={**kept, **known},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            assert running.stdout is not None
            found = re.search(r"http://\S+", running.stdout.readline())
            assert found is not None, running.stderr.read() if running.stderr else ""
            yield found[0]
        finally:
            running.terminate()
            _, err = running.communicate(timeout=20)
    assert "Traceback" not in err, err


@contextmanager
def site(folder: Path, speed: float = 1200.0) -> Iterator[Site]:
    """An emulator (deployments succeed, nothing serves) and an empty folder of plans."""
    state, plans = folder / "emulator", folder / "plans"
    plans.mkdir()
    process.start(state, speed=speed, parent_pid=os.getpid(), extra=("--no-processes", "--no-throttle"))
    try:
        yield Site(state, plans)
    finally:
        process.stop(state)
