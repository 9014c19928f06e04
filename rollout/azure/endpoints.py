"""Writes of the endpoint: read (unless the look was a moment ago), compare, change our fields, PUT everything, wait,
read back.

There are no etags. What assumption A1 (the service refuses writes while one is under way) does not exclude shows
when our weights and record are read back, or at the next look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from rollout.azure import writes
from rollout.azure.paths import Paths
from rollout.azure.recent import ReadBack, Recent
from rollout.azure.sending import DONE, Sender
from rollout.azure.wire import clock
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
    """All writes whose resource is the endpoint itself. `home` reads the workspace's region."""

    def __init__(self, sender: Sender, paths: Paths, recent: Recent, home: Callable[[], Awaitable[str]]) -> None:
        self._sender = sender
        self._paths = paths
        self._recent = recent
        self._home = home

    async def create(self, action: actions.CreateEndpoint, before: Endpoint | None) -> None:
        """Create the endpoint. Raises Stale if one has appeared meanwhile."""
        spec = action.endpoint
        what = f"create endpoint {spec.name}"
        path = self._paths.endpoint(spec.name)
        location = str(spec.fields.get("location") or await self._home())
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

    async def expect(self, before: Endpoint, what: str, *, again: bool = False) -> dict[str, Any]:
        """The endpoint's body now; that of the look itself where it was made a moment ago, but for a repetition.

        Raises Stale, naming what changed, if it is not as in `before`.
        """
        if not again and (seen := self._recent.endpoint(before)) is not None:
            return dict(seen)
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
            return change(await self.expect(before, what, again=again))

        await self._sender.write(method, self._paths.endpoint(before.name), what, look)
        await self._read_back(before.name, goal, before, what)

    async def _read_back(self, name: str, goal: Goal, before: Endpoint | None, what: str) -> None:
        """Raise Stale unless the endpoint shows what was written. An old answer is asked for again."""
        for attempt in range(_READ_BACKS):
            await asyncio.sleep(self._sender.pace.first * attempt)
            answer = await self._sender.client.find(self._paths.endpoint(name), what)
            now = None if answer.status == 404 else read_endpoint(answer.body)
            if now is not None and goal.reached(now):
                self._recent.wrote(name, ReadBack(answer.body, answer.date, clock()))
                return
            late = now is None if before is None else now is not None and same(now, before)
            if not late:
                break
        raise Stale(f"{what}: reading it back shows something else than was written", hint=_AGAIN)

    async def _now(self, name: str, what: str) -> Endpoint | None:
        answer = await self._sender.client.find(self._paths.endpoint(name), what)
        return None if answer.status == 404 else read_endpoint(answer.body)


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
