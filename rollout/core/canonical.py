"""ARM's JSON to a canonical `Endpoint`: one spelling for each value, whichever the service chose today.

The keys of `fields` are those of the plan language (and of `az ml` files), flattened with dots. Two bodies of
the same deployment, one read before the first success (null probes, `PT0S`), one after it (defaults echoed),
give the same fields: what is absent takes the server's default from `DEFAULTS`. Unknown members are ignored,
missing and null ones are tolerated: this must read what tomorrow's service answers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import msgspec

from rollout.core.live_fields import rarer_fields
from rollout.core.observed import SUCCEEDED, Deployment, Endpoint, weights
from rollout.core.our_tags import foreign
from rollout.core.stamp import BORN_TAG, REVISION_TAG, provenance_of
from rollout.errors import AzureError

VOLATILE_PROPERTIES: Final = frozenset({"azureasyncoperationuri", "azureml.onlineendpointid"})

_PROBE: Final = {
    "initial_delay": 10,
    "period": 10,
    "timeout": 2,
    "success_threshold": 1,
    "failure_threshold": 30,
}

DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        # Sources: reference-yaml-deployment-managed-online ("Default value"); what the service echoes.
        "description": "",
        "app_insights_enabled": False,
        "egress_public_network_access": "enabled",
        "request_settings.request_timeout_ms": 5000,
        "request_settings.max_concurrent_requests_per_instance": 1,
        "request_settings.max_queue_wait_ms": 500,  # deprecated; the service echoes PT0S for it
        **{f"liveness_probe.{name}": value for name, value in _PROBE.items()},
        **{f"readiness_probe.{name}": value for name, value in _PROBE.items()},
    }
)
"""Values that the service takes where a deployment says nothing; for both sides of a comparison."""
_MAY_BE_ZERO: Final = frozenset(key for key in DEFAULTS if key.endswith("initial_delay"))

ENDPOINT_DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {"description": "", "auth_mode": "key", "public_network_access": "enabled"}
)
"""The same for an endpoint."""

AUTH_MODES: Final[Mapping[str, str]] = MappingProxyType(
    {"key": "Key", "aml_token": "AMLToken", "aad_token": "AADToken"}
)
"""The plan's words for `authMode`, and ARM's."""
_WORDS_OF_MODES: Final = {theirs.lower(): word for word, theirs in AUTH_MODES.items()}

_PROBE_MEMBERS: Final = {
    "initial_delay": "initialDelay",
    "period": "period",
    "timeout": "timeout",
    "success_threshold": "successThreshold",
    "failure_threshold": "failureThreshold",
}
_PROBE_PATHS: Final = {
    kind: tuple((f"{kind}.{name}", member) for name, member in _PROBE_MEMBERS.items())
    for kind in ("liveness_probe", "readiness_probe")
}
_DURATION: Final = re.compile(
    r"^P(?:(?P<d>\d+(?:\.\d+)?)D)?(?:T(?:(?P<h>\d+(?:\.\d+)?)H)?(?:(?P<m>\d+(?:\.\d+)?)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?$",
    re.IGNORECASE,
)
_SECONDS: Final = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_LONG_ID: Final = re.compile(r"^azureml://subscriptions/([^/]+)/resourcegroups/([^/]+)/workspaces/([^/]+)/(.+)$")
_ASSET: Final = re.compile(r"^/(?:codes|models|environments)/([^/]+)/versions/([^/]+)$")
_OPERATION: Final = "AzureAsyncOperationUri"
_NOT_CONTENT: Final = frozenset({"description", "tags", "properties"})
"""Fields that change without the deployment becoming another (the SDK writes properties of its own)."""


def read_endpoint(body: Mapping[str, Any], deployments: Sequence[Mapping[str, Any]] = ()) -> Endpoint:
    """The endpoint of a GET's body and of the list of its deployments' bodies.

    Raises AzureError for bodies that have another shape than Resource Manager's: nothing is decided then.
    """
    resource = _checked(body, "resource", absent=False)
    properties = _member(resource, "properties")
    own = _member(properties, "properties")
    tags = _strings(_member(resource, "tags"))
    fields = _endpoint_fields(body, properties, own, tags)
    return Endpoint(
        name=str(body.get("name") or "").lower(),
        id=arm_id(str(body.get("id") or "")),
        state=_state(properties),
        weights=weights(_split(_member(properties, "traffic")), _split(_member(properties, "mirrorTraffic"))),
        deployments=tuple(sorted(map(read_deployment, deployments), key=lambda found: found.name)),
        tags=tags,
        fields=fields,
        scoring_uri=properties.get("scoringUri") or "",
        swagger_uri=properties.get("swaggerUri") or "",
        auth_mode=fields["auth_mode"],
        location=str(body.get("location") or ""),
        modified=_time(_map(body, "systemData").get("lastModifiedAt")),
        operation=own.get(_OPERATION) or None,
    )


def read_deployment(body: Mapping[str, Any]) -> Deployment:
    """One deployment of a GET's body (or of one entry of the list). Raises AzureError as `read_endpoint` does."""
    resource = _checked(body, "resource", absent=False)
    properties = _member(resource, "properties")
    own = _map(properties, "properties")
    tags = _strings(_member(resource, "tags"))
    fields = _deployment_fields(body, properties, tags)
    state = _state(properties)
    return Deployment(
        name=str(body.get("name") or "").lower(),
        state=state,
        count=_count(_map(body, "sku").get("capacity")),
        revision=tags.get(REVISION_TAG),
        born=tags.get(BORN_TAG),
        content=content_of(fields) if state == SUCCEEDED else "",
        instance_type=fields["instance_type"],
        fields=fields,
        tags=tags,
        provenance=provenance_of(own),
        operation=own.get(_OPERATION) or None,
    )


