"""HOW do the settings differ? Declared fields only, in canonical form; everything else is not ours to see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rollout.core.actions import FieldChange
from rollout.core.observed import Deployment, Endpoint
from rollout.core.release import DeploymentSpec, EndpointSpec
from rollout.core.revision import SERVER_DEFAULTS
from rollout.core.stamp import same_content


def endpoint_changes(spec: EndpointSpec, live: Endpoint) -> tuple[FieldChange, ...]:
    """Declared endpoint fields whose live value is another, in the order of their names."""
    return tuple(differences(spec.fields, live.fields))


def deployment_changes(spec: DeploymentSpec, live: Deployment) -> tuple[FieldChange, ...]:
    """Declared settings (tags, description) of a deployment whose live value is another."""
    return tuple(differences(spec.settings, {**live.fields, "tags": live.tags})) if spec.settings else ()


def revision_changes(spec: DeploymentSpec, live: Deployment | None) -> tuple[FieldChange, ...]:
    """What a new revision changes, field by field, for people. Local contents show as their digests."""
    before: Mapping[str, Any] = live.fields if live else {}
    tags: Mapping[str, str] = live.tags if live else {}
    return tuple(
        FieldChange(path, before.get(path), value)
        for path, value in sorted(spec.fields.items())
        if not alike(path, value, before.get(path)) and (is_pinned(value) or not same_content(tags, path, value))
    )


def is_pinned(declared: Any) -> bool:
    """Whether a declared value names one version of one registered asset, as the service would show it."""
    text = str(declared)
    return (text.startswith("azureml:") and "//" not in text and "@" not in text) or "/versions/" in text


def alike(path: str, declared: Any, live: Any) -> bool:
    """Whether a deployment's declared field and the live one say the same; nothing and the default are the same."""
    if path.startswith("data_collector.collections.") and path.endswith(".data.path"):
        return True  # the service shows the registered asset, not where it lies
    if live is None:
        return bool(SERVER_DEFAULTS.get(path) == declared)
    if path.startswith("data_collector.collections."):
        return str(declared).lower() == str(live).lower()
    return bool(declared == live) or (path.startswith("properties.") and str(declared) == str(live))


def differences(declared: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[FieldChange]:
    """Compare only what `declared` mentions (kopf's right-scoped diff). In a mapping (tags) only its own keys count:
    keys that somebody else set are not ours."""
    for path in sorted(declared):
        wanted, found = declared[path], live.get(path)
        if type(wanted) is not str and isinstance(wanted, Mapping):
            inner = found if isinstance(found, Mapping) else {}
            for change in differences(wanted, inner):
                yield FieldChange(f"{path}.{change.path}", change.before, change.after)
        elif found != wanted:
            yield FieldChange(path, found, wanted)
