"""Registries: models and environments that several workspaces share, as azure-ai-ml reaches them.

The SDK asks `/registrymanagement/v1.0/registries/{name}/discovery` where a registry is, and then Resource Manager's
paths below `/mferp/managementfrontend` there. Any name is a registry; it holds what was put into it. Of public ones
(`azureml`) the assets are not here: looking one up is 404 (the SDK carries on without), deploying one is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rollout.emulator.answers import Answer, JsonObject
from rollout.emulator.settings import Scope
from rollout.emulator.web_arm import Call, Operation, read, write
from rollout.emulator.web_assets import upload

PREFIX: Final = "mferp/managementfrontend"
KINDS: Final = ("models", "environments", "codes", "components", "data")


def discovery(scope: Scope, name: str) -> JsonObject:
    """Where a registry is: here."""
    return {
        "registryName": name,
        "tenantId": scope.tenant_id,
        "primaryRegion": scope.location,
        "regions": [scope.location],
        "subscriptionId": scope.subscription_id,
        "resourceGroup": scope.resource_group,
        "workspaceName": None,
        "primaryRegionResourceProviderUri": f"{scope.base_url}/",
        "resourceId": f"{scope.group_path}/providers/Microsoft.MachineLearningServices/registries/{name}",
        "registryFqdns": {scope.location: {"uri": f"{scope.base_url}/"}},
    }


def _registry(call: Call) -> Answer:
    known = discovery(call.service.scope, call.first)
    inner = {
        "discoveryUrl": f"{call.service.scope.base_url}/registrymanagement/v1.0/registries/{call.first}/discovery",
        "publicNetworkAccess": "Enabled",
        "regionDetails": [{"location": region} for region in known["regions"]],
    }
    kind = "Microsoft.MachineLearningServices/registries"
    doc = {"id": known["resourceId"], "name": call.first, "type": kind, "tags": {}, "properties": inner}
    return Answer(200, {**doc, "location": known["primaryRegion"], "identity": {"type": "SystemAssigned"}})


def _folder(call: Call, kind: str) -> str:
    return f"registries/{call.first.lower()}/{kind}"


def _of_kind(kind: str) -> dict[str, Operation]:
    group, root = f"Registry{kind.capitalize()}", f"registries/{{}}/{kind}"
    return {
        f"GET {root}": read(
            f"{group}_ListNames", lambda c: c.service.catalog.containers(_folder(c, kind), c.query, c.next_link)
        ),
        f"GET {root}/{{}}": read(f"{group}_Get", lambda c: c.service.catalog.container(_folder(c, kind), c.second)),
        f"GET {root}/{{}}/versions": read(
            f"{group}_List",
            lambda c: c.service.catalog.list_versions(_folder(c, kind), c.second, c.query, c.next_link),
        ),
        f"GET {root}/{{}}/versions/{{}}": read(
            f"{group}_GetVersion", lambda c: c.service.catalog.get_version(_folder(c, kind), c.second, c.names[2])
        ),
        f"PUT {root}/{{}}/versions/{{}}": write(
            f"{group}_PutVersion",
            lambda c: c.service.catalog.put_version(_folder(c, kind), c.second, c.names[2], c.body, c.now),
        ),
        f"POST {root}/{{}}/versions/{{}}/startpendingupload": write(f"{group}_StartUpload", _upload),
    }


def _upload(call: Call) -> Answer:
    """A container for the files of an asset version; the same one whenever it is asked for."""
    return upload(call, *call.names)


def _all() -> dict[str, Operation]:
    found: dict[str, Operation] = {"GET registries/{}": read("Registries_Get", _registry)}
    for kind in KINDS:
        found |= _of_kind(kind)
    return found


REGISTRIES: Final[Mapping[str, Operation]] = {
    **_all(),
    "PUT registries/{}/tempdatarefs/{}/versions/{}": write("TempDataReferences_CreateOrGet", _upload),
    "POST registries/{}/datarefs/{}/versions/{}": read("DataReferences_GetBlobReferenceSas", _upload),
}
"""Operations on registries and what they hold, by method and path below the provider."""