def content_of(fields: Mapping[str, Any]) -> str:
    """12 hex digits over the canonical fields that make up what a deployment *is* (its tags are not)."""
    what = {key: value for key, value in fields.items() if _is_content(key)}
    return hashlib.sha256(msgspec.json.encode(what, order="deterministic")).hexdigest()[:12]


@lru_cache(maxsize=512)  # a fleet has the same few
def _is_content(path: str) -> bool:
    return path.partition(".")[0] not in _NOT_CONTENT


def milliseconds(duration: Any) -> int | None:
    """An ISO 8601 duration (days to seconds) in milliseconds; None for what is none."""
    return _milliseconds(duration) if isinstance(duration, str) else None


@lru_cache(maxsize=256)  # a fleet says the same few over and over
def _milliseconds(duration: str) -> int | None:
    match = _DURATION.match(duration)
    if match is None:
        return None
    return round(sum(float(n) * _SECONDS[unit] for unit, n in match.groupdict().items() if n) * 1000)


def arm_id(value: str) -> str:
    """An ARM id in lower case, without a slash at its end (ARM compares ids without case)."""
    return value.lower().rstrip("/")


def asset_id(value: Any, workspace: str) -> str:
    """A model's, environment's or code's reference in one spelling, lower-case.

    An asset of the workspace (its ARM id, long or short) becomes `azureml:name:version`; one of a registry or
    another workspace keeps its full id.
    """
    return _asset_id(arm_id(str(value or "")), workspace)


@lru_cache(maxsize=4096)  # many deployments carry the same few assets
def _asset_id(text: str, workspace: str) -> str:
    if text.startswith("azureml://") and (match := _LONG_ID.match(text)):
        subscription, group, name, rest = match.groups()
        home = f"/subscriptions/{subscription}/resourcegroups/{group}"
        text = f"{home}/providers/microsoft.machinelearningservices/workspaces/{name}/{rest}"
    text = text.removeprefix("azureml:") if text.startswith("azureml:/subscriptions/") else text
    asset = _ASSET.match(text.removeprefix(workspace)) if workspace else None
    return f"azureml:{asset[1]}:{asset[2]}" if asset else text


def compute_name(value: Any) -> str:
    """A Kubernetes cluster as `azureml:name`: it is always attached to the endpoint's own workspace."""
    text = arm_id(str(value))
    return f"azureml:{text.rpartition('/computes/')[2].removeprefix('azureml:')}"


def identity_of(kind: str, user_assigned: Sequence[str] = ()) -> dict[str, Any]:
    """A managed identity in the plan's words: `type` (`system_assigned`, ...) and, if any, the ARM ids."""
    mine: dict[str, Any] = {"type": _identity_type(kind)}
    if user_assigned:
        mine["user_assigned_identities"] = sorted(map(arm_id, user_assigned))
    return mine


@lru_cache(maxsize=256)
def _identity_type(kind: str) -> str:
    words = (re.sub(r"(?<=[a-z])(?=A)", "_", word.strip()).lower() for word in kind.split(","))
    return ",".join(sorted(words)) or "none"


def _endpoint_fields(
    body: Mapping[str, Any], properties: Mapping[str, Any], own: Mapping[str, Any], tags: Mapping[str, str]
) -> dict[str, Any]:
    identity = _member(body, "identity")
    found = {
        "description": properties.get("description"),
        "auth_mode": _auth_mode(properties.get("authMode")),
        "public_network_access": _lower(properties.get("publicNetworkAccess")),
        "identity": identity_of(str(identity.get("type") or ""), tuple(_member(identity, "userAssignedIdentities"))),
        "properties": _lasting(own),
        "tags": foreign(tags),
    }
    if compute := properties.get("compute"):
        found["compute"] = compute_name(compute)
    for key, default in ENDPOINT_DEFAULTS.items():
        found[key] = found[key] or default
    return found


