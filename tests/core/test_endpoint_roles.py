"""Which roles an endpoint's identities need, and whether they have them."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.core.endpoint_roles import has_role, role_needs

WORKSPACE = {"properties": {"containerRegistry": "/acr", "storageAccount": "/store"}}
SYSTEM = {"identity": {"type": "SystemAssigned", "principalId": "p"}}


def assigned(role: str) -> dict[str, Any]:
    """One assignment, as ARM answers it."""
    return {"properties": {"roleDefinitionId": f"/subscriptions/s/providers/x/roleDefinitions/{role}"}}


@pytest.mark.parametrize(
    ("endpoint", "workspace", "expected"),
    [
        (SYSTEM, WORKSPACE, [("p", "/acr", "AcrPull"), ("p", "/store", "Storage Blob Data Reader")]),
        (SYSTEM, {"properties": {"storageAccount": "/store"}}, [("p", "/store", "Storage Blob Data Reader")]),
        ({"identity": {"userAssignedIdentities": {"/a": {"principalId": "u"}, "/b": {}}}},
         {"properties": {"containerRegistry": "/acr"}}, [("u", "/acr", "AcrPull")]),
        ({"identity": {"type": "None"}}, WORKSPACE, []),
        ({}, {}, []),
    ],
)  # fmt: skip
def test_needs(endpoint: dict[str, Any], workspace: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    """Two for each principal that is known; none of a registry that is not there yet."""
    assert [(need.principal, need.scope, need.role) for need in role_needs(endpoint, workspace)] == expected


def test_other_roles_are_as_good() -> None:
    """Any case; Contributor of the registry pulls too, but reads no blobs."""
    pull, read = role_needs(SYSTEM, WORKSPACE)
    contributor = assigned("B24988AC-6180-42a0-ab88-20f7382dd24c")
    assert [has_role(need, [contributor]) for need in (pull, read)] == [True, False]
    assert has_role(read, [contributor, assigned("ba92f5b4-2d11-453d-a403-e96b0029c9fe")])
    assert not has_role(pull, [])
    assert not has_role(pull, [{}, {"properties": {"roleDefinitionId": None}}])
