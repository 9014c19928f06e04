"""A pytest plugin: an Azure ML of one's own for a test run.

    # conftest.py
    pytest_plugins = ["rollout.emulator.pytest_plugin"]

It is not loaded by itself (no entry point): whoever has the package for its commands shall not pay for a plugin in
every run of pytest. Nothing but pytest is imported until a test asks for an emulator.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

SPEED: Final = 100.0
_SPEED: Final = "azureml_emulator_speed"
_PYTHON: Final = "azureml_emulator_python"


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator. `environment` is what SDKs and curl need; it holds the client secret: never show it."""

    url: str
    ca_bundle: Path
    subscription_id: str
    resource_group: str
    workspace: str
    environment: Mapping[str, str] = field(repr=False)

    def door(self, method: str, name: str, body: Any = None) -> dict[str, Any]:
        """Use one of its own doors (`status`, `history`, `clock`, `principals`, `policies`, `traffic`, …)."""
        from rollout.emulator.doors import use

        return use(self.url, self.ca_bundle, method, name, body)

    def fail(self, *faults: str | dict[str, Any]) -> None:
        """Add faults: presets by their names (`rollout emulator fault presets`), or faults as JSON."""
        import msgspec

        from rollout.emulator.presets.all import PRESETS

        wish = [msgspec.to_builtins(PRESETS[one].fault) if isinstance(one, str) else one for one in faults]
        self.door("POST", "faults", wish)

    def advance(self, seconds: float) -> None:
        """Skip so much of the service's time."""
        self.door("POST", "clock", {"advance": seconds})

    def reset(self) -> None:
        """No faults, no policies, no made-up traffic, no principals but the own one, which may do everything."""
        for name in ("faults", "policies", "principals", "permissions"):
            self.door("PUT", name, [])
        self.door("DELETE", "traffic")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Two settings for `pytest.ini` or `pyproject.toml`."""
    parser.addini(_SPEED, "Seconds of the service's time in a real second.", default=str(SPEED))
    parser.addini(_PYTHON, "The interpreter of the scoring scripts; `none`: nothing serves.", default=sys.executable)


@pytest.fixture(scope="session")
def azureml_emulator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator for the whole run (with pytest-xdist: for each worker), on a free port, with a state of its own."""
    from rollout.emulator.server import EmulatorServer, no_backend, processes
    from rollout.emulator.service import Options

    folder, python = tmp_path_factory.mktemp("azureml"), request.config.getini(_PYTHON)
    backend = no_backend if python == "none" else processes(folder, python)
    with EmulatorServer(folder, Options(speed=float(request.config.getini(_SPEED))), backend) as server:
        scope = server.service.scope
        yield Emulator(
            server.url,
            server.state_dir / "ca.pem",
            scope.subscription_id,
            scope.resource_group,
            scope.workspace,
            server.environment(),
        )


@pytest.fixture
def azureml(azureml_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """The same for one test: the environment leads every client to it, and nothing is left of earlier faults."""
    for name, value in azureml_emulator.environment.items():
        monkeypatch.setenv(name, value)
    azureml_emulator.reset()
    yield azureml_emulator
    azureml_emulator.reset()
