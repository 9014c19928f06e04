"""The unchanged SDK, the management client and curl take the emulator for the service."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from rollout.emulator.server import EmulatorServer
from tests.emulator.control.conftest import Arm

# The SDK itself warns of what its own dependencies deprecate.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
GROUP = ("emulator", "emulator")


@pytest.fixture
def environment(server: EmulatorServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The variables of `rollout emulator env`, and nothing else; the SDK's own one is taken back."""
    found = server.environment()
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AZUREML_CURRENT_CLOUD", "")  # so that it is as it was at the end, whatever the SDK puts there
    monkeypatch.delenv("AZUREML_CURRENT_CLOUD")  # another test's emulator, maybe
    return found


@pytest.fixture
def ml(server: EmulatorServer, environment: dict[str, str]) -> Any:
    """An `MLClient` as any user makes it; the variables alone lead it here."""
    from azure.ai.ml import MLClient
    from azure.identity import DefaultAzureCredential

    return MLClient(DefaultAzureCredential(), environment["AZURE_SUBSCRIPTION_ID"], *GROUP)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A scoring script, a model and a conda file."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").write_text("def init():\n    pass\n\n\ndef run(raw):\n    return raw\n")
    (tmp_path / "code" / "helper.py").write_text("VALUE = 1\n")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.bin").write_bytes(b"\x00\x01" * 100)
    (tmp_path / "conda.yml").write_text("name: env\ndependencies:\n  - python=3.11\n")
    return tmp_path


def _deployment(name: str, endpoint: str, files: Path, **more: Any) -> Any:
    from azure.ai.ml.entities import CodeConfiguration, Environment, ManagedOnlineDeployment, Model

    return ManagedOnlineDeployment(
        name=name,
        endpoint_name=endpoint,
        model=Model(path=str(files / "model")),
        code_configuration=CodeConfiguration(code=str(files / "code"), scoring_script="score.py"),
        environment=Environment(conda_file=str(files / "conda.yml"), image="mcr.microsoft.com/base:latest"),
        instance_type="Standard_DS3_v2",
        instance_count=1,
        **more,
    )


def _done(poller: Any) -> Any:
    with redirect_stdout(io.StringIO()):
        return poller.result()


def test_the_walk_through_with_the_sdk(ml: Any, server: EmulatorServer, files: Path) -> None:
    """Create, deploy local code and model, scale, mirror, 90/10, 0/100, delete: each state as the SDK sees it."""
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    def traffic(live: dict[str, int], mirror: dict[str, int] | None = None) -> tuple[Any, Any]:
        endpoint.traffic, endpoint.mirror_traffic = live, mirror or {}
        _done(ml.online_endpoints.begin_create_or_update(endpoint))
        seen = ml.online_endpoints.get("walk")
        return {name: weight for name, weight in seen.traffic.items() if weight}, seen.mirror_traffic

    endpoint = ManagedOnlineEndpoint(name="walk", auth_mode="key", tags={"foo": "bar"})
    made = _done(ml.online_endpoints.begin_create_or_update(endpoint))
    assert (made.provisioning_state.lower(), made.scoring_uri) == (
        "succeeded",
        f"{server.url}/endpoints/walk/score",
    )
    blue = _done(ml.online_deployments.begin_create_or_update(_deployment("blue", "walk", files)))
    assert blue.provisioning_state.lower() == "succeeded"
    assert traffic({"blue": 100}) == ({"blue": 100}, {})

    live = ml.online_deployments.get("blue", "walk")
    live.instance_count = 2
    _done(ml.online_deployments.begin_create_or_update(live))
    assert ml.online_deployments.get("blue", "walk").instance_count == 2

    green = _done(ml.online_deployments.begin_create_or_update(_deployment("green", "walk", files)))
    assert (green.model, green.code_configuration.code) == (blue.model, blue.code_configuration.code)
    assert traffic({"blue": 100}, {"green": 10}) == ({"blue": 100}, {"green": 10})
    assert traffic({"blue": 90, "green": 10}) == ({"blue": 90, "green": 10}, {})
    assert traffic({"blue": 0, "green": 100}) == ({"green": 100}, {})
    assert len(ml.online_endpoints.get_keys("walk").primary_key) == 64

    _done(ml.online_deployments.begin_delete("blue", "walk"))
    assert [one.name for one in ml.online_deployments.list("walk")] == ["green"]
    _done(ml.online_endpoints.begin_delete("walk"))
    assert "walk" not in [one.name for one in ml.online_endpoints.list()]


