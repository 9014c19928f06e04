"""The unchanged public SDKs at work: azure-ai-ml, the generated management client, azure-identity below both."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import scoring
from tests.conformance.case import case
from tests.conformance.house import Fresh, House
from tests.conformance.sources import ROLLOUT, SCALE, SDK, SWAGGER, VARIANTS, captured, recorded
from tests.conformance.target import Target

# The SDK itself warns of what its own dependencies deprecate.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def environment(target: Target) -> Iterator[None]:
    """The variables that lead the SDK to the target, and nothing else; taken back afterwards."""
    before = dict(os.environ)
    os.environ.update(target.variables)
    with contextlib.redirect_stdout(io.StringIO()):
        yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def ml(target: Target, environment: None) -> Any:
    """An `MLClient` as any user makes it."""
    from azure.ai.ml import MLClient
    from azure.identity import DefaultAzureCredential

    return MLClient(DefaultAzureCredential(), target.subscription, target.group, target.workspace)


@pytest.fixture(scope="module")
def management(target: Target, environment: None) -> Any:
    """The generated client; its credential gives the suite's own tokens."""
    from azure.core.credentials import AccessToken
    from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient

    class Known:
        """A credential that asks the target."""

        def get_token(self, *scopes: str, **options: Any) -> Any:
            """A token for the first scope."""
            return AccessToken(target.token(scopes[0]), 2**31)

    return MachineLearningServicesMgmtClient(
        Known(),
        target.subscription,
        base_url=target.management,
        credential_scopes=["https://management.azure.com/.default"],
        polling_interval=1,
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scoring script, a model and a conda file."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "code").mkdir()
    (folder / "code" / "score.py").write_text(scoring.SCRIPT)
    (folder / "model").mkdir()
    (folder / "model" / "weights.bin").write_bytes(b"\x00\x01" * 100)
    (folder / "conda.yml").write_text(scoring.CONDA)
    return folder


def _deployment(name: str, house: House, files: Path) -> Any:
    from azure.ai.ml.entities import CodeConfiguration, Environment, ManagedOnlineDeployment, Model

    return ManagedOnlineDeployment(
        name=name,
        endpoint_name=house.name,
        model=Model(path=str(files / "model")),
        code_configuration=CodeConfiguration(code=str(files / "code"), scoring_script="score.py"),
        environment=Environment(conda_file=str(files / "conda.yml"), image=scoring.IMAGE),
        instance_type="Standard_DS3_v2",
        instance_count=1,
    )


@pytest.fixture(scope="module")
def deployed(ml: Any, fresh: Fresh, files: Path) -> House:
    """An endpoint that the SDK has made, with two deployments of the same local code and model."""
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    house = fresh.planned()
    ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=house.name, auth_mode="key")).result()
    for name in ("blue", "green"):
        ml.online_deployments.begin_create_or_update(_deployment(name, house, files)).result()
    return house


@case("sdk.create", "The SDK creates an endpoint and sees it succeed", captured(ROLLOUT, 2, 3, 4, 5), recorded(0, 1))
def test_created(ml: Any, deployed: House) -> None:
    """State, address, mode, as the SDK tells them."""
    found = ml.online_endpoints.get(deployed.name)
    assert (found.provisioning_state.lower(), found.auth_mode) == ("succeeded", "key")
    assert found.scoring_uri == deployed.show()["properties"]["scoringUri"]


@case(
    "sdk.deploy", "It registers local code, environment and model, and deploys them", captured(ROLLOUT, *range(6, 27))
)
def test_deployed(ml: Any, deployed: House) -> None:
    """Ids of assets that are really there."""
    inner = deployed.show("blue")["properties"]
    for arm_id in (inner["codeConfiguration"]["codeId"], inner["environmentId"], inner["model"]):
        assert deployed.target.ask("GET", arm_id.removeprefix("azureml:")).status_code == 200
    assert ml.online_deployments.get("blue", deployed.name).provisioning_state.lower() == "succeeded"


@case(
    "sdk.same-content",
    "The same content is uploaded once: the second deployment has the first one's assets",
    captured(ROLLOUT, 27, 28, 30, 34, 37),
)
def test_same_content(deployed: House) -> None:
    """Code, environment and model."""
    blue, green = (deployed.show(name)["properties"] for name in ("blue", "green"))
    for field in ("codeConfiguration", "environmentId", "model"):
        assert blue[field] == green[field]


