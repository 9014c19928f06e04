"""Rules of online deployments. Pure: state and `now` in, answer out; raises `Rejected`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rollout.emulator import checks, operations, paging, quota, shapes
from rollout.emulator.answers import NO_HEADERS, Answer, JsonObject, deployment_missing, invalid, plain
from rollout.emulator.endpoints import accepted, find, started
from rollout.emulator.ignoring import taken
from rollout.emulator.world import Held, HeldEndpoint, Kind, World, with_state


def held_deployment(world: World, endpoint: str, name: str) -> tuple[HeldEndpoint, Held]:
    """The deployment and its endpoint, or 404."""
    parent = find(world, endpoint)
    held = parent.deployments.get(name.lower())
    if held is None:
        raise deployment_missing(name, endpoint, world.scope.workspace)
    return parent, held


def get(world: World, endpoint: str, name: str) -> Answer:
    """GET; counts as a poll of what is under way on it."""
    parent, held = held_deployment(world, endpoint, name)
    for operation in parent.busy:
        if operation.deployment == name.lower():
            operation.polls += 1
    return Answer(200, held.doc)


def listing(world: World, endpoint: str, query: Mapping[str, str] = NO_HEADERS) -> Answer:
    """All deployments of an endpoint, or the part that is asked for; without a link to a next page, as recorded."""
    parent = find(world, endpoint)
    for operation in parent.busy:
        operation.polls += 1
    docs = [held.doc for held in parent.deployments.values()]
    return paging.page(paging.ordered(docs, query.get("$orderBy", "")), query)


def put(world: World, endpoint: str, name: str, body: Any, now: datetime) -> Answer:
    """PUT replaces the whole deployment, in place if there is one."""
    checks.name("Deployment", name)
    parent, key = find(world, endpoint), name.lower()
    _refuse_parent(world, parent, key)
    before = parent.deployments.get(key)
    _check_body(body)
    body = taken(world.settings.ignores, "deployment", body, before.doc if before else None)
    count = checks.capacity(body.get("sku"), world.settings)
    _allowed(world, parent, before, name, body)
    body = {**body, "tags": checks.tags(body.get("tags"))}
    op_id = operations.new_id(world, key)
    after = shapes.deployment(parent.doc, name, body, before.doc if before else None, now, count)
    after = shapes.with_operation(after, operations.url(world, op_id))
    failure = _over_quota(world, before, after)
    kind, shown = _shown(world, before, after, body["properties"])
    if before is None:
        parent.deployments[key] = Held(shown)
    else:
        before.doc = shown
    operation = operations.start(world, op_id, kind, endpoint.lower(), now, key, after)
    operation.failure = operation.failure or failure
    world.commit(endpoint.lower(), now)
    return Answer(201, shown, started(world, op_id, shown["id"]))


def _shown(world: World, before: Held | None, after: JsonObject, asked: JsonObject) -> tuple[Kind, JsonObject]:
    """What kind of change this is, and what is shown while it is under way."""
    if before is None:
        return Kind.DEPLOYMENT_CREATE, shapes.unfinished_deployment(after, asked, "Updating")
    kind = _kind_of_change(before.doc, after)
    state = world.settings.scaling_state if kind == Kind.DEPLOYMENT_SCALE else "Updating"
    inner = {
        **before.doc["properties"],
        "properties": after["properties"]["properties"],
        "provisioningState": state,
    }
    return kind, {**before.doc, "properties": inner, "systemData": after["systemData"]}


def _kind_of_change(before: JsonObject, after: JsonObject) -> Kind:
    """Scaling alone is faster; a change of tags or description alone touches no instance."""
    ignored = ("properties", "provisioningState", "description")
    was, will = (
        {key: value for key, value in doc["properties"].items() if key not in ignored} for doc in (before, after)
    )
    if was != will:
        return Kind.DEPLOYMENT_UPDATE
    if before["sku"]["capacity"] != after["sku"]["capacity"]:
        return Kind.DEPLOYMENT_SCALE
    return Kind.DEPLOYMENT_PATCH


def _refuse_parent(world: World, parent: HeldEndpoint, key: str) -> None:
    if parent.state == "Deleting" or (not parent.proven and not parent.busy):
        raise invalid(
            "This endpoint has not been created successfully or is in deleting provisioning state. "
            "Please recreate endpoint and then try again to create deployment."
        )
    operations.refuse_if_busy(world, parent, key)


def _check_body(body: Any) -> None:
    if not isinstance(body, dict) or not isinstance(body.get("properties"), dict):
        raise plain(400, "InvalidRequestContent", "The request content was invalid: 'properties' is required.")
    if not body.get("location"):
        raise plain(400, "LocationRequired", "The location property is required for this definition.")
    asked = body["properties"]
    if asked.get("endpointComputeType") not in ("Managed", "Kubernetes", "AzureMLCompute"):
        raise invalid("endpointComputeType must be one of Managed, Kubernetes, AzureMLCompute.")
    checks.one_of("egressPublicNetworkAccess", asked.get("egressPublicNetworkAccess"), checks.SWITCH)
    checks.request_timeout((asked.get("requestSettings") or {}).get("requestTimeout"), asked["endpointComputeType"])
    scaling = (asked.get("scaleSettings") or {}).get("scaleType")
    checks.one_of("scaleSettings.scaleType", scaling, ("Default", "TargetUtilization"))
    if scaling == "TargetUtilization" and asked["endpointComputeType"] == "Managed":
        raise invalid("Managed deployments support scaleType Default only; use autoscale settings of Azure Monitor.")


def _allowed(world: World, parent: HeldEndpoint, before: Held | None, name: str, body: JsonObject) -> None:
    asked = body["properties"]
    if before is None:
        limit = world.settings.deployments_per_endpoint
        if len(parent.deployments) >= limit:
            raise invalid(f"Endpoint [{parent.name}] already has {limit} deployments, the most that it can.")
        total = sum(len(held.deployments) for held in world.endpoints.values())
        if total >= world.settings.deployments:
            raise plain(400, "OutOfQuota", f"The subscription already has {total} deployments, the most that it can.")
        if asked["endpointComputeType"] == "Kubernetes":
            checks.both_names(parent.name, name)
        if asked["endpointComputeType"] == "Managed" and not asked.get("instanceType"):
            raise invalid("instanceType is required for managed deployments.")
        return
    if not before.proven:
        raise invalid(
            f"Specified deployment [{name}] failed during initial provisioning and is in an unrecoverable state. "
            "Delete and re-create."
        )
    was = before.doc["properties"]
    if asked["endpointComputeType"] != was["endpointComputeType"]:
        raise invalid("The compute type of a deployment cannot be changed.")
    if world.settings.refuse_instance_type_change and not _same(asked.get("instanceType"), was["instanceType"]):
        raise invalid(f"The instance type of deployment [{name}] cannot be changed. Create a new deployment.")


def _same(asked: str | None, was: str | None) -> bool:
    return asked is None or was is None or asked.lower() == was.lower()


def _over_quota(world: World, before: Held | None, after: JsonObject) -> tuple[str, str] | None:
    """How the operation will fail if the region's cores do not suffice for it and all other deployments."""
    limit = world.settings.cores if world.quota_cores is None else world.quota_cores
    others = (
        held.doc
        for endpoint in world.endpoints.values()
        for held in endpoint.deployments.values()
        if held is not before
    )
    wanted, used = quota.used([after]), quota.used(others)
    if wanted + used <= limit:
        return None
    return "OutOfQuota", (
        f"Not enough subscription CPU quota. The amount of CPU quota requested is {wanted} and your maximum "
        f"amount of quota is [{limit - used}]. Please see troubleshooting guide, available here: "
        "https://aka.ms/oe-tsg#error-outofquota"
    )