def test_what_the_sdk_uploads_is_what_is_deployed(ml: Any, server: EmulatorServer, files: Path) -> None:
    """Code and model arrive unpacked and unchanged, a large file in blocks; the same content is not sent twice."""
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    content = os.urandom(70 * 1024 * 1024)
    (files / "model" / "large.bin").write_bytes(content)
    _done(ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name="upload")))
    _done(ml.online_deployments.begin_create_or_update(_deployment("blue", "upload", files)))
    (root,) = (server.state_dir / "deployments" / "upload" / "blue").iterdir()
    assert {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()} == {
        "code/score.py",
        "code/helper.py",
        "model/model/weights.bin",
        "model/model/large.bin",
    }
    assert (root / "model" / "model" / "large.bin").read_bytes() == content
    before = server.service.served.by_operation["Codes_PutVersion"]
    _done(ml.online_deployments.begin_create_or_update(_deployment("green", "upload", files)))
    assert server.service.served.by_operation["Codes_PutVersion"] == before


def test_a_deployment_of_assets_that_are_not_there(ml: Any, files: Path) -> None:
    """The operation fails as in the service: an exception with HTTP status 200 and the error's code."""
    from azure.ai.ml.entities import ManagedOnlineEndpoint
    from azure.core.exceptions import HttpResponseError

    _done(ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name="missing")))
    deployment = _deployment("blue", "missing", files)
    deployment.model = "azureml:nothing:7"
    with pytest.raises(HttpResponseError) as caught:
        _done(ml.online_deployments.begin_create_or_update(deployment))
    error: Any = caught.value.error
    assert (caught.value.status_code, error.code) == (200, "BadArgument")
    assert error.message == "The specified model was not found: emulator/models/nothing/versions/7"


def test_registered_assets_by_label(ml: Any, files: Path) -> None:
    """A registered model is listed and found as `latest`."""
    from azure.ai.ml.entities import Model

    for version in ("1", "2"):
        ml.models.create_or_update(Model(name="house-model", version=version, path=str(files / "model")))
    assert ml.models.get("house-model", label="latest").version == "2"
    assert [model.version for model in ml.models.list("house-model")] == ["2", "1"]
    assert "house-model" in [model.name for model in ml.models.list()]


def test_the_management_client(server: EmulatorServer, environment: dict[str, str]) -> None:
    """PUT, PATCH, scale, keys, SKUs, usage and delete through the generated client, with a GUID tenant."""
    from azure.identity import ClientSecretCredential
    from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient, models

    known = server.service.identity
    credential = ClientSecretCredential(
        known.tenant_id,
        known.client_id,
        known.client_secret,
        authority=server.url,
        disable_instance_discovery=True,
    )
    client = MachineLearningServicesMgmtClient(
        credential,
        known.subscription_id,
        base_url=server.url,
        credential_scopes=["https://management.azure.com/.default"],
        polling_interval=1,
    )
    path = (*GROUP, "managed")
    endpoint = models.OnlineEndpoint(
        location="eastus2",
        identity=models.ManagedServiceIdentity(type="SystemAssigned"),
        properties=models.OnlineEndpointProperties(auth_mode="Key"),
    )
    made = client.online_endpoints.begin_create_or_update(*path, endpoint).result()
    assert made.properties.provisioning_state == "Succeeded"
    deployment = models.OnlineDeployment(
        location="eastus2",
        sku=models.Sku(name="Default", capacity=1),
        properties=models.ManagedOnlineDeployment(instance_type="Standard_DS3_v2"),
    )
    client.online_deployments.begin_create_or_update(*path, "blue", deployment).result()
    patch = models.PartialMinimalTrackedResourceWithIdentity(tags={"a": "b"})
    assert client.online_endpoints.begin_update(*path, patch).result().tags == {"a": "b"}
    scale = models.PartialMinimalTrackedResourceWithSku(sku=models.PartialSku(capacity=3))
    assert client.online_deployments.begin_update(*path, "blue", scale).result().sku.capacity == 3
    (sku,) = client.online_deployments.list_skus(*path, "blue")
    assert (sku.capacity.minimum, sku.capacity.maximum) == (1, 50)
    key = client.online_endpoints.list_keys(*path).primary_key
    request = models.RegenerateEndpointKeysRequest(key_type="Primary")
    client.online_endpoints.begin_regenerate_keys(*path, request).result()
    assert client.online_endpoints.list_keys(*path).primary_key != key
    assert {usage.name.value for usage in client.usages.list("eastus2")} == {"totalCores", "onlineEndpoints"}
    client.online_endpoints.begin_delete(*path).result()
    assert "managed" not in [one.name for one in client.online_endpoints.list(*GROUP)]


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
def test_curl(arm: Arm, server: EmulatorServer, environment: dict[str, str]) -> None:
    """With the variables alone curl trusts the certificate."""
    name = arm.house("blue")
    token = f"Authorization: {arm.session.headers['Authorization']!s}"
    url = f"{server.url}{server.service.scope.workspace_path}/onlineEndpoints/{name}?api-version=2024-04-01"
    done = subprocess.run(["curl", "-sS", "-H", token, url], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["properties"]["traffic"] == {"blue": 100}
