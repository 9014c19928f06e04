"""Writes of the endpoint: read now, compare, change our fields, PUT everything, wait, read back.

There are no etags. What assumption A1 (the service refuses writes while one is under way) does not exclude shows
when our weights and record are read back, or at the next look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from rollout.azure import writes
from rollout.azure.paths import Paths
from rollout.azure.sending import DONE, Sender
from rollout.core import actions
from rollout.core.canonical import read_endpoint
from rollout.core.observed import Endpoint, Weights
from rollout.core.our_tags import ours
from rollout.core.progress import to_tags
from rollout.errors import Stale

_READ_BACKS: Final = 5
_OTHERS: Final = frozenset({"tags", "properties"})
_AGAIN: Final = "Run the same command again: it starts from what is there now."

Change = Callable[[dict[str, Any]], dict[str, Any]]


class Goal(msgspec.Struct, frozen=True):
    """What must be read back after a write: the split, and the tags of our record."""

    weights: Weights
    record: Mapping[str, str]

    def reached(self, endpoint: Endpoint) -> bool:
        """Whether the endpoint shows what was written."""
        return endpoint.weights == self.weights and ours(endpoint.tags) == self.record


class EndpointWriter:
    """All writes whose resource is the endpoint itself."""

    def __init__(self, sender: Sender, paths: Paths) -> None:
        self._sender = sender
        self._paths = paths

    async def create(self, action: actions.CreateEndpoint, before: Endpoint | None) -> None:
        """Create the endpoint. Raises Stale if one has appeared meanwhile."""
        spec = action.endpoint
        what = f"create endpoint {spec.name}"
        path = self._paths.endpoint(spec.name)
        location = str(spec.fields.get("location") or await self._location(what))
        body = writes.new_endpoint(spec.fields, self._paths.home, location, action.progress)
        goal = Goal(Weights(), to_tags(action.progress))

        async def look(again: bool) -> Any:
            now = await self._now(spec.name, what)
            if again and now is not None and goal.reached(now):
                return DONE
            if (now is None) != (before is None):
                raise Stale(f"{what}: it is not as it was a moment ago", hint=_AGAIN)
            return body

        await self._sender.write("PUT", path, what, look)
        await self._read_back(spec.name, goal, before, what)

    async def put(self, action: actions.SetTraffic | actions.UpdateEndpoint, before: Endpoint) -> None:
        """Weights, declared fields and the record in one PUT."""
        split = action.weights if isinstance(action, actions.SetTraffic) else before.weights
        fields = action.endpoint.fields if action.endpoint else {}

        def change(raw: dict[str, Any]) -> dict[str, Any]:
            body = writes.with_fields(writes.writable(raw), fields)
            return writes.with_record(writes.with_weights(body, split), action.progress)

        goal = Goal(split, to_tags(action.progress))
        await self._write("PUT", before, change, goal, f"update endpoint {before.name}")

    async def record(self, action: actions.Record, before: Endpoint) -> None:
        """The record alone, by a PATCH of all tags."""

        def change(raw: dict[str, Any]) -> dict[str, Any]:
            return {"tags": writes.record_tags(raw.get("tags") or {}, action.progress)}

        goal = Goal(before.weights, to_tags(action.progress) if action.progress else {})
        await self._write("PATCH", before, change, goal, f"record progress on {before.name}")

    async def expect(self, before: Endpoint, what: str) -> dict[str, Any]:
        """The endpoint's body now. Raises Stale, naming what changed, if it is not as in `before`."""
        answer = await self._sender.client.find(self._paths.endpoint(before.name), what)
        if answer.status == 404:
            raise Stale(f"{what}: the endpoint is gone", hint=_AGAIN)
        if changed := changed_since(read_endpoint(answer.body), before):
            raise Stale(f"{what}: somebody else changed the endpoint a moment ago ({', '.join(changed)})", hint=_AGAIN)
        return dict(answer.body)

    async def _write(self, method: str, before: Endpoint, change: Change, goal: Goal, what: str) -> None:
        async def look(again: bool) -> Any:
            now = await self._now(before.name, what) if again else None
            if now is not None and goal.reached(now):
                return DONE
            return change(await self.expect(before, what))

        await self._sender.write(method, self._paths.endpoint(before.name), what, look)
        await self._read_back(before.name, goal, before, what)

    async def _read_back(self, name: str, goal: Goal, before: Endpoint | None, what: str) -> None:
        """Raise Stale unless the endpoint shows what was written. An old answer is asked for again."""
        for attempt in range(_READ_BACKS):
            await asyncio.sleep(self._sender.pace.first * attempt)
            now = await self._now(name, what)
            if now is not None and goal.reached(now):
                return
            late = now is None if before is None else now is not None and same(now, before)
            if not late:
                break
        raise Stale(f"{what}: reading it back shows something else than was written", hint=_AGAIN)

    async def _now(self, name: str, what: str) -> Endpoint | None:
        answer = await self._sender.client.find(self._paths.endpoint(name), what)
        return None if answer.status == 404 else read_endpoint(answer.body)

    async def _location(self, what: str) -> str:
        return str((await self._sender.client.get(self._paths.home, what)).body["location"])


def changed_since(now: Endpoint, before: Endpoint) -> tuple[str, ...]:
    """What we depend on and is not as it was: the split, our record, the endpoint's own fields. The tags and properties
    of others come and go."""
    parts = {
        "traffic": now.weights.traffic != before.weights.traffic,
        "mirror": now.weights.mirror != before.weights.mirror,
        "rollout's tags": ours(now.tags) != ours(before.tags),
    }
    names = sorted({*now.fields, *before.fields} - _OTHERS)
    parts |= {name: now.fields.get(name) != before.fields.get(name) for name in names}
    return tuple(name for name, changed in parts.items() if changed)


def same(now: Endpoint, before: Endpoint) -> bool:
    """Whether the split and our record are what they were."""
    return now.weights == before.weights and ours(now.tags) == ours(before.tags)