def patch(world: World, endpoint: str, name: str, body: Any, now: datetime) -> Answer:
    """PATCH of tags and instance count (this is also how autoscale scales)."""
    parent, held = held_deployment(world, endpoint, name)
    _refuse_parent(world, parent, name.lower())
    if not held.proven:
        raise invalid(
            f"Specified deployment [{name}] failed during initial provisioning and is in an unrecoverable state. "
            "Delete and re-create."
        )
    if extra := set(body) - {"tags", "sku"}:
        raise invalid(f"PATCH changes tags and sku.capacity only, not {', '.join(sorted(extra))}.")
    after = {**held.doc, "systemData": shapes.system_data(held.doc, now)}
    kind = Kind.DEPLOYMENT_PATCH
    if body.get("tags") is not None:
        kept = {} if world.settings.patch_replaces_tags else held.doc["tags"]
        after["tags"] = checks.tags({**kept, **body["tags"]})
    if (body.get("sku") or {}).get("capacity") is not None:
        after["sku"] = {**held.doc["sku"], "capacity": checks.capacity(body["sku"], world.settings)}
        kind = Kind.DEPLOYMENT_SCALE
    return _begin_patch(world, endpoint.lower(), held, kind, after, now)


def _begin_patch(world: World, endpoint: str, held: Held, kind: Kind, after: JsonObject, now: datetime) -> Answer:
    key = held.name.lower()
    op_id = operations.new_id(world, key)
    after = shapes.with_operation(with_state(after, "Succeeded"), operations.url(world, op_id))
    state = world.settings.scaling_state if kind == Kind.DEPLOYMENT_SCALE else "Updating"
    held.doc = shapes.with_operation(with_state(held.doc, state), operations.url(world, op_id))
    operations.start(world, op_id, kind, endpoint, now, key, after)
    world.commit(endpoint, now)
    return Answer(202, held.doc, {**accepted(world, op_id), **operations.patience(world)})


def delete(world: World, endpoint: str, name: str, now: datetime) -> Answer:
    """DELETE, refused while the deployment gets live traffic."""
    parent, key = find(world, endpoint), name.lower()
    held = parent.deployments.get(key)
    if held is None:
        return Answer(204)
    operations.refuse_if_busy(world, parent, key)
    if parent.doc["properties"]["traffic"].get(held.name):
        raise invalid(f"Can't delete deployment [{held.name}] with non-zero traffic weight")
    op_id = operations.new_id(world, key)
    held.doc = shapes.with_operation(with_state(held.doc, "Deleting"), operations.url(world, op_id))
    operations.start(world, op_id, Kind.DEPLOYMENT_DELETE, endpoint.lower(), now, key)
    world.commit(endpoint.lower(), now)
    return Answer(202, None, accepted(world, op_id))


def skus(world: World, endpoint: str, name: str, query: Mapping[str, str] = NO_HEADERS) -> Answer:
    """What the deployment can be scaled to."""
    _, held = held_deployment(world, endpoint, name)
    capacity = {
        "minimum": 1 if world.settings.refuse_zero_instances else 0,
        "maximum": world.settings.instances_per_deployment,
        "default": 1,
        "scaleType": "Manual",
    }
    entry = {"resourceType": held.doc["type"], "sku": held.doc["sku"], "capacity": capacity}
    return paging.page([entry], query)
