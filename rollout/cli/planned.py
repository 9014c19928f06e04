"""Many plans at once: read, told apart by their endpoints, and done a few at a time, with fairness."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from rollout.cli.approving import Saved
from rollout.cli.context import commit
from rollout.cli.place import Place
from rollout.cli.session import load
from rollout.cli.targets import resolve
from rollout.core.shards import Shard
from rollout.core.turns import Turns
from rollout.errors import RolloutError, UsageError
from rollout.plan.load import LoadedPlan, Target

Done = TypeVar("Done")


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One plan of many, as far as it could be read: then `loaded` and `place` are there, otherwise `fault` is.

    `key` is its endpoint's ARM id in lower case, or its path where nobody can tell; `given` what was approved.
    """

    path: Path
    key: str
    loaded: LoadedPlan | None = None
    place: Place | None = None
    given: Saved | None = None
    fault: RolloutError | None = None

    @property
    def owner(self) -> str:
        """The subscription: what Resource Manager's limits are about."""
        return self.place.target.subscription_id.lower() if self.place is not None else ""


class Reader:
    """Reads plans one after the other; what is the same for many is found out once. `expected` are approved change
    sets by the file of their plan."""

    def __init__(self, target: str | None, expected: Mapping[Path, Saved]) -> None:
        self._target = target
        self._expected = expected
        self._places: dict[Target | None, Place] = {}
        self._commits: dict[Path, str] = {}

    def read(self, path: Path) -> Planned:
        """The plan; what is wrong with it is its `fault`."""
        given = self._expected.get(path.resolve()) if self._expected else None
        approval = given.approved if given else None
        try:
            loaded = load(path, given.overlay if given else None, approval.digest if approval else "", self._commit)
            place = self._place(loaded)
        except RolloutError as error:
            return Planned(path=path, key=path.as_posix(), given=given, fault=error)
        key = place.target.paths.endpoint(loaded.release.endpoint.name).lower()
        return Planned(path=path, key=key, loaded=loaded, place=place, given=given)

    def _place(self, loaded: LoadedPlan) -> Place:
        wish = None if self._target else loaded.target
        if (known := self._places.get(wish)) is None:
            known = self._places[wish] = resolve(self._target, loaded.target)
        return known

    def _commit(self, path: Path) -> str:
        if (known := self._commits.get(path.parent)) is None:
            known = self._commits[path.parent] = commit(path)
        return known


def one_for_each(planned: Sequence[Planned]) -> Iterator[Planned]:
    """The same plans; those that are about one and the same endpoint are refused, all of them."""
    by_key: dict[str, list[Path]] = defaultdict(list)
    for one in planned:
        by_key[one.key].append(one.path)
    for one in planned:
        others = [str(path) for path in by_key[one.key] if path != one.path]
        if one.loaded is None or not others:
            yield one
            continue
        name = one.loaded.release.endpoint.name
        fault = UsageError(
            f"{one.path} and {', '.join(others)} are about the same endpoint, {name}: {one.key}",
            hint="an endpoint has one plan; nothing was written for any of them",
        )
        yield Planned(path=one.path, key=one.key, place=one.place, fault=fault)


def in_shard(planned: Sequence[Planned], shard: Shard | None) -> list[Planned]:
    """Those of this shard: all plans of one endpoint are in the same one."""
    return [one for one in planned if shard is None or shard.holds(one.key)]


async def each(
    planned: Sequence[Planned],
    work: Callable[[Planned], Awaitable[Done]],
    *,
    parallel: int,
    done: Callable[[Done], None] = lambda result: None,
) -> list[Done]:
    """The results in the order of the plans; `done` hears of each as soon as it is there.

    At most `parallel` are under way, shared out evenly among subscriptions. `work` tells what goes wrong as a result:
    what it raises ends all.
    """
    turns: Turns[int] = Turns()
    for number, one in enumerate(planned):
        turns.add(one.owner, number)
    results: dict[int, Done] = {}

    async def worker() -> None:
        while (turn := turns.take()) is not None:
            owner, number = turn
            results[number] = await work(planned[number])
            turns.done(owner)
            done(results[number])

    async with asyncio.TaskGroup() as group:
        for _ in range(min(parallel, len(planned))):
            group.create_task(worker())
    return [results[number] for number in range(len(planned))]
