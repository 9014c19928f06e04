"""Fields that are left to somebody else once they are there: named by `ignore:`, in the diff and in every write alike.

`endpoint.<field>` or `deployments.<name or *>.<field>`; a field may be a whole map (`tags`) or one key of it
(`tags.owner`). They are still set when the endpoint or the deployment is created.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from rollout.core.observed import Endpoint, Observation
from rollout.core.release import DeploymentSpec, EndpointSpec, Release

COUNT: Final = "instance_count"


def managed_endpoint(release: Release) -> EndpointSpec:
    """The endpoint's spec without ignored fields."""
    if not release.ignore:
        return release.endpoint
    return replace(release.endpoint, fields=_without(release.endpoint.fields, _paths(release, "endpoint")))


def managed_settings(release: Release, spec: DeploymentSpec, name: str) -> DeploymentSpec:
    """The deployment's spec without ignored settings."""
    if not release.ignore:
        return spec
    return replace(spec, settings=_without(spec.settings, frozenset(_of_deployment(release, name))))


def unmanaged_counts(release: Release, endpoint: Endpoint) -> Endpoint:
    """The snapshot with every deployment whose instance count is ignored marked as somebody else's to scale."""
    if not release.ignore:
        return endpoint
    found = tuple(
        replace(one, autoscaled=True) if ignores_count(release, one.name) else one for one in endpoint.deployments
    )
    return replace(endpoint, deployments=found)


def ignores_count(release: Release, name: str) -> bool:
    """Whether the plan leaves that deployment's instance count to others."""
    return COUNT in _of_deployment(release, name)


def as_managed(release: Release, observation: Observation) -> Observation:
    """The same look, with counts that are not ours marked."""
    if observation.endpoint is None:
        return observation
    return Observation(unmanaged_counts(release, observation.endpoint), observation.now)


def _paths(release: Release, root: str) -> frozenset[str]:
    return frozenset(path.partition(".")[2] for path in release.ignore if path.partition(".")[0] == root)


def _of_deployment(release: Release, name: str) -> Iterator[str]:
    for path in _paths(release, "deployments"):
        whose, _, field = path.partition(".")
        if whose in ("*", name):
            yield field


def _without(fields: Mapping[str, Any], ignored: frozenset[str]) -> dict[str, Any]:
    """The fields without those paths; of maps only the named keys are left out."""
    kept: dict[str, Any] = {}
    for name, value in fields.items():
        if name in ignored:
            continue
        inner = frozenset(path.partition(".")[2] for path in ignored if path.partition(".")[0] == name)
        kept[name] = _without(value, inner) if isinstance(value, Mapping) else value
    return kept
