"""Writes of deployments. What a deployment *is* goes through a `Deployer`; its count and settings are plain ARM."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

import msgspec

from rollout.azure import operations, writes
from rollout.azure.errors import Conflict
from rollout.azure.paths import Paths
from rollout.azure.recent import Body, Recent
from rollout.azure.sending import Sender
from rollout.core import actions
from rollout.core.canonical import read_deployment
from rollout.core.codes import codes
from rollout.core.observed import IN_FLIGHT, Deployment, Endpoint
from rollout.core.our_tags import ours
from rollout.core.stamp import deployment_tags, provenance_properties
from rollout.errors import AzureError, Hindered, Stale

_VISIBLE_SECONDS: Final = 120.0
"""How long a deployment may answer 404, or as it was, after its PUT has been accepted."""
_AGAIN: Final = "Run the same command again: it starts from what is there now."


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a `Deployer` must make: the `az ml` document as JSON text, and where its relative paths start."""

    endpoint: str
    deployment: str
    document: str
    origin: str
    count: int
    tags: Mapping[str, str]
    properties: Mapping[str, str] = {}


class Deployer(Protocol):
    """Registers assets and sends the deployment's PUT."""

    async def start(self, order: Order) -> str | None:
        """Return when the service has taken the deployment: the URL of its operation, if it named one."""


Logs = Callable[[str, str], Awaitable[str]]


class DeploymentWriter:
    """All writes whose resource is a deployment. `logs` reads the end of a container's log."""

    def __init__(self, sender: Sender, paths: Paths, recent: Recent, deployer: Deployer, logs: Logs) -> None:
        self._sender = sender
        self._recent = recent
        self._paths = paths
        self._deployer = deployer
        self._logs = logs

    async def deploy(self, action: actions.DeployRevision, before: Endpoint) -> None:
        """Create or update the deployment and wait until it has succeeded.

        Raises AzureError with the end of the container's log if it does not come up, Hindered if that was for a
        reason around it, Stale if it is there (`create`) or gone (`update`) unexpectedly.
        """
        what, endpoint = f"deploy {action.deployment}", before.name
        path = self._paths.deployment(endpoint, action.deployment)
        await self._expect_mode(action, before, what)
        operation = await self._deployer.start(_order(action, endpoint))
        try:
            await self._come_up(path, operation, action.born, what)
        except AzureError as error:
            logs = await self._logs(endpoint, action.deployment)
            raise AzureError(str(error), code=error.code, hint=error.hint, logs=logs) from error
        except Conflict as error:  # another operation came in between: that says nothing about what is deployed
            raise Hindered(str(error), hint="Wait a minute, then run the same command again.") from error

    async def scale(self, action: actions.ScaleDeployment, before: Endpoint) -> None:
        """Set the number of instances by a PATCH."""
        body = {"sku": {"capacity": action.count}}
        await self._write("PATCH", before, action.deployment, lambda _: body, f"scale {action.deployment}")

    async def delete(self, action: actions.DeleteDeployment, before: Endpoint) -> None:
        """Delete it and wait until it is gone. What is not there is deleted already."""
        what = f"delete {action.deployment}"
        found = await self._now(before, action.deployment, what)
        if found is not None:
            _unchanged(found, before.deployment(action.deployment), what)
        await self._sender.delete(self._paths.deployment(before.name, action.deployment), what, there=found is not None)

    async def update(self, action: actions.UpdateDeployment, before: Endpoint) -> None:
        """Change tags and description; everything else goes back as it was read."""

        def change(raw: dict[str, Any]) -> dict[str, Any]:
            body = writes.with_settings(writes.writable(raw), action.changes)
            return {**body, "tags": {**body["tags"], **action.tags}}

        await self._write("PUT", before, action.deployment, change, f"update {action.deployment}")

    async def _write(
        self, method: str, before: Endpoint, name: str, change: Callable[[dict[str, Any]], Any], what: str
    ) -> None:
        async def look(again: bool) -> Any:
            found = await self._now(before, name, what, again=again)
            if found is None:
                raise Stale(f"{what}: the deployment is gone", hint=_AGAIN)
            if not again:  # a repetition may find what it has written itself
                _unchanged(found, before.deployment(name), what)
            return change(dict(found))

        await self._sender.write(method, self._paths.deployment(before.name, name), what, look)

    async def _now(self, before: Endpoint, name: str, what: str, *, again: bool = False) -> Body | None:
        """The deployment's body now (None: there is none); that of the look itself where it was made a moment ago, but
        for a repetition."""
        if not again and (seen := self._recent.deployments(before)) is not None:
            return seen.get(name)
        answer = await self._sender.client.find(self._paths.deployment(before.name, name), what)
        return None if answer.status == 404 else answer.body

    async def _expect_mode(self, action: actions.DeployRevision, before: Endpoint, what: str) -> None:
        found = await self._now(before, action.deployment, what)
        if (found is not None) != (action.mode == "update"):
            raise Stale(f"{what}: the deployment {'is gone' if found is None else 'is there'}", hint=_AGAIN)
        if found is not None:
            _unchanged(found, before.deployment(action.deployment), what)

    async def _come_up(self, path: str, operation: str | None, born: str, what: str) -> None:
        client, pace = self._sender.client, self._sender.pace
        if operation:
            await operations.follow_operation(client, operation, what, pace)
        found = await self._until_visible(path, born, what)
        if found is None or found.state in IN_FLIGHT:
            found = read_deployment(await operations.until_settled(client, path, what, pace) or {})
        if found.born != born:
            raise Stale(f"{what}: somebody else changed it a moment ago", hint=_AGAIN)
        if not found.ready:
            raise AzureError(f"{what}: it ended as {found.state}", code="DeploymentFailed")

    async def _until_visible(self, path: str, born: str, what: str) -> Deployment | None:
        """A deployment may answer 404, or as it was, for a while after its PUT was accepted; what it is then."""
        pace = msgspec.structs.replace(self._sender.pace, patience=_VISIBLE_SECONDS)
        turns = operations.Waiting(pace, what)
        async for _ in turns:
            answer = await self._sender.client.find(path, what, kind="polls")
            found = read_deployment(answer.body) if answer.status != 404 else None
            if found is not None and (found.state in IN_FLIGHT or found.born == born):
                return found
            turns.told = answer.after
        return None


def _unchanged(body: Mapping[str, Any], before: Deployment | None, what: str) -> None:
    """Raise Stale, naming what changed, unless the deployment is as it was when this was decided."""
    if before is None:
        return
    now = read_deployment(body)
    parts = {
        "state": now.state != before.state,
        "rollout's tags": ours(now.tags) != ours(before.tags),
        "instance_count": now.count != before.count and not before.autoscaled,
    }
    names = sorted({*now.fields, *before.fields} - {"tags", "properties"})
    parts |= {name: now.fields.get(name) != before.fields.get(name) for name in names}
    changed = [name for name, differs in parts.items() if differs]
    if changed:
        raise Stale(f"{what}: somebody else changed it a moment ago ({', '.join(changed)})", hint=_AGAIN)


def _order(action: actions.DeployRevision, endpoint: str) -> Order:
    return Order(
        endpoint=endpoint,
        deployment=action.deployment,
        document=action.spec.document,
        origin=action.spec.origin,
        count=action.count,
        tags=deployment_tags(
            action.spec.revision,
            action.born,
            action.spec.fields,
            codes(action.spec.settings),
            action.fleet,
            action.promoted_from,
        ),
        properties=provenance_properties(action.provenance),
    )
