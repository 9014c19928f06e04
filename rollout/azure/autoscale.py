"""Which deployments Azure Monitor scales by itself: their instance count is not ours to converge, and what says so is
carried to a candidate before it takes weight (Microsoft.Insights/autoscaleSettings, 2022-10-01)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from rollout.azure.client import ArmClient
from rollout.azure.paths import Paths
from rollout.azure.sending import Sender
from rollout.azure.wire import clock
from rollout.core import actions
from rollout.core.canonical import arm_id
from rollout.core.observed import Endpoint, Scaling
from rollout.errors import AzureError, Refused, SignInError, Stale

_VERSION: Final = "api-version=2022-10-01"
CARRIED: Final = "rollout.carried-from"
"""The tag of a setting that we have carried: from which deployment."""
FRESH: Final = 30.0
"""Seconds for which what was read is believed by who has many plans, and may work for days."""
LASTING: Final = 600.0
"""The same for a command about one plan, which looks again and again."""
_NOT_CARRIED: Final = ("targetResourceUri", "targetResourceLocation", "name")


def home(paths: Paths) -> str:
    """The autoscale settings of the resource group."""
    return f"{paths.group}/providers/Microsoft.Insights/autoscalesettings"


async def autoscaled_resources(client: ArmClient, paths: Paths) -> Mapping[str, Scaling]:
    """All enabled autoscale settings of the resource group by the lower-case id of what they scale: one read."""
    return dict(_targets(await client.pages(f"{home(paths)}?{_VERSION}", "read the autoscale settings")))


class AutoscaleView:
    """The settings of one resource group: read by the first who asks, again after a write of ours to one, and again
    after `seconds` of `clock`."""

    def __init__(self, paths: Paths, seconds: float = FRESH, clock: Callable[[], float] = clock) -> None:
        self._paths = paths
        self._seconds = seconds
        self._clock = clock
        self._known: Mapping[str, Scaling] | None = None
        self._until = 0.0
        self._reading = asyncio.Lock()

    async def settings(self, client: ArmClient) -> Mapping[str, Scaling]:
        """Whoever may not read autoscale settings sees none: a count that differs is then shown as one."""
        if (known := self._known) is not None and self._clock() < self._until:
            return known
        async with self._reading:
            if self._known is None or self._clock() >= self._until:
                try:
                    self._known = await autoscaled_resources(client, self._paths)
                except (SignInError, AzureError, Refused):
                    self._known = {}
                self._until = self._clock() + self._seconds
            return self._known

    def forget(self) -> None:
        """One was written."""
        self._known = None


def marked(endpoint: Endpoint, settings: Mapping[str, Scaling]) -> Endpoint:
    """The same snapshot, with the settings of its deployments."""
    if not settings:
        return endpoint
    deployments = tuple(
        msgspec.structs.replace(found, autoscaled=said is not None, scaling=said)
        for found in endpoint.deployments
        for said in (settings.get(f"{endpoint.id}/deployments/{found.name}"),)
    )
    return msgspec.structs.replace(endpoint, deployments=deployments)


def portable(properties: Mapping[str, Any], target: str) -> str:
    """A digest of what a setting says, whichever deployment it says it about."""
    said = {key: value for key, value in properties.items() if key not in _NOT_CARRIED}
    text = msgspec.json.encode(_with_target(said, target, "*"), order="deterministic")
    return hashlib.sha256(text).hexdigest()[:12]


def carried(setting: Mapping[str, Any], origin: str, target: str) -> dict[str, Any]:
    """The body that says the same about `target`, an ARM id; `origin` is the deployment that it was said about."""
    properties = setting["properties"]
    said = _with_target(properties, arm_id(str(properties["targetResourceUri"])), target)
    inner = {key: value for key, value in said.items() if key != "name"}
    tags = {**(setting.get("tags") or {}), CARRIED: origin}
    return {"location": setting.get("location"), "tags": tags, "properties": {**inner, "targetResourceUri": target}}


class AutoscaleWriter(msgspec.Struct, frozen=True):
    """Carries settings, and deletes them."""

    sender: Sender
    paths: Paths

    async def carry(self, action: actions.CarryAutoscale, endpoint: Endpoint) -> None:
        """Raises Stale if the source is gone meanwhile."""
        what = f"carry the autoscale setting of {action.origin} to {action.deployment}"
        target = self.paths.deployment(endpoint.name, action.deployment)

        async def look(again: bool) -> Any:
            found = await self.sender.client.find(f"{action.source}?{_VERSION}", what)
            if found.status == 404:
                raise Stale(f"{what}: it is gone", hint="Run the same command again.")
            return carried(found.body, action.origin, target)

        name = quote(f"rollout-{self.paths.workspace}-{endpoint.name}-{action.deployment}", safe="")
        await self.sender.write("PUT", f"{home(self.paths)}/{name}?{_VERSION}", what, look)

    async def drop(self, action: actions.DropAutoscale) -> None:
        """What is not there is deleted already."""
        what = f"delete the autoscale setting of {action.deployment}"
        await self.sender.delete(f"{action.setting}?{_VERSION}", what)


def _targets(settings: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Scaling]]:
    for setting in settings:
        properties = setting.get("properties") or {}
        if properties.get("enabled", True) and (found := properties.get("targetResourceUri")):
            target = arm_id(str(found))
            ours = CARRIED in (setting.get("tags") or {})
            yield target, Scaling(str(setting.get("id") or ""), portable(properties, target), ours)


def _with_target(value: Any, old: str, new: str) -> Any:
    """The value with one ARM id instead of another, wherever it stands (ids are compared without case)."""
    if isinstance(value, Mapping):
        return {key: _with_target(inner, old, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_target(inner, old, new) for inner in value]
    return new if isinstance(value, str) and arm_id(value) == old else value
