"""`rollout rehearse`: a plan walked to its end, offline, before anybody has credentials for anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from rollout.cli import exits, options
from rollout.cli.guessing import hint_for
from rollout.cli.options import Output
from rollout.cli.printing import publish_value
from rollout.core.decision import Status
from rollout.core.rehearsal import Moment, Rehearsal, nothing, rehearse, served_before
from rollout.core.release import Release
from rollout.errors import UsageError
from rollout.plan.load import find_plans, load_release
from rollout.render import words
from rollout.render.document import FORMAT_VERSION
from rollout.render.simulated import clock
from rollout.render.styled import Line, line, spans

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
    plan with fixed names, and any plan with --first, begins with nothing.
    """
    found = find_plans(plans)
    if not found:
        raise UsageError(f"no plan in {', '.join(map(str, plans))}", hint="a plan has `version:` and `stages:`")
    releases = [load_release(path, overlay=options.overlay_for(path)).release for path in found]
    _must_have(releases, failing)
    walks = [(release, walked(release, failing, first=first)) for release in releases]
    told = {"format_version": FORMAT_VERSION, "plans": [_document(release, walk) for release, walk in walks]}
    publish_value(told, [text for release, walk in walks for text in lines(release, walk)], outputs)
    return exits.OK


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
    for moment in walk.moments:
        sign, text = _told(moment)
        yield spans((f"  {clock(moment.at):>9}  {sign} {text}", "bad" if sign == "✗" else ""))
    yield spans((f"  {clock(walk.seconds):>9}  ", ""), _end(walk))
    most = f"at most {walk.most_instances} instances at once"
    yield line(f"  {walk.writes} writes, {most}; traffic ends {words.split(walk.weights)}")
    yield line()


def _told(moment: Moment) -> tuple[str, str]:
    if moment.action is not None:
        return "→", f"{words.target_of(moment.action) or 'endpoint'}: {words.action_text(moment.action)}"
    assert moment.gate is not None, "a moment is an action or a gate"
    assert moment.verdict is not None, "a gate has a verdict"
    failed = moment.verdict.outcome.value == "FAIL"
    return ("✗" if failed else "✓"), f"{moment.gate.name} {'fails' if failed else 'passes'}, it is assumed"


def _end(walk: Rehearsal) -> tuple[str, Any]:
    done = walk.last.status is Status.DONE
    return f"{'done' if done else walk.last.status.value}: {walk.last.reason}", "good" if done else "warn"


def _document(release: Release, walk: Rehearsal) -> dict[str, Any]:
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
