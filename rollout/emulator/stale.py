"""Eventual consistency on demand: the answer to a GET as it was before the last change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rollout.emulator.answers import Answer, deployment_missing, endpoint_missing
from rollout.emulator.settings import Scope
from rollout.emulator.world import Snapshot


class Earlier:
    """The last two committed states of each endpoint."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Snapshot | None, Snapshot]] = {}

    def note(self, shot: Snapshot) -> None:
        """Remember a committed state."""
        before = self._kept.get(shot.name)
        self._kept[shot.name] = (before[1] if before else None, shot)

    def before(self, endpoint: str) -> Snapshot | None:
        """The state before the last change; None: there was none, or it is not known."""
        pair = self._kept.get(endpoint)
        return pair[0] if pair else None


def stale_answer(earlier: Earlier, scope: Scope, now: datetime, given: Answer) -> Answer:
    """The earlier form of an answer about an endpoint or a deployment; others are left as they are."""
    body: Any = given.body
    if given.status != 200 or not isinstance(body, dict) or "/onlineEndpoints/" not in str(body.get("id", "")):
        return given
    endpoint, _, deployment = body["id"].partition("/onlineEndpoints/")[2].partition("/deployments/")
    shot = earlier.before(endpoint.lower())
    workspace = scope.workspace
    if not deployment:
        found = shot.endpoint if shot else None
        missing = endpoint_missing(endpoint, workspace)
    else:
        docs = shot.deployments if shot else ()
        found = next((doc for doc in docs if doc["name"] == body["name"]), None)
        missing = deployment_missing(deployment, endpoint, workspace)
    if found is None:
        refused = missing.answer(now, scope.location, "0" * 32)
        return Answer(404, refused.body, given.headers)
    return Answer(200, found, given.headers)
