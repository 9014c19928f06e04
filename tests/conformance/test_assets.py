"""Models, code, environments, datastores and blobs: what a client registers before it deploys."""

from __future__ import annotations

import uuid
from typing import Any

from tests.conformance import scoring
from tests.conformance.case import Given, case, row, table
from tests.conformance.house import Fresh
from tests.conformance.sources import ROLLOUT, SDK, SWAGGER, VARIANTS, captured, recorded, unverified
from tests.conformance.target import Target, error

MODEL: dict[str, Any] = {
    "modelType": "custom_model",
    "modelUri": "azureml://datastores/workspaceblobstore/paths/none/model",
}


def _name() -> str:
    return f"conf-{uuid.uuid4().hex[:12]}"


@case("assets.code", "Code is uploaded to a container of its own and registered by content", captured(ROLLOUT, 8, 13))
def test_code(target: Target) -> None:
    """A pending upload, a blob, and the asset with its hash."""
    shown = scoring.code(target)
    assert shown["id"].startswith(f"{target.scope}/codes/")
    assert shown["properties"]["properties"]["hash_sha256"]
    other = scoring.code(target)
    assert other["properties"]["codeUri"] != shown["properties"]["codeUri"]


@case("assets.code-hash", "Code is found by its content, whatever its name", captured(ROLLOUT, 7, 28))
def test_code_by_hash(target: Target) -> None:
    """So the same folder is uploaded once."""
    shown = scoring.code(target)
    digest = shown["properties"]["properties"]["hash_sha256"]
    listed = target.read(f"codes/{uuid.uuid4()}/versions", hash=digest, hashVersion="202208")["value"]
    assert digest in [one["properties"]["properties"]["hash_sha256"] for one in listed]


@case("assets.pending-upload", "An upload begins with an address and a signature for it", captured(ROLLOUT, 8), SWAGGER)
def test_pending_upload(target: Target) -> None:
    """`blobReferenceForConsumption`."""
    path = f"codes/{uuid.uuid4()}/versions/1/startPendingUpload"
    told = target.ask("POST", path, {"pendingUploadType": "TemporaryBlobReference"}).json()
    reference = told["blobReferenceForConsumption"]
    assert told["pendingUploadType"] == "TemporaryBlobReference"
    assert reference["credential"]["sasUri"].startswith(reference["blobUri"])


@case(
    "assets.blob",
    "A blob is there after its PUT, with the metadata that is put to it",
    captured(ROLLOUT, 9, 10, 12, 30),
)
def test_blobs(target: Target) -> None:
    """HEAD 404, PUT 201, metadata 200, HEAD 200."""
    path = f"codes/{uuid.uuid4()}/versions/1/startPendingUpload"
    told = target.ask("POST", path, {}).json()["blobReferenceForConsumption"]["credential"]["sasUri"]
    container, _, signature = told.partition("?")
    url = f"{container}/onlinescoring/score.py?{signature}"
    missing = scoring.blob(target, "HEAD", url)
    assert (missing.status_code, missing.headers["x-ms-error-code"]) == (404, "BlobNotFound")
    assert scoring.blob(target, "PUT", url, b"x = 1\n").status_code == 201
    named = scoring.blob(target, "PUT", url.replace("?", "?comp=metadata&", 1), b"", x_ms_meta_name="house")
    there = scoring.blob(target, "HEAD", url)
    assert (named.status_code, there.status_code) == (200, 200)
    assert (there.headers["x-ms-meta-name"], there.headers["x-ms-blob-type"]) == ("house", "BlockBlob")
    assert scoring.blob(target, "GET", url).content == b"x = 1\n"


@case(
    "assets.signature",
    "Without the right signature a blob is refused",
    unverified("the status of blob storage's refusal, 403"),
)
def test_wrong_signature(target: Target) -> None:
    """Also for another container's."""
    sas = [
        target.ask("POST", f"codes/{uuid.uuid4()}/versions/1/startPendingUpload", {}).json()[
            "blobReferenceForConsumption"
        ]["credential"]["sasUri"]
        for _ in range(2)
    ]
    (here, _, _), (_, _, theirs) = (one.partition("?") for one in sas)
    assert scoring.blob(target, "PUT", f"{here}/a?{theirs}", b"x").status_code == 403


@table(
    row("assets.model", "A model", SWAGGER, captured(ROLLOUT, 21), kind="models", inner=MODEL, again=200),
    row(
        "assets.environment",
        "An environment",
        SWAGGER,
        captured(ROLLOUT, 14),
        kind="environments",
        inner={"image": scoring.IMAGE},
        again=200,
    ),
    row(
        "assets.data",
        "Data",
        SWAGGER,
        captured(VARIANTS, 16),
        kind="data",
        inner={"dataType": "uri_folder", "dataUri": "azureml://datastores/workspaceblobstore/paths/none"},
        again=200,
    ),
)
def test_registering(target: Target, given: Given) -> None:
    """PUT of a new version is 201 (or 200); GET shows it by id and version."""
    name = _name()
    put = target.ask("PUT", f"{given.kind}/{name}/versions/1", {"properties": given.inner})
    assert put.status_code in (200, 201)
    shown = target.read(f"{given.kind}/{name}/versions/1")
    assert (shown["id"], shown["name"]) == (f"{target.scope}/{given.kind}/{name}/versions/1", "1")
    assert {key: shown["properties"][key] for key in given.inner} == given.inner


