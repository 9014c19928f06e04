"""How others see the endpoint: the unchanged SDK, the generated management client, and curl."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.e2e.harness import Emulator

GROUP: Final = ("emulator", "emulator")


@dataclass(frozen=True, slots=True)
class Outside:
    """Three clients that know nothing of rollout."""

    emulator: Emulator
    ml: Any
    management: Any

    def sdk(self, endpoint: str) -> dict[str, Any]:
        """Traffic, mirror, and each deployment's state and instances, as the SDK tells them."""
        found = self.ml.online_endpoints.get(endpoint)
        deployments = self.ml.online_deployments.list(endpoint)
        return {
            "traffic": {name: weight for name, weight in found.traffic.items() if weight},
            "mirror": dict(found.mirror_traffic or {}),
            "deployments": {d.name: (d.provisioning_state, d.instance_count) for d in deployments},
        }

    def managed(self, endpoint: str) -> dict[str, Any]:
        """The same from the management client."""
        inner = self.management.online_endpoints.get(*GROUP, endpoint).properties
        deployments = self.management.online_deployments.list(*GROUP, endpoint)
        return {
            "traffic": {name: weight for name, weight in inner.traffic.items() if weight},
            "mirror": dict(inner.mirror_traffic or {}),
            "deployments": {d.name: (d.properties.provisioning_state, d.sku.capacity) for d in deployments},
        }

    def agreed(self, endpoint: str) -> dict[str, Any]:
        """What both say, which must be the same."""
        seen = self.sdk(endpoint)
        assert self.managed(endpoint) == seen
        return seen

    def names(self) -> list[str]:
        """All endpoints, as the SDK lists them."""
        return sorted(one.name for one in self.ml.online_endpoints.list())

    def curl(self, endpoint: str, body: Path, deployment: str = "") -> tuple[int, str, str]:
        """Status, answering deployment and model version of one request by curl, with the key that the SDK gives."""
        found = self.ml.online_endpoints.get(endpoint)
        key = self.ml.online_endpoints.get_keys(endpoint).primary_key
        headers = [f"Authorization: Bearer {key}", "Content-Type: application/json"]
        headers += [f"azureml-model-deployment: {deployment}"] if deployment else []
        command = ["curl", "-sS", "-i", "--data-binary", f"@{body}", found.scoring_uri]
        command += [part for header in headers for part in ("-H", header)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        head, _, content = done.stdout.replace("\r\n", "\n").partition("\n\n")
        lines = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:])
        version = json.loads(content)["version"] if content.startswith("{") else ""
        return int(head.split()[1]), lines.get("azureml-model-deployment", ""), version


@contextmanager
def outside(emulator: Emulator) -> Iterator[Outside]:
    """The clients, made as any user makes them: the variables alone lead them to the emulator."""
    known = emulator.environment()
    before = dict(os.environ)
    os.environ.update(known)
    try:
        with redirect_stdout(io.StringIO()):
            yield Outside(emulator, _ml(known), _management(emulator, known))
    finally:
        os.environ.clear()
        os.environ.update(before)


def _ml(known: dict[str, str]) -> Any:
    from azure.ai.ml import MLClient
    from azure.identity import DefaultAzureCredential

    return MLClient(DefaultAzureCredential(), known["AZURE_SUBSCRIPTION_ID"], *GROUP)


def _management(emulator: Emulator, known: dict[str, str]) -> Any:
    from azure.identity import ClientSecretCredential
    from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient

    credential = ClientSecretCredential(
        known["ROLLOUT_EMULATOR_TENANT_ID"],
        known["AZURE_CLIENT_ID"],
        known["AZURE_CLIENT_SECRET"],
        authority=emulator.url,
        disable_instance_discovery=True,
    )
    return MachineLearningServicesMgmtClient(
        credential,
        known["AZURE_SUBSCRIPTION_ID"],
        base_url=emulator.url,
        credential_scopes=["https://management.azure.com/.default"],
    )
