"""Which permissions a plan needs, whether they are granted, and the least role that grants them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from rollout.core.gate_bodies import evidence_of
from rollout.core.observed import Endpoint
from rollout.core.release import Gate, GateKind, Release

_ML: Final = "Microsoft.MachineLearningServices"
_WORKSPACE: Final = f"{_ML}/workspaces"
_ENDPOINTS: Final = f"{_WORKSPACE}/onlineEndpoints"


class Permission(msgspec.Struct, frozen=True):
    """One action of Azure's access control, and what it is needed for. `data`: an action on the data plane."""

    action: str
    why: str
    data: bool = False


_ALWAYS: Final = (
    Permission(f"{_WORKSPACE}/read", "find the workspace and its region"),
    Permission(f"{_ENDPOINTS}/read", "look at the endpoint"),
    Permission(f"{_ENDPOINTS}/write", "change traffic, mirror, settings and the record in the tags"),
    Permission(f"{_ENDPOINTS}/deployments/read", "look at the deployments"),
    Permission(f"{_ENDPOINTS}/deployments/write", "create, scale and update deployments"),
    Permission(f"{_ENDPOINTS}/deployments/delete", "delete what is not needed any more, replace what failed"),
    Permission(f"{_ENDPOINTS}/deployments/getLogs/action", "show why a deployment did not come up"),
    Permission(f"{_ML}/locations/mfeOperationsStatus/read", "follow operations"),
    Permission(f"{_ML}/locations/mfeOperationResults/read", "follow operations"),
    Permission(f"{_ML}/locations/usages/read", "prove capacity before the first write"),
    Permission("Microsoft.Authorization/permissions/read", "let `doctor` prove these permissions"),
    Permission("Microsoft.Authorization/locks/read", "let `doctor` see resource locks"),
)
_SIGN_IN: Final[Mapping[str, Permission]] = {
    "key": Permission(f"{_ENDPOINTS}/listKeys/action", "sign in to score for gates (auth_mode: key)"),
    "aml_token": Permission(f"{_ENDPOINTS}/token/action", "sign in to score for gates (auth_mode: aml_token)"),
    "aad_token": Permission(
        f"{_ENDPOINTS}/score/action", "sign in to score for gates (auth_mode: aad_token)", data=True
    ),
}
_SENDING: Final = frozenset({GateKind.SMOKE_TEST, GateKind.COMPARE})
_UPLOADS: Final = (
    Permission(f"{_WORKSPACE}/datastores/read", "upload local files"),
    Permission(f"{_WORKSPACE}/datastores/listSecrets/action", "upload local files"),
)
_METRICS: Final = Permission("Microsoft.Insights/Metrics/Read", "count requests for the checks of a bake")
"""Of a Log Analytics workspace, which is another resource, nothing can be seen from here."""
_ALERTS: Final = (
    Permission("Microsoft.AlertsManagement/alerts/read", "see whether an alert has fired"),
    Permission("Microsoft.Insights/MetricAlerts/Read", "see whether an alert rule is there and enabled"),
)
"""A rule of another kind, or of another resource group, has a permission of its own there."""
_AUTOSCALE: Final = (
    Permission("Microsoft.Insights/autoscaleSettings/read", "see what scales a deployment"),
    Permission("Microsoft.Insights/autoscaleSettings/write", "carry stable's autoscale setting to the candidate"),
    Permission("Microsoft.Insights/autoscaleSettings/delete", "delete a deployment's autoscale setting before it"),
)
_ASSETS: Final = {"code": "codes", "model": "models", "environment": "environments"}


def needed(release: Release | None, live: Endpoint | None = None) -> tuple[Permission, ...]:
    """What the plan needs; without a plan, what every plan does. Registers only the kinds of asset that are local.
    `live`: the endpoint, whose deployments may be autoscaled: their settings are carried on, and go with them."""
    if release is None:
        return _ALWAYS
    found = list(_ALWAYS)
    if any(isinstance(stage, Gate) and stage.kind in _SENDING for stage in release.stages):
        found.append(_SIGN_IN[release.endpoint.fields.get("auth_mode") or "key"])
    bodies = [stage.body for stage in release.stages if isinstance(stage, Gate)]
    shown = [evidence for body in bodies if (evidence := evidence_of(body)) is not None]
    if any(evidence.checks and evidence.source.kind == "azure_monitor" for evidence in shown):
        found.append(_METRICS)
    if any(evidence.alerts for evidence in shown):
        found += _ALERTS
    if live is not None and any(one.autoscaled or one.scaling is not None for one in live.deployments):
        found += _AUTOSCALE
    kinds = [kind for root, kind in _ASSETS.items() if _is_local(release, root)]
    found += [asset for kind in kinds for asset in _of_asset(kind)]
    return (*found, *(_UPLOADS if kinds else ()))


def missing(wanted: Sequence[Permission], granted: Sequence[Mapping[str, Any]]) -> tuple[Permission, ...]:
    """Those that no entry of ARM's permissions list grants."""
    return tuple(each for each in wanted if not any(_grants(entry, each) for entry in granted))


def custom_role(wanted: Sequence[Permission], scope: str) -> dict[str, Any]:
    """The least role, in the form that `az role definition create` takes. `scope` is the subscription: operations and
    usages are read below its locations, everything else below the workspace."""
    return {
        "Name": "Rollout of online endpoints",
        "Description": "What `rollout` needs. Assign it on the workspace; on the subscription for `locations`.",
        "AssignableScopes": [scope],
        "Actions": sorted({each.action for each in wanted if not each.data}),
        "DataActions": sorted({each.action for each in wanted if each.data}),
        "NotActions": [],
        "NotDataActions": [],
    }


def _of_asset(kind: str) -> Iterator[Permission]:
    for verb in ("read", "write"):
        yield Permission(f"{_WORKSPACE}/{kind}/versions/{verb}", f"register local {kind}")
    if kind == "codes":  # by a pattern: what its POST is called as an action is documented nowhere
        yield Permission(f"{_WORKSPACE}/{kind}/versions/*/action", "get a place to upload code to")


def _is_local(release: Release, root: str) -> bool:
    """Whether the candidate's asset of that kind is not registered yet: local, or written inline."""
    declared = str(release.candidate.fields.get(root))
    inline = any(path.startswith(f"{root}.") for path in release.candidate.fields)
    return declared.startswith("sha256:") or inline


def _grants(entry: Mapping[str, Any], wanted: Permission) -> bool:
    allowed, denied = ("dataActions", "notDataActions") if wanted.data else ("actions", "notActions")
    return _matches(entry.get(allowed), wanted.action) and not _matches(entry.get(denied), wanted.action)


def _matches(patterns: Any, action: str) -> bool:
    """Whether one of the patterns (`*` for anything, compared without case) covers the action."""
    for pattern in patterns or ():
        text = ".*".join(re.escape(part) for part in str(pattern).lower().split("*"))
        if re.fullmatch(text, action.lower()):
            return True
    return False
