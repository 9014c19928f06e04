"""The gates of the language as they are written: smoke tests, bakes, metrics, approvals; `compare` is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from rollout.plan.evidence_models import Alpha, CheckModel, LeastRequests, SourceModel, check_list
from rollout.plan.shapes import Duration, Shorthand, Strict, refuse, whole

Json = Annotated[Any, WithJsonSchema({})]


def _statuses(value: Any) -> Any:
    items = value if isinstance(value, list) else [value]
    return tuple(whole(item, 100, 599, "HTTP status") for item in items)


def many(value: Any) -> Any:
    """A list, also where one item is written alone."""
    return tuple(value) if isinstance(value, list) else (value,)


def _tolerance(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        refuse("PLAN103", f"`{value}` is not a tolerance", expected="a number that is not negative, such as 0.001")
    return float(value)


def _repetitions(value: Any) -> int:
    return whole(value, 1, 10_000, "number")


def _concurrency(value: Any) -> int:
    return whole(value, 1, 64, "number")


def _file_or_schema(value: Any) -> Any:
    if not isinstance(value, (str, Mapping, bool)):
        refuse("PLAN103", "this is not a JSON Schema", expected="the path of a JSON file, or a schema inline")
    return value


_NUMBER = WithJsonSchema({"type": "number", "minimum": 0})
Tolerance = Annotated[float, BeforeValidator(_tolerance), _NUMBER]
Concurrency = Annotated[int, BeforeValidator(_concurrency)]
Statuses = Annotated[
    tuple[int, ...],
    BeforeValidator(_statuses),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]}),
]
Texts = Annotated[
    tuple[str, ...],
    BeforeValidator(many),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class OneOrMany:
    """In the JSON Schema: a list, or one of its items alone."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core)
        return {"anyOf": [schema["items"], schema]}


class GoldenModel(Shorthand):
    """The answer that the deployment must give, compared value by value; numbers within the tolerance."""

    shorthand: ClassVar[str] = "answer"

    answer: Json = Field(default=None, description="The expected answer: the path of a JSON file, or the value itself.")
    file: str | None = Field(default=None, description="The path of a JSON file with the expected answer.")
    tolerance: Tolerance = Field(default=0.0, description="Greatest accepted absolute difference between two numbers.")
    relative_tolerance: Tolerance = Field(
        default=0.0, description="Greatest accepted difference relative to the expected number."
    )

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            return value
        return {"file": value} if isinstance(value, str) else {"answer": value}


class ExpectModel(Strict):
    """What a good answer looks like. Everything that is given must hold."""

    status: Statuses = Field(default=(200,), description="The accepted HTTP status, or a list of them.")
    schema_: Annotated[
        Any,
        BeforeValidator(_file_or_schema),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "boolean"}]}),
    ] = Field(
        default=None, alias="schema", description="A JSON Schema of the answer: inline, or the path of a JSON file."
    )
    assertions: Texts = Field(
        default=(), description="JMESPath expressions over the answer; each must give a true value."
    )
    golden: GoldenModel | None = Field(
        default=None, description="The answer that is expected, with a tolerance for numbers."
    )


class RecordedModel(Shorthand):
    """One request: a file that is sent as it is, or a JSON value written here; in `compare` a file of JSON lines
    (`.jsonl`) is a request a line."""

    shorthand: ClassVar[str] = "file"

    file: str | None = Field(default=None, description="The path of the file that is sent as the body.")
    body: Json = Field(default=None, description="A JSON value that is sent as the body, instead of a file.")
    content_type: str | None = Field(default=None, description="The Content-Type; by default from the file's name.")


class RequestModel(RecordedModel):
    """One request: a file that is sent as it is, or a JSON value written here."""

    expect: ExpectModel | None = Field(
        default=None, description="What to expect of this request, instead of the stage's `expect`."
    )


