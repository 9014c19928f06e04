"""Role assignments of endpoints' identities: what they need of the workspace's storage and container registry. Pure.

The service gives a system-assigned identity both roles itself; whoever made a user-assigned identity has to (the
emulator takes it that they did). An assignment that is deleted, by Resource Manager's own DELETE, is missing from
then on, and deployments of that endpoint fail as documented (`BadArgument`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Final

from rollout.emulator.answers import JsonObject
from rollout.emulator.settings import Scope

ACR_PULL: Final = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
BLOB_READER: Final = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
"""Ids of the built-in roles AcrPull and Storage Blob Data Reader."""


def identities(doc: JsonObject) -> Iterator[str]:
    """The principal ids of an endpoint's identities."""
    known = doc.get("identity") or {}
    if known.get("principalId"):
        yield known["principalId"]
    for one in (known.get("userAssignedIdentities") or {}).values():
        yield one["principalId"]


def implied(scope: Scope, docs: Iterable[JsonObject]) -> dict[str, JsonObject]:
    """The assignments that endpoints' identities have without anybody's doing, by name."""
    wanted = ((scope.registry_id, ACR_PULL), (scope.storage_id, BLOB_READER))
    found = (assignment(scope, where, role, who) for doc in docs for who in identities(doc) for where, role in wanted)
    return {one["name"]: one for one in found}


def assignment(scope: Scope, where: str, role: str, principal: str) -> JsonObject:
    """One role assignment; its name is made of what it says."""
    name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{where.lower()} {role} {principal}"))
    provider = "Microsoft.Authorization"
    return {
        "id": f"{where}/providers/{provider}/roleAssignments/{name}",
        "name": name,
        "type": f"{provider}/roleAssignments",
        "properties": {
            "roleDefinitionId": f"{scope.subscription_path}/providers/{provider}/roleDefinitions/{role}",
            "principalId": principal,
            "principalType": "ServicePrincipal",
            "scope": where,
        },
    }


def missing(scope: Scope, doc: JsonObject, held: Iterable[JsonObject]) -> str:
    """Why a deployment of this endpoint cannot start ("" if it can): what its identity may not read."""
    have = {(one["properties"]["principalId"], _last(one["properties"]["roleDefinitionId"])) for one in held}
    lacking = {role for who in identities(doc) for role in (ACR_PULL, BLOB_READER) if (who, role) not in have}
    if ACR_PULL in lacking:
        return _FAULT.format(what="AcrPull", where="container registry", id=scope.registry_id)
    if BLOB_READER in lacking:
        return _FAULT.format(what="Storage Blob Data Reader", where="storage account", id=scope.storage_id)
    return ""


_FAULT: Final = (
    "Authorization error: the identity of the endpoint does not have the role {what} on the workspace's {where} {id}. "
    "Please see troubleshooting guide, available here: https://aka.ms/oe-tsg#error-badargument"
)


def _last(arm_id: str) -> str:
    return arm_id.rpartition("/")[2]
