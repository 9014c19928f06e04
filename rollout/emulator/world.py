"""The state of the emulated workspace, held as ARM documents.

Documents are never changed in place: a change puts a new dict in their stead. So an answer, the history and the
database may all share them without copying.
"""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from rollout.emulator.answers import JsonObject
from rollout.emulator.settings import Scope, Settings


class Kind(StrEnum):
    """What an operation does. The values key `Settings.seconds` and the faults."""

    ENDPOINT_CREATE = "endpoint_create"
    ENDPOINT_UPDATE = "endpoint_update"
    ENDPOINT_PATCH = "endpoint_patch"
    ENDPOINT_DELETE = "endpoint_delete"
    DEPLOYMENT_CREATE = "deployment_create"
    DEPLOYMENT_UPDATE = "deployment_update"
    DEPLOYMENT_SCALE = "deployment_scale"
    DEPLOYMENT_PATCH = "deployment_patch"
    DEPLOYMENT_DELETE = "deployment_delete"
    REGENERATE_KEYS = "regenerate_keys"


NEEDS_BACKEND = frozenset(
    {
        Kind.DEPLOYMENT_CREATE,
        Kind.DEPLOYMENT_UPDATE,
        Kind.DEPLOYMENT_SCALE,
        Kind.DEPLOYMENT_DELETE,
        Kind.ENDPOINT_DELETE,
    }
)
"""Operations that something has to be done for, where there is a backend."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """What the next operation of a kind shall do: end badly with a code (as `ending`), or take longer, or both."""

    kind: Kind
    code: str = ""
    message: str = ""
    ending: str = "Failed"
    seconds: float = 0.0
    log: str = ""


@dataclass(slots=True)
class Operation:
    """A long-running operation. `after` is the document that its success commits; `due` when it may end at earliest."""

    id: str
    kind: Kind
    endpoint: str
    deployment: str | None
    started: datetime
    due: datetime
    after: JsonObject | None = None
    polls: int = 0
    waits: bool = False
    failure: tuple[str, str] | None = None
    ending: str = "Failed"
    log: str = ""
    status: str = "Updating"
    ended: datetime | None = None


@dataclass(slots=True)
class Held:
    """A resource: its document, and whether it ever was `Succeeded` (a failed first create is for good)."""

    doc: JsonObject
    proven: bool = False
    log: str = ""

    @property
    def name(self) -> str:
        """The name in the case of its creation."""
        name: str = self.doc["name"]
        return name

    @property
    def state(self) -> str:
        """Its provisioning state."""
        state: str = self.doc["properties"]["provisioningState"]
        return state


@dataclass(slots=True)
class HeldEndpoint(Held):
    """An endpoint with its deployments by lower-case name, its keys, and the operations under way on any of them."""

    deployments: dict[str, Held] = field(default_factory=dict)
    keys: tuple[str, str] = ("", "")
    tokens: tuple[tuple[str, float], ...] = ()
    busy: list[Operation] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One committed state of an endpoint; `endpoint` None: it was deleted."""

    time: datetime
    name: str
    endpoint: JsonObject | None
    deployments: tuple[JsonObject, ...]


@dataclass(slots=True)
class World:
    """All state. `changed`: endpoints to be persisted and routed; `jobs`: operations a backend must act on."""

    scope: Scope
    settings: Settings
    endpoints: dict[str, HeldEndpoint] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    in_flight: dict[str, Operation] = field(default_factory=dict)
    history: list[Snapshot] = field(default_factory=list)
    jobs: deque[Operation] = field(default_factory=deque)
    changed: set[str] = field(default_factory=set)
    changed_operations: set[str] = field(default_factory=set)
    ordered: list[Ordered] = field(default_factory=list)
    quota_cores: int | None = None
    counter: int = 0
    api_version: str = "2022-02-01-preview"
    backend: bool = False

    def secret(self, purpose: str) -> str:
        """The next 64 hex digits that nobody can guess who does not know the seed."""
        self.counter += 1
        return hashlib.sha256(f"{self.settings.seed}:{purpose}:{self.counter}".encode()).hexdigest()

    def guid(self) -> str:
        """The next id in GUID form."""
        text = self.secret("guid")
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:32]}"

    def commit(self, key: str, now: datetime) -> None:
        """Note that an endpoint (or a deployment of it) has a new committed document."""
        self.changed.add(key)
        if not self.settings.keep_history:
            return
        held = self.endpoints.get(key)
        docs = tuple(d.doc for d in held.deployments.values()) if held else ()
        self.history.append(Snapshot(now, key, held.doc if held else None, docs))


def with_state(doc: JsonObject, state: str) -> JsonObject:
    """The document with another provisioning state."""
    return {**doc, "properties": {**doc["properties"], "provisioningState": state}}


def touched(doc: JsonObject, now: datetime) -> JsonObject:
    """The document, last modified now."""
    return {**doc, "systemData": {**doc["systemData"], "lastModifiedAt": now.isoformat()}}


def properties(doc: JsonObject) -> dict[str, Any]:
    """The `properties` of a document or request body."""
    found: dict[str, Any] = doc["properties"]
    return found
