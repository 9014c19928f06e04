"""An emulator on loopback without scoring processes, and a plain HTTP client with a token."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from rollout.emulator.server import EmulatorServer
from rollout.emulator.service import Options
from tests.emulator.control.bodies import deployment_body, endpoint_body

_NUMBERS = itertools.count(1)


class Arm:
    """Resource Manager by plain HTTP. Paths are relative to the workspace unless they start with `/`."""

    def __init__(self, server: EmulatorServer) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.verify = str(server.state_dir / "ca.pem")
        self.session.trust_env = False
        self.client_id = server.service.identity.client_id
        self.sign_in()

    def sign_in(self, client_id: str = "", secret: str = "", audience: str = "https://management.azure.com") -> None:
        """Get a token as any client does; by default the emulator's own."""
        known = self.server.service.identity
        client_id, secret = client_id or known.client_id, secret or known.client_secret
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
            "scope": f"{audience}/.default",
        }
        told = self.session.post(f"{self.server.url}/{known.tenant_id}/oauth2/v2.0/token", data=form).json()
        self.session.headers["Authorization"] = f"Bearer {told['access_token']}"

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        """One request."""
        scope = self.server.service.scope
        root = self.server.url + ("" if path.startswith("/") else scope.workspace_path + "/")
        query = {"api-version": "2024-04-01"} | more.pop("params", {})
        return self.session.request(method, root + path, json=body, params=query, timeout=20, **more)

    def wait(self, answer: requests.Response) -> dict[str, Any]:
        """Poll an operation to its end, as slowly as the service asks; its last status."""
        assert answer.status_code in (201, 202), answer.text
        while True:
            poll = self.session.get(answer.headers["Azure-AsyncOperation"], timeout=20)
            body: dict[str, Any] = poll.json()
            if body["status"] in ("Succeeded", "Failed"):
                return body
            time.sleep(int(poll.headers.get("x-ms-retry-after-ms", "1000")) / 1000)

    def control(self, method: str, door: str, body: Any = None) -> Any:
        """One of the emulator's own doors."""
        answer = self.session.request(method, f"{self.server.url}/_emulator/{door}", json=body, timeout=20)
        return answer.json()

    def house(self, *deployments: str) -> str:
        """A new endpoint with these deployments, all traffic on the first; its name."""
        name = f"house-{next(_NUMBERS)}"
        self.wait(self.ask("PUT", f"onlineEndpoints/{name}", endpoint_body()))
        for one in deployments:
            self.wait(self.ask("PUT", f"onlineEndpoints/{name}/deployments/{one}", deployment_body()))
        if deployments:
            self.wait(self.ask("PUT", f"onlineEndpoints/{name}", endpoint_body({deployments[0]: 100})))
        return name


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorServer]:
    """One emulator for all tests of this directory; each has its own endpoint."""
    with EmulatorServer(tmp_path_factory.mktemp("emulator"), Options(speed=2000)) as running:
        yield running


@pytest.fixture
def arm(server: EmulatorServer) -> Iterator[Arm]:
    """A signed-in client; faults and counts are fresh."""
    client = Arm(server)
    client.control("PUT", "faults", [])
    client.control("POST", "reset-counts")
    yield client
    client.control("PUT", "faults", [])
    client.session.close()


@pytest.fixture
def own_server(tmp_path: Path) -> EmulatorServer:
    """An emulator of the test's own, not yet started."""
    return EmulatorServer(tmp_path / "own", Options(speed=2000))
