"""The environments of a repository, one behind the other: what `rollout promote-to NAME` goes by."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from rollout.plan.shapes import Duration, Strict, list_of, refuse

Kind = Literal["smoke_test", "compare", "bake", "approval", "metric"]


_list: Final = list_of(20)


class RequireModel(Strict):
    """What must be shown in an environment before its goal goes to the next one."""

    baked: Duration = Field(default=0.0, description="How long the goal must have been promoted there.")
    gates: Annotated[tuple[Kind, ...], BeforeValidator(_list)] = Field(
        default=(), description="Kinds of gate that its plan must have."
    )


class EnvironmentModel(Strict):
    """An environment: its plan, or a plan with an overlay."""

    name: str = Field(description="What it is called by `rollout promote-to`.", min_length=1, max_length=64)
    plan: str = Field(description="The path of its plan, from this file's folder.", min_length=1)
    overlay: str | None = Field(default=None, description="The path of the overlay on it.")
    require: RequireModel = Field(
        default=RequireModel.model_construct(baked=0.0, gates=()),
        description="What must be shown here before the next environment gets it.",
    )


def _distinct(found: tuple[EnvironmentModel, ...]) -> Any:
    names = [one.name for one in found]
    if again := next((name for name in names if names.count(name) > 1), ""):
        refuse("PLAN103", f"two environments are called `{again}`", expected="a name for each")
    return found


Environments = Annotated[tuple[EnvironmentModel, ...], BeforeValidator(_list), AfterValidator(_distinct)]
