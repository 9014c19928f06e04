"""Stages as written → the core's stages about two roles, each with a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from itertools import chain, count
from typing import assert_never

import msgspec

from rollout.core.release import AnyStage, Delete, Deploy, Gate, GateKind, Mirror, OnFailure, Role, Scale, Traffic
from rollout.errors import Fault
from rollout.plan.durations import show_duration
from rollout.plan.gate_lowering import GateReader
from rollout.plan.layers import PlanFile
from rollout.plan.models import (
    GATES,
    ApprovalStage,
    BakeStage,
    CompareStage,
    DeleteStage,
    DeployStage,
    MetricStage,
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


class StageReader(msgspec.Struct, frozen=True):
    """Turns placed stages into core stages; `about` is the role that weights and gates are about by default (stable
    in `bootstrap`)."""

    plan: PlanFile
    cast: Cast
    faults: list[Fault]
    about: Role = Role.CANDIDATE

    def read(self, placed: Iterable[Placed]) -> tuple[tuple[Path, AnyStage], ...]:
        """All stages that can be read, in order; what cannot is in `faults`."""
        listed = tuple(placed)
        self._check_names(listed)
        taken = {stage.name for _, stage in listed if stage.name}
        found = []
        for path, stage in listed:
            self._misplaced(path, stage)
            lowered = self._stage(path, stage)
            if lowered is not None:
                name = stage.name or _free(derived_name(lowered), taken)
                taken.add(name)
                found.append((path, _beside(lowered, stage, name)))
        return tuple(found)

    def _stage(self, path: Path, stage: StageModel) -> AnyStage | None:
        where = (*path, stage.kind)
        match stage:
            case DeployStage():
                return self._deploy(stage, where)
            case ScaleStage():
                return self._scale(stage, where)
            case MirrorStage():
                weight = self._share(stage.mirror, where)
                return None if weight is None else Mirror(name="", weight=weight)
            case TrafficStage():
                weight = self._split(stage.traffic, where)
                return None if weight is None else Traffic(name="", weight=weight)
            case DeleteStage():
                return self._delete(stage, where)
            case SmokeTestStage() | CompareStage() | BakeStage() | MetricStage() | ApprovalStage():
                return GateReader(self.plan, self.cast, self.faults, self.about).gate(stage, path)
            case _:
                raise AssertionError(stage)

    def _deploy(self, stage: DeployStage, where: Path) -> Deploy | None:
        role = self.cast.role(self.plan, where, stage.deploy.deployment, self.faults)
        if role not in (None, self.about):
            self._add(
                "PLAN206",
                where,
                f"`{stage.deploy.deployment}` is {role}: it cannot be deployed here",
                expected=f"a deployment of {self.about}",
                hint="what serves is deployed by `bootstrap`, and by becoming the candidate",
            )
        return Deploy(name="") if role is self.about else None

    def _scale(self, stage: ScaleStage, where: Path) -> Scale | None:
        if len(stage.scale) != 1:
            self._add("PLAN206", where, "a scale stage is about one deployment", expected="one name")
            return None
        (name, instances), *_ = stage.scale.items()
        role = self._who(name, (*where, name))
        return None if role is None else Scale(name="", role=role, count=instances)

    def _delete(self, stage: DeleteStage, where: Path) -> Delete | None:
        role = self.cast.role(self.plan, where, stage.delete.deployment, self.faults)
        if role is Role.CANDIDATE:
            self._add("PLAN204", where, "the candidate cannot be deleted by its own rollout", expected="`stable`")
            return None
        return None if role is None else Delete(name="", role=role, after=stage.delete.after)

    def _who(self, name: str, path: Path) -> Role | None:
        """The role of a weight's or count's name; a bare number in a bootstrap is about stable."""
        if name == "candidate" and self.about is Role.STABLE:
            return Role.STABLE
        return self.cast.role(self.plan, path, name, self.faults)

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
        named = [(self._who(name, (*where, name)), weight) for name, weight in shares.items()]
        found = {role: weight for role, weight in named if role is not None}
        if len(found) < len(named):
            if all(role is not None for role, _ in named):
                self._add("PLAN206", where, "one deployment is named twice", expected="each deployment once")
            return None
        return found

    def _misplaced(self, path: Path, stage: StageModel) -> None:
        """Only gates wait for a verdict, and only gates and deploy stages fail."""
        if stage.timeout is not None and stage.kind not in GATES:
            message = f"a `{stage.kind}` stage has no `timeout`: the service ends its operations by itself"
            self._add("PLAN112", (*path, "timeout"), message, expected=f"`timeout` at a gate: {', '.join(GATES)}")
        if stage.on_failure is not None and stage.kind not in (*GATES, "deploy"):
            message = f"nothing fails at a `{stage.kind}` stage"
            self._add("PLAN112", (*path, "on_failure"), message, expected="`on_failure` at a gate or a deploy stage")

    def _check_names(self, placed: tuple[Placed, ...]) -> None:
        given = Counter(stage.name for _, stage in placed if stage.name)
        for path, stage in placed:
            if stage.name and given[stage.name] > 1:
                message = f"two stages are called `{stage.name}`"
                self._add("PLAN207", (*path, "name"), message, expected="names that differ")

    def _add(self, code: str, path: Path, message: str, *, expected: str = "", hint: str = "") -> None:
        self.faults.append(self.plan.fault(code, path, message, expected=expected, hint=hint))


def _beside(lowered: AnyStage, stage: StageModel, name: str) -> AnyStage:
    """The stage with what stands beside its kind."""
    own = stage.on_failure
    return msgspec.structs.replace(
        lowered,
        name=name,
        named=stage.name is not None,
        timeout=stage.timeout,
        on_failure=None if own is None else OnFailure(candidate=own.candidate, after=own.for_),
    )


def derived_name(stage: AnyStage) -> str:
    """A name for display: `traffic-10`, `bake-30m`, `smoke-test`."""
    match stage:
        case Deploy():
            return "deploy"
        case Traffic():
            return f"traffic-{stage.weight}"
        case Mirror():
            return f"mirror-{stage.weight or 'none'}"
        case Scale():
            return f"scale-{stage.role}-{stage.count}"
        case Delete():
            return f"delete-{stage.role}"
        case Gate():
            time = f"-{show_duration(stage.seconds)}" if stage.kind is GateKind.BAKE else ""
            return stage.kind.replace("_", "-") + time
        case _:
            assert_never(stage)


def _free(base: str, taken: Container[str]) -> str:
    """`base`, or the first of `base-2`, `base-3`, … that nobody has."""
    names = chain([base], (f"{base}-{number}" for number in count(2)))
    return next(name for name in names if name not in taken)
