"""`az ml` documents → canonical fields, with the same keys and spellings that `rollout.core.canonical` reads from the
service. Local files stand there by the digest of their contents: `sha256:…`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from rollout.core.canonical import asset_id, compute_name, identity_of
from rollout.core.release import DeploymentSpec, EndpointSpec
from rollout.core.revision import canonical_json, revision
from rollout.plan.az_shapes import COLLECTION, DEPLOYMENT, ENDPOINT, Shape, chosen, fold
from rollout.plan.contents import content_digest, text_digest
from rollout.plan.documents import Document, is_local

NOTHING: Final[Mapping[Path, str]] = MappingProxyType({})
_NAMES: Final = frozenset({"name", "endpoint_name"})
_SETTINGS: Final = ("description", "tags")
_NOT_FIELDS: Final = frozenset(
    {"$schema", "id", "provisioning_state", "creation_context", "instance_count", "model", "code_configuration"}
    | {"environment", "environment_variables", "instance_type", *_NAMES, *_SETTINGS}
)
"""Keys that are names, read-only, settings, or have a canonical form of their own below."""
_GPU: Final = "nvidia.com/gpu"
"""How `az ml` calls the unit that the service shows as `gpu`."""
_ASSET_KEYS: Final = ("name", "version", "type")
_ARM_WORKSPACE: Final = re.compile(r"(/subscriptions/.+?/workspaces/[^/]+)/")


def endpoint_spec(document: Document, default_name: str) -> EndpointSpec:
    """The declared fields of an endpoint. `location` and what the service alone decides are left out."""
    data = document.data
    fields: dict[str, Any] = {}
    if data.get("description") is not None:
        fields["description"] = str(data["description"])
    for key in ("tags", "properties"):
        if data.get(key) is not None:
            fields[key] = strings(data[key])
    for key in ("auth_mode", "public_network_access"):
        if data.get(key) is not None:
            fields[key] = chosen(data[key], _words(key))
    if data.get("identity") is not None:
        fields["identity"] = _identity(data["identity"])
    if data.get("compute") is not None:
        fields["compute"] = compute_name(data["compute"])
    return EndpointSpec(name=str(data.get("name") or default_name).lower(), fields=fields)


def local_assets(document: Document) -> Iterator[Path]:
    """The files and folders of this machine whose contents are a part of what the deployment is."""
    data = document.data
    model, environment = data.get("model"), data.get("environment")
    build = environment.get("build") if isinstance(environment, Mapping) else None
    named = (
        model.get("path") if isinstance(model, Mapping) else None,
        (data.get("code_configuration") or {}).get("code"),
        build.get("path") if isinstance(build, Mapping) else None,
    )
    yield from (document.folder / str(value) for value in named if value and is_local(value))


def deployment_spec(document: Document, known: Mapping[Path, str] = NOTHING) -> DeploymentSpec:
    """The deployment as the core sees it; `known` are contents that are digested already. Raises OSError if local
    content cannot be read."""
    data = document.data
    fields = deployment_fields(document, known)
    settings: dict[str, Any] = {}
    if data.get("description") is not None:
        settings["description"] = str(data["description"])
    if data.get("tags") is not None:
        settings["tags"] = strings(data["tags"])
    whole = {key: value for key, value in data.items() if key not in _NAMES}
    return DeploymentSpec(
        revision=revision(fields),
        count=int(data.get("instance_count") or 1),
        instance_type=str(data.get("instance_type") or ""),
        settings=settings,
        fields=fields,
        document=json.dumps(spelled(DEPLOYMENT, whole), sort_keys=True, ensure_ascii=False),
        origin=str(document.origin),
    )


def deployment_fields(document: Document, known: Mapping[Path, str] = NOTHING) -> dict[str, Any]:
    """What the deployment *is*: flat, canonical, declared fields only. `known`: see `deployment_spec`."""
    data = document.data
    found = dict(_asset("model", data.get("model"), document.folder, known))
    code = data.get("code_configuration") or {}
    if code.get("code"):
        found["code"] = _content(code["code"], document.folder, known)
    if code.get("scoring_script"):
        found["scoring_script"] = str(code["scoring_script"])
    found.update(_environment(data.get("environment"), document.folder, known))
    if data.get("instance_type"):
        found["instance_type"] = str(data["instance_type"]).lower()
    for name, value in strings(data.get("environment_variables") or {}).items():
        found[f"environment_variables.{name}"] = value
    for key, shape in DEPLOYMENT.items():
        if key not in _NOT_FIELDS and data.get(key) is not None:
            found.update(_flat(key, shape, data[key]))
    return {path.replace(_GPU, "gpu"): value for path, value in sorted(found.items())}


def strings(values: Mapping[str, Any]) -> dict[str, str]:
    """A mapping of texts, as the SDK sends it: `True` for true, nothing for null."""
    return {str(key): str(value) for key, value in values.items() if value is not None}


def spelled(shape: Shape, value: Any) -> Any:
    """The value as the SDK takes it: versions, quantities and switches as text, which people write as numbers and
    truths. What is of no such shape stays as it is."""
    if shape == "collections" and isinstance(value, Mapping):
        return {name: spelled(COLLECTION, item) for name, item in value.items()}
    if isinstance(shape, tuple):
        return str(value).lower() if isinstance(value, bool) and shape[0] == "truth" else spelled(shape[-1], value)
    if isinstance(shape, Mapping) and isinstance(value, Mapping):
        return {key: spelled(shape.get(key, "any"), item) for key, item in value.items()}
    return str(value) if shape == "scalar" and value is not None else value


def _words(key: str) -> frozenset[str]:
    words = ENDPOINT[key]
    assert isinstance(words, frozenset)
    return words


def _identity(identity: Mapping[str, Any]) -> dict[str, Any]:
    ids = identity.get("user_assigned_identities") or []
    listed = [str(item.get("resource_id") or "") if isinstance(item, Mapping) else str(item) for item in ids]
    kind = re.sub(r"(?<=[a-z])(?=A)", "_", str(identity.get("type") or "none"))
    return identity_of(kind, [item for item in listed if item])


def _reference(value: str) -> str:
    """An asset's reference in the spelling of `core.canonical`."""
    home = _ARM_WORKSPACE.search(value.lower())
    return asset_id(value, home[1] if home else "")


