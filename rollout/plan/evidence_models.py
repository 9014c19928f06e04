"""The checks of a bake as they are written: what is counted, where the counts come from, and how sure to be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from rollout.plan.shapes import Duration, Shorthand, Strict, refuse, whole

_SHARE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%")
_STATUS: Final = re.compile(r"[1-5](?:[0-9]{2}|xx)")
_STATUSES_EXPECTED: Final = "a status such as 424, or a class such as 5xx"
SOURCES: Final = ("azure_monitor", "log_analytics", "prometheus", "http")
KINDS: Final = ("error_rate", "latency", "metric", "alert")


def _share(value: Any) -> float:
    """A share as `0.5%`: a bare number could be meant either way."""
    match = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        hint = f"did you mean `{value}%`?" if isinstance(value, (int, float)) and not isinstance(value, bool) else ""
        refuse("PLAN506", f"`{value}` is not a share", expected="a percentage such as `0.5%`", hint=hint)
    found = float(match[1]) / 100
    if found >= 1:
        refuse("PLAN506", f"`{value}` is everything", expected="less than 100%")
    return found


def _alpha(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
        refuse(
            "PLAN501", f"`{value}` is not a probability for alpha", expected="a number between 0 and 1, such as 0.05"
        )
    return float(value)


def _least(value: Any) -> int:
    return whole(value, 1, 1_000_000, "number of requests")


def _statuses(value: Any) -> Any:
    found = []
    for item in value if isinstance(value, list) else [value]:
        text = str(item).lower()
        if isinstance(item, bool) or not _STATUS.fullmatch(text):
            refuse("PLAN103", f"`{item}` is not an HTTP status", expected=_STATUSES_EXPECTED)
        found.append(text)
    return tuple(found)


Share = Annotated[float, BeforeValidator(_share), WithJsonSchema({"type": "string", "pattern": r"^[0-9.]+ ?%$"})]
Alpha = Annotated[
    float,
    BeforeValidator(_alpha),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
]
LeastRequests = Annotated[int, BeforeValidator(_least), WithJsonSchema({"type": "integer", "minimum": 1})]


class _Compared(Strict):
    """What every check has. Subclassed, because each has a short form of its own."""

    tolerate: Share | None = Field(
        default=None,
        description="How much worse than stable is still good enough, as a share of the requests: 0.5% by default, 1% "
        "for latency and metric.",
    )
    at_most: Share | None = Field(
        default=None, description="Compare the candidate with this share, instead of with stable in the same minutes."
    )


class ErrorRateModel(_Compared):
    """The share of requests that are answered with an error."""

    statuses: Annotated[
        tuple[str, ...],
        BeforeValidator(_statuses),
        Field(min_length=1),
        WithJsonSchema({"type": "array", "items": {"type": ["string", "integer"]}}),
    ] = Field(
        default=("5xx", "408", "424", "429"),
        description="Which answers are errors. A model that fails is a 424, one that takes too long a 408.",
    )


class LatencyModel(_Compared, Shorthand):
    """The share of requests that take longer than a limit which is fixed here. Needs a source with single requests."""

    shorthand: ClassVar[str] = "over"

    over: Duration = Field(description="A request that takes longer is slow.")


class MetricModel(_Compared):
    """The share of bad events by two queries of your own, which count events minute by minute."""

    name: str = Field(description="What it is called in reports.")
    bad: str = Field(description="Counts the bad events; `$deployment` stands for the deployment's name.")
    total: str = Field(description="Counts all events; `$deployment` stands for the deployment's name.")


class AlertModel(Shorthand):
    """An alert rule of Azure Monitor that must not fire while the candidate serves."""

    shorthand: ClassVar[str] = "rule"

    rule: str = Field(
        min_length=1,
        description="The rule's ARM id (metric, log search or activity log alert), or the name of a metric alert in "
        "the workspace's resource group.",
    )
    on_fired: Literal["fail", "hold"] = Field(
        default="fail", description="What follows where it fired: roll back, or hold until a person has looked."
    )


class _Word(Strict):
    """A mapping that may also be written as one certain word."""

    word: ClassVar[str]

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core))
        return {"anyOf": [{"const": cls.word}, schema]}


class CheckModel(_Word):
    """One check: `error_rate`, `latency`, `metric` or `alert`; `- error_rate` alone means its defaults."""

    word: ClassVar[str] = "error_rate"

    error_rate: ErrorRateModel | None = Field(default=None, description="The share of requests answered with an error.")
    latency: LatencyModel | None = Field(default=None, description="The share of requests slower than a fixed limit.")
    metric: MetricModel | None = Field(default=None, description="The share of bad events by queries of your own.")
    alert: AlertModel | None = Field(default=None, description="An alert rule of Azure Monitor that must not fire.")

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        if value == cls.word:
            return {cls.word: {}}
        if not isinstance(value, Mapping) or len(value) != 1:
            refuse("PLAN103", "this is not a check", expected=f"one of {', '.join(KINDS)}, with its parameters")
        return value


def check_list(value: Any) -> Any:
    """One check or a list of them."""
    items = value if isinstance(value, list) else [value]
    if not 1 <= len(items) <= 20:
        refuse("PLAN103", f"a gate has 1 to 20 checks, this one has {len(items)}", expected="a list of checks")
    return tuple(items)


class SourceModel(_Word):
    """Where counts come from. The word `azure_monitor` alone means the metrics of the endpoint's own workspace."""

    word: ClassVar[str] = "azure_monitor"

    azure_monitor: bool | None = Field(default=None, description="`true`: Azure Monitor's metrics of the endpoint.")
    log_analytics: str | None = Field(
        default=None, description="The id of the Log Analytics workspace with the table AmlOnlineEndpointTrafficLog."
    )
    prometheus: str | None = Field(default=None, description="The address of a Prometheus server.")
    http: str | None = Field(default=None, description="The address of a service that answers with counts as JSON.")
    lag: Duration | None = Field(
        default=None,
        description="After how long its counts are final: by default 3m for Azure Monitor, 10m for Log Analytics, 1m "
        "for the others.",
    )

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        if value == cls.word:
            return {cls.word: True}
        given = [key for key in value if key in SOURCES] if isinstance(value, Mapping) else []
        if len(given) != 1:
            refuse("PLAN505", "this is not one source", expected=f"one of {', '.join(SOURCES)}")
        return value
