"""The service's rules as one synchronous object without I/O and without a clock: the fake of the law tests.

    rules = Rules()
    rules.put_endpoint("house", {"location": "eastus2", ...}, now)   # Answer(201, ...)
    rules.tick(now + timedelta(minutes=2))                           # operations that are due have ended

Every method takes the service's time, finishes first what is due by then, and answers with an `Answer`; refusals are
answers too. Bodies are ARM JSON and shared with the store: read them, never change them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from rollout.emulator import deployments, endpoint_keys, endpoints, operations
from rollout.emulator.answers import NO_HEADERS, Answer, JsonObject, Rejected
from rollout.emulator.paging import NextLink
from rollout.emulator.settings import Scope, Settings
from rollout.emulator.world import Kind, Operation, Ordered, Snapshot, World


class Rules:
    """What one workspace accepts and answers.

    With `backend`, operations that touch instances end only after `finish` has reported how it went; without, all
    end by time alone.
    """

    def __init__(self, settings: Settings | None = None, scope: Scope | None = None, *, backend: bool = False) -> None:
        self.world = World(scope or Scope(), settings or Settings(), backend=backend)

    # Endpoints

    def list_endpoints(
        self, now: datetime, query: Mapping[str, str] = NO_HEADERS, next_link: NextLink | None = None
    ) -> Answer:
        """GET `/onlineEndpoints`."""
        return self._answer(now, lambda: endpoints.listing(self.world, query, next_link))

    def get_endpoint(self, name: str, now: datetime) -> Answer:
        """GET `/onlineEndpoints/{name}`."""
        return self._answer(now, lambda: endpoints.get(self.world, name))

    def put_endpoint(self, name: str, body: Any, now: datetime) -> Answer:
        """Create, or replace as a whole."""
        return self._answer(now, lambda: endpoints.put(self.world, name, body, now))

    def patch_endpoint(self, name: str, body: Any, now: datetime) -> Answer:
        """Change tags or identity."""
        return self._answer(now, lambda: endpoints.patch(self.world, name, body, now))

    def delete_endpoint(self, name: str, now: datetime) -> Answer:
        """Delete with all deployments."""
        return self._answer(now, lambda: endpoints.delete(self.world, name, now))

    def list_keys(self, name: str, now: datetime) -> Answer:
        """POST `/listKeys`."""
        return self._answer(now, lambda: endpoint_keys.list_keys(self.world, name))

    def regenerate_keys(self, name: str, body: JsonObject, now: datetime) -> Answer:
        """POST `/regenerateKeys`."""
        return self._answer(now, lambda: endpoint_keys.regenerate(self.world, name, body, now))

    def token(self, name: str, now: datetime) -> Answer:
        """POST `/token`."""
        return self._answer(now, lambda: endpoint_keys.token(self.world, name, now))

    # Deployments

    def list_deployments(self, endpoint: str, now: datetime, query: Mapping[str, str] = NO_HEADERS) -> Answer:
        """GET `/deployments`."""
        return self._answer(now, lambda: deployments.listing(self.world, endpoint, query))

    def get_deployment(self, endpoint: str, name: str, now: datetime) -> Answer:
        """GET `/deployments/{name}`."""
        return self._answer(now, lambda: deployments.get(self.world, endpoint, name))

    def put_deployment(self, endpoint: str, name: str, body: Any, now: datetime) -> Answer:
        """Create, or replace as a whole in place."""
        return self._answer(now, lambda: deployments.put(self.world, endpoint, name, body, now))

    def patch_deployment(self, endpoint: str, name: str, body: Any, now: datetime) -> Answer:
        """Change tags or instance count."""
        return self._answer(now, lambda: deployments.patch(self.world, endpoint, name, body, now))

    def delete_deployment(self, endpoint: str, name: str, now: datetime) -> Answer:
        """Delete one without live traffic."""
        return self._answer(now, lambda: deployments.delete(self.world, endpoint, name, now))

    def skus(self, endpoint: str, name: str, now: datetime, query: Mapping[str, str] = NO_HEADERS) -> Answer:
        """GET `/deployments/{name}/skus`."""
        return self._answer(now, lambda: deployments.skus(self.world, endpoint, name, query))

    def deployment_log(self, endpoint: str, name: str) -> str:
        """What a failure that was asked for has left in the container's log. Raises `Rejected` (404)."""
        return deployments.held_deployment(self.world, endpoint, name)[1].log

    # Operations and time

    def operation(self, op_id: str, now: datetime) -> Answer:
        """One poll of an operation's status."""
        return self._answer(now, lambda: operations.status(self.world, op_id))

    def operation_result(self, op_id: str, now: datetime) -> Answer:
        """One look at what an operation made."""
        return self._answer(now, lambda: operations.result(self.world, op_id))

    def tick(self, now: datetime) -> None:
        """Finish the operations that are due."""
        if self.world.in_flight:
            operations.tick(self.world, now)

    def settle(self, now: datetime) -> datetime:
        """Let time pass until nothing is under way (without a backend). Returns the time it took until then."""
        while self.world.in_flight:
            for operation in self.world.in_flight.values():
                operation.polls = max(operation.polls, self.world.settings.min_polls)
            now = max(now, *(operation.due for operation in self.world.in_flight.values()))
            self.tick(now)
        return now

    # The backend's side

    def take_jobs(self) -> list[Operation]:
        """Operations that the backend has to act on and that nobody has taken yet."""
        jobs = list(self.world.jobs)
        self.world.jobs.clear()
        return jobs

    def finish(self, op_id: str, failure: tuple[str, str] | None, now: datetime) -> None:
        """The backend is done with an operation; `failure` is (code, message) if it could not do it."""
        operation = self.world.in_flight.get(op_id)
        if operation is None:
            return
        operation.waits = False
        operation.failure = operation.failure or failure
        operation.due = max(operation.due, now) if failure is None else min(operation.due, now)
        self.tick(now)

    def fail_next(self, kind: Kind, code: str, message: str) -> None:
        """Let the next operation of that kind end as `Failed` with this code."""
        self.world.ordered.append(Ordered(kind, code, message))

    @property
    def history(self) -> list[Snapshot]:
        """Every committed state of every endpoint, in order."""
        return self.world.history

    def _answer(self, now: datetime, act: Callable[[], Answer]) -> Answer:
        self.tick(now)
        try:
            return act()
        except Rejected as refusal:
            correlation = hashlib.md5(str(refusal).encode(), usedforsecurity=False).hexdigest()
            return refusal.answer(now, self.world.scope.location, correlation)
