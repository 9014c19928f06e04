"""The plan language, version 1: the one source of validation, JSON Schema and reference documentation."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from rollout.plan.compare_models import CompareModel
from rollout.plan.gates import (
    ApprovalModel,
    BakeModel,
    DeleteModel,
    DeployModel,
    MetricGateModel,
    OnFailureModel,
    SmokeTestModel,
)
from rollout.plan.policies import HazardNames, Ignored
from rollout.plan.shapes import Counts, Duration, MirrorShare, Name, Shares, StageName, Strict, list_of, refuse, whole

MUTATIONS: Final = ("deploy", "scale", "mirror", "traffic", "delete")
GATES: Final = ("smoke_test", "compare", "bake", "metric", "approval")
KINDS: Final = (*MUTATIONS, *GATES)
MOST_STAGES: Final = 200
BESIDE: Final = ("name", "timeout", "on_failure")


class StageModel(Strict):
    """What may stand beside a stage's kind."""

    kind: ClassVar[str]

    name: StageName | None = Field(default=None, description="A name, for what refers to this stage.")
    timeout: Duration | None = Field(
        default=None, description="Of a gate: how long it may stay without a verdict before the rollout holds."
    )
    on_failure: OnFailureModel | None = Field(
        default=None, description="Of a gate or a deploy stage: what becomes of a candidate that fails here."
    )


class DeployStage(StageModel):
    """Create the candidate without traffic."""

    kind: ClassVar[str] = "deploy"
    deploy: DeployModel = Field(description="Which deployment: `candidate`, or its name.")


class ScaleStage(StageModel):
    """Have at least so many instances."""

    kind: ClassVar[str] = "scale"
    scale: Counts = Field(description="Least number of instances: of the candidate, or by deployment (or role).")


class MirrorStage(StageModel):
    """Copy a part of the live traffic to the candidate; its answers are thrown away."""

    kind: ClassVar[str] = "mirror"
    mirror: MirrorShare = Field(description="Percent of live traffic copied to the candidate (at most 50), or `none`.")


class TrafficStage(StageModel):
    """Send a part of the live traffic to the candidate, the rest to stable."""

    kind: ClassVar[str] = "traffic"
    traffic: Shares = Field(
        description="Percent of live traffic to the candidate, or a split by deployment (or role) that sums to 100."
    )


class DeleteStage(StageModel):
    """Delete the deployment that is not needed any more."""

    kind: ClassVar[str] = "delete"
    delete: DeleteModel = Field(description="Which deployment (`stable`), and how long after the promotion.")


class SmokeTestStage(StageModel):
    """Ask the candidate and look at its answers."""

    kind: ClassVar[str] = "smoke_test"
    smoke_test: SmokeTestModel = Field(description="The requests and what to expect.")


class CompareStage(StageModel):
    """Ask stable and the candidate the same, and compare their answers."""

    kind: ClassVar[str] = "compare"
    compare: CompareModel = Field(description="The requests, and how far the answers may be apart.")


class BakeStage(StageModel):
    """Let the candidate serve for a while."""

    kind: ClassVar[str] = "bake"
    bake: BakeModel = Field(description="How long.")


class MetricStage(StageModel):
    """Measure the candidate once."""

    kind: ClassVar[str] = "metric"
    metric: MetricGateModel = Field(description="What is measured.")


class ApprovalStage(StageModel):
    """Wait for a person."""

    kind: ClassVar[str] = "approval"
    approval: ApprovalModel = Field(description="What the person is asked.")


def _one_kind(value: Any) -> Any:
    """Exactly one kind key a stage; anything else is refused before a model is chosen."""
    if not isinstance(value, Mapping):
        hint = f"write `- {value}: …`" if value in KINDS else ""
        refuse("PLAN106", "a stage must be a mapping", expected="one of " + ", ".join(KINDS), hint=hint)
    given = [key for key in value if key in KINDS]
    if len(given) > 1:
        refuse(
            "PLAN106",
            f"a stage has one kind, this one has {len(given)}: {', '.join(given)}",
            expected="one kind a stage",
            hint="make each of them a stage of its own",
        )
    if not given:
        unknown = [key for key in value if key not in BESIDE]
        close = difflib.get_close_matches(unknown[0][:80], KINDS, 1) if unknown else []
        refuse(
            "PLAN106",
            f"`{unknown[0]}` is not a kind of stage" if unknown else "the stage has no kind",
            expected="one of " + ", ".join(KINDS),
            hint=f"did you mean `{close[0]}`?" if close else "",
        )
    return value


def _kind(value: Any) -> str:
    return next(kind for kind in KINDS if kind in value)


