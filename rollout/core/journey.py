"""The stages that lie before one goal, each with its key: a normal run, a first release, or an expedited revert."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final

import msgspec

from rollout.core.release import (
    AnyStage,
    Delete,
    Deploy,
    DeploymentSpec,
    Gate,
    GateKind,
    Mirror,
    Release,
    Role,
    Scale,
    Traffic,
)

KEY_VERSION: Final = "1"
NEEDS_NO_STABLE: Final = frozenset({GateKind.SMOKE_TEST, GateKind.APPROVAL})
"""Gates that a first release can pass: nothing serves that they could compare with or wait beside."""


class JourneyKind(StrEnum):
    """Why the stages are what they are."""

    RUN = "run"
    FIRST = "first"
    EXPEDITED = "expedited"


class Step(msgspec.Struct, frozen=True, gc=False):
    """One stage on the way, with its key: for a gate what must be among the passed keys, for a deploy stage what is
    quarantined when the create fails, "" for the rest. `expected` is the candidate's weight that the stages up to
    and including this one ask for."""

    stage: AnyStage
    key: str
    expected: int


class Journey(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where to (`goal`, `slot`, `spec`), and the way there without deletes, which come after promotion."""

    kind: JourneyKind
    spec: DeploymentSpec
    slot: str
    steps: tuple[Step, ...]
    last_traffic: int

    @property
    def goal(self) -> str:
        """The revision that wants to be promoted."""
        return self.spec.revision

    @property
    def keys(self) -> frozenset[str]:
        """Every key on this way; a quarantine for another key does not concern it."""
        return frozenset(step.key for step in self.steps if step.key)

    @property
    def gates_behind(self) -> bool:
        """Whether a gate guards the promotion after the last traffic stage."""
        return any(isinstance(step.stage, Gate) for step in self.steps[self.last_traffic + 1 :])


def normal(release: Release, slot: str) -> Journey:
    """All stages of the plan."""
    return _kept(
        release,
        (JourneyKind.RUN, slot),
        lambda: _journey(JourneyKind.RUN, release.candidate, slot, release.stages),
    )


def first(release: Release, slot: str) -> Journey:
    """Nothing serves yet: `bootstrap` if there is one; otherwise deploy, the gates that need no stable, then 100 %."""
    return _kept(release, (JourneyKind.FIRST, slot), lambda: _first(release, slot))


def _kept(release: Release, key: tuple[str, str], make: Callable[[], Journey]) -> Journey:
    """A journey is worked out once for a release: digesting its keys takes longer than all the rest of a decision."""
    if key not in release.memo:
        release.memo[key] = make()
    journey: Journey = release.memo[key]
    return journey


def _first(release: Release, slot: str) -> Journey:
    form = release.literal
    if form is not None and form.bootstrap and form.stable_spec is not None:
        floors = [stage.count for stage in form.bootstrap if isinstance(stage, Scale)]
        spec = msgspec.structs.replace(form.stable_spec, count=max([form.stable_spec.count, *floors]))
        return _journey(JourneyKind.FIRST, spec, form.stable, _direct(form.bootstrap, NEEDS_NO_STABLE))
    floors = [s.count for s in release.stages if isinstance(s, Scale) and s.role is Role.CANDIDATE]
    spec = msgspec.structs.replace(release.candidate, count=max([release.candidate.count, *floors]))
    return _journey(JourneyKind.FIRST, spec, slot, _direct(release.stages, NEEDS_NO_STABLE))


def expedited(release: Release, slot: str) -> Journey:
    """Back to what was stable before: smoke gates only, then 100 %."""
    stages = _direct(release.stages, frozenset({GateKind.SMOKE_TEST}))
    return _journey(JourneyKind.EXPEDITED, release.candidate, slot, stages)


def suffix_digest(journey: Journey, index: int) -> str:
    """The digest of what is still to come from step `index` on: what an approval at that step says yes to."""
    parts = [KEY_VERSION, journey.goal, journey.slot]
    parts += (step.key or msgspec.json.encode(_bare(step.stage)).decode() for step in journey.steps[index:])
    return _digest("\n".join(parts), 16)


def _direct(stages: tuple[AnyStage, ...], kinds: frozenset[GateKind]) -> tuple[AnyStage, ...]:
    last = next((s for s in reversed(stages) if isinstance(s, Traffic)), Traffic(name="traffic-100", weight=100))
    deploy = next((s for s in stages if isinstance(s, Deploy)), Deploy(name="deploy"))
    gates = (s for s in stages if isinstance(s, Gate) and s.kind in kinds)
    return (deploy, *gates, last)


def _journey(kind: JourneyKind, spec: DeploymentSpec, slot: str, stages: tuple[AnyStage, ...]) -> Journey:
    steps = tuple(_steps(spec.revision, tuple(s for s in stages if not isinstance(s, Delete))))
    last = max(index for index, step in enumerate(steps) if isinstance(step.stage, Traffic))
    return Journey(kind=kind, spec=spec, slot=slot, steps=steps, last_traffic=last)


def _steps(goal: str, stages: tuple[AnyStage, ...]) -> Iterator[Step]:
    traffic = mirror = 0
    seen: Counter[str] = Counter()
    for stage in stages:
        key = ""
        match stage:
            case Deploy():
                key = _digest(f"{KEY_VERSION}|deploy|{goal}", 10)
            case Traffic(weight=weight):
                traffic, mirror = weight, 0
            case Mirror(weight=weight):
                mirror = weight
            case Gate(kind=kind, digest=digest):
                question = f"{KEY_VERSION}|{kind}|{digest}|{goal}|{traffic}|{mirror}"
                key = _digest(f"{question}|{seen[question]}", 10)
                seen[question] += 1
            case _:
                pass
        yield Step(stage, key, traffic)


def _bare(stage: AnyStage) -> AnyStage:
    return msgspec.structs.replace(stage, name="", named=False)


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
