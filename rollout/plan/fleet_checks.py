"""What must hold between the parts of a fleet: its waves come to an end, and every endpoint is there once."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rollout.errors import Fault
from rollout.plan.layers import PlanFile
from rollout.plan.load import LoadedPlan
from rollout.plan.positions import Path as Place

if TYPE_CHECKING:
    from rollout.plan.fleet_models import FleetModel

_MOST_CYCLES: Final = 10
"""So many are told; who breaks them may find others."""


def waiting_waves(file: PlanFile, model: FleetModel) -> Iterator[Fault]:
    """Names that are there twice or not at all, and waves that wait for each other."""
    names = [wave.name for wave in model.waves]
    for index, wave in enumerate(model.waves):
        if wave.name in names[:index]:
            yield file.fault("PLAN603", ("waves", index, "name"), f"there is a wave `{wave.name}` already")
        for number, name in enumerate(wave.after or ()):
            if name not in names:
                close = difflib.get_close_matches(name, names, 1)
                yield file.fault(
                    "PLAN602",
                    _written(file, index, number),
                    f"there is no wave `{name}`",
                    expected="one of " + ", ".join(names),
                    hint=f"did you mean `{close[0]}`?" if close else "",
                )
    yield from _cycles(file, model)


def _cycles(file: PlanFile, model: FleetModel) -> Iterator[Fault]:
    """Each cycle once, told at the wave of it that stands first in the file."""
    after = _after(model)
    told: set[frozenset[str]] = set()
    for name in after:
        cycle = _way_back(name, after)
        if cycle is None or frozenset(cycle) in told:
            continue
        if len(told) == _MOST_CYCLES:
            return
        told.add(frozenset(cycle))
        index = next(index for index, wave in enumerate(model.waves) if wave.name == name)
        written = model.waves[index].after
        place: Place = ("waves", index) if written is None else _written(file, index, written.index(cycle[1]))
        yield file.fault(
            "PLAN601",
            place,
            f"these waves wait for each other: {' → '.join(cycle)}",
            expected="waves that can be put into an order",
            hint="a wave without `after` comes after the one written before it; `after: []` comes first",
        )


def _written(file: PlanFile, wave: int, number: int) -> Place:
    """Where one name of an `after` stands, which may be a list or one name alone."""
    place: Place = ("waves", wave, "after")
    return (*place, number) if isinstance(file.data["waves"][wave]["after"], list) else place


def _after(model: FleetModel) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    before: tuple[str, ...] = ()
    for wave in model.waves:
        found.setdefault(wave.name, before if wave.after is None else tuple(dict.fromkeys(wave.after)))
        before = (wave.name,)
    return found


def _way_back(start: str, after: Mapping[str, Sequence[str]]) -> list[str] | None:
    """The shortest way from a wave to itself, both ends named; None where there is none."""
    ways = [[start, name] for name in after[start]]
    seen: set[str] = set()
    for way in ways:  # it grows while it is read: breadth first
        if way[-1] == start:
            return way
        if way[-1] not in seen:
            seen.add(way[-1])
            ways += [[*way, name] for name in after.get(way[-1], ())]
    return None


def missing_plans(file: PlanFile, model: FleetModel) -> Iterator[Fault]:
    """Members that nobody says the plan of."""
    if model.template is not None:
        return
    for index, wave in enumerate(model.waves):
        for number, member in enumerate(wave.members):
            if member.plan is None:
                yield file.fault(
                    "PLAN605",
                    ("waves", index, "members", number),
                    "nobody says which plan this is",
                    expected="`plan:` here, or `template:` in the fleet",
                )


def by_endpoint(file: PlanFile, members: Sequence[tuple[Place, LoadedPlan]]) -> Iterator[Fault]:
    """Endpoints and names that are there twice. Two endpoints of one name are two only where both say a workspace."""
    names: dict[str, Place] = {}
    endpoints: dict[tuple[str, object], Place] = {}
    for at, loaded in members:
        release = loaded.release
        first = names.setdefault(release.name, at)
        if first is not at:
            yield _twice(file, at, f"the member `{release.name}`", first)
            continue
        first = endpoints.setdefault((release.endpoint.name, loaded.target), at)
        if first is not at:
            yield _twice(file, at, f"the endpoint `{release.endpoint.name}`", first)


def _twice(file: PlanFile, at: Place, what: str, first: Place) -> Fault:
    line = file.fault("PLAN604", first, "").line
    return file.fault(
        "PLAN604",
        at,
        f"{what} is there already, in line {line}",
        expected="each endpoint once, each member with a name of its own",
    )
