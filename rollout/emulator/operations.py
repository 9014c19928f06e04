"""Long-running operations: starting one, refusing a second one, polling, and what their end commits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from rollout.emulator import shapes
from rollout.emulator.answers import Answer, JsonObject, Rejected, plain
from rollout.emulator.world import (
    NEEDS_BACKEND,
    Held,
    HeldEndpoint,
    Kind,
    Operation,
    World,
    touched,
    with_state,
)


def url(world: World, op_id: str, results: bool = False) -> str:
    """Where clients ask for an operation's status, or for its result."""
    kind = "mfeOperationResults" if results else "mfeOperationsStatus"
    return f"{world.scope.base_url}{world.scope.operations_path}/{kind}/{op_id}?api-version={world.api_version}"


def new_id(world: World, deployment: str | None) -> str:
    """`oe:` for endpoints, `od:` for deployments."""
    return f"{'od' if deployment else 'oe'}:{world.scope.workspace_guid}:{world.guid()}"


def start(
    world: World,
    op_id: str,
    kind: Kind,
    endpoint: str,
    now: datetime,
    deployment: str | None = None,
    after: JsonObject | None = None,
) -> Operation:
    """Begin an operation; its end is decided by the clock, the polls and, where there is one, the backend."""
    due = now + timedelta(seconds=world.settings.seconds[kind])
    waits = world.backend and kind in NEEDS_BACKEND
    operation = Operation(op_id, kind, endpoint, deployment, now, due, after, waits=waits)
    _take_orders(world, operation)
    world.operations[op_id] = operation
    world.in_flight[op_id] = operation
    world.endpoints[endpoint].busy.append(operation)
    world.changed_operations.add(op_id)
    if waits:
        world.jobs.append(operation)
    return operation


def _take_orders(world: World, operation: Operation) -> None:
    """Do as was ordered for the next operation of this kind: the first order for it is used up."""
    order = next((order for order in world.ordered if order.kind == operation.kind), None)
    if order is None:
        return
    world.ordered.remove(order)
    operation.due += timedelta(seconds=order.seconds)
    if order.code:
        operation.failure, operation.ending, operation.log = (order.code, order.message), order.ending, order.log


def refuse_if_busy(world: World, held: HeldEndpoint, deployment: str | None) -> None:
    """One operation at a time on an endpoint; on its deployments too, unless the settings say otherwise."""
    for operation in held.busy:
        if operation.deployment is None and deployment is not None:
            raise busy(
                world,
                f"Cannot create a deployment in endpoint {held.name} because it is in {held.state} provisioning state.",
            )
        if world.settings.deployment_locks_endpoint or operation.deployment == deployment:
            raise busy(world, f"An operation is already in progress on endpoint {held.name}. Try again later.")


def busy(world: World, message: str) -> Rejected:
    """The refusal of a write while another one is under way."""
    return plain(world.settings.busy_status, "Conflict", message)


def status(world: World, op_id: str) -> Answer:
    """One poll."""
    operation = world.operations.get(op_id)
    if operation is None:
        raise plain(404, "ResourceNotFound", f"Operation {op_id} was not found.")
    operation.polls += 1
    return Answer(200, _status_body(world, operation), hint(world, operation))


def result(world: World, op_id: str) -> Answer:
    """The `Location` of an operation: 202 while it runs; then what it made, or nothing."""
    operation = world.operations.get(op_id)
    if operation is None:
        raise plain(404, "ResourceNotFound", f"Operation {op_id} was not found.")
    operation.polls += 1
    if operation.ended is None:
        return Answer(202, None, {"Location": url(world, op_id, results=True), **hint(world, operation)})
    if operation.failure:
        code, message = operation.failure
        raise plain(400, code, message)
    held = find(world, operation)
    return Answer(204) if held is None or operation.kind == Kind.REGENERATE_KEYS else Answer(200, held.doc)


def hint(world: World, operation: Operation) -> dict[str, str]:
    """How soon to poll again. Nothing at the service's own speed, as recorded; milliseconds at high speed.

    azure-core takes `Retry-After: 0` for "no answer" and falls back to 30 s, so shorter waits go in its
    millisecond header.
    """
    return {} if world.settings.poll_hint is None or operation.ended is not None else patience(world)


