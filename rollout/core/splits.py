"""Since when the endpoint was told to split its requests how: from the record's history, as far as it goes. Pure.

The history names stages, not weights; which weights a stage stands for is in the plan. A stage that is not in the plan
any more tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rollout.core.observed import Weights, all_to, weights
from rollout.core.progress import Progress, Transition
from rollout.core.release import AnyStage, Traffic

_PROMOTED = "promoted "
_PAST = "promoted past "
"""A person's word, and no promotion."""

Configured = tuple[Transition, Weights]


def configured(stages: Iterable[AnyStage], progress: Progress) -> tuple[Configured, ...]:
    """Each recorded change of the split with the split that it left, the oldest first."""
    steps = {stage.name: stage.weight for stage in stages if isinstance(stage, Traffic)}
    return tuple(_runs(steps, progress))


def _runs(steps: Mapping[str, int], progress: Progress) -> Iterator[Configured]:
    """The history, run by run: a run ends with the promotion of its candidate, or is the last one."""
    stable, run = "", list[Transition]()
    for entry in progress.history:
        run.append(entry)
        if name := promoted_in(entry):
            yield from _steps(run, steps, name, stable, progress)
            stable, run = name, []
    known = progress.promoted.name if progress.promoted else stable
    yield from _steps(run, steps, progress.run.slot if progress.run else "", known, progress)


def _steps(
    run: Iterable[Transition], steps: Mapping[str, int], candidate: str, stable: str, progress: Progress
) -> Iterator[Configured]:
    for entry in run:
        if entry.at == progress.since and progress.written is not None:
            yield entry, progress.written
        elif promoted_in(entry):
            yield entry, all_to(candidate)
        elif candidate and entry.what in steps:
            weight = steps[entry.what]
            yield entry, weights({candidate: weight, **({stable: 100 - weight} if stable else {})})


def promoted_in(entry: Transition) -> str:
    """Who was promoted then, "" if the line tells something else."""
    if not entry.what.startswith(_PROMOTED) or entry.what.startswith((_PAST, "promoted fully")):
        return ""
    return entry.what.removeprefix(_PROMOTED)
