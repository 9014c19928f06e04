"""Azure Policy assignments that deny writes. Pure. `PUT /_emulator/policies` sets them:

[{"name": "no-public-endpoints", "resource": "onlineEndpoints", "field": "properties.publicNetworkAccess",
  "not_in": ["Disabled"]}]
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from rollout.emulator.answers import JsonObject, Rejected


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One deny assignment.

    It denies a PUT or PATCH of `resource` (a type: `onlineEndpoints`, `deployments`, `versions`) if the value at
    `field` (a path with dots in the request's body; "" for any write) is in `one_of`, or is not in `not_in`.
    """

    name: str
    resource: str = "onlineEndpoints"
    field: str = ""
    one_of: tuple[Any, ...] = ()
    not_in: tuple[Any, ...] = ()

    def denies(self, resource: str, body: Any) -> bool:
        """Whether it denies writing this body."""
        if resource.lower() != self.resource.lower():
            return False
        if not self.field:
            return True
        value = _at(body, self.field)
        return value in self.one_of if self.one_of else value not in self.not_in


def _at(body: Any, field: str) -> Any:
    for part in field.split("."):
        body = body.get(part) if isinstance(body, dict) else None
    return body


def refusal(policies: Sequence[Policy], scope: str, resource: str, name: str, body: Any) -> Rejected | None:
    """403 `RequestDisallowedByPolicy`, naming every assignment that denies; None if none does."""
    guilty = [_identifiers(scope, policy) for policy in policies if policy.denies(resource, body)]
    if not guilty:
        return None
    text = json.dumps(guilty, separators=(",", ":"))
    return Rejected(
        403,
        {
            "code": "RequestDisallowedByPolicy",
            "target": name,
            "message": f"Resource '{name}' was disallowed by policy. Policy identifiers: '{text}'.",
            "additionalInfo": [{"type": "PolicyViolation", "info": _info(one)} for one in guilty],
        },
    )


def _identifiers(scope: str, policy: Policy) -> JsonObject:
    root = f"{scope}/providers/Microsoft.Authorization"
    return {
        "policyAssignment": {"name": policy.name, "id": f"{root}/policyAssignments/{policy.name}"},
        "policyDefinition": {"name": policy.name, "id": f"{root}/policyDefinitions/{policy.name}"},
    }


def _info(one: JsonObject) -> JsonObject:
    return {
        "policyDefinitionDisplayName": one["policyDefinition"]["name"],
        "policyDefinitionId": one["policyDefinition"]["id"],
        "policyDefinitionEffect": "deny",
        "policyAssignmentId": one["policyAssignment"]["id"],
    }
