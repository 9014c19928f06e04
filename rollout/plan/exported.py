"""From a live endpoint to `az ml` documents and a plan: the way back of `az_fields`. Pure.

A document says only what differs from the service's defaults, and names assets by `azureml:NAME:VERSION`, as they are
registered; what the service or our own record keeps there is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rollout.core.live_fields import is_nobodys
from rollout.core.observed import Deployment, Endpoint
from rollout.core.revision import without_defaults

_SCHEMAS: Final = "https://azuremlschemas.azureedge.net/latest"
_ASSET: Final = re.compile(
    r"^(?:azureml:)?(?P<home>/subscriptions/.+?/workspaces/[^/]+)"
    r"/(?:codes|models|environments)/(?P<name>[^/]+)/versions/(?P<version>[^/]+)$",
    re.IGNORECASE,
)
_HOME: Final = re.compile(r"^/subscriptions/.+?/workspaces/[^/]+", re.IGNORECASE)
_FREE_NAMES: Final = ("environment_variables", "properties", "tags")
"""Mappings whose keys are the user's own, dots and all."""
_ELSEWHERE: Final = frozenset({"model", "code", "scoring_script", "environment", "instance_type", "description"})


def endpoint_document(live: Endpoint, body: Mapping[str, Any]) -> dict[str, Any]:
    """The `az ml` endpoint file."""
    fields = live.fields
    kind = "kubernetes" if fields.get("compute") else "managed"
    document: dict[str, Any] = {
        "$schema": f"{_SCHEMAS}/{kind}OnlineEndpoint.schema.json",
        "name": str(body.get("name") or live.name),
        "description": fields.get("description"),
        "auth_mode": fields["auth_mode"],
        "compute": fields.get("compute"),
        "identity": _identity(fields.get("identity") or {}),
        "tags": fields.get("tags"),
        "properties": {key: value for key, value in fields.get("properties", {}).items() if not is_nobodys(key)},
    }
    if fields["public_network_access"] != "enabled":
        document["public_network_access"] = fields["public_network_access"]
    return _said(document)


def deployment_document(live: Deployment, body: Mapping[str, Any]) -> dict[str, Any]:
    """The `az ml` deployment file, without a name: the slots give it."""
    properties = _map(body.get("properties"))
    match = _HOME.match(str(body.get("id") or ""))
    home = match[0].lower() if match else ""
    code = _map(properties.get("codeConfiguration"))
    kind = "kubernetes" if live.fields.get("type") == "kubernetes" else "managed"
    document: dict[str, Any] = {
        "$schema": f"{_SCHEMAS}/{kind}OnlineDeployment.schema.json",
        "description": live.fields.get("description"),
        "model": _reference(properties.get("model"), home),
        "code_configuration": _said(
            {"code": _reference(code.get("codeId"), home), "scoring_script": code.get("scoringScript")}
        ),
        "environment": _reference(properties.get("environmentId"), home),
        "instance_type": properties.get("instanceType"),
        "instance_count": live.count,
        **_nested(live.fields),
    }
    return _said(document)


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Flat fields as the mappings that they came from."""
    found: dict[str, Any] = {}
    for path, value in without_defaults(fields).items():
        if path in _ELSEWHERE or _is_made_up(path, str(fields.get(path.replace(".version", ".name")) or "")):
            continue
        inner, parts = found, list(_parts(path))
        for part in parts[:-1]:
            inner = inner.setdefault(part, {})
        inner[parts[-1]] = value
    return found


def _is_made_up(path: str, name: str) -> bool:
    """Whether the SDK chose where collected data goes: `ENDPOINT-DEPLOYMENT-COLLECTION`, by deployment."""
    parts = path.split(".")
    return parts[0] == "data_collector" and "data" in parts and name.endswith(f"-{parts[2]}")


def _parts(path: str) -> Iterator[str]:
    root, _, rest = path.partition(".")
    if root in _FREE_NAMES and rest:
        yield from (root, rest)
    else:
        yield from path.split(".")


def _identity(identity: Mapping[str, Any]) -> dict[str, Any] | None:
    """What `az ml` writes; nothing for the default, an identity that the service makes."""
    if identity.get("type") in (None, "none", "system_assigned"):
        return None
    ids = identity.get("user_assigned_identities") or ()
    return _said({"type": identity["type"], "user_assigned_identities": [{"resource_id": each} for each in ids]})


def _reference(value: Any, home: str) -> str:
    """An asset of the same workspace by name and version, in its own spelling; any other as the service says it."""
    text = str(value.get("assetId") if isinstance(value, Mapping) else value or "")
    match = _ASSET.match(text)
    return f"azureml:{match['name']}:{match['version']}" if match and match["home"].lower() == home else text


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _said(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value not in (None, "", {}, [])}
