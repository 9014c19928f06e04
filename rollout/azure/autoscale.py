"""Which deployments Azure Monitor scales by itself: their instance count is not ours to converge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from rollout.azure.client import ArmClient
from rollout.azure.paths import Paths
from rollout.core.canonical import arm_id
from rollout.core.observed import Endpoint

_API_VERSION: Final = "2022-10-01"


async def autoscaled_resources(client: ArmClient, paths: Paths) -> frozenset[str]:
    """Lower-case ids of all resources that an enabled autoscale setting of the resource group targets: one read."""
    path = f"{paths.group}/providers/Microsoft.Insights/autoscalesettings?api-version={_API_VERSION}"
    return frozenset(_targets(await client.pages(path, "read the autoscale settings")))


def marked(endpoint: Endpoint, resources: frozenset[str]) -> Endpoint:
    """The same snapshot, with `autoscaled` set on the deployments among `resources`."""
    deployments = tuple(
        msgspec.structs.replace(found, autoscaled=f"{endpoint.id}/deployments/{found.name}" in resources)
        for found in endpoint.deployments
    )
    return msgspec.structs.replace(endpoint, deployments=deployments)


def _targets(settings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for setting in settings:
        properties = setting.get("properties") or {}
        if properties.get("enabled", True) and (target := properties.get("targetResourceUri")):
            yield arm_id(str(target))