def patience(world: World) -> dict[str, str]:
    """`Retry-After` of a PATCH's answer: 10 s at the service's own speed (its least), sooner at high speed."""
    seconds = world.settings.poll_hint
    if seconds is None:
        return {"Retry-After": "10"}
    if seconds >= 1:
        return {"Retry-After": str(round(seconds))}
    return {"x-ms-retry-after-ms": str(max(1, round(seconds * 1000)))}


def _status_body(world: World, operation: Operation) -> JsonObject:
    body: JsonObject = {
        "id": f"{world.scope.operations_path}/mfeOperationsStatus/{operation.id}",
        "name": operation.id,
        "startTime": operation.started.isoformat(),
    }
    if operation.ended is not None:
        body["endTime"] = operation.ended.isoformat()
    body["percentComplete"] = 0.0 if operation.ended is None else 100.0
    body["status"] = operation.status
    if operation.failure and operation.ended is not None:
        body["error"] = _error(*operation.failure)
    return body


def _error(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "details": [], "additionalInfo": []}


def find(world: World, operation: Operation) -> Held | None:
    """The resource that an operation is about, if it is still there."""
    held = world.endpoints.get(operation.endpoint)
    if held is None or operation.deployment is None:
        return held
    return held.deployments.get(operation.deployment)


def tick(world: World, now: datetime) -> None:
    """Finish what is due."""
    for operation in tuple(world.in_flight.values()):
        if _may_end(world, operation, now):
            _end(world, operation, now)


def _may_end(world: World, operation: Operation, now: datetime) -> bool:
    if operation.waits or now < operation.due:
        return False
    seen = operation.polls >= world.settings.min_polls
    return seen or now >= operation.due + timedelta(seconds=world.settings.unpolled_grace)


def _end(world: World, operation: Operation, now: datetime) -> None:
    operation.ended = now
    operation.status = operation.ending if operation.failure else "Succeeded"
    del world.in_flight[operation.id]
    world.changed_operations.add(operation.id)
    held = world.endpoints.get(operation.endpoint)
    if held is None:
        return
    held.busy.remove(operation)
    if operation.deployment is None:
        _end_on_endpoint(world, held, operation, now)
    else:
        _end_on_deployment(held, operation, now)
    world.commit(operation.endpoint, now)


def _end_on_endpoint(world: World, held: HeldEndpoint, operation: Operation, now: datetime) -> None:
    if operation.failure:
        held.doc = touched(with_state(held.doc, "Failed"), now)
    elif operation.kind == Kind.ENDPOINT_DELETE:
        del world.endpoints[operation.endpoint]
    else:
        held.proven = True
        held.doc = touched(operation.after or with_state(held.doc, "Succeeded"), now)


def _end_on_deployment(parent: HeldEndpoint, operation: Operation, now: datetime) -> None:
    key = operation.deployment or ""
    held = parent.deployments.get(key)
    if held is None:  # where writes are not refused (a setting of tests): deleted by another operation meanwhile
        return
    if operation.kind == Kind.DEPLOYMENT_DELETE and not operation.failure:
        del parent.deployments[key]
        parent.doc = _without_weight(parent.doc, held.name)
    elif operation.failure:
        held.log = operation.log
        held.doc = touched(_failed(held, operation), now)
    else:
        held.proven, held.log = True, ""
        held.doc = touched(operation.after or with_state(held.doc, "Succeeded"), now)


def _failed(held: Held, operation: Operation) -> JsonObject:
    """A failed deployment shows what was asked for; before its first success without the defaults."""
    if operation.after is None or not held.proven:
        return with_state(held.doc, "Failed")
    return shapes.unfinished_deployment(operation.after, properties_of(operation.after), "Failed")


def properties_of(doc: JsonObject) -> JsonObject:
    """The `properties` of a document."""
    found: JsonObject = doc["properties"]
    return found


def _without_weight(doc: JsonObject, name: str) -> JsonObject:
    inner = doc["properties"]
    if name not in inner["traffic"] and name not in inner["mirrorTraffic"]:
        return doc
    cleaned = {
        field: {key: weight for key, weight in inner[field].items() if key != name}
        for field in ("traffic", "mirrorTraffic")
    }
    return {**doc, "properties": {**inner, **cleaned}}
