"""Resource Manager: workspace, assets, datastores, usage and quota, autoscale settings."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from rollout.emulator.answers import Answer, JsonObject, user_error
from rollout.emulator.catalog import KINDS
from rollout.emulator.service import Service
from rollout.emulator.web_arm import Call, Operation, read, write

ACCOUNT: Final = "acct"
STORAGE_HOST: Final = f"{ACCOUNT}.blob.core.windows.net"
DATASTORE: Final = "workspaceblobstore"
CONTAINER: Final = "azureml-blobstore"


def sas(service: Service, container: str) -> str:
    """The query that opens one container."""
    secret = service.identity.signing_secret.encode()
    signature = hmac.new(secret, container.encode(), hashlib.sha256).hexdigest()
    return f"sv=2021-08-06&sr=c&sp=rcwl&sig={quote(signature)}"


def opens(service: Service, container: str, signature: str) -> bool:
    """Whether that is the signature of the container's query."""
    return hmac.compare_digest(sas(service, container).rpartition("sig=")[2], signature)


def container_url(service: Service, container: str) -> str:
    """Where a container is."""
    return f"{service.scope.base_url}/{STORAGE_HOST}/{container}"


def workspace(call: Call) -> Answer:
    """GET of the workspace."""
    scope = call.service.scope
    return Answer(
        200,
        {
            "id": scope.workspace_path,
            "name": scope.workspace,
            "type": "Microsoft.MachineLearningServices/workspaces",
            "location": scope.location,
            "tags": {},
            "kind": "Default",
            "properties": {
                "friendlyName": scope.workspace,
                "storageAccount": scope.storage_id,
                "containerRegistry": scope.registry_id,
                "keyVault": None,
                "applicationInsights": None,
                "workspaceId": scope.workspace_guid,
                "discoveryUrl": f"{scope.base_url}/discovery",
                "provisioningState": "Succeeded",
                "mlFlowTrackingUri": "azureml://emulator",
                "publicNetworkAccess": "Enabled",
            },
            "identity": {"type": "SystemAssigned", "tenantId": scope.tenant_id},
            "sku": {"name": "Basic", "tier": "Basic"},
        },
    )


def pending_upload(call: Call) -> Answer:
    """POST `startPendingUpload`: a container for the files of an asset version."""
    return upload(call, call.first, call.second)


def upload(call: Call, *names: str) -> Answer:
    """A container of its own for each asset version: in a shared one the SDK takes other code for this one."""
    container = hashlib.sha256(":".join(names).encode()).hexdigest()[:32]
    uri = container_url(call.service, container)
    token = f"{uri}?{sas(call.service, container)}"
    kind = (call.body or {}).get("pendingUploadType", "TemporaryBlobReference")
    reference = {
        "blobUri": uri,
        "storageAccountArmId": call.service.scope.storage_id,
        "credential": {"credentialType": "SAS", "sasUri": token},
    }
    return Answer(
        200,
        {"pendingUploadId": container, "pendingUploadType": kind, "blobReferenceForConsumption": reference},
    )


def _datastore(service: Service) -> JsonObject:
    """The default datastore. Its account's name makes the SDK's `https://{account}.blob...` end here."""
    host = service.scope.base_url.removeprefix("https://")
    return {
        "id": f"{service.scope.workspace_path}/datastores/{DATASTORE}",
        "name": DATASTORE,
        "type": "Microsoft.MachineLearningServices/workspaces/datastores",
        "properties": {
            "description": None,
            "tags": {},
            "properties": None,
            "isDefault": True,
            "credentials": {"credentialsType": "AccountKey"},
            "datastoreType": "AzureBlob",
            "accountName": f"{host}/{ACCOUNT}",
            "containerName": CONTAINER,
            "endpoint": "core.windows.net",
            "protocol": "https",
            "serviceDataAccessAuthIdentity": "None",
        },
        "systemData": {"createdAt": "2026-01-01T00:00:00+00:00", "lastModifiedAt": "2026-01-01T00:00:00+00:00"},
    }


def datastore(call: Call) -> Answer:
    """GET of the default datastore; there is no other."""
    if call.first != DATASTORE:
        raise user_error(404, "NotFound", "Datastore {name} not found", name=call.first)
    return Answer(200, _datastore(call.service))


def secrets(call: Call) -> Answer:
    """POST `listSecrets`: a query for the datastore's container."""
    datastore(call)
    return Answer(200, {"secretsType": "Sas", "sasToken": sas(call.service, CONTAINER)})


def _of_kind(kind: str) -> dict[str, Operation]:
    """The operations on one kind of asset."""
    group = kind.capitalize()
    return {
        f"GET {kind}": read(f"{group}_ListNames", lambda c: c.service.catalog.containers(kind, c.query, c.next_link)),
        f"GET {kind}/{{}}": read(f"{group}_Get", lambda c: c.service.catalog.container(kind, c.first)),
        f"GET {kind}/{{}}/versions": read(
            f"{group}_List", lambda c: c.service.catalog.list_versions(kind, c.first, c.query, c.next_link)
        ),
        f"GET {kind}/{{}}/versions/{{}}": read(
            f"{group}_GetVersion", lambda c: c.service.catalog.get_version(kind, c.first, c.second)
        ),
        f"PUT {kind}/{{}}/versions/{{}}": write(
            f"{group}_PutVersion",
            lambda c: c.service.catalog.put_version(kind, c.first, c.second, c.body, c.now),
        ),
        f"POST {kind}/{{}}/versions/{{}}/startpendingupload": write(f"{group}_StartUpload", pending_upload),
    }


def _assets() -> dict[str, Operation]:
    found: dict[str, Operation] = {}
    for kind in KINDS:
        found |= _of_kind(kind)
    return found


WORKSPACE: Final[Mapping[str, Operation]] = {
    **_assets(),
    "GET ": read("Workspaces_Get", workspace),
    "GET datastores": read("Datastores_List", lambda c: Answer(200, {"value": [_datastore(c.service)]})),
    "GET datastores/{}": read("Datastores_Get", datastore),
    "POST datastores/{}/listsecrets": read("Datastores_ListSecrets", secrets),
}
"""Operations below the workspace other than on endpoints."""

WORKSPACES: Final[Mapping[str, Operation]] = {
    "GET ": read("Workspaces_List", lambda c: Answer(200, {"value": [workspace(c).body]})),
}
"""Operations on the collection of workspaces, of the resource group or the subscription."""
