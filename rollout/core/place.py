"""WHERE are we? The first stage whose answer is no. Every stage is a question to the live endpoint."""

from __future__ import annotations

from collections.abc import Set
from typing import assert_never

import msgspec

from rollout.core.decision import StageState, StageView
from rollout.core.gating import Answer, Failed, Passed, answer
from rollout.core.journey import Step
from rollout.core.release import Delete, Deploy, Gate, Mirror, Role, Scale, Traffic
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
            return scene.endpoint.weights.live(scene.journey.slot) >= weight
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
    if weights.mirrored(slot) == weight or weights.live(slot) > 0:
        return True
    for step in scene.journey.steps[index + 1 :]:
        if isinstance(step.stage, Mirror | Traffic):
            return True
        if isinstance(step.stage, Gate) and step.key not in passed:
            return False
    return True


def stage_views(scene: Scene, place: Place) -> tuple[StageView, ...]:
    """All stages of the plan as they stand in a journey, for people: those not on this way are skipped."""
    on_the_way = {id(step.stage): index for index, step in enumerate(scene.journey.steps)}
    passed = scene.passed | set(place.earned)
    plan = scene.release.stages
    if scene.journey.steps and id(scene.journey.steps[0].stage) not in {id(stage) for stage in plan}:
        plan = tuple(step.stage for step in scene.journey.steps) + plan
    views = []
    for stage in plan:
        index = on_the_way.get(id(stage))
        if index is None:
            state = StageState.PENDING if isinstance(stage, Delete) else StageState.SKIPPED
            views.append(StageView(stage=stage, state=state))
            continue
        key = scene.journey.steps[index].key if isinstance(stage, Gate) else ""
        views.append(StageView(stage=stage, state=_state(scene, place, index, passed), key=key))
    return tuple(views)


def _state(scene: Scene, place: Place, index: int, passed: Set[str]) -> StageState:
    if index == place.index:
        return StageState.FAILED if isinstance(place.answer, Failed) else StageState.ACTIVE
    if place.index is not None and index > place.index:
        return StageState.PENDING
    return StageState.SATISFIED if satisfied(scene, index, passed) else StageState.PENDING