@case("sdk.zeroes", "It shows 0 % for deployments without weight", captured(ROLLOUT, 56, 57), SDK)
def test_zeroes(ml: Any, deployed: House) -> None:
    """It adds them itself, from the list of deployments."""
    deployed.set({"blue": 100})
    assert ml.online_endpoints.get(deployed.name).traffic == {"blue": 100, "green": 0}


@case("sdk.traffic", "It mirrors, splits and swaps", captured(ROLLOUT, 70, 73, 77, 80))
def test_traffic(ml: Any, deployed: House) -> None:
    """The steps of Microsoft's walk-through; each seen from outside."""
    endpoint = ml.online_endpoints.get(deployed.name)
    for live, mirror in (
        ({"blue": 100}, {"green": 10}),
        ({"blue": 90, "green": 10}, {}),
        ({"blue": 0, "green": 100}, {}),
    ):
        endpoint.traffic, endpoint.mirror_traffic = live, mirror
        ml.online_endpoints.begin_create_or_update(endpoint).result()
        assert deployed.weights() == ({name: weight for name, weight in live.items() if weight}, mirror)


@case("sdk.scale", "It scales what it has read", captured(SCALE, 11, 14, 17))
def test_scale(ml: Any, deployed: House) -> None:
    """Get, change the count, write."""
    live = ml.online_deployments.get("green", deployed.name)
    live.instance_count = 2
    ml.online_deployments.begin_create_or_update(live).result()
    assert deployed.show("green")["sku"]["capacity"] == 2


@case("sdk.lists", "It lists endpoints and deployments", captured(ROLLOUT, 0, 58))
def test_lists(ml: Any, deployed: House) -> None:
    """By name."""
    assert deployed.name in [one.name for one in ml.online_endpoints.list()]
    assert [one.name for one in ml.online_deployments.list(deployed.name)] == ["blue", "green"]


@case("sdk.keys", "It reads keys and makes a new one", captured(ROLLOUT, 62, 88, 89, 92))
def test_keys(ml: Any, deployed: House) -> None:
    """It sends the present key with the wish for another: that key is kept, as the service was told."""
    before = ml.online_endpoints.get_keys(deployed.name)
    ml.online_endpoints.begin_regenerate_keys(deployed.name, key_type="secondary").result()
    after = ml.online_endpoints.get_keys(deployed.name)
    assert after.primary_key == before.primary_key


@case("sdk.token", "It gets a token from an endpoint with tokens", captured(VARIANTS, 54, 55))
def test_token(ml: Any, fresh: Fresh) -> None:
    """With its times."""
    house = fresh.named(authMode="AMLToken")
    found = ml.online_endpoints.get_keys(house.name)
    assert found.access_token
    assert found.expiry_time_utc - found.refresh_after_time_utc == 12 * 3600


@case("sdk.logs", "It reads a deployment's log", captured(ROLLOUT, 69))
def test_logs(ml: Any, deployed: House) -> None:
    """Text."""
    assert isinstance(ml.online_deployments.get_logs("blue", deployed.name, lines=10), str)


@case("sdk.label", "It finds the latest version of a registered model", captured(VARIANTS, 14), SDK)
def test_label(ml: Any, files: Path) -> None:
    """Of two."""
    from azure.ai.ml.entities import Model

    for version in ("1", "2"):
        ml.models.create_or_update(Model(name="conf-labelled", version=version, path=str(files / "model")))
    assert ml.models.get("conf-labelled", label="latest").version == "2"


@case(
    "sdk.refused",
    "A refusal reaches it as its own exception, with the service's sentence",
    captured("status codes and exceptions of azure-core"),
)
def test_refused(ml: Any, deployed: House) -> None:
    """404 and 400."""
    from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

    deployed.set({"green": 100})
    with pytest.raises(ResourceNotFoundError, match="grey not found in endpoint"):
        ml.online_deployments.get("grey", deployed.name)
    with pytest.raises(HttpResponseError, match="non-zero traffic weight"):
        ml.online_deployments.begin_delete("green", deployed.name)


@case(
    "sdk.failed",
    "A failed operation reaches it as an exception with HTTP status 200",
    captured("failed operations of azure-core"),
    needs="doors",
)
def test_failed(ml: Any, deployed: House, doors: Target, files: Path) -> None:
    """Only the code tells what happened."""
    from azure.core.exceptions import HttpResponseError

    doors.fail_next("deployment_create", "ImageBuildFailure", "no such image")
    with pytest.raises(HttpResponseError) as caught:
        ml.online_deployments.begin_create_or_update(_deployment("grey", deployed, files)).result()
    assert caught.value.error is not None
    assert (caught.value.status_code, caught.value.error.code) == (200, "ImageBuildFailure")
    ml.online_deployments.begin_delete("grey", deployed.name).result()


