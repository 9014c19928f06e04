"""The control plane of the tests: the emulator's rules without HTTP; with a clock, hands from outside and kills."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never

from msgspec.structs import replace

from rollout.core import actions
from rollout.core.canonical import read_endpoint
from rollout.core.codes import codes
from rollout.core.observed import Endpoint, Observation, Scaling
from rollout.core.our_tags import foreign, ours
from rollout.core.progress import to_tags
from rollout.core.release import DeploymentSpec, EndpointSpec
from rollout.core.stamp import deployment_tags, provenance_properties
from rollout.emulator.answers import Answer
from rollout.emulator.rules import Rules
from rollout.emulator.settings import Settings
from rollout.emulator.world import Kind, with_state
from rollout.errors import AzureError, Retryable, Stale
from rollout.ports import RequestCount

START = datetime(2026, 1, 1, tzinfo=UTC)
NAME = "house"
QUICK: dict[str, float] = {kind.value: 20.0 for kind in Kind}


class Killed(BaseException):
    """The process died here."""


Hook = Callable[[str, actions.Action], None]


def no_hook(when: str, action: actions.Action) -> None:
    """Nobody interferes."""


def nothing() -> None:
    """Nobody counts."""


class RulesPlane:
    """`ControlPlane` on `Rules`. `hook` is called `before`, `while` and `after` each write, and may raise `Killed`."""

    def __init__(self) -> None:
        self.rules = Rules(Settings(seconds=QUICK, min_polls=0, unpolled_grace=0.0))
        self.now = START
        self.requests = RequestCount()
        self.hook: Hook = no_hook
        self.seen: Callable[[], None] = nothing
        self.written: list[actions.Action] = []
        self.broken_revisions: set[str] = set()
        self.scalings: dict[str, Scaling] = {}

    async def observe(self, endpoint: str) -> Observation:
        """Two reads of the rules."""
        self.requests.reads += 2
        answer = self.rules.get_endpoint(endpoint, self.now)
        if answer.status == 404:
            return Observation(None, self.now)
        listed = self.rules.list_deployments(endpoint, self.now)
        found = read_endpoint(_body(answer), _body(listed)["value"])
        return Observation(marked(found, self.scalings), self.now)

    async def settle(self, endpoint: Endpoint) -> None:
        """Let the operations end."""
        self.now = self.rules.settle(self.now)

    async def logs(self, endpoint: str, deployment: str, lines: int = 40) -> str:
        """Nothing runs here."""
        return ""

    async def sleep(self, seconds: float) -> None:
        """The `Clock` of this world."""
        self.now += timedelta(seconds=seconds)

    async def apply(self, action: actions.Action, before: Endpoint | None) -> None:
        """Write it, then let the operation end."""
        self.hook("before", action)
        self.now += timedelta(seconds=1)
        self._refuse_stale(action, before)
        self.requests.writes += 1
        answer = self._write(action)
        if answer.status == 409:
            raise Retryable("an operation is under way")
        if answer.status >= 400:
            raise AzureError(str(answer.body), code=str(answer.status))
        self.written.append(action)
        self.hook("while", action)
        self.now = self.rules.settle(self.now)
        self.seen()
        self.hook("after", action)
        self._raise_if_failed(action)

    def _refuse_stale(self, action: actions.Action, before: Endpoint | None) -> None:
        found = self.rules.get_endpoint(NAME, self.now)
        fresh = read_endpoint(_body(found)) if found.status == 200 else None
        if isinstance(action, actions.DeleteEndpoint):
            return
        if isinstance(action, actions.CreateEndpoint):
            if fresh is not None:
                raise Stale("the endpoint is there")
            return
        if fresh is None or before is None:
            raise Stale("the endpoint is gone")
        if fresh.weights != before.weights or ours(fresh.tags) != ours(before.tags):
            raise Stale("somebody else wrote")

    def _write(self, action: actions.Action) -> Answer:
        match action:
            case actions.CreateEndpoint(progress=progress, endpoint=spec):
                tags, properties = _declared(spec)
                return self.rules.put_endpoint(NAME, _endpoint_body(tags | to_tags(progress), **properties), self.now)
            case actions.SetTraffic(weights=split, progress=progress, endpoint=spec):
                tags, properties = _declared(spec)
                properties |= {"traffic": dict(split.traffic), "mirrorTraffic": dict(split.mirror)}
                return self._put(tags | to_tags(progress), **properties)
            case actions.UpdateEndpoint(progress=progress, endpoint=spec):
                tags, properties = _declared(spec)
                return self._put(tags | to_tags(progress), **properties)
            case actions.Record(progress=progress):
                tags = foreign(self._live_tags()) | (to_tags(progress) if progress else {})
                return self.rules.patch_endpoint(NAME, {"tags": tags}, self.now)
            case actions.DeployRevision():
                return self._deploy(action)
            case actions.ScaleDeployment(deployment=name, count=count):
                return self.rules.patch_deployment(
                    NAME, name, {"sku": {"name": "Default", "capacity": count}}, self.now
                )
            case actions.CarryAutoscale(deployment=name, origin=origin, source=source):
                assert self.scalings[origin].id == source
                self.scalings[name] = replace(self.scalings[origin], id=f"/autoscale/rollout-{name}", carried=True)
                return self.rules.get_deployment(NAME, name, self.now)
            case actions.DropAutoscale(deployment=name):
                del self.scalings[name]
                return self.rules.get_deployment(NAME, name, self.now)
            case actions.UpdateDeployment(deployment=name, changes=changes, tags=mine):
                ours_too = {f"tags.{tag}": value for tag, value in mine.items()}
                return self._describe(name, {change.path: change.after for change in changes} | ours_too)
            case actions.DeleteDeployment(deployment=name):
                return self.rules.delete_deployment(NAME, name, self.now)
            case actions.DeleteEndpoint():
                return self.rules.delete_endpoint(NAME, self.now)
            case _:
                assert_never(action)

    def _put(self, mine: Mapping[str, str], **properties: Any) -> Answer:
        doc = _body(self.rules.get_endpoint(NAME, self.now))
        kept = {
            k: v for k, v in doc["properties"].items() if k in ("traffic", "mirrorTraffic", "authMode", "description")
        }
        body = _endpoint_body({**foreign(doc["tags"]), **mine}, **{**kept, **properties})
        return self.rules.put_endpoint(NAME, body, self.now)

    def _deploy(self, action: actions.DeployRevision) -> Answer:
        exists = self.rules.get_deployment(NAME, action.deployment, self.now).status == 200
        if exists != (action.mode == "update"):
            raise Stale("the deployment is there, or is gone")
        if action.spec.revision in self.broken_revisions:
            kind = Kind.DEPLOYMENT_CREATE if action.mode == "create" else Kind.DEPLOYMENT_UPDATE
            self.rules.fail_next(kind, "ResourceNotReady", "User container has crashed or terminated")
        tags, properties = _declared(action.spec)
        settings = codes(action.spec.settings)
        told = (settings, action.fleet, action.promoted_from)
        tags |= deployment_tags(action.spec.revision, action.born, action.spec.fields, *told)
        body = deployment_body(action.spec.revision, action.count, tags, action.spec.instance_type)
        body["properties"] |= {**properties, "properties": provenance_properties(action.provenance)}
        return self.rules.put_deployment(NAME, action.deployment, body, self.now)

    def _describe(self, name: str, changes: Mapping[str, Any]) -> Answer:
        doc = _body(self.rules.get_deployment(NAME, name, self.now))
        tags = {path.removeprefix("tags."): value for path, value in changes.items() if path.startswith("tags.")}
        properties = {path: value for path, value in changes.items() if not path.startswith("tags.")}
        body = {**doc, "tags": {**doc["tags"], **tags}, "properties": {**doc["properties"], **properties}}
        return self.rules.put_deployment(NAME, name, body, self.now)

    def _raise_if_failed(self, action: actions.Action) -> None:
        if isinstance(action, actions.DeployRevision):
            found = self.rules.get_deployment(NAME, action.deployment, self.now)
            if _body(found)["properties"]["provisioningState"] == "Failed":
                raise AzureError("User container has crashed or terminated", code="ResourceNotReady")

    # Hands from outside

    def hand_weights(self, traffic: Mapping[str, int], mirror: Mapping[str, int] | None = None) -> None:
        """Somebody sets the split in the portal; tags stay."""
        doc = _body(self.rules.get_endpoint(NAME, self.now))
        self._checked(self._put(ours(doc["tags"]), traffic=dict(traffic), mirrorTraffic=dict(mirror or {})))

    def hand_delete(self, name: str) -> None:
        """Somebody deletes a deployment."""
        self._checked(self.rules.delete_deployment(NAME, name, self.now))

    def hand_delete_endpoint(self) -> None:
        """Somebody deletes the endpoint."""
        self._checked(self.rules.delete_endpoint(NAME, self.now))

    def hand_update(self, name: str, model: str) -> None:
        """Somebody updates a deployment in place; its tags stay, its content does not."""
        doc = _body(self.rules.get_deployment(NAME, name, self.now))
        body = deployment_body(model, doc["sku"]["capacity"], doc["tags"], doc["properties"]["instanceType"])
        self._checked(self.rules.put_deployment(NAME, name, body, self.now))

    def hand_create(self, name: str, model: str, tags: Mapping[str, str] | None = None, count: int = 1) -> None:
        """Somebody creates (or replaces) a deployment with the SDK."""
        self._checked(self.rules.put_deployment(NAME, name, deployment_body(model, count, tags or {}), self.now))

    def hand_create_endpoint(self) -> None:
        """Somebody creates the endpoint with the SDK."""
        self._checked(self.rules.put_endpoint(NAME, _endpoint_body({}), self.now))

    def hand_scale(self, name: str, count: int) -> None:
        """An autoscaler changes the number of instances."""
        self._checked(
            self.rules.patch_deployment(NAME, name, {"sku": {"name": "Default", "capacity": count}}, self.now)
        )

    def hand_autoscale(self, name: str, digest: str = "cpu") -> None:
        """Somebody makes an autoscale setting for a deployment."""
        self.scalings[name] = Scaling(f"/autoscale/{name}", digest)

    def lose_tags(self) -> None:
        """An old client drops the endpoint's tags."""
        self._checked(self.rules.patch_endpoint(NAME, {"tags": {}}, self.now))

    def break_deployment(self, name: str) -> None:
        """A platform fault leaves a deployment `Failed`."""
        held = self.rules.world.endpoints[NAME].deployments[name]
        held.doc = with_state(held.doc, "Failed")

    def _checked(self, answer: Answer) -> None:
        assert answer.status < 400, answer.body
        self.now = self.rules.settle(self.now)
        self.seen()

    def _live_tags(self) -> Mapping[str, str]:
        found: Mapping[str, str] = _body(self.rules.get_endpoint(NAME, self.now))["tags"]
        return found