def _content(value: str, folder: Path, known: Mapping[Path, str]) -> str:
    if not is_local(value):
        return _reference(value)
    return f"sha256:{known.get(folder / value) or content_digest(folder / value)}"


def _asset(key: str, value: Any, folder: Path, known: Mapping[Path, str]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, str):
        yield key, _reference(value)
    elif isinstance(value, Mapping):
        path = value.get("path")
        if isinstance(path, str):
            yield key, _content(path, folder, known)
        if is_local(path):
            # The folder's own name is part of what the scoring script sees below AZUREML_MODEL_DIR.
            yield f"{key}.path", (folder / str(path)).resolve().name
        for part in _ASSET_KEYS:
            if value.get(part) is not None:
                yield f"{key}.{part}", str(value[part])


def _environment(value: Any, folder: Path, known: Mapping[Path, str]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, str):
        yield "environment", _reference(value)
        return
    for key, item in (value or {}).items():
        if key == "conda_file" and item is not None:
            yield "environment.conda_file", f"sha256:{_conda(item, folder)}"
        elif key == "build" and item:
            yield from _build(item, folder, known)
        elif key in ("image", "name", "version"):
            yield f"environment.{key}", str(item)
        elif key in ("inference_config", "os_type"):
            yield from _flat(f"environment.{key}", "any", item)


def _build(build: Mapping[str, Any], folder: Path, known: Mapping[Path, str]) -> Iterator[tuple[str, Any]]:
    if build.get("path"):
        yield "environment.build", _content(str(build["path"]), folder, known)
    if build.get("dockerfile_path"):
        yield "environment.build.dockerfile_path", str(build["dockerfile_path"])


def _conda(value: Any, folder: Path) -> str:
    if isinstance(value, str):
        return text_digest((folder / value).read_bytes())
    return text_digest(canonical_json(value).encode())


def _flat(key: str, shape: Shape, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        inner = shape if isinstance(shape, Mapping) else {}
        for part, item in value.items():
            yield from _flat(f"{key}.{part}", inner.get(part, "any"), item)
    elif value is not None:
        yield key, _plain(shape, value)


def _plain(shape: Shape, value: Any) -> Any:
    if isinstance(shape, frozenset):
        return chosen(value, shape) or fold(value)
    if shape == "whole":
        return int(value)
    if shape == "scalar":
        return str(value)
    return float(value) if shape == "number" else value
