"""The language of `rollout.yaml`. Imported only where a repository has one: start-up time."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from rollout.plan.environments import Environments
from rollout.plan.gates import OnFailureModel
from rollout.plan.models import Slots, TargetModel, known_version
from rollout.plan.notifying import Notifications
from rollout.plan.policies import HazardNames
from rollout.plan.repository import DEFAULT_INTERVAL, LONGEST, VARIABLE
from rollout.plan.shapes import Duration, Shorthand, Strict, refuse

_SECRET: Final = re.compile(
    r"SECRET|TOKEN|PASSW|PWD|CREDENTIAL|PRIVATE|CONNECTION_?STRING|(?:^|_)(?:SAS|PAT|API_?KEY|KEY)(?:$|_)",
    re.IGNORECASE,
)


def _variable_name(value: Any) -> str:
    if not VARIABLE.match(str(value)):
        refuse("PLAN108", f"`{value}` is not a name for a variable", expected="letters, digits and underscores")
    return str(value)


def _scalar(value: Any) -> Any:
    if not isinstance(value, (str, int, bool)) or len(str(value)[: LONGEST + 1]) > LONGEST:
        refuse(
            "PLAN103",
            "this is not a value for a variable",
            expected=f"text of at most {LONGEST} characters, a whole number, true or false",
        )
    return value


def _no_secret(value: Any) -> Any:
    if isinstance(value, str) and _SECRET.search(value):
        refuse(
            "PLAN115",
            f"`{value}` is called like a secret",
            expected="a variable that everybody may see",
            hint="values of variables are shown in pull requests",
        )
    return value


class VariableModel(Shorthand):
    """A name that plans may use as `${NAME}`; everybody who reads the plan sees its value."""

    shorthand: ClassVar[str] = "default"

    default: Annotated[
        Any, BeforeValidator(_scalar), WithJsonSchema({"type": ["string", "integer", "boolean"], "maxLength": LONGEST})
    ] = Field(default=None, description="The value where the environment gives none.")
    from_env: Annotated[str | None, BeforeValidator(_no_secret)] = Field(
        default=None, description="The environment variable that gives the value, if it is set and not empty."
    )
    type: Literal["text", "whole", "truth"] | None = Field(
        default=None, description="What the value is; by default what `default` is, else text."
    )
    description: str | None = Field(default=None, description="What it is for.")


class DefaultsModel(Strict):
    """What plans need not repeat. A plan that says one of them says all of it."""

    target: TargetModel | None = Field(default=None, description="The workspace of plans that name none.")
    slots: Slots | None = Field(
        default=None, min_length=2, max_length=2, description="The two names that deployments alternate between."
    )
    on_failure: OnFailureModel | None = Field(default=None, description="What becomes of a candidate that failed.")
    on_revert: Literal["fast", "full"] | None = Field(
        default=None, description="How to go back to what was promoted before: smoke gates only, or all stages."
    )
    drift: Literal["heal", "report", "hold"] | None = Field(
        default=None, description="What to do about settings that somebody changed on the live endpoint."
    )
    capacity: Literal["match", "declared"] | None = Field(
        default=None,
        description="Scale the candidate to stable's capacity before traffic, or trust the declared count.",
    )


class ReconcileModel(Strict):
    """How this repository runs `rollout reconcile`."""

    interval: Duration = Field(default=DEFAULT_INTERVAL, description="The time between two runs; for warnings.")


class RepositoryModel(Strict):
    """The configuration of a repository: `rollout.yaml`, found upwards from the plan."""

    version: Annotated[int, BeforeValidator(known_version), WithJsonSchema({"const": 1})] = Field(
        default=1, description="The version of this language: 1."
    )
    variables: dict[Annotated[str, BeforeValidator(_variable_name)], VariableModel] = Field(
        default={}, description="The names that plans and overlays may use as `${NAME}`: a value, or an object."
    )
    defaults: DefaultsModel = Field(default=DefaultsModel.model_construct(), description="For plans that say none.")
    reconcile: ReconcileModel = Field(
        default=ReconcileModel.model_construct(), description="The schedule of `rollout reconcile`."
    )
    notifications: Notifications = Field(default=(), description="Who is told of what happens: see notifications.")
    environments: Environments = Field(
        default=(), description="The environments, in the order in which a goal goes through them (`promote-to`)."
    )
    allow_hazards: HazardNames = Field(
        default=(), description="Hazards that every plan here may have; who may edit this file decides it."
    )
    refuse_hazards: HazardNames = Field(
        default=(), description="Hazards that are refused though a stage declares them, until they are allowed by name."
    )
