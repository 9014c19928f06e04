"""`rollout rehearse`: a plan walked to its end, offline, before anybody has credentials for anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from rollout.cli import exits, options
from rollout.cli.guessing import hint_for
from rollout.cli.options import Output
from rollout.cli.printing import publish_value
from rollout.core.actions import CreateEndpoint, UpdateEndpoint
from rollout.core.decision import Status
from rollout.core.rehearsal import Moment, Rehearsal, nothing, rehearse, served_before
from rollout.core.release import Release
from rollout.errors import UsageError
from rollout.plan.load import find_fleets, find_plans, load_release
from rollout.render import words
from rollout.render.document import FORMAT_VERSION
from rollout.render.simulated import clock
from rollout.render.styled import Line, line, spans

if TYPE_CHECKING:  # only where there is one
    from rollout.cli.rehearse_fleet import FleetWalk

_ITS: Final = "(its own name)"
_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Any day: what is imagined does not depend on it."""


@click.command("rehearse")
@click.argument("plans", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.layers
@options.option("--fail", "failing", default="", metavar="STAGE", help="Let the gate with this name fail.")
@options.option("--first", is_flag=True, help="From nothing, instead of over an earlier release.")
@options.plain_output
def rehearse_(plans: tuple[Path, ...], failing: str, first: bool, outputs: tuple[Output, ...]) -> int:
    """Walk PLANS (files, or folders that are searched) to their end, offline: what is done when.

    The world is imagined: every gate passes (but that of --fail), operations take as long as recorded of the service. A
    plan with fixed names, and any plan with --first, begins with nothing. Of a fleet the waves in their turn, then what
    its members go through, once for all that go the same way.
    """
    walks, fleets = rehearsed(plans, options.overlay_for, failing, first=first)
    if not (walks or fleets):
        raise UsageError(f"no plan in {', '.join(map(str, plans))}", hint="a plan has `version:` and `stages:`")
    told = {
        "format_version": FORMAT_VERSION,
        "plans": [walk_document(release, walk) for release, walk in walks],
        "fleets": [fleet.document for fleet in fleets],
    }
    shown = [text for release, walk in walks for text in lines(release, walk)]
    publish_value(told, [*shown, *(text for fleet in fleets for text in fleet.lines)], outputs)
    return exits.OK


def rehearsed(
    paths: Sequence[Path], overlay_for: Callable[[Path], Path | None], failing: str = "", *, first: bool = False
) -> tuple[list[tuple[Release, Rehearsal]], list[FleetWalk]]:
    """The walks of the plans and of the fleets among files and folders. Raises PlanError, and UsageError where none of
    them has a stage `failing`."""
    found = find_fleets(paths)
    plans = [load_release(path, overlay=overlay_for(path)).release for path in find_plans(paths) if path not in found]
    if not found:
        _must_have(plans, failing)
        return [(plan, walked(plan, failing, first=first)) for plan in plans], []
    from rollout.cli.rehearse_fleet import fleet_walked  # only where there is one: start-up time
    from rollout.plan.fleet_files import inspect_fleet

    fleets = [inspect_fleet(path, overlay_for=overlay_for) for path in found]
    members = [loaded.release for fleet in fleets for loaded in fleet.loaded.values()]
    _must_have([*plans, *members], failing)
    walks = [fleet_walked(fleet, _DAY, failing, first=first) for fleet in fleets]
    return [(plan, walked(plan, failing, first=first)) for plan in plans], walks


def walked(release: Release, failing: str = "", *, first: bool = False) -> Rehearsal:
    """The walk of one plan; with `first` from nothing."""
    fixed = release.literal is not None
    return rehearse(release, nothing(_DAY) if first or fixed else served_before(release, _DAY), failing)


def _must_have(releases: Sequence[Release], failing: str) -> None:
    names = list(dict.fromkeys(stage.name for release in releases for stage in release.stages))
    if failing and failing not in names:
        raise UsageError(f"no plan here has a stage {failing}", hint=hint_for(failing, names, "there are"))


def lines(release: Release, walk: Rehearsal) -> Iterator[Line]:
    """What is printed of one walk."""
    yield spans((release.name, "title"), (f"  endpoint {release.endpoint.name}, imagined", ""))
    yield from walk_lines(walk)


def walk_lines(walk: Rehearsal, shared: str = "") -> Iterator[Line]:
    """The same without whose it is; `shared`: as the way of others, too, beside the endpoint of that name."""
    for moment in walk.moments:
        sign, text = _told(moment, shared)
        yield spans((f"  {clock(moment.at):>9}  {sign} {text}", "bad" if sign == "✗" else ""))
    yield spans((f"  {clock(walk.seconds):>9}  ", ""), _end(walk))
    most = f"at most {walk.most_instances} instances at once"
    yield line(f"  {walk.writes} writes, {most}; traffic ends {words.split(walk.weights)}")
    yield line()


def _told(moment: Moment, shared: str = "") -> tuple[str, str]:
    if shared and isinstance(moment.action, CreateEndpoint | UpdateEndpoint):
        return "→", f"endpoint: {words.action_text(moment.action).replace(shared, _ITS)}"
    if moment.action is not None:
        return "→", f"{words.target_of(moment.action) or 'endpoint'}: {words.action_text(moment.action)}"
    assert moment.gate is not None, "a moment is an action or a gate"
    assert moment.verdict is not None, "a gate has a verdict"
    failed = moment.verdict.outcome.value == "FAIL"
    return ("✗" if failed else "✓"), f"{moment.gate.name} {'fails' if failed else 'passes'}, it is assumed"


def way_of(walk: Rehearsal, endpoint: str) -> tuple[tuple[float, str], ...]:
    """When something happens, and what, as any other endpoint would have it."""
    return tuple((moment.at, _told(moment, endpoint)[1]) for moment in walk.moments)


def _end(walk: Rehearsal) -> tuple[str, Any]:
    done = walk.last.status is Status.DONE
    return f"{'done' if done else walk.last.status.value}: {walk.last.reason}", "good" if done else "warn"


def walk_document(release: Release, walk: Rehearsal) -> dict[str, Any]:
    """What programs read of one walk."""
    return {
        "plan": release.name,
        "endpoint": release.endpoint.name,
        "moments": [_moment(moment) for moment in walk.moments],
        "status": walk.last.status.value,
        "reason": walk.last.reason,
        "seconds": walk.seconds,
        "writes": walk.writes,
        "most_instances": walk.most_instances,
        "traffic": dict(walk.weights.traffic),
    }


def _moment(moment: Moment) -> dict[str, Any]:
    sign, text = _told(moment)
    kind = "action" if sign == "→" else "gate"
    return {"at": moment.at, "kind": kind, "text": text, "traffic": dict(moment.weights.traffic)}
