"""The gate `compare` as it is written."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from rollout.plan.gates import Concurrency, OneOrMany, RecordedModel, Texts, Tolerance, many
from rollout.plan.shapes import Duration, Shorthand, Strict, refuse

_GREATEST: Final = 1000.0
"""Of a ratio of latencies: more is no limit."""


def _part(value: Any) -> float:
    """A share of the answers from `0%` to `100%`; a bare number could be a fraction or a percentage."""
    digits = str(value).removesuffix("%").strip() if isinstance(value, str) and value.endswith("%") else ""
    if not digits.replace(".", "", 1).isdecimal() or float(digits) > 100:
        refuse("PLAN506", f"`{value}` is not a share of the answers", expected="a percentage such as `1%`, or `0%`")
    return float(digits) / 100


def _ratio(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1 <= value <= _GREATEST:
        refuse("PLAN105", f"`{value}` is not a ratio", expected=f"a number from 1 to {_GREATEST:g}, such as 1.5")
    return float(value)


Part = Annotated[float, BeforeValidator(_part), WithJsonSchema({"type": "string", "pattern": r"^[0-9.]+ ?%$"})]
Ratio = Annotated[
    float, BeforeValidator(_ratio), WithJsonSchema({"type": "number", "minimum": 1, "maximum": _GREATEST})
]


class NumericModel(Strict):
    """How far two numbers may be apart and still be the same answer: by either of the two."""

    absolute: Tolerance = Field(default=0.0, description="Greatest accepted difference.")
    relative: Tolerance = Field(default=0.0, description="Greatest accepted difference relative to stable's number.")


class CompareModel(Shorthand):
    """Send the same requests to stable and to the candidate by header, whatever their weights, and compare the answers.
    It fails when too many differ; what stable does not answer is no evidence against the candidate. A first release,
    which has no stable, goes without it."""

    shorthand: ClassVar[str] = "requests"

    requests: Annotated[tuple[RecordedModel, ...], BeforeValidator(many), Field(min_length=1), OneOrMany()] = Field(
        description="The requests: paths of files (`.jsonl`: a request a line), data assets "
        "(`azureml:NAME:VERSION`), or objects."
    )
    select: str | None = Field(
        default=None, description="A JMESPath expression: the part of each answer that is compared, instead of all."
    )
    rows: str | None = Field(
        default=None, description="A JMESPath expression that gives a list: each of its rows is compared and counted."
    )
    labels: str | None = Field(
        default=None,
        description="A JMESPath expression that gives a label, or a list of them: equal or not, each counted.",
    )
    ignore: Texts = Field(
        default=(), description="Paths in the answer that are not compared: `model.version`, `items.*.id`."
    )
    numeric: NumericModel | None = Field(
        default=None, description="How far two numbers anywhere in the answer may be apart; by default they are equal."
    )
    at_most: Part = Field(
        default=0.0, description="Greatest accepted share of the answers (rows, labels) that differ; none by default."
    )
    distribution: Part | None = Field(
        default=None,
        description="Greatest accepted distance (Kolmogorov–Smirnov) of the distributions of all compared numbers.",
    )
    latency_ratio: Ratio | None = Field(
        default=None, description="How many times stable's median time the candidate's may be; only shown without it."
    )
    time_limit: Duration | None = Field(
        default=None, description="Greatest accepted time of one request; the candidate's later answer differs."
    )
    concurrency: Concurrency = Field(default=1, description="How many requests are under way at the same time.")
    limit: Duration | None = Field(
        default=None, description="How long errors and missing answers are waited for before the rollout holds."
    )
