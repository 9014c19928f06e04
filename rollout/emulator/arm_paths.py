"""Resource Manager's paths: which operation, on what, and which action a role must grant for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rollout.emulator import access
from rollout.emulator.answers import Rejected, plain
from rollout.emulator.settings import Scope
from rollout.emulator.web_alerts import ALERT_LIST, METRIC_ALERTS
from rollout.emulator.web_arm import ENDPOINTS, OPERATIONS, Operation, masked
from rollout.emulator.web_assets import WORKSPACE, WORKSPACES
from rollout.emulator.web_authorization import AUTHORIZATION
from rollout.emulator.web_insights import ACTIVITY, AUTOSCALE, METRICS
from rollout.emulator.web_quota import LOCATION
from rollout.emulator.web_registries import REGISTRIES
from rollout.emulator.web_subscriptions import ROOT

ML: Final = "Microsoft.MachineLearningServices"
_INSIGHTS: Final = "Microsoft.Insights"
_ALERTS: Final = "Microsoft.AlertsManagement"
_OF_GROUP: Final[Mapping[str, Operation]] = {**AUTOSCALE, **METRIC_ALERTS}
_AUTHORIZATION: Final = "Microsoft.Authorization"
_BELOW_WORKSPACE: Final[Mapping[str, Operation]] = {**ENDPOINTS, **WORKSPACE}
_BELOW_LOCATION: Final[Mapping[str, Operation]] = {**OPERATIONS, **LOCATION}

Table = tuple[Mapping[str, Operation], str, list[str]]
"""Operations by masked path, what their actions start with, and the rest of the path."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a request is. `names` are the path's variable parts; `action` is what a role must grant.

    `resource` is the ARM id that comes before the last `/providers/` (all of the path if there is only one).
    """

    operation: Operation
    names: tuple[str, ...]
    action: str
    resource: str


def find(scope: Scope, method: str, path: str) -> Found:
    """The operation of a path. Raises `Rejected` (404) if there is none."""
    parts = path.strip("/").split("/")
    lowered = [part.lower() for part in parts]
    if len(parts) > 1 and lowered[1] != scope.subscription_id.lower():
        raise plain(404, "SubscriptionNotFound", f"The subscription '{''.join(parts[1:2])}' could not be found.")
    _check_group(scope, parts, lowered)
    last = len(lowered) - 1 - lowered[::-1].index("providers") if "providers" in lowered else len(lowered)
    table, prefix, rest = _table(scope, parts, lowered, last)
    key, names = masked("GET" if method == "HEAD" else method, rest)
    operation = table.get(key)
    if operation is None:
        raise plain(404, "InvalidResourceType", f"No operation {method} could be found for '{path}'.")
    before = parts[:last] if lowered.count("providers") > 1 or prefix != ML else parts
    return Found(operation, names, access.action(prefix, key), "/" + "/".join(before))


def _check_group(scope: Scope, parts: list[str], lowered: list[str]) -> None:
    if lowered[2:3] == ["resourcegroups"] and lowered[3:4] not in ([], [scope.resource_group.lower()]):
        raise plain(404, "ResourceGroupNotFound", f"Resource group '{''.join(parts[3:4])}' could not be found.")


def _table(scope: Scope, parts: list[str], lowered: list[str], last: int) -> Table:
    if last == len(lowered):
        return ROOT, "Microsoft.Resources", parts
    provider, rest = "".join(lowered[last + 1 : last + 2]), parts[last + 2 :]
    if provider == _AUTHORIZATION.lower():
        return AUTHORIZATION, _AUTHORIZATION, rest
    if provider == _INSIGHTS.lower():
        return _insights(lowered[:last]), _INSIGHTS, rest
    if provider == _ALERTS.lower():
        return ALERT_LIST, _ALERTS, rest
    if provider == ML.lower():
        return _ours(scope, parts, rest)
    raise _no_type()


def _insights(resource: list[str]) -> Mapping[str, Operation]:
    """Of the subscription, of the resource group, or of a resource."""
    if "providers" in resource:
        return METRICS
    return _OF_GROUP if "resourcegroups" in resource else ACTIVITY


def _ours(scope: Scope, parts: list[str], rest: list[str]) -> Table:
    kind, name = "".join(rest[:1]).lower(), "".join(rest[1:2])
    if kind == "locations":
        return _BELOW_LOCATION, f"{ML}/locations", rest[2:]
    if kind == "registries":
        return REGISTRIES, ML, rest
    if kind == "workspaces" and not name:
        return WORKSPACES, f"{ML}/workspaces", [""]
    if kind == "workspaces" and name.lower() == scope.workspace.lower():
        return _BELOW_WORKSPACE, f"{ML}/workspaces", rest[2:] or [""]
    if kind == "workspaces":
        raise plain(
            404,
            "ResourceNotFound",
            f"The Resource 'Microsoft.MachineLearningServices/workspaces/{name}' under resource group "
            f"'{''.join(parts[3:4])}' was not found.",
        )
    raise _no_type()


def _no_type() -> Rejected:
    return plain(404, "InvalidResourceType", "The resource type could not be found.")
