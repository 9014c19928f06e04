"""The language of `policy.yaml`, and of a plan's own `policy:`. Imported only where there is one: start-up time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from rollout.core.policy import BETWEEN, PROMOTION
from rollout.plan.models import known_version
from rollout.plan.policies import HazardNames
from rollout.plan.policy_times import MOST_TEXT, Days, Recurrence, WallTime, Zone
from rollout.plan.shapes import Duration, Shorthand, Strict, list_of, refuse, whole

MOST: Final = 100
"""Entries of a list in a policy."""


_list: Final = list_of(MOST)


def _one_or_many(value: Any) -> Any:
    return _list(value if isinstance(value, list) else [value])


def _percentage(value: Any) -> int:
    return whole(value, 1, 100, "percentage")


def _instances(value: Any) -> int:
    return whole(value, 1, 1000, "number of instances")


def _before(value: Any) -> int:
    if value == "promotion":
        return PROMOTION
    return whole(value, 1, 100, "percentage (or `promotion`)")


def _stop(value: Any) -> str:
    if value is False:
        return ""
    if value is True:
        return "the line is stopped"
    if not isinstance(value, str) or not value.strip() or len(value) > MOST_TEXT:
        refuse("PLAN103", "this says neither whether nor why", expected="true, false, or the reason as text")
    return value.strip()


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MOST_TEXT:
        refuse("PLAN103", "this is not a text", expected=f"text of 1 to {MOST_TEXT} characters")
    return value


_BEFORE_SCHEMA: Final = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 100}, {"const": "promotion"}]}
_ONE_OR_MANY: Final = BeforeValidator(_one_or_many)

Text = Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": "string", "minLength": 1})]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_list)]
Percentage = Annotated[
    int, BeforeValidator(_percentage), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 100})
]
Instances = Annotated[
    int, BeforeValidator(_instances), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 1000})
]
Before = Annotated[int, BeforeValidator(_before), WithJsonSchema(_BEFORE_SCHEMA)]
Activities = Annotated[tuple[Literal["start", "advance", "delete"], ...], BeforeValidator(_list)]


class BakeRuleModel(Shorthand):
    """How long the candidate is watched before it gets more: the bakes directly in front of a traffic stage, added."""

    shorthand: ClassVar[str] = "for"

    for_: Duration = Field(alias="for", description="The least sum of bakes.")
    before: Before = Field(
        default=BETWEEN,
        description="In front of every traffic stage of this weight or more; `promotion`: behind the last one. By "
        "default between each two traffic stages.",
    )


class GateRuleModel(Shorthand):
    """A gate that must exist."""

    shorthand: ClassVar[str] = "kind"

    kind: Literal["smoke_test", "compare", "bake", "approval", "metric"] = Field(description="The kind of gate.")
    before: Before = Field(
        default=1, description="It stands before this weight is given; `promotion`: behind the last traffic stage."
    )


class ApprovalRuleModel(Strict):
    """A yes that must be given, and by whom."""

    before: Before = Field(
        default=100, description="It stands before this weight is given; `promotion`: behind the last traffic stage."
    )
    by: Texts = Field(default=(), description="Who may give it, by the names that runs are recorded under; all: [].")
    other: bool = Field(
        default=True, description="Not the one who started the run, where both identities are known (four eyes)."
    )


class DeletesModel(Strict):
    """When deployments may be deleted."""

    after: Duration = Field(description="The least time after the promotion.")


class PromotedRuleModel(Shorthand):
    """An environment of `rollout.yaml` that must have promoted what is released here."""

    shorthand: ClassVar[str] = "environment"

    environment: Text = Field(description="Its name in `rollout.yaml`.")
    baked: Duration = Field(
        default=0.0, description="For how long at least; what `rollout.yaml` requires there counts, too."
    )


def _deletes(value: Any) -> Any:
    if value not in ("allowed", "none") and not isinstance(value, Mapping):
        refuse("PLAN110", f"`{value}` is not known here", expected="`none`, `allowed`, or {after: DURATION}")
    return value


class ExpressionModel(Shorthand):
    """A rule in the Common Expression Language (CEL), about the plan as data."""

    shorthand: ClassVar[str] = "cel"

    cel: Text = Field(description="True where the plan is as it must be; `release` is the plan.")
    message: str = Field(default="", description="What is wrong where it is not true.")


class LimitsModel(Strict):
    """What a rule can ask for. All of it counts, from every rule that applies."""

    largest_first_weight: Percentage | None = Field(
        default=None, description="The most that the first traffic stage may give the candidate, in percent."
    )
    largest_step: Percentage | None = Field(
        default=None, description="By how many points the weight may rise at most, from stage to stage."
    )
    shortest_bake: Annotated[tuple[BakeRuleModel, ...], _ONE_OR_MANY] = Field(
        default=(), description="How long the candidate is watched before it gets more: a duration, or a list."
    )
    gates: Annotated[tuple[GateRuleModel, ...], BeforeValidator(_list)] = Field(
        default=(), description="The gates that must exist: kinds, or `{kind, before}`."
    )
    approvals: Annotated[tuple[ApprovalRuleModel, ...], BeforeValidator(_list)] = Field(
        default=(), description="The approvals that must exist, and whose they are."
    )
    instance_types: Texts | None = Field(
        default=None, description="The instance types that may be used; `*` stands for any letters, case is ignored."
    )
    most_instances: Instances | None = Field(default=None, description="The most instances of one deployment.")
    allowed_hazards: HazardNames | None = Field(
        default=None, description="The only hazards that there may be; no flag allows another one."
    )
    refused_hazards: HazardNames = Field(default=(), description="Hazards that no flag and no plan allows.")
    deletes: Annotated[
        Literal["allowed", "none"] | DeletesModel,
        BeforeValidator(_deletes),
    ] = Field(default="allowed", description="Whether deployments may be deleted: `none`, or `{after: DURATION}`.")
    promoted_from: Annotated[tuple[PromotedRuleModel, ...], _ONE_OR_MANY] = Field(
        default=(), description="Environments that must have promoted what is released here: a name, or a list."
    )
    expressions: Annotated[tuple[ExpressionModel, ...], BeforeValidator(_list)] = Field(
        default=(), description="Rules in CEL; needs the extra `cel`."
    )


class RuleModel(LimitsModel):
    """One rule, and where it applies."""

    name: Text = Field(description="What people call it; it is told wherever the rule says no.")
    environments: Texts = Field(
        default=(), description="Only there; patterns. A plan without an environment is held to all of them."
    )
    endpoints: Texts = Field(default=(), description="Only for endpoints with such names; patterns with `*`.")


class HolidaysModel(Strict):
    """Days of a calendar: public holidays of a country, dates that are listed, or both."""

    country: str | None = Field(default=None, description="ISO 3166 code, such as `DE`; needs the extra `holidays`.")
    subdivision: str | None = Field(default=None, description="A part of the country, such as `BE`.")
    dates: Days = Field(default=(), description="Days such as `2026-12-24`; `12-24` is that day of every year.")


class WindowModel(Strict):
    """A time in which something may be done, or may not: once, again and again (RFC 5545), or on holidays."""

    name: Text = Field(description="What people call it; it is told wherever somebody waits for it.")
    deny: Activities | None = Field(default=None, description="What must not be done meanwhile.")
    allow: Activities | None = Field(default=None, description="What may be done only in windows that say so.")
    from_: WallTime | None = Field(
        default=None, alias="from", description="The first begin on the wall clock: `2026-01-05T09:00`."
    )
    for_: Duration | None = Field(default=None, alias="for", description="How long, on the wall clock.")
    until: WallTime | None = Field(default=None, description="The end of the first one, instead of `for`.")
    every: Recurrence | None = Field(
        default=None, description="How it comes again: an RRULE such as `FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR`."
    )
    days: str | None = Field(default=None, description="Instead of times: each day of that calendar in `holidays`.")
    except_: str | None = Field(
        default=None, alias="except", description="Not where it begins on a day of that calendar in `holidays`."
    )
    zone: Zone = Field(default="UTC", description="The time zone of all its times, such as `Europe/Berlin`.")
    fit: Literal["whole", "begin"] = Field(
        default="whole", description="A stage with its bakes must end before it closes, or only begin."
    )
    environments: Texts = Field(default=(), description="Only there; patterns.")
    endpoints: Texts = Field(default=(), description="Only for endpoints with such names; patterns with `*`.")

    @model_validator(mode="after")
    def _complete(self) -> WindowModel:
        if (self.deny is None) == (self.allow is None):
            refuse("PLAN102", "a window allows or denies", expected="`deny` or `allow`, one of them")
        times = (self.from_ is not None, (self.for_ is None) != (self.until is None))
        if self.days is None and not all(times):
            refuse("PLAN102", "the window has no times", expected="`from`, and `for` or `until`; or `days`")
        if self.days is not None and (self.from_ or self.for_ or self.until or self.every or self.except_):
            refuse("PLAN201", "`days` stands alone: whole days", expected="`days`, or `from` with `for` or `until`")
        if self.from_ is not None and self.until is not None and self.until <= self.from_:
            refuse("PLAN105", "the window ends before it begins", expected="`until` later than `from`")
        return self


Windows = Annotated[tuple[WindowModel, ...], BeforeValidator(_list)]
Holidays = dict[Text, HolidaysModel]


class PlanPolicyModel(LimitsModel):
    """A plan's own policy: stricter than the repository's wherever it says something, never looser."""

    holidays: Holidays = Field(default={}, description="Calendars by name, for `days` and `except` of windows.")
    windows: Windows = Field(default=(), description="When it may be done, beside the repository's windows.")


class PolicyModel(Strict):
    """A repository's policy: `policy.yaml`."""

    version: Annotated[int, BeforeValidator(known_version), WithJsonSchema({"const": 1})] = Field(
        description="The version of this language: 1."
    )
    kind: Literal["policy"] = Field(description="What this file is: `policy`.")
    stop_the_line: Annotated[
        str, BeforeValidator(_stop), WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "string"}]})
    ] = Field(default="", description="Nothing is done but rolling back, while this is true or a reason.")
    rules: Annotated[tuple[RuleModel, ...], BeforeValidator(_list)] = Field(
        default=(), description="What plans must be like. All rules that apply count."
    )
    holidays: Holidays = Field(default={}, description="Calendars by name, for `days` and `except` of windows.")
    windows: Windows = Field(default=(), description="When things may be done.")
