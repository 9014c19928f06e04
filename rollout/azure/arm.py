"""`ports.ControlPlane` on Azure Resource Manager: look, do one action, wait for what is under way."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_never
from urllib.parse import quote

from rollout.azure import operations
from rollout.azure.activity import moves_of
from rollout.azure.autoscale import AutoscaleView, AutoscaleWriter, marked
from rollout.azure.client import ArmClient
from rollout.azure.contents import with_contents
from rollout.azure.deployments import Deployer, DeploymentWriter
from rollout.azure.endpoints import EndpointWriter
from rollout.azure.errors import Conflict
from rollout.azure.listing import Listing
from rollout.azure.operations import Pace
from rollout.azure.paths import Paths
from rollout.azure.recent import Bodies, Recent
from rollout.azure.secret import scrub
from rollout.azure.sending import Sender
from rollout.azure.usages import read_usages
from rollout.azure.wire import clock
from rollout.core import actions
from rollout.core.canonical import read_endpoint
from rollout.core.capacity import Usage
from rollout.core.moves import Move
from rollout.core.observed import IN_FLIGHT, Endpoint, Observation
from rollout.errors import AzureError, Refused, Stale
from rollout.ports import RequestCount


class ArmControlPlane:
    """One workspace's control plane.

    `pace` says how patiently operations are followed. With `autoscale`, a look also tells which deployments Azure
    Monitor scales; with `listing`, a first look may come from a list that is shared with others.
    """

    def __init__(
        self,
        client: ArmClient,
        paths: Paths,
        deployer: Deployer,
        pace: Pace | None = None,
        *,
        autoscale: AutoscaleView | None = None,
        listing: Listing | None = None,
    ) -> None:
        self.requests: RequestCount = client.requests
        self._client = client
        self._paths = paths
        self._sender = Sender(client, pace or Pace())
        self._recent = Recent()
        self._region = ""
        self._endpoints = EndpointWriter(self._sender, paths, self._recent, self.home)
        self._deployments = DeploymentWriter(self._sender, paths, self._recent, deployer, self.logs)
        self._autoscale = AutoscaleWriter(self._sender, paths)
        self._autoscaled = autoscale
        self._listing = listing

    async def observe(self, endpoint: str) -> Observation:
        """See `ports.ControlPlane`. An endpoint that does not exist costs one read; one that serves without any record
        or tag of ours one more, for the content hash of its code."""
        found = await self.bodies(endpoint)
        seen = None if found.endpoint is None else read_endpoint(found.endpoint, found.deployments)
        if seen is not None and self._autoscaled is not None:
            seen = marked(seen, await self._autoscaled.settings(self._client))
        if seen is not None:
            seen = await with_contents(self._client, self._paths, seen)
        self._recent.looked(seen, found)
        return Observation(seen, found.now)

    async def bodies(self, endpoint: str) -> Bodies:
        """The endpoint and its deployments as the service answers them."""
        what = f"read endpoint {endpoint}"
        if (back := self._recent.read_back(endpoint)) is not None:
            return await self._whole(Bodies(back.body, (), back.now, back.at), endpoint, what, dated=True)
        first = await self._first(endpoint, what)
        return first if first.endpoint is None else await self._whole(first, endpoint, what, dated=False)

    async def _first(self, endpoint: str, what: str) -> Bodies:
        """The endpoint alone, from a list or by a read of its own."""
        if self._listing is not None and (listed := await self._listing.take(self._client, endpoint)) is not None:
            return Bodies(listed.body, (), listed.now, None)
        answer = await self._client.find(self._paths.endpoint(endpoint), what)
        return Bodies(None if answer.status == 404 else answer.body, (), answer.date, clock())

    async def _whole(self, first: Bodies, endpoint: str, what: str, *, dated: bool) -> Bodies:
        """With its deployments. `dated`: at the time of their list, which is not that of `first`."""
        found, at = await self._client.dated_pages(self._paths.deployments(endpoint), what, dated=dated)
        return Bodies(first.endpoint, found, max(first.now, at), first.at)

    async def apply(self, action: actions.Action, before: Endpoint | None) -> None:
        """See `ports.ControlPlane`. What was looked at is over then, however it ends."""
        try:
            await self._apply(action, before)
        finally:
            self._recent.forget()

    async def _apply(self, action: actions.Action, before: Endpoint | None) -> None:
        match action:
            case actions.CreateEndpoint():
                await self._endpoints.create(action, before)
            case actions.SetTraffic() | actions.UpdateEndpoint():
                await self._endpoints.put(action, _there(before))
            case actions.Record():
                await self._endpoints.record(action, _there(before))
            case actions.DeployRevision():
                await self._deployments.deploy(action, await self._unchanged(before))
            case actions.ScaleDeployment():
                await self._deployments.scale(action, await self._unchanged(before))
            case actions.CarryAutoscale():
                await self._autoscale.carry(action, await self._unchanged(before))
                self._forget_autoscaling()
            case actions.DropAutoscale():
                await self._unchanged(before)
                await self._autoscale.drop(action)
                self._forget_autoscaling()
            case actions.UpdateDeployment():
                await self._deployments.update(action, await self._unchanged(before))
            case actions.DeleteDeployment():
                await self._deployments.delete(action, await self._unchanged(before))
            case actions.DeleteEndpoint():
                await self._sender.delete(self._paths.endpoint(action.endpoint), f"delete {action.endpoint}")
            case _:
                assert_never(action)

    async def endpoints(self) -> list[Endpoint]:
        """See `ports.Census`."""
        found = await self._client.pages(self._paths.endpoints, "list the endpoints")
        return [read_endpoint(body) for body in found]

    async def moves(self, resource: str, since: datetime) -> list[Move]:
        """See `ports.ActivityLog`."""
        return await moves_of(self._client, self._paths, resource, since)

    async def usages(self, location: str) -> list[Usage]:
        """See `ports.Quota`."""
        where = location or await self.home()
        return read_usages(await self._client.pages(self._paths.usages(where), "read the region's usages"))

    async def home(self) -> str:
        """See `ports.Quota`. A workspace never moves: it is read once."""
        if not self._region:
            self._region = str(
                (await self._client.get(self._paths.home, "read the workspace's region")).body["location"]
            )
        return self._region

    async def workspace(self) -> Mapping[str, Any]:
        """ARM's JSON of the workspace itself."""
        body: Mapping[str, Any] = (await self._client.get(self._paths.home, "read the workspace")).body
        return body

    async def permissions(self) -> list[Mapping[str, Any]]:
        """What our roles add up to on the workspace; never what they are called."""
        return await self._client.pages(self._paths.authorization("permissions", "2022-04-01"), "read our permissions")

    async def locks(self) -> list[Mapping[str, Any]]:
        """The locks on the workspace, and those that it inherits."""
        return await self._client.pages(self._paths.authorization("locks", "2020-05-01"), "read the resource locks")

    async def role_assignments(self, scope: str, principal: str) -> list[Mapping[str, Any]]:
        """The role assignments of a principal that count at a scope, inherited ones and those by groups too."""
        query = "api-version=2022-04-01&$filter=" + quote(f"assignedTo('{principal}')")
        path = f"{scope}/providers/Microsoft.Authorization/roleAssignments?{query}"
        return await self._client.pages(path, "read the roles of the endpoint's identity")

    async def settle(self, endpoint: Endpoint) -> None:
        """See `ports.ControlPlane`. Raises Retryable when the patience is used up."""
        if endpoint.state in IN_FLIGHT:
            await self._settle_one(self._paths.endpoint(endpoint.name), endpoint.operation, endpoint.name)
        for found in endpoint.deployments:
            if found.state in IN_FLIGHT:
                path = self._paths.deployment(endpoint.name, found.name)
                await self._settle_one(path, found.operation, found.name)

    async def logs(self, endpoint: str, deployment: str, lines: int = 40) -> str:
        """See `ports.ControlPlane`."""
        path = f"{self._paths.deployment(endpoint, deployment)}/getLogs"
        what = f"read the log of {deployment}"
        try:
            answer = await self._client.send("POST", path, what, {"tail": lines}, kind="reads")
        except AzureError:
            return ""
        content = answer.body.get("content") if isinstance(answer.body, Mapping) else ""
        return "\n".join(scrub(str(content or "")).splitlines()[-lines:])

    async def _settle_one(self, path: str, operation: str | None, name: str) -> None:
        what = f"wait for {name}"
        if operation:
            # However it ended: the state of the resource says what came of it.
            with contextlib.suppress(AzureError, Refused, Conflict):
                await operations.follow_operation(self._client, operation, what, self._sender.pace)
        await operations.until_settled(self._client, path, what, self._sender.pace)

    def _forget_autoscaling(self) -> None:
        if self._autoscaled is not None:
            self._autoscaled.forget()

    async def _unchanged(self, before: Endpoint | None) -> Endpoint:
        """That endpoint, after it was found to be what was decided upon."""
        there = _there(before)
        await self._endpoints.expect(there, f"look at {there.name}")
        return there


def _there(before: Endpoint | None) -> Endpoint:
    if before is None:
        raise Stale("the endpoint does not exist", hint="Run the same command again.")
    return before
