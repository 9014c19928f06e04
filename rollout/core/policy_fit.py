"""Which stages of a plan no window ever lets begin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import takewhile

import msgspec

from rollout.core.policy import Activity, Policy
from rollout.core.policy_windows import closed
from rollout.core.release import AnyStage, Deploy, Gate, Mirror, Traffic


class Unfit(msgspec.Struct, frozen=True, gc=False):
    """A stage, by its index, that would take `seconds` with the bakes behind it, and why no window lets it begin."""

    index: int
    activity: Activity
    seconds: float
    why: str


def bakes(stages: Iterable[AnyStage]) -> float:
    """Seconds of bakes in front of the first change of traffic."""
    still = takewhile(lambda stage: not isinstance(stage, Traffic | Mirror), stages)
    return sum(stage.seconds for stage in still if isinstance(stage, Gate))  # only bakes have any


def unfit(policy: Policy, stages: tuple[AnyStage, ...], now: datetime) -> Iterator[Unfit]:
    """The stages for which there is no opening within a year from `now` on."""
    for index, stage in enumerate(stages):
        activity = _activity(stage)
        if activity is None:
            continue
        seconds = bakes(stages[index + 1 :])
        shut = closed(policy, activity, now, seconds)
        if shut is not None and shut.until is None:
            yield Unfit(index, activity, seconds, shut.why)


def _activity(stage: AnyStage) -> Activity | None:
    match stage:
        case Deploy():
            return "start"
        case Traffic() | Mirror():
            return "advance"
        case _:
            return None
