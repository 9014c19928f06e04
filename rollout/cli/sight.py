"""One look at a rollout with all that can be seen of it: for the dashboard, the report and `status --watch`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from rollout.cli import ending
from rollout.cli.authors import with_authors
from rollout.cli.session import CREATES, Session, report_on
from rollout.cli.sourcing import with_sources
from rollout.core.history import history
from rollout.core.observed import Endpoint, Observation
from rollout.core.progress import Progress
from rollout.core.release import Traffic
from rollout.core.splits import configured
from rollout.errors import RolloutError
from rollout.gates.looking_back import look
from rollout.plan.load import LoadedPlan
from rollout.ports import Reading
from rollout.render.document import Measurement
from rollout.render.from_report import document, measurement
from rollout.render.report import Report
from rollout.render.story import Split, Story

BEFORE: Final = timedelta(minutes=20)
"""So much of the time before a run is shown with it."""
LEAST: Final = timedelta(hours=1)
_GRAINS: Final = (60.0, 300.0, 900.0, 1800.0, 3600.0, 21600.0, 86400.0)
"""Spans that Azure Monitor adds up to, in seconds."""
_MOST_POINTS: Final = 200


async def story(session: Session, loaded: LoadedPlan, saved: Iterable[Measurement] = ()) -> Story:
    """Look at the plan's endpoint. `saved`: what gates said before, which nobody can ask again."""
    seen = await session.plane.observe(loaded.release.endpoint.name)
    return await story_of(session, loaded, seen, saved)


async def story_of(session: Session, loaded: LoadedPlan, seen: Observation, saved: Iterable[Measurement] = ()) -> Story:
    """The same after that look."""
    loaded = await with_sources(session, loaded, seen)
    report = await with_authors(report_on(session, loaded, seen, frozenset({CREATES})), session.activity)
    decision = report.changes.decision
    report = msgspec.structs.replace(report, command="status", exit_code=ending.of_look(report.changes, detailed=True))
    shown = {one.gate: one for one in saved}
    for judged in await look(session.sources, seen, decision, frozenset(shown)):
        shown.pop(judged.gate.name, None)
        shown[judged.gate.name] = measurement(judged.gate.name, judged.verdict)
    told = Story(
        document=document(report),
        place=session.place.label,
        events=history(seen.endpoint) if seen.endpoint else (),
        weights=tuple(view.stage.weight if isinstance(view.stage, Traffic) else None for view in decision.stages),
        splits=_splits(report),
        measurements=tuple(shown.values()),
    )
    return told if seen.endpoint is None else await _with_readings(session, told, seen.endpoint, report)


async def _with_readings(session: Session, told: Story, endpoint: Endpoint, report: Report) -> Story:
    """With what was served; a source that does not answer is said, and is no failure of the look."""
    now = report.observation.now
    start = _start(report.progress, now)
    grain = grain_of(now - start)
    readings: tuple[Reading, ...] = ()
    untold = ""
    try:
        found = await session.telemetry.readings(endpoint, start, now, grain)
        readings = tuple(one for one in found if one.at + timedelta(seconds=grain) <= now)
    except RolloutError as error:
        untold = str(error)
    return msgspec.structs.replace(told, readings=readings, grain=grain, start=start, untold=untold)


def _start(progress: object, now: datetime) -> datetime:
    """A little before the run began, or before the oldest line of the history; never less than an hour ago."""
    known = [entry.at for entry in progress.history] if isinstance(progress, Progress) else []
    if isinstance(progress, Progress) and progress.run is not None and progress.run.started is not None:
        known = [progress.run.started]
    return min([*(at - BEFORE for at in known), now - LEAST])


def grain_of(span: timedelta) -> float:
    """The finest span of readings that does not give too many of them; seconds."""
    return next((one for one in _GRAINS if span.total_seconds() / one <= _MOST_POINTS), _GRAINS[-1])


def _splits(report: Report) -> tuple[Split, ...]:
    if not isinstance(report.progress, Progress):
        return ()
    found = configured(report.release.stages, report.progress)
    return tuple(Split(at=entry.at, what=entry.what, traffic=dict(split.traffic)) for entry, split in found)
