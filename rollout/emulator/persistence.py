"""The world ⇄ rows of the store."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec

from rollout.emulator.answers import JsonObject
from rollout.emulator.store import Row, Store
from rollout.emulator.world import Held, HeldEndpoint, Operation, Snapshot, World

ENDPOINTS = "endpoint"
OPERATIONS = "operation"


def drain(world: World) -> tuple[list[Row], list[tuple[str, bytes]]]:
    """What changed since the last call: rows for the store, and new history."""
    found = {key: world.endpoints.get(key) for key in world.changed}
    rows: list[Row] = [(ENDPOINTS, key, encoded(held) if held else None) for key, held in found.items()]
    rows += [(OPERATIONS, key, msgspec.json.encode(world.operations[key])) for key in world.changed_operations]
    history = [(shot.name, msgspec.json.encode(summary(shot))) for shot in world.history]
    world.changed.clear()
    world.changed_operations.clear()
    world.history.clear()
    return rows, history


def encoded(held: HeldEndpoint) -> bytes:
    """An endpoint with all that belongs to it, but for what is under way."""
    return msgspec.json.encode(
        {
            "doc": held.doc,
            "proven": held.proven,
            "keys": held.keys,
            "tokens": held.tokens,
            "deployments": {key: asdict(one) for key, one in held.deployments.items()},
        }
    )


def summary(shot: Snapshot) -> JsonObject:
    """One committed state, as `GET /_emulator/history` shows it."""
    doc = shot.endpoint
    return {
        "time": shot.time.isoformat(),
        "endpoint": shot.name,
        "state": doc["properties"]["provisioningState"] if doc else "Deleted",
        "traffic": doc["properties"]["traffic"] if doc else {},
        "mirror": doc["properties"]["mirrorTraffic"] if doc else {},
        "tags": doc["tags"] if doc else {},
        "deployments": {one["name"].lower(): _deployment(one) for one in shot.deployments},
    }


def _deployment(doc: JsonObject) -> JsonObject:
    return {
        "state": doc["properties"]["provisioningState"],
        "count": doc["sku"]["capacity"],
        "model": doc["properties"]["model"],
        "tags": doc["tags"],
    }


def load(world: World, store: Store, old_base_url: str | None) -> None:
    """Fill an empty world. Documents that were written under another address get the present one."""
    for key, raw in store.read(ENDPOINTS):
        world.endpoints[key] = decoded(_moved(raw, old_base_url, world.scope.base_url))
    for key, raw in store.read(OPERATIONS):
        operation = msgspec.json.decode(_moved(raw, old_base_url, world.scope.base_url), type=Operation)
        world.operations[key] = operation
        held = world.endpoints.get(operation.endpoint)
        if operation.ended is None and held is not None:
            world.in_flight[key] = operation
            held.busy.append(operation)
            if operation.waits:
                world.jobs.append(operation)


def _moved(raw: bytes, old: str | None, new: str) -> bytes:
    return raw.replace(old.encode() + b"/", new.encode() + b"/") if old and old != new else raw


def decoded(raw: bytes) -> HeldEndpoint:
    """What `encoded` has written."""
    held: dict[str, Any] = msgspec.json.decode(raw)
    return HeldEndpoint(
        held["doc"],
        held["proven"],
        deployments={key: Held(**one) for key, one in held["deployments"].items()},
        keys=tuple(held["keys"]),
        tokens=tuple((value, expiry) for value, expiry in held["tokens"]),
    )
