"""Commands run in this process, against an emulator in one of its own (deployments succeed, nothing serves)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rollout.cli.main import main
from rollout.emulator import process

PLAN = """\
version: 1
name: {name}
endpoint: {{name: {name}, auth_mode: key}}
candidate:
  model: {{path: model.txt}}
  code_configuration: {{code: src, scoring_script: score.py}}
  environment: {{image: mcr.microsoft.com/azureml/minimal:1}}
  instance_type: Standard_DS3_v2
  instance_count: 1
stages:
  - deploy: candidate
  - traffic: 10
  - {{name: ok, approval: Is it good?}}
  - traffic: 50
  - {{name: settle, bake: 1h}}
  - traffic: 100
  - delete: stable
"""


class Ended(msgspec.Struct, frozen=True):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What stdout says to a program."""
        return json.loads(self.out)


Command = Callable[..., Ended]


@pytest.fixture
def rollout(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run `rollout ARGUMENTS…` as `ann`, without a terminal."""
    monkeypatch.setenv("ROLLOUT_WHO", "ann")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdin", open("/dev/null", encoding="utf-8"))  # noqa: SIM115 - lives as long as the test

    def run(*arguments: object) -> Ended:
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Ended(code, out, err)

    return run


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state directory of one that is running."""
    folder = tmp_path_factory.mktemp("emulator")
    process.start(folder, speed=2000.0, extra=("--no-processes", "--no-throttle"))
    yield folder
    process.stop(folder)


@pytest.fixture(scope="session")
def sdk(emulator: Path) -> Any:
    """The unchanged SDK in front of the same emulator."""
    from tests.cli.sdk import Sdk

    return Sdk(emulator)


@pytest.fixture
def on_emulator(emulator: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The target is the emulator, told by variables."""
    monkeypatch.setenv("ROLLOUT_STATE_DIR", str(emulator))
    monkeypatch.setenv("ROLLOUT_TARGET", "emulator")
    return emulator


def write_plan(folder: Path, name: str, model: str = "v1") -> Path:
    """A plan with its files; `model` is what its model says."""
    (folder / "src").mkdir(exist_ok=True)
    (folder / "src" / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    (folder / "model.txt").write_text(model)
    path = folder / f"{name}.rollout.yml"
    path.write_text(PLAN.format(name=name))
    return path
