"""The parameters of each gate, ready to be measured: files read, durations in seconds, names turned into roles."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from rollout.core.release import Role

LEAST_TIMED: Final = 20
"""Requests from which on a ratio of medians says something."""


class Golden(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The JSON value that must be answered. Two numbers agree if they differ by at most `absolute`, or by at most
    `relative` times the expected one."""

    answer: Any
    absolute: float = 0.0
    relative: float = 0.0


class Expectation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a good answer is. `schema` is a JSON Schema (None: any answer); `assertions` are JMESPath expressions that
    must give a true value; everything given must hold."""

    status: tuple[int, ...] = (200,)
    schema: Any = None
    assertions: tuple[str, ...] = ()
    golden: Golden | None = None


class RequestFile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request as it is sent. `name` is for people; `expect` None means the test's own expectation."""

    name: str
    body: bytes
    content_type: str = "application/json"
    expect: Expectation | None = None


class SmokeTest(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="smoke_test"):
    """Send every request `repetitions` times to the role's deployment, at most `concurrency` at a time; each answer
    within `time_limit` seconds (None: no limit of ours)."""

    requests: tuple[RequestFile, ...]
    deployment: Role = Role.CANDIDATE
    expect: Expectation = Expectation()
    time_limit: float | None = None
    repetitions: int = 1
    concurrency: int = 1


class Compare(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="compare"):
    """Send every request to stable and to the candidate, at most `concurrency` at a time, and compare the answers.

    `part` is the JMESPath expression of what is compared ("": the whole answer without the paths in `ignore`), and
    `unit` what counts as one: the part, each row of it, or each label. Two numbers agree if they differ by at most
    `absolute`, or by at most `relative` times stable's. Shares from 0 to 1: `at_most` may differ; `distribution` is
    the greatest distance of the distributions of all numbers (None: any). `latency_ratio` is how many times stable's
    median the candidate's may be (None: any). `assets` are data assets (`NAME:VERSION`) whose files are requests too,
    read when it is measured.
    """

    requests: tuple[RequestFile, ...]
    assets: tuple[str, ...] = ()
    part: str = ""
    unit: Literal["answer", "row", "label"] = "answer"
    ignore: tuple[str, ...] = ()
    absolute: float = 0.0
    relative: float = 0.0
    at_most: float = 0.0
    distribution: float | None = None
    latency_ratio: float | None = None
    time_limit: float | None = None
    concurrency: int = 1


class Source(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where counts come from. `address` is the base URL of `prometheus`, the URL of `http`, the workspace's id of
    `log_analytics`, and "" for `azure_monitor`; `lag` is after how many seconds its counts are final."""

    kind: Literal["azure_monitor", "log_analytics", "prometheus", "http"] = "azure_monitor"
    address: str = ""
    lag: float = 180.0


class ErrorRate(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="error_rate"):
    """The share of requests that are answered with one of `statuses`: a status (`424`) or a class (`5xx`)."""

    statuses: tuple[str, ...] = ("5xx", "408", "424", "429")


class Latency(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="latency"):
    """The share of requests that take longer than `over` seconds."""

    over: float


class Custom(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="metric"):
    """The share of `bad` events in `total`: two queries, in the source's own language, that count events a minute."""

    bad: str
    total: str


Question = ErrorRate | Latency | Custom
"""What makes a request bad."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One check of a bake. `tolerate` (a share) is how much worse than stable is still good enough; with `at_most` the
    candidate is compared with that share instead of with stable."""

    name: str
    question: Question
    tolerate: float = 0.005
    at_most: float | None = None


class Alert(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An alert rule of Azure Monitor that must not fire: its ARM id, or the name of a metric alert in the endpoint's
    resource group. `on_fired` says what follows where it did."""

    rule: str
    on_fired: Literal["fail", "hold"] = "fail"


class Evidence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a bake or a metric gate must show. `at_least` is its least time where it is proven earlier (None: all of
    it).

    Worked out from the whole plan, and no part of the gate's digest: `share` is the part of the rollout's α that each
    check may use to call the candidate worse; `fresh` says that evidence begins with this stage, because requests of
    our own were sent to the candidate after its first exposure.
    """

    checks: tuple[Asked, ...]
    source: Source = Source()
    promote_when: Literal["proven", "unproven"] = "proven"
    alpha: float = 0.05
    at_least: float | None = None
    least_requests: int = 50
    share: float = 0.05
    fresh: bool = False
    alerts: tuple[Alert, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What is asked, for people."""
        return (*(check.name for check in self.checks), *(f"the alert {short(alert.rule)}" for alert in self.alerts))


OF_THE_PLAN: Final = ("share", "fresh")
"""The fields of `Evidence` that the other stages decide."""


class Bake(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="bake"):
    """Let `seconds` pass while the role's deployment stays healthy, and shows what `evidence` asks for."""

    seconds: float
    deployment: Role = Role.CANDIDATE
    evidence: Evidence | None = None


class Metric(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="metric"):
    """Measure once: the last `over` seconds before the gate was reached, and what has come since, show what `evidence`
    asks for. No time of its own, and no look at the server's health."""

    over: float
    evidence: Evidence


class Approval(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="approval"):
    """Wait for a person; `message` is what they are asked."""

    message: str


GateBody = SmokeTest | Compare | Bake | Metric | Approval


def evidence_of(body: object) -> Evidence | None:
    """What a gate must show by counts and alerts; None: nothing, or it is another kind of gate."""
    return body.evidence if isinstance(body, Bake | Metric) else None


def short(rule: str) -> str:
    """An alert rule's name, of its ARM id."""
    return rule.rstrip("/").rpartition("/")[2]