def deployment_body(
    model: str, count: int, tags: Mapping[str, str], instance_type: str = "Standard_DS3_v2"
) -> dict[str, Any]:
    """What the SDK would PUT for a deployment whose content is `model`."""
    return {
        "location": "eastus2",
        "tags": dict(tags),
        "sku": {"name": "Default", "capacity": count},
        "properties": {
            "endpointComputeType": "Managed",
            "instanceType": instance_type,
            "model": f"azureml:m:{model}",
            "properties": {},
        },
    }


def _declared(spec: EndpointSpec | DeploymentSpec | None) -> tuple[dict[str, str], dict[str, Any]]:
    """The tags and the properties that a file declares, as far as these worlds know any."""
    fields = {} if spec is None else spec.fields if isinstance(spec, EndpointSpec) else spec.settings
    return dict(fields.get("tags", {})), {key: fields[key] for key in ("description",) if key in fields}


def _endpoint_body(tags: Mapping[str, str], **properties: Any) -> dict[str, Any]:
    inner = {"authMode": "Key", "properties": {}, "traffic": {}, "mirrorTraffic": {}, **properties}
    return {"location": "eastus2", "identity": {"type": "SystemAssigned"}, "tags": dict(tags), "properties": inner}


def marked(endpoint: Endpoint, scalings: Mapping[str, Scaling]) -> Endpoint:
    """The snapshot with its autoscale settings."""
    found = tuple(replace(d, autoscaled=d.name in scalings, scaling=scalings.get(d.name)) for d in endpoint.deployments)
    return replace(endpoint, deployments=found)


def _body(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    body: dict[str, Any] = answer.body
    return body
