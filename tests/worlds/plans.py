"""Plans for the worlds, written as one line: `deploy, smoke, mirror 10, bake 10, traffic 10, delete 100`.

Times are minutes. A gate's word may carry a variant (`smoke!b`), so that an edited gate has another digest. `check 30`
is a bake that counts requests (`tests/worlds/counts.py`); `check!early 30` may end after a minute, if it has proven it.
"""

from __future__ import annotations

from rollout.core.gate_bodies import Asked, Bake, ErrorRate, Evidence
from rollout.core.release import (
    AnyStage,
    Delete,
    Deploy,
    DeploymentSpec,
    EndpointSpec,
    Gate,
    GateKind,
    LiteralForm,
    Mirror,
    OnFailure,
    Release,
    Role,
    Scale,
    Traffic,
)
from tests.worlds.plane import NAME

CHECKS = (Asked(name="error_rate", question=ErrorRate(), tolerate=0.01),)
USUAL = "deploy, smoke, mirror 10, bake 10, traffic 10, bake 30, traffic 50, bake 30, traffic 100, bake 60, delete 100"


def stages(line: str) -> tuple[AnyStage, ...]:
    """The stages of a line."""
    return tuple(
        _stage(index, *word.split()) for index, word in enumerate(filter(None, map(str.strip, line.split(","))))
    )


def spec(revision: str, count: int = 1, description: str = "") -> DeploymentSpec:
    """A deployment whose content is nothing but its revision."""
    settings = {"description": description} if description else {}
    return DeploymentSpec(
        revision=revision,
        count=count,
        instance_type="Standard_DS3_v2",
        settings=settings,
        fields={"model": f"azureml:m:{revision}"},
    )


def roles(revision: str, line: str = USUAL, *, name: str = "plan", on_failure: OnFailure | None = None) -> Release:
    """A plan in the roles form with slots blue and green."""
    return Release(
        name=name,
        endpoint=EndpointSpec(name=NAME),
        candidate=spec(revision),
        slots=("blue", "green"),
        stages=stages(line),
        on_failure=on_failure or OnFailure(),
    )


def literal(stable: tuple[str, str], candidate: tuple[str, str], line: str = USUAL, bootstrap: int = 2) -> Release:
    """A plan in the literal form: (name, revision) of both, and a bootstrap that scales stable."""
    steps: tuple[AnyStage, ...] = (
        Deploy(name="deploy"),
        Traffic(name="traffic-100", weight=100),
        Scale(name="scale", role=Role.CANDIDATE, count=bootstrap),
    )
    form = LiteralForm(stable=stable[0], candidate=candidate[0], stable_spec=spec(stable[1]), bootstrap=steps)
    return Release(
        name="plan",
        endpoint=EndpointSpec(name=NAME),
        candidate=spec(candidate[1]),
        slots=(stable[0], candidate[0]),
        stages=stages(line),
        literal=form,
    )


def _stage(index: int, word: str, number: str = "0") -> AnyStage:
    kind, _, variant = word.partition("!")
    name = f"{index}-{kind}-{number}"
    value = 0 if number == "none" else int(number)
    match kind:
        case "deploy":
            return Deploy(name=name)
        case "mirror":
            return Mirror(name=name, weight=value)
        case "traffic":
            return Traffic(name=name, weight=value)
        case "scale":
            return Scale(name=name, role=Role.CANDIDATE, count=value)
        case "delete":
            return Delete(name=name, after=value * 60.0)
        case "smoke":
            return Gate(name=name, kind=GateKind.SMOKE_TEST, digest=f"smoke{variant}")
        case "bake":
            return Gate(name=name, kind=GateKind.BAKE, digest=f"bake{value}{variant}", seconds=value * 60.0)
        case "check":
            body = Bake(seconds=value * 60.0, evidence=Evidence(checks=CHECKS, at_least=60.0 if variant else None))
            digest = f"check{value}{variant}"
            return Gate(name=name, kind=GateKind.BAKE, digest=digest, seconds=value * 60.0, limit=7200.0, body=body)
        case "approval":
            return Gate(name=name, kind=GateKind.APPROVAL, digest=f"approval{variant}")
        case _:
            raise ValueError(word)
