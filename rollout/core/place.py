"""WHERE are we? The first stage whose answer is no. Every stage is a question to the live endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import assert_never

import msgspec
from msgspec.structs import replace

from rollout.core.decision import StageState, StageView
from rollout.core.gating import Answer, Failed, Passed, answer
from rollout.core.journey import Journey, Step
from rollout.core.release import Delete, Deploy, Gate, Mirror, Release, Role, Scale, Traffic
from rollout.core.scene import Scene


class Place(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The first step that is not satisfied (`index` None: all are), the gate's answer if it is a gate, and the keys of
    the gates that this pass's verdicts let us through on the way there."""

    index: int | None
    answer: Answer | None
    earned: tuple[str, ...]

    def step(self, scene: Scene) -> Step:
        """That first step."""
        assert self.index is not None, "there is no step when all are satisfied"
        return scene.journey.steps[self.index]


def find_place(scene: Scene) -> Place:
    """Walk the steps in order; stop at the first that is neither satisfied nor passed just now."""
    earned: list[str] = []
    for index, step in enumerate(scene.journey.steps):
        if satisfied(scene, index, scene.passed):
            continue
        said = answer(scene, index, step, step.stage) if isinstance(step.stage, Gate) else None
        if isinstance(said, Passed):
            earned.append(step.key)
            continue
        return Place(index=index, answer=said, earned=tuple(earned))
    return Place(index=None, answer=None, earned=tuple(earned))


def satisfied(scene: Scene, index: int, passed: Set[str]) -> bool:
    """The table of design §4: whether that step's answer is yes."""
    step = scene.journey.steps[index]
    match step.stage:
        case Deploy():
            return scene.carries_goal and scene.candidate is not None and scene.candidate.ready
        case Gate():
            return step.key in passed
        case Mirror(weight=weight):
            return _mirror_satisfied(scene, index, weight, passed)
        case Traffic(weight=weight):
            return scene.exposure >= weight
        case Scale(role=role, count=count):
            found = scene.stable if role is Role.STABLE else scene.candidate
            return found is None or found.count >= count or found.autoscaled
        case Delete():
            return True
        case _:
            assert_never(step.stage)


def _mirror_satisfied(scene: Scene, index: int, weight: int, passed: Set[str]) -> bool:
    """Exactly so; or overtaken by live weight; or nobody asks any more: no unpassed gate up to the next split."""
    weights, slot = scene.endpoint.weights, scene.journey.slot
    if weights.mirrored(slot) == weight or scene.exposure > 0:
        return True
    for step in scene.journey.steps[index + 1 :]:
        if isinstance(step.stage, Mirror | Traffic):
            return True
        if isinstance(step.stage, Gate) and step.key not in passed:
            return False
    return True


class _Row(msgspec.Struct, frozen=True, gc=False):
    """One stage of the plan in one journey: its step (-1: not on this way) and how it looks behind and before us."""

    index: int
    behind: StageView
    before: StageView


def stage_views(scene: Scene, place: Place) -> tuple[StageView, ...]:
    """All stages of the plan as they stand in a journey, for people: those not on this way are skipped. All before the
    place are satisfied: that is what makes it the place."""
    here = len(scene.journey.steps) if place.index is None else place.index
    active = StageState.FAILED if isinstance(place.answer, Failed) else StageState.ACTIVE
    return tuple(
        [
            row.behind if row.index < here else row.before if row.index > here else replace(row.before, state=active)
            for row in _rows(scene)
        ]
    )


def _rows(scene: Scene) -> tuple[_Row, ...]:
    """Worked out once for a release and a journey, as the journey itself."""
    memo, key = scene.release.memo, ("rows", scene.journey.kind, scene.journey.slot)
    if key not in memo:
        memo[key] = tuple(_make_rows(scene.release, scene.journey))
    rows: tuple[_Row, ...] = memo[key]
    return rows


def _make_rows(release: Release, journey: Journey) -> Iterator[_Row]:
    places = {id(step.stage): index for index, step in enumerate(journey.steps)}
    plan = release.stages
    if not any(stage is journey.steps[0].stage for stage in plan):
        plan = tuple(step.stage for step in journey.steps) + plan
    for stage in plan:
        index = places.get(id(stage), -1)
        if index < 0:
            state = StageState.PENDING if isinstance(stage, Delete) else StageState.SKIPPED
            other = StageView(stage=stage, state=state)
            yield _Row(index, other, other)
        else:
            key = journey.steps[index].key if isinstance(stage, Gate) else ""
            behind = StageView(stage=stage, state=StageState.SATISFIED, key=key)
            yield _Row(index, behind, replace(behind, state=StageState.PENDING))
