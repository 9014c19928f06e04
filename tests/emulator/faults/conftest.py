"""An emulator whose deployments are answered by stubs, behind the real router."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rollout.emulator.server import EmulatorServer, processes
from rollout.emulator.service import Options
from tests.emulator.control.bodies import endpoint_body
from tests.emulator.control.conftest import Arm


class Served(Arm):
    """One endpoint, `house`, with blue at 100 % and green at 0 %, and its key."""

    def __init__(self, server: EmulatorServer) -> None:
        super().__init__(server)
        self.name = ""
        self.key = ""

    def open(self) -> None:
        """Make the endpoint."""
        self.name = self.house("blue", "green")
        self.key = self.ask("POST", f"onlineEndpoints/{self.name}/listKeys").json()["primaryKey"]

    def score(self, deployment: str = "") -> Any:
        """One scoring request."""
        headers = {"Authorization": f"Bearer {self.key}"}
        if deployment:
            headers["azureml-model-deployment"] = deployment
        url = f"{self.server.url}/endpoints/{self.name}/score"
        return self.session.post(url, json={}, headers=headers, timeout=20)

    def write(self) -> Any:
        """A PUT of the endpoint that changes nothing."""
        return self.ask("PUT", f"onlineEndpoints/{self.name}", endpoint_body({"blue": 100}))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One for the tests of a module."""
    folder = tmp_path_factory.mktemp("emulator")
    with EmulatorServer(folder, Options(speed=2000), processes(folder)) as running:
        client = Served(running)
        client.open()
        yield client
        client.session.close()


@pytest.fixture
def served(shared: Served) -> Iterator[Served]:
    """Without faults, before and after."""
    shared.control("PUT", "faults", [])
    yield shared
    shared.control("PUT", "faults", [])
