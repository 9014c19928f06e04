"""Rules of online endpoints. Pure: state and `now` in, answer out; raises `Rejected`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from rollout.emulator import checks, operations, paging, shapes
from rollout.emulator.answers import Answer, JsonObject, endpoint_missing, invalid, plain
from rollout.emulator.ignoring import taken
from rollout.emulator.paging import NextLink
from rollout.emulator.world import HeldEndpoint, Kind, World, with_state

WEIGHTS: Final = ("traffic", "mirrorTraffic")
WEIGHTS_VERSION: Final = "2022-02-01-preview"
"""The API version whose PATCH takes weights too."""
AUTH_MODES: Final = {"key": "Key", "amltoken": "AMLToken", "aadtoken": "AADToken"}


def find(world: World, name: str) -> HeldEndpoint:
    """The endpoint, or 404."""
    held = world.endpoints.get(name.lower())
    if held is None:
        raise endpoint_missing(name, world.scope.workspace)
    return held


def get(world: World, name: str) -> Answer:
    """GET. Looking at a resource that is being worked on counts as a poll of the operation."""
    held = find(world, name)
    for operation in held.busy:
        if operation.deployment is None:
            operation.polls += 1
    return Answer(200, held.doc)


def listing(world: World, query: Mapping[str, str], next_link: NextLink | None = None) -> Answer:
    """GET of all, in the order of creation; filters, orders and pages as the SDK asks for them."""
    docs = paging.ordered([held.doc for held in world.endpoints.values()], query.get("orderBy", ""))
    if wanted := query.get("name"):
        docs = [doc for doc in docs if doc["name"].lower() == wanted.lower()]
    if wanted := query.get("computeType"):
        docs = [doc for doc in docs if doc["kind"].lower() == wanted.lower()]
    return paging.page(paging.tagged(docs, query), query, next_link or _following(world, query))


def _following(world: World, query: Mapping[str, str]) -> NextLink:
    """Where the next page is, for those who ask the rules themselves."""
    root = f"{world.scope.base_url}{world.scope.workspace_path}/onlineEndpoints"
    return lambda changed: "?".join((root, urlencode({**query, **changed}, safe="$")))


def put(world: World, name: str, body: Any, now: datetime) -> Answer:
    """PUT replaces the whole endpoint. 201 also for updates, with the old traffic until the operation ends."""
    checks.name("Endpoint", name)
    key, held = name.lower(), world.endpoints.get(name.lower())
    if held is None and len(world.endpoints) >= world.settings.endpoints:
        raise plain(400, "OutOfQuota", "Not enough quota: the number of online endpoints is used up.")
    if held is not None:
        operations.refuse_if_busy(world, held, None)
        _must_be_born(held)
    if world.settings.ignores:
        _properties(body)
        body = taken(world.settings.ignores, "endpoint", body, held.doc if held else None)
    after = _asked(world, name, body, held, now)
    op_id = operations.new_id(world, None)
    after = shapes.with_operation(after, operations.url(world, op_id))
    if held is None:
        kind, shown = Kind.ENDPOINT_CREATE, shapes.unborn_endpoint(after)
        held = world.endpoints[key] = HeldEndpoint(shown, keys=_first_keys(world, body["properties"].get("keys")))
    else:
        kind, shown = Kind.ENDPOINT_UPDATE, _updating(held.doc, after)
        held.doc = shown
    operations.start(world, op_id, kind, key, now, after=after)
    world.commit(key, now)
    return Answer(201, shown, started(world, op_id, shown["id"]))


def _first_keys(world: World, given: Any) -> tuple[str, str]:
    """The keys that a create brings (they are never returned but by `listKeys`), or new ones."""
    known = given or {}
    return known.get("primaryKey") or world.secret("key"), known.get("secondaryKey") or world.secret("key")


def _must_be_born(held: HeldEndpoint) -> None:
    if not held.proven:
        raise invalid(
            f"Specified endpoint [{held.name}] has not been created successfully. Please recreate the endpoint."
        )


def _updating(before: JsonObject, after: JsonObject) -> JsonObject:
    """The old document, in work: new operation and time of change, nothing else of the new one yet."""
    inner = {
        **before["properties"],
        "properties": after["properties"]["properties"],
        "provisioningState": "Updating",
    }
    return {**before, "properties": inner, "systemData": after["systemData"]}


def _asked(world: World, name: str, body: Any, held: HeldEndpoint | None, now: datetime) -> JsonObject:
    """The checked endpoint of a PUT's body."""
    asked = _properties(body)
    if held is not None:
        _unchanged(world, held.doc, body)
    compute = "Kubernetes" if asked.get("compute") else "Managed"
    deployments = held.deployments if held is not None else {}
    live, shadow = checks.weights(
        asked.get("traffic"), asked.get("mirrorTraffic"), deployments, compute, world.settings
    )
    changed = {
        "authMode": AUTH_MODES[asked["authMode"].lower()],
        "traffic": live,
        "mirrorTraffic": shadow,
    }
    checked = {**body, "tags": checks.tags(body.get("tags")), "properties": {**asked, **changed}}
    return shapes.endpoint(world.scope, name, checked, held.doc if held else None, now)


