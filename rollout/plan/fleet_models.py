"""The language of fleet files (`kind: fleet`). Imported only where there is one: start-up time."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from rollout.plan.models import TargetModel, known_version
from rollout.plan.shapes import Duration, Name, Shorthand, StageName, Strict, refuse, whole

MOST_MEMBERS: Final = 1_000
"""Members of one wave; a fleet of more is several waves."""
MOST_WAVES: Final = 100
MOST_IN_FLIGHT: Final = 1_000
_SHARE: Final = r"^(100|[0-9]{1,2})%$"
_PERCENT: Final = re.compile(_SHARE)


def _kind(value: Any) -> str:
    if value != "fleet":
        refuse("PLAN111", f"kind `{value}` is not a fleet", expected="kind: fleet")
    return "fleet"


def _entries(value: Any, most: int, nothing: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        refuse("PLAN103", "this must be a list", expected="a list, each entry after a dash")
    if not value and nothing:
        refuse("PLAN103", nothing, expected="at least one entry")
    if len(value) > most:
        refuse("PLAN103", f"this list has {len(value)} entries", expected=f"at most {most}")
    return tuple(value)


def _waves(value: Any) -> tuple[Any, ...]:
    return _entries(value, MOST_WAVES, "the fleet has no wave")


def _members(value: Any) -> tuple[Any, ...]:
    return _entries(value, MOST_MEMBERS, "the wave has no member")


def _names(value: Any) -> tuple[Any, ...]:
    return _entries([value] if isinstance(value, str) else value, MOST_WAVES, "")


def _in_flight(value: Any) -> int:
    return whole(value, 1, MOST_IN_FLIGHT, "number of members")


def _budget(value: Any) -> str | int:
    if isinstance(value, str) and _PERCENT.match(value):
        return value
    if isinstance(value, str):
        refuse("PLAN105", f"`{value}` is no number of members", expected="a whole number, or a percentage as `10%`")
    return whole(value, 0, MOST_WAVES * MOST_MEMBERS, "number of members (or a percentage as `10%`)")


def _values(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(each, (str, int)) for each in value.values()):
        refuse(
            "PLAN103", "these are no values for variables", expected="a mapping of names to text, numbers, true, false"
        )
    return value


InFlight = Annotated[
    int,
    BeforeValidator(_in_flight),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST_IN_FLIGHT}),
]
Budget = Annotated[
    str | int,
    BeforeValidator(_budget),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": _SHARE}]}),
]
VariableValues = Annotated[
    dict[str, Any],
    BeforeValidator(_values),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": ["string", "integer", "boolean"]}}),
]


class MemberModel(Shorthand):
    """One endpoint of the fleet: a plan of its own, or the template with what is different here."""

    shorthand: ClassVar[str] = "plan"

    plan: str | None = Field(
        default=None, min_length=1, description="The path of its plan; by default the fleet's `template`."
    )
    name: Name | None = Field(default=None, description="Its name; takes the place of the plan's `name`.")
    target: TargetModel | None = Field(
        default=None, description="Its workspace; takes the place of the plan's `target`."
    )
    overlay: str | None = Field(default=None, min_length=1, description="The path of an overlay that changes its plan.")
    set: Annotated[Any, WithJsonSchema({"type": "object"})] = Field(
        default=None, description="What is different in its plan: an overlay, written here (RFC 7386)."
    )
    variables: VariableValues = Field(
        default={}, description="Values of variables that `rollout.yaml` declares, for this member."
    )


Members = Annotated[tuple[MemberModel, ...], BeforeValidator(_members)]


class WaveModel(Strict):
    """Members that are released side by side."""

    name: StageName = Field(description="The wave's name, for `after` and for reports.")
    members: Members = Field(
        description="The plans, in the order in which they are started.", json_schema_extra={"minItems": 1}
    )
    after: Annotated[tuple[StageName, ...], BeforeValidator(_names)] | None = Field(
        default=None,
        description="The waves that must be complete before this one starts; by default the one written before it, and"
        " with `[]` none.",
    )
    max_in_flight: InFlight | None = Field(
        default=None, description="How many of its members may be under way at the same time; by default the fleet's."
    )
    bake: Duration = Field(default=0.0, description="How long after its last promotion it counts as complete.")


class FleetModel(Strict):
    """A fleet: many plans, or one plan for many endpoints, released in waves."""

    version: Annotated[int, BeforeValidator(known_version), WithJsonSchema({"const": 1})] = Field(
        description="The version of this language: 1."
    )
    kind: Annotated[str, BeforeValidator(_kind), WithJsonSchema({"const": "fleet"})] = Field(
        description="What this file is: `fleet`."
    )
    name: Name = Field(description="The fleet's name, for reports.")
    template: str | None = Field(
        default=None, min_length=1, description="The path of the plan of every member that names none."
    )
    waves: Annotated[tuple[WaveModel, ...], BeforeValidator(_waves)] = Field(
        description="The waves; each comes after the one before it, unless `after` says otherwise.",
        json_schema_extra={"minItems": 1},
    )
    max_in_flight: InFlight = Field(
        default=10, description="How many members of a wave may be under way at the same time."
    )
    error_budget: Budget = Field(
        default=0,
        description="How many members may fail, as a number or a percentage of all; with one more nothing new starts.",
    )
    on_failure: Literal["keep", "roll_back"] = Field(
        default="keep",
        description="When the budget is exceeded: members that this release has reached stay as they are, or go back to"
        " what they had before where that is still there.",
    )
