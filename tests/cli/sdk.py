"""The unchanged SDK in front of the emulator of these tests: somebody who knows nothing of rollout."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import requests

from rollout.emulator import process


class Sdk:
    """An `MLClient`, quiet; and the emulator's group and workspace."""

    def __init__(self, state_dir: Path) -> None:
        known = process.env(state_dir)
        with pytest.MonkeyPatch.context() as variables:
            for name, value in known.items():
                variables.setenv(name, value)
            from azure.ai.ml import MLClient
            from azure.identity import ClientSecretCredential

            self.credential = ClientSecretCredential(
                known["AZURE_TENANT_ID"],
                known["AZURE_CLIENT_ID"],
                known["AZURE_CLIENT_SECRET"],
                authority=known["AZURE_AUTHORITY_HOST"],
                disable_instance_discovery=True,
                connection_verify=known["REQUESTS_CA_BUNDLE"],
            )
            self.client = MLClient(
                self.credential,
                known["AZURE_SUBSCRIPTION_ID"],
                known.get("AZURE_RESOURCE_GROUP", "emulator"),
                known.get("AZUREML_WORKSPACE_NAME", "emulator"),
            )
        self._known = known

    def _quietly(self, act: Any) -> Any:
        with pytest.MonkeyPatch.context() as variables, redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            for name, value in self._known.items():
                variables.setenv(name, value)
            return act()

    def endpoint(self, text: str) -> None:
        """Create or update an endpoint from YAML."""
        from azure.ai.ml import load_online_endpoint

        loaded = load_online_endpoint(io.StringIO(text))
        self._quietly(lambda: self.client.online_endpoints.begin_create_or_update(loaded).result())

    def deployment(self, text: str, folder: Path) -> None:
        """Create or update a deployment from YAML."""
        from azure.ai.ml import load_online_deployment

        loaded = load_online_deployment(io.StringIO(text), relative_origin=str(folder / "deployment.yml"))
        self._quietly(lambda: self.client.online_deployments.begin_create_or_update(loaded).result())

    def traffic(self, name: str, mirror: dict[str, int] | None = None, **split: int) -> None:
        """Set the split, as `az ml online-endpoint update --traffic` does."""

        def act() -> None:
            found = self.client.online_endpoints.get(name)
            found.traffic = split
            if mirror is not None:
                found.mirror_traffic = mirror
            self.client.online_endpoints.begin_create_or_update(found).result()

        self._quietly(act)

    def lock(self, level: str) -> None:
        """Lock the resource group; "" takes the lock away. By REST: the SDK knows no locks."""
        body = {"properties": {"level": level}} if level else None
        self.rest("PUT" if level else "DELETE", "/providers/Microsoft.Authorization/locks/keep", body)

    def asset(self, kind: str, name: str, version: str = "1") -> None:
        """Register an asset without content."""
        home = f"/providers/Microsoft.MachineLearningServices/workspaces/{self.client.workspace_name}"
        self.rest("PUT", f"{home}/{kind}/{name}/versions/{version}", {"properties": {"properties": {}}})

    def rest(self, method: str, path: str, body: Any = None) -> Any:
        """One request below the resource group."""
        known, client = self._known, self.client
        group = f"/subscriptions/{client.subscription_id}/resourceGroups/{client.resource_group_name}"
        token = self.credential.get_token("https://management.azure.com/.default").token
        answer = requests.request(
            method,
            f"{known['AZUREML_DEV_URL_MFE'].rstrip('/')}{group}{path}",
            json=body,
            params={"api-version": "2020-05-01"},
            headers={"Authorization": f"Bearer {token}"},
            verify=known["REQUESTS_CA_BUNDLE"],
            timeout=10,
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None
