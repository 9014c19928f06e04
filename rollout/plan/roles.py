"""Who is meant: the names that a plan uses for deployments, turned into the two roles."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final

import msgspec

from rollout.core.release import Role
from rollout.errors import Fault
from rollout.plan.layers import PlanFile
from rollout.plan.models import (
    BakeStage,
    DeleteStage,
    DeployStage,
    MirrorStage,
    PlanModel,
    ScaleStage,
    SmokeTestStage,
    StageModel,
    TrafficStage,
)
from rollout.plan.positions import Path

_ROLES: Final = {"candidate": Role.CANDIDATE, "stable": Role.STABLE}


class Cast(msgspec.Struct, frozen=True):
    """Every accepted name with its role. `candidate` and `stable` are the fixed names of the literal form, else ""."""

    names: Mapping[str, Role]
    stable: str = ""
    candidate: str = ""

    @property
    def literal(self) -> bool:
        """Whether the plan names its deployments itself."""
        return bool(self.candidate)

    def role(self, plan: PlanFile, path: Path, name: str, faults: list[Fault]) -> Role | None:
        """The role of `name`; None and a fault if nobody has that name."""
        found = self.names.get(name)
        if found is None:
            close = difflib.get_close_matches(name[:80], self.names, 1)
            faults.append(
                plan.fault(
                    "PLAN205",
                    path,
                    f"`{name}` is no deployment of this plan",
                    expected="one of " + ", ".join(self.names),
                    hint=f"did you mean `{close[0]}`?" if close else "",
                )
            )
        return found


ROLES: Final = Cast(_ROLES)
"""The cast of the roles form."""


def cast_of(plan: PlanFile, model: PlanModel, faults: list[Fault]) -> Cast | None:
    """The cast of a plan in either form; None and faults where a literal plan has no two roles."""
    if model.deployments is None:
        return ROLES
    names = tuple(model.deployments)
    if len(names) != 2:
        faults.append(
            plan.fault(
                "PLAN206",
                ("deployments",),
                f"a rollout has two deployments, this plan has {len(names)}: {', '.join(names)}",
                expected="two: what serves, and what wants to",
                hint="for one file and alternating names use `candidate` and `slots`",
            )
        )
        return None
    candidate = _candidate(plan, model, names, faults)
    if candidate is None:
        return None
    stable = next(name for name in names if name != candidate)
    return Cast({**_ROLES, stable: Role.STABLE, candidate: Role.CANDIDATE}, stable, candidate)


def mentioned(stage: StageModel) -> tuple[str, ...]:
    """The names that a stage is about; weights of 0 do not count."""
    match stage:
        case DeployStage():
            return (stage.deploy.deployment,)
        case DeleteStage():
            return (stage.delete.deployment,)
        case ScaleStage():
            return tuple(stage.scale)
        case MirrorStage():
            return tuple(stage.mirror)
        case TrafficStage():
            return tuple(name for name, weight in stage.traffic.items() if weight)
        case SmokeTestStage(smoke_test=gate) | BakeStage(bake=gate):
            return (gate.deployment,) if gate.deployment else ()
        case _:
            return ()


def _candidate(plan: PlanFile, model: PlanModel, names: tuple[str, ...], faults: list[Fault]) -> str | None:
    deployed = [stage.deploy.deployment for stage in model.stages if isinstance(stage, DeployStage)]
    full = [
        (index, name)
        for index, stage in enumerate(model.stages)
        if isinstance(stage, TrafficStage)
        for name, weight in stage.traffic.items()
        if weight == 100
    ]
    if not full:
        faults.append(
            plan.fault(
                "PLAN202",
                ("stages",),
                "no stage gives all traffic to a deployment",
                expected="a last traffic stage with 100",
                hint=f"for example `- traffic: {{{names[1]}: 100}}`",
            )
        )
        return None
    index, name = full[-1]
    name = next((other for other in reversed(deployed) if other in names), name) if name == "candidate" else name
    if name not in names or name not in deployed:
        faults.append(
            plan.fault(
                "PLAN206",
                ("stages", index, "traffic"),
                f"`{name}` gets all traffic, but no stage deploys it",
                expected=f"`- deploy: {name}` before it",
                hint="the candidate is the deployment that the stages deploy and end with 100",
            )
        )
        return None
    return name