def _properties(body: Any) -> JsonObject:
    if not isinstance(body, dict) or not isinstance(body.get("properties"), dict):
        raise plain(400, "InvalidRequestContent", "The request content was invalid: 'properties' is required.")
    if not body.get("location"):
        raise plain(400, "LocationRequired", "The location property is required for this definition.")
    if not (body.get("identity") or {}).get("type"):
        raise invalid("The identity of the endpoint is required.")
    asked: JsonObject = body["properties"]
    if str(asked.get("authMode", "")).lower() not in AUTH_MODES:
        raise invalid("authMode must be one of Key, AMLToken, AADToken.")
    checks.one_of("publicNetworkAccess", asked.get("publicNetworkAccess"), checks.SWITCH)
    checks.one_of("identity.type", body["identity"]["type"].replace(" ", ""), checks.IDENTITIES)
    return asked


def _unchanged(world: World, before: JsonObject, body: JsonObject) -> None:
    """Refuse changes of what can only be said at creation."""
    asked, was, settings = body["properties"], before["properties"], world.settings
    if body["location"].replace(" ", "").lower() != before["location"].replace(" ", "").lower():
        raise plain(
            409,
            "InvalidResourceLocation",
            f"The resource '{before['name']}' already exists in location '{before['location']}'.",
        )
    if settings.refuse_auth_mode_change and asked["authMode"].lower() != was["authMode"].lower():
        raise invalid("The authentication mode of an endpoint cannot be changed.")
    kinds = {_identity_kind(body), _identity_kind(before)}
    if settings.refuse_identity_change and len(kinds) > 1:
        raise invalid("The identity type of an endpoint cannot be changed.")
    if asked.get("compute") != was["compute"]:
        raise invalid("The compute of an endpoint cannot be changed.")


def _identity_kind(body: JsonObject) -> str:
    kind: str = body["identity"]["type"]
    return kind.replace(" ", "").lower()


def patch(world: World, name: str, body: Any, now: datetime) -> Answer:
    """PATCH of tags and identity (and, in the oldest preview, of weights), as an operation of its own."""
    held, key = find(world, name), name.lower()
    operations.refuse_if_busy(world, held, None)
    _must_be_born(held)
    after = {**held.doc, **_patched(world, held, body), "systemData": shapes.system_data(held.doc, now)}
    op_id = operations.new_id(world, None)
    after = shapes.with_operation(with_state(after, "Succeeded"), operations.url(world, op_id))
    held.doc = _updating(held.doc, after)
    operations.start(world, op_id, Kind.ENDPOINT_PATCH, key, now, after=after)
    world.commit(key, now)
    return Answer(202, held.doc, {**accepted(world, op_id), **operations.patience(world)})


def _patched(world: World, held: HeldEndpoint, body: Any) -> JsonObject:
    """What a PATCH changes."""
    asked = dict(body.get("properties") or {})
    weights = {field: asked.pop(field) for field in WEIGHTS if field in asked and world.api_version == WEIGHTS_VERSION}
    if extra := (set(body) - {"tags", "identity", "properties"}) | set(asked):
        raise invalid(f"PATCH changes tags and identity only, not {', '.join(sorted(extra))}.")
    changed: JsonObject = {}
    if body.get("tags") is not None:
        kept = {} if world.settings.patch_replaces_tags else held.doc["tags"]
        changed["tags"] = checks.tags({**kept, **body["tags"]})
    if body.get("identity"):
        changed["identity"] = shapes.identity(world.scope, held.doc["id"], body["identity"])
    if weights:
        was = held.doc["properties"]
        wanted = {**was, **weights}
        live, shadow = checks.weights(
            wanted["traffic"], wanted["mirrorTraffic"], held.deployments, held.doc["kind"], world.settings
        )
        changed["properties"] = {**was, "traffic": live, "mirrorTraffic": shadow}
    return changed


def delete(world: World, name: str, now: datetime) -> Answer:
    """DELETE takes the deployments with it, whatever their traffic."""
    held = world.endpoints.get(name.lower())
    if held is None:
        return Answer(204)
    operations.refuse_if_busy(world, held, None)
    op_id = operations.new_id(world, None)
    held.doc = shapes.with_operation(with_state(held.doc, "Deleting"), operations.url(world, op_id))
    operations.start(world, op_id, Kind.ENDPOINT_DELETE, name.lower(), now)
    world.commit(name.lower(), now)
    return Answer(202, None, accepted(world, op_id))


def started(world: World, op_id: str, resource_id: str) -> dict[str, str]:
    """Headers of a PUT that began an operation."""
    return {
        "Azure-AsyncOperation": operations.url(world, op_id),
        "Location": f"{world.scope.base_url}{resource_id}?api-version={world.api_version}",
        "x-ms-async-operation-timeout": "PT30M",
    }


def accepted(world: World, op_id: str) -> dict[str, str]:
    """Headers of a DELETE or PATCH that began an operation."""
    return {
        "Azure-AsyncOperation": operations.url(world, op_id),
        "Location": operations.url(world, op_id, results=True),
        "x-ms-async-operation-timeout": "PT30M",
    }
