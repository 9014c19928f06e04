"""`rollout rehearse` of a fleet: its waves, then what each member goes through, once for all that go the same way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from rollout.cli.rehearse import walk_document, walk_lines, walked, way_of
from rollout.core.fleet import FleetPlan
from rollout.core.fleet_rehearsal import Event, FleetMoment, FleetRehearsal, rehearse_fleet
from rollout.core.rehearsal import Rehearsal
from rollout.core.release import Release
from rollout.plan.fleet_files import Inspected
from rollout.render.simulated import clock
from rollout.render.styled import Line, line, plural, spans

_WORDS: Final[Mapping[Event, tuple[str, str, str]]] = {
    "begins": ("→", "begins", "begin"),
    "released": ("✓", "is released", "are released"),
    "failed": ("✗", "fails", "fail"),
    "held": ("!", "is held", "are held"),
    "taken back": ("←", "goes back", "go back"),
}
_NAMED: Final = 20


class FleetWalk(msgspec.Struct, frozen=True, kw_only=True):
    """A fleet's walk, with those of its members."""

    path: Path
    plan: FleetPlan
    releases: Mapping[str, Release]
    walks: Mapping[str, Rehearsal]
    whole: FleetRehearsal

    @property
    def lines(self) -> Iterator[Line]:
        """What is printed of it."""
        return _lines(self)

    @property
    def document(self) -> dict[str, Any]:
        """What programs read of it: each way once, with the members that go it."""
        return _document(self)


def fleet_walked(found: Inspected, start: datetime, failing: str = "", *, first: bool = False) -> FleetWalk:
    """The walk of a fleet; the gate `failing` fails in every member that has it."""
    releases = {name: loaded.release for name, loaded in found.loaded.items()}
    walks = {name: walked(release, failing, first=first) for name, release in releases.items()}
    whole = rehearse_fleet(found.plan, walks, start)
    return FleetWalk(path=found.path, plan=found.plan, releases=releases, walks=walks, whole=whole)


def _lines(walk: FleetWalk) -> Iterator[Line]:
    told = f"{plural(len(walk.plan.waves), 'wave')}, {plural(len(walk.walks), 'member')}, imagined"
    yield spans((walk.plan.name, "title"), (f"  {told}", ""))
    for moment in walk.whole.moments:
        yield _moment(moment)
    last, end = walk.whole.last, clock(walk.whole.seconds)
    yield spans((f"  {end:>9}  ", ""), (f"{last.status.value}: {last.reason}", "warn" if last.failed else "good"))
    yield line()
    for names in _groups(walk):
        where = "from where each of them begins" if len(names) > 1 else "from where it begins"
        yield spans(("  " + _names(names), "title"), (f"  {where}", ""))
        shared = walk.releases[names[0]].endpoint.name if len(names) > 1 else ""
        yield from walk_lines(walk.walks[names[0]], shared)


def _document(walk: FleetWalk) -> dict[str, Any]:
    whole = walk.whole
    return {
        "fleet": walk.plan.name,
        "file": str(walk.path),
        "waves": [{"name": wave.name, "after": wave.after, "members": wave.members} for wave in walk.plan.waves],
        "moments": [msgspec.to_builtins(moment) for moment in whole.moments],
        "status": whole.last.status.value,
        "reason": whole.last.reason,
        "seconds": whole.seconds,
        "ways": [{"members": names, **_way(walk, names[0])} for names in _groups(walk)],
    }


def _way(walk: FleetWalk, name: str) -> dict[str, Any]:
    return walk_document(walk.releases[name], walk.walks[name])


def _groups(walk: FleetWalk) -> list[list[str]]:
    """The members that go the same way, in the order of the file."""
    found: dict[tuple[object, ...], list[str]] = {}
    for wave in walk.plan.waves:
        for name in wave.members:
            one = walk.walks[name]
            way = way_of(one, walk.releases[name].endpoint.name)
            found.setdefault((way, one.last.reason), []).append(name)
    return list(found.values())


def _moment(moment: FleetMoment) -> Line:
    sign, one, many = _WORDS[moment.event]
    text = f"{moment.wave}: {_names(moment.members)} {one if len(moment.members) == 1 else many}"
    return spans((f"  {clock(moment.at):>9}  {sign} {text}", "bad" if sign == "✗" else ""))


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
