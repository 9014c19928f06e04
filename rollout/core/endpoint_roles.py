"""Which roles an endpoint's identity needs to pull its image and read its model, and whether it has them. Pure.

Source: how-to-access-resources-from-endpoints-managed-identities and the troubleshooting guide (BadArgument,
"authorization error"): AcrPull on the workspace's container registry, Storage Blob Data Reader on its storage account.
The service gives them to a system-assigned identity; for a user-assigned one somebody has to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

_ANYTHING: Final = frozenset({"8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "b24988ac-6180-42a0-ab88-20f7382dd24c"})
"""Owner and Contributor."""
_PULL: Final = frozenset({"7f951dda-4ed3-4680-a7ca-43fe172d538d", "8311e382-0749-4cb8-b61a-304f252e45ec"}) | _ANYTHING
_READ: Final = frozenset(
    {
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",  # Storage Blob Data Reader
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",  # … Contributor
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",  # … Owner
    }
)


class RoleNeed(msgspec.Struct, frozen=True, kw_only=True):
    """One role that one identity needs at one scope; any of `enough` (ids of built-in roles) gives it."""

    principal: str
    scope: str
    role: str
    enough: frozenset[str]


def role_needs(endpoint: Mapping[str, Any], workspace: Mapping[str, Any]) -> Iterator[RoleNeed]:
    """What the identities of an endpoint need; both are ARM's bodies. A workspace without a registry needs no AcrPull:
    it gets one with its first image."""
    properties = _map(workspace.get("properties"))
    for principal in _principals(_map(endpoint.get("identity"))):
        if registry := properties.get("containerRegistry"):
            yield RoleNeed(principal=principal, scope=str(registry), role="AcrPull", enough=_PULL)
        if storage := properties.get("storageAccount"):
            yield RoleNeed(principal=principal, scope=str(storage), role="Storage Blob Data Reader", enough=_READ)


def has_role(need: RoleNeed, assignments: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one of the assignments at its scope (inherited ones too) gives it."""
    told = (str(_map(each.get("properties")).get("roleDefinitionId")) for each in assignments)
    return any(role.rpartition("/")[2].lower() in need.enough for role in told)


def _principals(identity: Mapping[str, Any]) -> Iterator[str]:
    if identity.get("principalId"):
        yield str(identity["principalId"])
    for one in _map(identity.get("userAssignedIdentities")).values():
        if found := _map(one).get("principalId"):
            yield str(found)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
