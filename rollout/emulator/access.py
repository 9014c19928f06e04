"""Role-based access control: which action a request is, and whether roles grant it. Pure.

An action is named `PROVIDER/TYPES/VERB` (deployment-level actions follow the pattern of Resource Manager).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

import msgspec

from rollout.emulator.answers import Rejected, plain

VERBS: Final[Mapping[str, str]] = {"GET": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}
"""The last part of an action by method; a POST is called after its last segment, and `action`."""
SCORE: Final = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action"
"""What an Entra token needs for the data plane: among a role's actions, or its data actions."""
_TYPES: Final = (
    "alerts", "autoscalesettings", "codes", "components", "data", "datastores", "deployments", "environments",
    "eventtypes", "getLogs", "listKeys", "listSecrets", "locks", "metricAlerts", "metrics", "mfeOperationResults",
    "mfeOperationsStatus", "models", "onlineEndpoints", "permissions", "quotas", "regenerateKeys", "roleAssignments",
    "skus", "startPendingUpload", "token", "usages", "values", "versions", "vmSizes", "workspaces",
)  # fmt: skip
_CASE: Final[Mapping[str, str]] = {name.lower(): name for name in _TYPES}


class Role(msgspec.Struct, frozen=True, rename="camel"):
    """What one role grants, in the form of Resource Manager's permissions: `*` stands for anything."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()

    def grants(self, action: str, *, data: bool = False) -> bool:
        """Whether it grants an action: named, and not taken away again."""
        given, taken = (self.data_actions, self.not_data_actions) if data else (self.actions, self.not_actions)
        return _any(given, action) and not _any(taken, action)


_ML: Final = "Microsoft.MachineLearningServices/workspaces"
BUILT_IN: Final[Mapping[str, Role]] = {
    "Owner": Role(("*",), (), ("*",)),
    "Contributor": Role(
        ("*",),
        (
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
        ),
        ("*",),
    ),
    "Reader": Role(("*/read",)),
    "AzureML Data Scientist": Role(
        (f"{_ML}/*/read", f"{_ML}/*/action", f"{_ML}/*/delete", f"{_ML}/*/write"),
        (
            f"{_ML}/delete",
            f"{_ML}/write",
            f"{_ML}/computes/*/write",
            f"{_ML}/computes/*/delete",
            f"{_ML}/computes/listKeys/action",
            f"{_ML}/listKeys/action",
        ),
    ),
}
"""Azure's built-in roles that matter here, by their names."""


def allowed(roles: Iterable[Role], action: str, *, data: bool = False) -> bool:
    """Whether any of the roles grants the action."""
    return any(role.grants(action, data=data) for role in roles)


def action(provider: str, key: str) -> str:
    """The action of an operation: `key` is its method and masked path (`PUT onlineendpoints/{}`)."""
    method, _, path = key.partition(" ")
    types = [_CASE.get(part, part) for part in path.split("/") if part not in ("", "{}")]
    return "/".join((provider, *types, VERBS.get(method, "action")))


def denied(name: str, object_id: str, wanted: str, scope: str) -> Rejected:
    """403, in Resource Manager's own words."""
    return plain(
        403,
        "AuthorizationFailed",
        f"The client '{name}' with object id '{object_id}' does not have authorization to perform action '{wanted}' "
        f"over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your "
        "credentials.",
    )


def _any(patterns: Iterable[str], action: str) -> bool:
    return any(_pattern(pattern).fullmatch(action) for pattern in patterns)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """`*` matches anything, slashes too; case does not matter."""
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.IGNORECASE)
