"""The bodies of our writes, made from what was read a moment ago. Pure.

A PUT replaces the whole resource, so each body is "all that was there, with our fields changed": unknown members
survive, read-only ones are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rollout.core.actions import FieldChange
from rollout.core.canonical import AUTH_MODES
from rollout.core.observed import Weights
from rollout.core.our_tags import foreign
from rollout.core.progress import Progress, to_tags
from rollout.errors import Refused

_READ_ONLY: Final = frozenset({"id", "name", "type", "systemData"})
_READ_ONLY_PROPERTIES: Final = frozenset({"provisioningState", "scoringUri", "swaggerUri"})
_IDENTITY_TYPES: Final = {
    "none": "None",
    "system_assigned": "SystemAssigned",
    "user_assigned": "UserAssigned",
    "system_assigned,user_assigned": "SystemAssigned,UserAssigned",
}
_NEVER_HERE: Final = frozenset({"name", "location", "traffic", "mirror_traffic", "compute"})
"""Declared fields that are not converged: create-only ones, and the weights, which only stages set."""


def writable(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A resource as read, as it may be written back unchanged."""
    body = {key: value for key, value in raw.items() if key not in _READ_ONLY and value is not None}
    properties = raw.get("properties") or {}
    body["properties"] = {
        key: value for key, value in properties.items() if key not in _READ_ONLY_PROPERTIES and value is not None
    }
    if identity := raw.get("identity"):
        body["identity"] = _writable_identity(identity)
    return body


def new_endpoint(fields: Mapping[str, Any], home: str, location: str, progress: Progress) -> dict[str, Any]:
    """An endpoint that does not exist yet: the declared fields, the record, no traffic. `home` is the workspace's ARM
    id: a Kubernetes endpoint lives on a cluster that is attached there."""
    compute = str(fields.get("compute") or "").removeprefix("azureml:")
    cluster = {"compute": f"{home}/computes/{compute}"} if compute else {}
    empty = {
        "location": location,
        "kind": "Kubernetes" if compute else "Managed",
        "identity": {"type": "SystemAssigned"},
        "tags": {},
        "properties": {"authMode": "Key", "properties": {}, "traffic": {}, "mirrorTraffic": {}, **cluster},
    }
    return with_record(with_fields(empty, fields), progress)


def with_weights(body: Mapping[str, Any], split: Weights) -> dict[str, Any]:
    """The body with exactly that split. Raises Refused for one that the service must never see."""
    total = sum(weight for _, weight in split.traffic)
    if total not in (0, 100):
        raise Refused(f"live weights must sum to 100, not {total}")
    traffic = {"traffic": dict(split.traffic), "mirrorTraffic": dict(split.mirror)}
    return {**body, "properties": {**body["properties"], **traffic}}


def with_record(body: Mapping[str, Any], progress: Progress | None) -> dict[str, Any]:
    """The body with our record in its tags instead of any older one; foreign tags stay."""
    return {**body, "tags": record_tags(body.get("tags") or {}, progress)}


def record_tags(tags: Mapping[str, str], progress: Progress | None) -> dict[str, str]:
    """All foreign tags and, if there is a record, ours."""
    return {**foreign(tags), **(to_tags(progress) if progress else {})}


def with_fields(body: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The body with the declared endpoint fields (canonical words) set; maps are merged, not replaced."""
    result = {**body, "properties": dict(body["properties"]), "tags": dict(body.get("tags") or {})}
    for name, value in fields.items():
        _set_field(result, name, value)
    return result


def with_settings(body: Mapping[str, Any], changes: Sequence[FieldChange]) -> dict[str, Any]:
    """A deployment's body with its description and tags changed. Raises Refused for any other field."""
    result = {**body, "properties": dict(body["properties"]), "tags": dict(body.get("tags") or {})}
    for change in changes:
        name, _, key = change.path.partition(".")
        if name == "tags":
            _set_tags(result["tags"], {key: change.after} if key else change.after or {})
        elif change.path == "description":
            result["properties"]["description"] = change.after or ""
        else:
            raise Refused(f"{change.path} of a deployment cannot be changed in place without redeploying it")
    return result


def _set_field(body: dict[str, Any], name: str, value: Any) -> None:
    properties = body["properties"]
    match name:
        case "description":
            properties["description"] = value or ""
        case "tags":
            _set_tags(body["tags"], value or {})
        case "auth_mode":
            properties["authMode"] = AUTH_MODES.get(value, value)
        case "public_network_access":
            properties["publicNetworkAccess"] = str(value).capitalize()
        case "identity":
            body["identity"] = _arm_identity(value)
        case "properties":
            properties["properties"] = {**(properties.get("properties") or {}), **(value or {})}
        case _ if name not in _NEVER_HERE:
            raise Refused(f"the endpoint field {name} cannot be set", hint="Remove it from the endpoint's file.")


def _set_tags(tags: dict[str, str], wanted: Mapping[str, Any]) -> None:
    """Set each tag, remove it where the wish is None. Names are compared without case, as ARM does."""
    for name, value in wanted.items():
        for old in [key for key in tags if key.lower() == name.lower()]:
            del tags[old]
        if value is not None:
            tags[name] = str(value)


def _arm_identity(value: Mapping[str, Any] | str) -> dict[str, Any]:
    identity = {"type": value} if isinstance(value, str) else value
    kind = str(identity.get("type") or "none")
    body: dict[str, Any] = {"type": _IDENTITY_TYPES.get(kind, kind)}
    if ids := identity.get("user_assigned_identities"):
        body["userAssignedIdentities"] = {each: {} for each in ids}
    return body


def _writable_identity(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Type and ids only: the principals are the service's own answer."""
    body: dict[str, Any] = {"type": identity.get("type")}
    if ids := identity.get("userAssignedIdentities"):
        body["userAssignedIdentities"] = {each: {} for each in ids}
    return body