def _deployment_fields(
    body: Mapping[str, Any], properties: Mapping[str, Any], tags: Mapping[str, str]
) -> dict[str, Any]:
    workspace = _workspace_of(arm_id(str(body.get("id") or "")))
    code = _map(properties, "codeConfiguration")
    variables = _strings(_map(properties, "environmentVariables"))
    settings = _map(properties, "requestSettings")
    found = {
        "model": asset_id(_reference(properties.get("model")), workspace),
        "code": asset_id(code.get("codeId"), workspace),
        "scoring_script": code.get("scoringScript") or "",
        "environment": asset_id(properties.get("environmentId"), workspace),
        "instance_type": str(properties.get("instanceType") or "").lower(),
        "app_insights_enabled": properties.get("appInsightsEnabled"),
        "egress_public_network_access": _lower(properties.get("egressPublicNetworkAccess")),
        "model_mount_path": properties.get("modelMountPath") or "",
        "description": properties.get("description"),
        "tags": foreign(tags),
        "request_settings.request_timeout_ms": milliseconds(settings.get("requestTimeout")),
        "request_settings.max_queue_wait_ms": milliseconds(settings.get("maxQueueWait")),
        "request_settings.max_concurrent_requests_per_instance": settings.get("maxConcurrentRequestsPerInstance"),
    }
    found.update(_probe("liveness_probe", _map(properties, "livenessProbe")))
    found.update(_probe("readiness_probe", _map(properties, "readinessProbe")))
    found.update((f"environment_variables.{key}", value) for key, value in variables.items())
    found.update(rarer_fields(properties))
    _fill(found)
    return found


def _fill(found: dict[str, Any]) -> None:
    """Put the defaults where nothing is.

    A zero counts as nothing: the service says `PT0S` where it means its default; only `initial_delay` may be
    zero on purpose.
    """
    for key, default in DEFAULTS.items():
        value = found.get(key)
        if not value and (value is None or key not in _MAY_BE_ZERO):
            found[key] = default


def _workspace_of(resource: str) -> str:
    """The ARM id of the workspace in which that one lies, both in lower case; "" where there is none."""
    home, here, rest = resource.partition("/workspaces/")
    name = rest.partition("/")[0]
    return f"{home}{here}{name}" if name and resource.startswith("/subscriptions/") else ""


def _probe(kind: str, probe: Mapping[str, Any]) -> dict[str, Any]:
    """Whole seconds of durations, None for a text that is none; what is no text as it is."""
    return {
        path: _seconds(value) if isinstance(value := probe.get(member), str) else value
        for path, member in _PROBE_PATHS[kind]
    }


@lru_cache(maxsize=256)  # a fleet says the same few over and over
def _seconds(duration: str) -> int | None:
    found = _milliseconds(duration)
    return None if found is None else found // 1000


def _lasting(properties: Mapping[str, Any]) -> dict[str, str]:
    return {k: v for k, v in _strings(properties).items() if k.lower() not in VOLATILE_PROPERTIES}


def _reference(model: Any) -> Any:
    return model.get("assetId") if isinstance(model, Mapping) else model


def _auth_mode(value: Any) -> str:
    folded = str(value or "").lower()
    return _WORDS_OF_MODES.get(folded, folded)


def _state(properties: Mapping[str, Any]) -> str:
    """The provisioning state in the documented spelling. One that is not said is not trusted."""
    return str(properties.get("provisioningState") or "Unknown").capitalize()


def _lower(value: Any) -> str | None:
    return str(value).lower() if value else None


def _map(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = body.get(key)
    if found is None:
        return {}
    return found if type(found) is dict or isinstance(found, Mapping) else {}


def _member(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A member that is a mapping where it is not null."""
    found = body.get(key)
    return found if type(found) is dict else _checked(found, key)


def _checked(value: Any, what: str, *, absent: bool = True) -> Mapping[str, Any]:
    """A mapping, an empty one for null where it may be absent; whatever else stands there may hide what serves."""
    if value is None and absent:
        return {}
    if type(value) is not dict and not isinstance(value, Mapping):
        raise AzureError(f"the service shows {value!r:.40} where the {what} should be", code="UnreadableAnswer")
    return value


def _strings(values: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in values.items() if value is not None}


def _split(shown: Mapping[str, Any]) -> dict[str, int]:
    """The weights that are not zero. Raises AzureError for one that is no whole number: nothing is decided then."""
    found = {name: weight for name, weight in shown.items() if weight}
    for name, weight in found.items():
        if isinstance(weight, bool) or not isinstance(weight, int):
            raise AzureError(f"the service shows the weight {weight!r:.40} for {name!r:.40}", code="UnreadableAnswer")
    return found


def _count(capacity: Any) -> int:
    return capacity if isinstance(capacity, int) else 1


def _time(value: Any) -> datetime | None:
    """An ISO time; the service writes seven digits of a second, which the standard library cuts to six."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found