AnyStageModel = Annotated[
    Annotated[DeployStage, Tag("deploy")]
    | Annotated[ScaleStage, Tag("scale")]
    | Annotated[MirrorStage, Tag("mirror")]
    | Annotated[TrafficStage, Tag("traffic")]
    | Annotated[DeleteStage, Tag("delete")]
    | Annotated[SmokeTestStage, Tag("smoke_test")]
    | Annotated[CompareStage, Tag("compare")]
    | Annotated[BakeStage, Tag("bake")]
    | Annotated[MetricStage, Tag("metric")]
    | Annotated[ApprovalStage, Tag("approval")],
    Discriminator(_kind),
    BeforeValidator(_one_kind),
]


def _document(value: Any) -> Any:
    if not isinstance(value, (str, Mapping)):
        refuse(
            "PLAN103",
            f"`{value}` is neither a path nor a mapping",
            expected="the path of an `az ml` file, its content inline, or {file, set}",
        )
    return value


def known_version(value: Any) -> int:
    """The one version of the language that there is."""
    if value != 1 or isinstance(value, bool):
        refuse("PLAN111", f"version `{value}` is not known", expected="version: 1")
    return whole(value, 1, 1, "number")


def _plan_kind(value: Any) -> str:
    if value != "plan":
        refuse("PLAN111", f"kind `{value}` is not a plan", expected="kind: plan (or no `kind` at all)")
    return "plan"


_list: Final = list_of(MOST_STAGES)


_FILE_AND_SET = {
    "type": "object",
    "properties": {"file": {"type": "string"}, "set": {"type": "object"}},
    "required": ["file"],
}
DocumentRef = Annotated[
    Any,
    BeforeValidator(_document),
    WithJsonSchema({"anyOf": [{"type": "string"}, _FILE_AND_SET, {"type": "object"}]}),
]
Slots = Annotated[tuple[Name, ...], BeforeValidator(_list)]
Stages = Annotated[tuple[AnyStageModel, ...], BeforeValidator(_list)]


class TargetModel(Strict):
    """The workspace that the endpoint lives in."""

    @model_validator(mode="before")
    @classmethod
    def _mapping(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            refuse(
                "PLAN103",
                f"`{value}` is not a workspace",
                expected="subscription_id, resource_group and workspace",
                hint="a target's name belongs on the command line: `--target NAME`",
            )
        return value

    subscription_id: str = Field(min_length=1, description="The subscription's id.")
    resource_group: str = Field(min_length=1, description="The resource group's name.")
    workspace: str = Field(min_length=1, description="The workspace's name.")


class PlanModel(Strict):
    """A rollout plan: how a new revision of a model comes to serve an endpoint."""

    version: Annotated[int, BeforeValidator(known_version), WithJsonSchema({"const": 1})] = Field(
        description="The version of this language: 1."
    )
    kind: Annotated[str, BeforeValidator(_plan_kind), WithJsonSchema({"const": "plan"})] = Field(
        default="plan", description="What this file is: `plan`."
    )
    name: Name = Field(
        description="The plan's name: the owner recorded on the endpoint; also its name if its file gives none."
    )
    target: TargetModel | None = Field(
        default=None, description="The workspace; may be given on the command line instead."
    )
    endpoint: DocumentRef = Field(description="The endpoint: an `az ml` file, inline, or {file, set}.")
    candidate: DocumentRef | None = Field(
        default=None, description="The deployment that wants to be promoted: an `az ml` file, inline, or {file, set}."
    )
    slots: Slots = Field(
        default=("blue", "green"),
        min_length=2,
        max_length=2,
        description="The two names that deployments alternate between.",
    )
    deployments: dict[Name, DocumentRef] | None = Field(
        default=None, description="The literal form: the two deployments by name, instead of `candidate` and `slots`."
    )
    bootstrap: Stages | None = Field(
        default=None, description="The literal form: stages for an endpoint that serves nothing yet."
    )
    stages: Stages = Field(min_length=1, description="The way from nothing to all traffic.")
    on_failure: OnFailureModel = Field(
        default=OnFailureModel.model_construct(), description="What becomes of a candidate that failed."
    )
    on_revert: Literal["fast", "full"] = Field(
        default="fast", description="How to go back to what was promoted before: smoke gates only, or all stages."
    )
    drift: Literal["heal", "report", "hold"] = Field(
        default="heal", description="What to do about settings that somebody changed on the live endpoint."
    )
    capacity: Literal["match", "declared"] = Field(
        default="match",
        description="Scale the candidate to stable's capacity before traffic, or trust the declared count.",
    )
    ignore: Ignored = Field(
        default=(),
        description="Fields that are left to others once they are there: neither shown as a change nor ever written.",
    )
    refuse_hazards: HazardNames = Field(
        default=(), description="Hazards that are refused though a stage declares them, until they are allowed by name."
    )
    policy: Annotated[Any, WithJsonSchema({"type": "object"})] = Field(
        default=None, description="What this plan demands beside the repository's policy: stricter, never looser."
    )
