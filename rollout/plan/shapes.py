"""Building blocks of the language: scalar types with our own error messages, and mappings with a scalar short form.

Validators raise `PydanticCustomError` whose type is one of our codes; `rollout.plan.translate` turns it into a fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Final, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetJsonSchemaHandler, WithJsonSchema, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from rollout.plan.durations import EXPECTED as DURATION
from rollout.plan.durations import PATTERN as DURATION_PATTERN
from rollout.plan.durations import parse_duration

NAME_PATTERN: Final = r"^(?=.{3,32}$)[a-z](?:-?[a-z0-9])*$"
"""Endpoints and deployments: 3 to 32 characters, lower case (the service folds case; two spellings of one name in a
plan would be two names here and one there), starting with a letter, single dashes inside."""

STAGE_NAME_PATTERN: Final = r"^[A-Za-z][A-Za-z0-9_.-]{0,39}$"
_NAME: Final = re.compile(NAME_PATTERN)
_STAGE_NAME: Final = re.compile(STAGE_NAME_PATTERN)


def refuse(code: str, message: str, *, expected: str = "", hint: str = "") -> NoReturn:
    """Reject the value at hand with one of our codes."""
    raise PydanticCustomError(code, "{text}", {"text": message, "expected": expected, "hint": hint})


def list_of(most: int) -> Callable[[Any], Any]:
    """What makes a tuple of a list with at most so many entries, and refuses everything else."""

    def listed(value: Any) -> Any:
        if not isinstance(value, list):
            refuse("PLAN103", "this must be a list", expected="a list, each entry after a dash")
        if len(value) > most:
            refuse("PLAN103", f"this list has {len(value)} entries", expected=f"at most {most}")
        return tuple(value)

    return listed


def duration(value: Any) -> float:
    """Seconds from a duration; refuses bare numbers, which say no unit."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        refuse("PLAN104", f"`{value}` has no unit", expected=DURATION, hint=f"did you mean `{value}s` or `{value}m`?")
    try:
        return parse_duration(str(value))
    except ValueError:
        refuse("PLAN104", f"`{value}` is not a duration", expected=DURATION)


def name(value: Any) -> str:
    """The name of an endpoint or a deployment."""
    if not isinstance(value, str):
        refuse("PLAN108", f"`{value}` is not a name", expected="a name in letters, digits and single dashes")
    if value != value.lower() and _NAME.match(value.lower()):
        refuse(
            "PLAN108",
            f"`{value}` has upper-case letters",
            expected="a lower-case name",
            hint=f"the service ignores case: write `{value.lower()}`",
        )
    if not _NAME.match(value):
        refuse(
            "PLAN108",
            f"`{value}` is not a name that the service accepts",
            expected="3 to 32 lower-case letters, digits and single dashes, starting with a letter",
        )
    return value


def stage_name(value: Any) -> str:
    """The name that a person gives to a stage."""
    if not isinstance(value, str) or not _STAGE_NAME.match(value):
        refuse(
            "PLAN108",
            f"`{value}` is not a name for a stage",
            expected="a letter, then up to 39 letters, digits, dots, dashes and underscores",
        )
    return value


def whole(value: Any, low: int, high: int, unit: str) -> int:
    """A whole number in a range."""
    if isinstance(value, bool) or not isinstance(value, int):
        hint = f"write `{value}` without quotes" if isinstance(value, str) and value.isdigit() else ""
        refuse(
            "PLAN105", f"`{value}` is not a whole number", expected=f"a whole {unit} from {low} to {high}", hint=hint
        )
    if not low <= value <= high:
        refuse("PLAN105", f"{value} is out of range", expected=f"a whole {unit} from {low} to {high}")
    return value


def weight(value: Any) -> int:
    """A percentage of live traffic."""
    return whole(value, 0, 100, "percentage")


def mirror_weight(value: Any) -> int:
    """A percentage of mirrored traffic; `none` is 0."""
    if value == "none":
        return 0
    if value is False or value == "off":
        refuse(
            "PLAN105",
            "`off` is not a weight",
            expected="a whole percentage from 0 to 50, or `none`",
            hint="write `none`: in YAML 1.1 `off` is a boolean",
        )
    return whole(value, 0, 50, "percentage")


def count(value: Any) -> int:
    """A number of instances."""
    return whole(value, 1, 1000, "number of instances")


def _for_candidate(value: Any) -> Any:
    return value if isinstance(value, Mapping) else {"candidate": value}


def _shares(item: JsonSchemaValue, what: str) -> list[Any]:
    schema = {
        "anyOf": [item, {"type": "object", "additionalProperties": item, "minProperties": 1}],
        "description": what,
    }
    return [BeforeValidator(_for_candidate), WithJsonSchema(schema)]


_PERCENT: Final = {"type": "integer", "minimum": 0, "maximum": 100}
_MIRROR: Final = {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 50}, {"const": "none"}]}

Duration = Annotated[float, BeforeValidator(duration), WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN})]
Name = Annotated[str, BeforeValidator(name), WithJsonSchema({"type": "string", "pattern": NAME_PATTERN})]
StageName = Annotated[
    str, BeforeValidator(stage_name), WithJsonSchema({"type": "string", "pattern": STAGE_NAME_PATTERN})
]
Shares = Annotated[
    dict[str, Annotated[int, BeforeValidator(weight)]],
    *_shares(
        _PERCENT, "Percent of live traffic to the candidate, or a split by deployment (or role) that sums to 100."
    ),
]
MirrorShare = Annotated[
    dict[str, Annotated[int, BeforeValidator(mirror_weight)]],
    *_shares(_MIRROR, "Percent of live traffic copied to the candidate (at most 50), or `none`."),
]
Counts = Annotated[
    dict[str, Annotated[int, BeforeValidator(count)]],
    *_shares(
        {"type": "integer", "minimum": 1, "maximum": 1000},
        "Least number of instances: of the candidate, or by deployment (or role).",
    ),
]


class Strict(BaseModel):
    """What every part of the language has: no unknown keys, no silent conversion, frozen once read.

    `defer_build`: one validator is built, for the whole plan, when a plan is first read; not one for each part.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=False, defer_build=True)


class Shorthand(Strict):
    """A mapping that may also be written as one scalar: the value of the field named by `shorthand`."""

    shorthand: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        return value if isinstance(value, Mapping) else {cls.shorthand: value}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core))
        short = schema["properties"][cls.shorthand]
        return {"anyOf": [{k: v for k, v in short.items() if k != "default"}, schema]}