class SmokeTestModel(Shorthand):
    """Send requests to a deployment by header, whatever its weight, and look at every answer."""

    shorthand: ClassVar[str] = "requests"

    requests: Annotated[
        tuple[RequestModel, ...],
        BeforeValidator(many),
        Field(min_length=1),
        OneOrMany(),
    ] = Field(description="The requests: paths of files, or objects.")
    deployment: str | None = Field(
        default=None, description="Which deployment is asked: `candidate` (the default), `stable` or its name."
    )
    expect: ExpectModel = Field(
        default=ExpectModel.model_construct(), description="What a good answer looks like; by default status 200."
    )
    time_limit: Duration | None = Field(default=None, description="Greatest accepted time of one request.")
    repetitions: Annotated[int, BeforeValidator(_repetitions)] = Field(
        default=1, description="How often each request is sent."
    )
    concurrency: Concurrency = Field(default=1, description="How many requests are under way at the same time.")
    limit: Duration | None = Field(
        default=None, description="How long errors and missing answers are waited for before the rollout holds."
    )


class Evidenced(Shorthand):
    """What a bake with checks and a metric gate have in common."""

    promote_when: Literal["proven", "unproven"] | None = Field(
        default=None,
        description="With checks: pass only when the candidate is proven not to be worse (`proven`, the default), or "
        "already when it is not shown to be worse (`unproven`).",
    )
    alpha: Alpha | None = Field(
        default=None,
        description="With checks: the greatest probability that a good candidate is rolled back, in the whole rollout; "
        "0.05 by default.",
    )
    least_requests: LeastRequests | None = Field(
        default=None, description="With checks: so many requests of the candidate in this stage; 50 by default."
    )
    source: SourceModel | None = Field(
        default=None, description="With checks: where the counts come from; `azure_monitor` by default."
    )
    limit: Duration | None = Field(
        default=None,
        description="How long a missing measurement, or a missing proof, is waited for before the rollout holds.",
    )


Checks = Annotated[tuple[CheckModel, ...], BeforeValidator(check_list), OneOrMany()]


class BakeModel(Evidenced):
    """Let time pass while the candidate serves; it fails when the candidate stops being healthy, or is shown to be
    worse by one of the checks. With checks it passes when its time is over *and* the candidate is shown not to be
    worse."""

    shorthand: ClassVar[str] = "for"

    for_: Duration = Field(alias="for", description="How long.")
    deployment: str | None = Field(
        default=None, description="Which deployment is watched: `candidate` (the default), `stable` or its name."
    )
    checks: Checks | None = Field(
        default=None, description="What the candidate is compared by, minute by minute; without checks only its health."
    )
    at_least: Duration | None = Field(
        default=None, description="With checks: the least time, where the candidate is proven earlier than `for`."
    )


class MetricGateModel(Evidenced):
    """Measure once, without a time of its own: the minutes behind us, and those that it takes to know them. Not the
    server's health."""

    shorthand: ClassVar[str] = "checks"

    checks: Checks = Field(description="What the candidate is compared by, minute by minute.")
    over: Duration = Field(
        default=900.0,
        description="How far it looks back from when it was reached, at most to the candidate's first request; 15m by "
        "default.",
    )


class ApprovalModel(Shorthand):
    """Wait for a person's `rollout approve`, bound to the goal and to what is still to come."""

    shorthand: ClassVar[str] = "message"

    message: str = Field(description="What the person is asked.")
    limit: Duration | None = Field(
        default=None, description="How long the rollout waits before it holds; 7 days by default."
    )


class DeleteModel(Shorthand):
    """Delete a deployment that has no traffic any more, some time after the promotion."""

    shorthand: ClassVar[str] = "deployment"

    deployment: str = Field(description="Which deployment: `stable`, or its name.")
    after: Duration = Field(default=0.0, description="How long after the promotion.")


class DeployModel(Shorthand):
    """Create the deployment, or bring it to the declared revision, without traffic."""

    shorthand: ClassVar[str] = "deployment"

    deployment: str = Field(description="Which deployment: `candidate`, or its name.")


class OnFailureModel(Shorthand):
    """What becomes of a candidate that failed, after stable has all traffic again."""

    shorthand: ClassVar[str] = "candidate"

    candidate: Literal["keep", "scale_to_one", "delete"] = Field(
        default="keep", description="Keep it, scale it to one instance, or delete it."
    )
    for_: Duration = Field(default=0.0, alias="for", description="How long it is kept as it is before that.")
