"""Stages as written → the core's stages about two roles, each with a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rollout.core.release import AnyStage, Delete, Deploy, Mirror, Role, Scale, Traffic
from rollout.errors import Fault
from rollout.plan.documents import PlanFile
from rollout.plan.durations import show_duration
from rollout.plan.gate_lowering import GateReader
from rollout.plan.models import (
    ApprovalStage,
    BakeStage,
    DeleteStage,
    DeployStage,
    MirrorStage,
    ScaleStage,
    SmokeTestStage,
    StageModel,
    TrafficStage,
)
from rollout.plan.positions import Path
from rollout.plan.roles import Cast

Placed = tuple[Path, StageModel]
"""A stage with its place in the plan."""


@dataclass(frozen=True, slots=True)
class StageReader:
    """Turns placed stages into core stages; `about` is the role that weights and gates are about by default (stable
    in `bootstrap`)."""

    plan: PlanFile
    cast: Cast
    faults: list[Fault]
    about: Role = Role.CANDIDATE

    def read(self, placed: Iterable[Placed]) -> tuple[tuple[Path, AnyStage], ...]:
        """All stages that can be read, in order; what cannot is in `faults`."""
        listed = tuple(placed)
        names = self._names(listed)
        found = []
        for (path, stage), name in zip(listed, names, strict=True):
            self._not_yet(path, stage)
            lowered = self._stage(path, stage, name)
            if lowered is not None:
                found.append((path, lowered))
        return tuple(found)

    def _stage(self, path: Path, stage: StageModel, name: str) -> AnyStage | None:
        common = {"name": name, "named": stage.name is not None, "timeout": stage.timeout}
        where = (*path, stage.kind)
        match stage:
            case DeployStage():
                return self._deploy(stage, where, common)
            case ScaleStage():
                return self._scale(stage, where, common)
            case MirrorStage():
                weight = self._share(stage.mirror, where)
                return None if weight is None else Mirror(weight=weight, **common)
            case TrafficStage():
                weight = self._split(stage.traffic, where)
                return None if weight is None else Traffic(weight=weight, **common)
            case DeleteStage():
                return self._delete(stage, where, common)
            case SmokeTestStage() | BakeStage() | ApprovalStage():
                return GateReader(self.plan, self.cast, self.faults, self.about).gate(stage, path, name)
            case _:
                raise AssertionError(stage)

    def _deploy(self, stage: DeployStage, where: Path, common: Mapping[str, object]) -> Deploy | None:
        role = self.cast.role(self.plan, where, stage.deploy.deployment, self.faults)
        if role not in (None, self.about):
            self._add("PLAN206", where, f"`{stage.deploy.deployment}` is {role}: it cannot be deployed here",
                      expected="a deployment of the candidate",
                      hint="what serves is deployed by `bootstrap`, and by becoming the candidate")
        return Deploy(**common) if role is self.about else None  # type: ignore[arg-type]

    def _scale(self, stage: ScaleStage, where: Path, common: Mapping[str, object]) -> Scale | None:
        if len(stage.scale) != 1:
            self._add("PLAN206", where, "a scale stage is about one deployment", expected="one name")
            return None
        (name, count), *_ = stage.scale.items()
        role = self.cast.role(self.plan, (*where, name), name, self.faults)
        return None if role is None else Scale(role=role, count=count, **common)  # type: ignore[arg-type]

    def _delete(self, stage: DeleteStage, where: Path, common: Mapping[str, object]) -> Delete | None:
        role = self.cast.role(self.plan, where, stage.delete.deployment, self.faults)
        if role is Role.CANDIDATE:
            self._add("PLAN204", where, "the candidate cannot be deleted by its own rollout", expected="`stable`")
            return None
        return None if role is None else Delete(role=role, after=stage.delete.after, **common)  # type: ignore[arg-type]

    def _share(self, shares: Mapping[str, int], where: Path) -> int | None:
        """The weight of a mirror stage: for the candidate alone."""
        roles = self._roles(shares, where)
        if roles is not None and set(roles) != {self.about}:
            self._add("PLAN206", where, "only the candidate can be mirrored to", expected="the candidate alone")
            return None
        return None if roles is None else roles[self.about]

    def _split(self, shares: Mapping[str, int], where: Path) -> int | None:
        """The weight of the role that the stages are about."""
        roles = self._roles(shares, where)
        if roles is None:
            return None
        total = sum(roles.values())
        if total != 100 and set(shares) != {"candidate"}:
            self._add("PLAN210", where, f"the weights sum to {total}", expected="weights that sum to 100")
            return None
        return roles.get(self.about, 0)

    def _roles(self, shares: Mapping[str, int], where: Path) -> dict[Role, int] | None:
        named = [(self.cast.role(self.plan, (*where, name), name, self.faults), weight) for name, weight in shares.items()]
        found = {role: weight for role, weight in named if role is not None}
        if len(found) < len(named):
            if all(role is not None for role, _ in named):
                self._add("PLAN206", where, "one deployment is named twice", expected="each deployment once")
            return None
        return found

    def _not_yet(self, path: Path, stage: StageModel) -> None:
        if stage.on_failure is not None:
            self._add("PLAN107", (*path, "on_failure"), "this version has no `on_failure` for a single stage yet",
                      expected="`on_failure` at the top of the plan")

    def _names(self, placed: tuple[Placed, ...]) -> tuple[str, ...]:
        given = Counter(stage.name for _, stage in placed if stage.name)
        for path, stage in placed:
            if stage.name and given[stage.name] > 1:
                self._add("PLAN207", (*path, "name"), f"two stages are called `{stage.name}`", expected="names that differ")
        return tuple(_named([stage for _, stage in placed], frozenset(given)))

    def _add(self, code: str, path: Path, message: str, *, expected: str = "", hint: str = "") -> None:
        self.faults.append(self.plan.fault(code, path, message, expected=expected, hint=hint))


def _named(stages: list[StageModel], given: frozenset[str]) -> Iterator[str]:
    taken = set(given)
    for stage in stages:
        base, number = stage.name or derived_name(stage), 1
        name = base
        while not stage.name and name in taken:
            number += 1
            name = f"{base}-{number}"
        taken.add(name)
        yield name


def derived_name(stage: StageModel) -> str:
    """A name for display: `traffic-10`, `bake-30m`, `smoke-test`."""
    match stage:
        case TrafficStage():
            return f"traffic-{_last(stage.traffic)}"
        case MirrorStage():
            return f"mirror-{_last(stage.mirror) or 'none'}"
        case ScaleStage():
            return f"scale-{_last(stage.scale)}"
        case BakeStage():
            return f"bake-{show_duration(stage.bake.for_)}"
        case DeleteStage():
            return f"delete-{stage.delete.deployment}"
        case _:
            return stage.kind.replace("_", "-")


def _last(shares: Mapping[str, int]) -> int:
    """The number that a name is made of: the candidate's in a split that is written in the usual order."""
    return next(reversed(shares.values()), 0)
