"""Runs under way in a workspace, by the endpoints' own tags: to find those whose plan is gone, or cannot be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from rollout.cli.context import knows_commit
from rollout.cli.place import Place
from rollout.cli.session import Doors
from rollout.cli.targets import resolve
from rollout.core.observed import Endpoint
from rollout.core.progress import Progress, Run, from_tags
from rollout.errors import PlanError, RolloutError
from rollout.plan.load import Target
from rollout.plan.loader import load_file

_NAME: Final = re.compile(r"^name\s*:\s*[\"']?([A-Za-z0-9-]+)", re.MULTILINE)


class UnderWay(msgspec.Struct, frozen=True, kw_only=True):
    """A run that an endpoint's tags tell of: the plan and commit that it belongs to, and how far it is."""

    endpoint: Endpoint
    plan: str
    commit: str
    run: Run

    def __str__(self) -> str:
        slot = self.run.slot
        live, copied = self.endpoint.weights.live(slot), self.endpoint.weights.mirrored(slot)
        mirror = f" and {copied} % mirrored" if copied else ""
        return f"{self.endpoint.name}, its run of {self.run.goal[:10]}: {slot} has {live} %{mirror}"


async def runs_in(place: Place, doors: Doors) -> tuple[UnderWay, ...]:
    """Every run under way in that workspace; one read."""
    listed = await (await doors.session(place)).census.endpoints()
    found = []
    for endpoint in listed:
        record = from_tags(endpoint.tags)
        if isinstance(record, Progress) and record.under_way is not None:
            found.append(UnderWay(endpoint=endpoint, plan=record.plan, commit=record.commit, run=record.under_way))
    return tuple(found)


async def run_of_unreadable(plan: Path, flag: str | None, doors: Doors) -> UnderWay | None:
    """The run of a plan that is not valid any more, as far as its name and its workspace can still be told."""
    loaded = load_file(plan)
    data = loaded.data if isinstance(loaded.data, Mapping) else {}
    named = _NAME.search(loaded.source.text)
    name = str(data.get("name") or (named[1] if named else ""))
    try:
        place = resolve(flag, _target(data.get("target")))
        found = await runs_in(place, doors) if name else ()
    except RolloutError:
        return None  # the plan's own faults are what is told
    return next((one for one in found if one.plan == name), None)


def belongs_here(one: UnderWay, folder: Path) -> bool:
    """Whether the plan of that run was once in this repository; a run of another one is not ours to report."""
    return not one.commit or knows_commit(folder, one.commit)


def told_with(error: PlanError, run: UnderWay | None) -> str:
    """Why that plan was not carried on, and that its run is held."""
    if run is None:
        return str(error)
    return f"the plan is not valid, and holds {run}; what serves stays as it is until the plan is mended\n{error}"


def _target(value: Any) -> Target | None:
    if not isinstance(value, Mapping):
        return None
    parts = {key: str(value.get(key) or "") for key in ("subscription_id", "resource_group", "workspace")}
    return Target(**parts) if all(parts.values()) else None