@case("sdk.delete", "It deletes deployments and endpoints", captured(ROLLOUT, 84, 93, 96))
def test_delete(ml: Any, fresh: Fresh) -> None:
    """The idle one, then all."""
    house = fresh.house("blue", "green", traffic={"green": 100})
    ml.online_deployments.begin_delete("blue", house.name).result()
    assert [one.name for one in ml.online_deployments.list(house.name)] == ["green"]
    ml.online_endpoints.begin_delete(house.name).result()
    assert house.target.ask("GET", house.path).status_code == 404


# The management client


def _place(target: Target, house: House) -> tuple[str, str, str]:
    return target.group, target.workspace, house.name


@case("management.endpoint", "The management client creates, patches and deletes endpoints", SWAGGER)
def test_management_endpoint(management: Any, target: Target, fresh: Fresh) -> None:
    """Each to its end."""
    from azure.mgmt.machinelearningservices import models

    house = fresh.planned()
    path = _place(target, house)
    body = models.OnlineEndpoint(
        location=target.location,
        identity=models.ManagedServiceIdentity(type="SystemAssigned"),
        properties=models.OnlineEndpointProperties(auth_mode="Key"),
    )
    made = management.online_endpoints.begin_create_or_update(*path, body).result()
    assert made.properties.provisioning_state == "Succeeded"
    patch = models.PartialMinimalTrackedResourceWithIdentity(tags={"a": "b"})
    assert management.online_endpoints.begin_update(*path, patch).result().tags == {"a": "b"}
    management.online_endpoints.begin_delete(*path).result()
    assert target.ask("GET", house.path).status_code == 404


@case("management.deployment", "It creates, scales, lists and deletes deployments", SWAGGER)
def test_management_deployment(management: Any, target: Target, fresh: Fresh) -> None:
    """PUT, PATCH of the count, list, sizes, DELETE."""
    from azure.mgmt.machinelearningservices import models

    house = fresh.named()
    path = _place(target, house)
    known = models.CodeConfiguration(code_id=None, scoring_script="score.py") if house.content else None
    body = models.OnlineDeployment(
        location=target.location,
        sku=models.Sku(name="Default", capacity=1),
        properties=models.ManagedOnlineDeployment(instance_type="Standard_DS3_v2", code_configuration=known),
    )
    if house.content:
        body.properties.environment_id = house.content["environmentId"]
        body.properties.code_configuration.code_id = house.content["codeConfiguration"]["codeId"]
    management.online_deployments.begin_create_or_update(*path, "blue", body).result()
    scale = models.PartialMinimalTrackedResourceWithSku(sku=models.PartialSku(capacity=3))
    assert management.online_deployments.begin_update(*path, "blue", scale).result().sku.capacity == 3
    assert [one.name for one in management.online_deployments.list(*path)] == ["blue"]
    (sku,) = management.online_deployments.list_skus(*path, "blue")
    assert (sku.capacity.minimum, sku.capacity.maximum) == (1, 50)
    management.online_deployments.begin_delete(*path, "blue").result()
    assert list(management.online_deployments.list(*path)) == []


@case("management.keys", "It regenerates keys", SWAGGER)
def test_management_keys(management: Any, target: Target, fresh: Fresh) -> None:
    """Without a value: a new one."""
    from azure.mgmt.machinelearningservices import models

    path = _place(target, fresh.named())
    before = management.online_endpoints.list_keys(*path)
    asked = models.RegenerateEndpointKeysRequest(key_type="Primary")
    management.online_endpoints.begin_regenerate_keys(*path, asked).result()
    after = management.online_endpoints.list_keys(*path)
    assert (after.primary_key != before.primary_key, after.secondary_key) == (True, before.secondary_key)


@case("management.pages", "It follows the pages of a list", SWAGGER)
def test_management_pages(management: Any, target: Target, fresh: Fresh) -> None:
    """One endpoint a page."""
    made = {fresh.named().name for _ in range(2)}
    listed = [one.name for one in management.online_endpoints.list(target.group, target.workspace, count=1)]
    assert made <= set(listed)
    assert len(set(listed)) == len(listed)


@case("management.usages", "It reads the usages of the region", SWAGGER)
def test_management_usages(management: Any, target: Target) -> None:
    """Names, values, limits."""
    listed = list(management.usages.list(target.location))
    assert listed
    assert all(usage.limit >= 0 and usage.name.value for usage in listed)