@case("assets.missing", "A version that is not there is 404", captured(VARIANTS, 7), SWAGGER)
def test_missing_version(target: Target) -> None:
    """By name and version."""
    answer = target.ask("GET", f"models/{_name()}/versions/7")
    assert (answer.status_code, error(answer)["code"]) == (404, "UserError")


@case("assets.latest", "Versions come newest first: the first one is what `@latest` means", captured(VARIANTS, 14), SDK)
def test_latest(target: Target) -> None:
    """`$orderBy=createdtime desc`, `$top=1`."""
    name = _name()
    for version in ("1", "2", "10"):
        target.ask("PUT", f"models/{name}/versions/{version}", {"properties": MODEL})
    query = {"$orderBy": "createdtime desc", "$top": "1"}
    (newest,) = target.read(f"models/{name}/versions", **query)["value"]
    assert newest["name"] == "10"


@case("assets.model-fields", "A model has flavours and a job's name, empty or not", recorded("the model's PUT"), SDK)
def test_model_fields(target: Target) -> None:
    """The SDK cannot read one without."""
    name = _name()
    inner = target.ask("PUT", f"models/{name}/versions/1", {"properties": MODEL}).json()["properties"]
    assert (inner["flavors"], inner["jobName"], inner["isArchived"]) == ({}, None, False)


@case(
    "assets.environment-fields",
    "An environment says its kind and its system",
    recorded("the environment's PUT"),
    SWAGGER,
)
def test_environment_fields(target: Target) -> None:
    """A user's own, on Linux."""
    body = {"properties": {"image": scoring.IMAGE, "condaFile": scoring.CONDA}}
    inner = target.ask("PUT", f"environments/{_name()}/versions/1", body).json()["properties"]
    assert (inner["environmentType"], inner["osType"]) == ("UserCreated", "Linux")


@case(
    "assets.datastore",
    "The default datastore tells its account, its container, and gives a signature",
    captured(ROLLOUT, 16, 17),
)
def test_datastore(target: Target) -> None:
    """Local models are uploaded there."""
    inner = target.read("datastores/workspaceblobstore")["properties"]
    assert (inner["datastoreType"], inner["isDefault"]) == ("AzureBlob", True)
    assert inner["accountName"]
    assert inner["containerName"]
    asked = {"expirableSecret": True, "expireAfterHours": 1}
    secrets = target.ask("POST", "datastores/workspaceblobstore/listSecrets", asked).json()
    assert (secrets["secretsType"], bool(secrets["sasToken"])) == ("Sas", True)


@case("assets.lists", "Names of a kind are listed with their latest version", SWAGGER)
def test_containers(target: Target) -> None:
    """And one by one."""
    name = _name()
    target.ask("PUT", f"models/{name}/versions/3", {"properties": MODEL})
    one = target.read(f"models/{name}")
    assert (one["properties"]["latestVersion"], one["properties"]["nextVersion"]) == ("3", "4")
    assert name in [each["name"] for each in target.read("models")["value"]]


@case("assets.deployed", "A deployment shows the ids of its assets as they were given", recorded(7))
def test_ids_in_a_deployment(fresh: Fresh) -> None:
    """Model, environment, code and its script."""
    target, name = fresh.target, _name()
    target.ask("PUT", f"models/{name}/versions/1", {"properties": MODEL})
    content = scoring.uploaded(target)
    model = f"{target.scope}/models/{name}/versions/1"
    house = fresh.named()
    inner = house.begin("blue", **content, model=model).json()["properties"]
    assert (inner["model"], inner["environmentId"]) == (model, content["environmentId"])
    assert inner["codeConfiguration"] == content["codeConfiguration"]


@case("assets.registry", "A registry tells where it is, and keeps models", captured(VARIANTS, 6, 7), needs="doors")
def test_registry(target: Target) -> None:
    """Discovery, then Resource Manager's paths below the address that it gives."""
    known = target.ask("GET", "/registrymanagement/v1.0/registries/shared/discovery", api="v1.0").json()
    assert {"registryName", "primaryRegionResourceProviderUri", "resourceGroup", "subscriptionId"} <= set(known)
    name = _name()
    root = (
        f"/mferp/managementfrontend/subscriptions/{known['subscriptionId']}/resourceGroups/{known['resourceGroup']}"
        f"/providers/Microsoft.MachineLearningServices/registries/shared/models/{name}/versions/1"
    )
    assert target.ask("GET", root).status_code == 404
    assert target.ask("PUT", root, {"properties": MODEL}).status_code in (200, 201, 202)
    assert target.read(root)["name"] == "1"
