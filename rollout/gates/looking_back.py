"""What the checks of bakes show now, or showed when they were over: for people who look, without any request to the
endpoint itself.

Nothing is stored of a verdict; the instants of each are on record in the endpoint's history, as far as it reaches back.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from rollout.core.decision import Decision, StageState, StageView
from rollout.core.evidence.recorded import Span
from rollout.core.evidence.verdicts import Sides
from rollout.core.gate_bodies import Bake, Evidence, Metric
from rollout.core.observed import Endpoint, Observation, weights
from rollout.core.progress import Progress, Transition, from_tags
from rollout.core.release import Gate, Mirror, Traffic
from rollout.core.splits import promoted_in
from rollout.core.verdict import Verdict
from rollout.gates.evidence import judged, seconds_back, span_between
from rollout.ports import MetricSources


class Seen(msgspec.Struct, frozen=True):
    """A gate, and what its checks show; `over`: it will not show anything else any more."""

    gate: Gate
    verdict: Verdict
    over: bool = False


class _Question(msgspec.Struct, frozen=True):
    gate: Gate
    wanted: Evidence
    span: Span
    stage: Traffic | Mirror
    over: bool

    def then(self, endpoint: Endpoint, sides: Sides) -> Endpoint:
        """The endpoint with the split that was configured then."""
        match self.stage:
            case Traffic(weight=weight):
                split = weights({sides.candidate: weight, sides.stable: 100 - weight})
            case Mirror(weight=weight):
                split = weights({sides.stable: 100}, {sides.candidate: weight})
        return msgspec.structs.replace(endpoint, weights=split)


async def look(
    sources: MetricSources, observation: Observation, decision: Decision, known: frozenset[str] = frozenset()
) -> tuple[Seen, ...]:
    """Every gate with checks that this run has reached, in the plan's order, but for those (by name) that are `known`
    and over. Raises nothing: a source that fails is a finding."""
    endpoint = observation.endpoint
    progress = from_tags(endpoint.tags) if endpoint else None
    if endpoint is None or not isinstance(progress, Progress) or (sides := _sides(progress)) is None:
        return ()
    found = []
    for question in _questions(progress, decision, observation.now):
        if not (question.over and question.gate.name in known):
            verdict = await judged(sources, question.wanted, question.then(endpoint, sides), sides, question.span)
            found.append(Seen(question.gate, verdict, question.over))
    return tuple(found)


def _sides(progress: Progress) -> Sides | None:
    """Whom the last run compared: with the run, or what became of it when it was promoted."""
    promoted, former = progress.promoted, progress.former
    if promoted is not None and progress.run is not None:
        return Sides(promoted.name, progress.run.slot)
    return None if promoted is None or former is None else Sides(former.name, promoted.name)


def _questions(progress: Progress, decision: Decision, now: datetime) -> Iterator[_Question]:
    """The bakes that were reached, each with its instants. A history that was cut may lack them."""
    steps, exposed = _steps(progress, decision)
    since: Transition | None = None
    stage: Traffic | Mirror = Traffic(name="", weight=0)
    for view in decision.stages:
        match view.stage:
            case Traffic(name=name) | Mirror(name=name) as found if name in steps:
                since, stage = steps[name], found
            case Gate(body=Bake(evidence=Evidence() as wanted) | Metric(evidence=wanted) as body) as gate:
                start = since.at if since and wanted.fresh else exposed
                if since is not None and start is not None and wanted.checks and _reached(view):
                    end, over = _end(progress, since, now)
                    span = span_between(wanted, start, since.at, end, seconds_back(body))
                    yield _Question(gate, wanted, span, stage, over)


def _reached(view: StageView) -> bool:
    return view.state in (StageState.ACTIVE, StageState.SATISFIED, StageState.FAILED)


def _steps(progress: Progress, decision: Decision) -> tuple[dict[str, Transition], datetime | None]:
    """The changes of the split in the last run, by the stage that they belong to, and the first exposure: on record
    while there is a run, later only if its history was not cut."""
    names = {view.stage.name for view in decision.stages if isinstance(view.stage, Traffic | Mirror)}
    steps, ended = dict[str, Transition](), dict[str, Transition]()
    cut = later_cut = True
    for entry in progress.history:
        if promoted_in(entry):
            ended, steps, later_cut, cut = steps, {}, cut, False
        elif entry.what in names:
            steps[entry.what] = entry
    if progress.run is not None:
        return steps, progress.run.exposed
    return ended, None if later_cut else min((one.at for one in ended.values()), default=None)


def _end(progress: Progress, since: Transition, now: datetime) -> tuple[datetime, bool]:
    """Until when that bake lasted, and whether it is over."""
    later = progress.history[progress.history.index(since) + 1 :]
    return (later[0].at, True) if later else (now, False)
