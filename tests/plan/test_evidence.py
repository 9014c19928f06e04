"""Checks of a bake: what arrives at the gate, how α is shared out, and what is refused, verbatim."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rollout.core.gate_bodies import Alert, Asked, Bake, Custom, ErrorRate, Evidence, Latency, Metric, Source
from rollout.core.release import Gate
from tests.plan.conftest import ROLES, Load

Refused = Callable[[str], list[str]]
GUID = "01234567-89ab-cdef-0123-456789abcdef"


def planned(*stages: str) -> str:
    """The sample plan with those stages behind its 10 % (the first is on line 8)."""
    return ROLES.replace("traffic: 10\n", "traffic: 10\n" + "".join(f"  - {stage}\n" for stage in stages))


def evidence_of(load: Load, *stages: str) -> list[Evidence]:
    """What the bakes must show."""
    gates = [stage for stage in load(planned(*stages)).release.stages if isinstance(stage, Gate)]
    return [gate.body.evidence for gate in gates if isinstance(gate.body, Bake) and gate.body.evidence is not None]


def test_the_shortest_form(load: Load) -> None:
    """A word is a check; everything else has a default."""
    assert evidence_of(load, "bake: {for: 30m, checks: error_rate}") == [
        Evidence(checks=(Asked(name="error_rate", question=ErrorRate()),))
    ]


def test_everything_in_a_bake(load: Load) -> None:
    """Every parameter arrives: shares as numbers, durations as seconds."""
    assert evidence_of(load, f"""\
bake:
      for: 30m
      at_least: 10m
      promote_when: unproven
      alpha: 0.1
      least_requests: 500
      limit: 2h
      source: {{log_analytics: {GUID}, lag: 5m}}
      checks:
        - error_rate: {{statuses: [500, 4xx], at_most: 1%}}
        - latency: 250ms
        - latency: {{over: 1s, tolerate: 0.25%}}""") == [
        Evidence(
            checks=(
                Asked(name="error_rate", question=ErrorRate(statuses=("500", "4xx")), tolerate=0.005, at_most=0.01),
                Asked(name="latency over 250ms", question=Latency(over=0.25), tolerate=0.01),
                Asked(name="latency over 1s", question=Latency(over=1.0), tolerate=0.0025),
            ),
            source=Source(kind="log_analytics", address=GUID, lag=300.0),
            promote_when="unproven",
            alpha=0.1,
            at_least=600.0,
            least_requests=500,
            share=0.1 / 3,
        )
    ]  # fmt: skip


def test_a_metric_of_ones_own(load: Load) -> None:
    """Two queries."""
    given = 'checks: {metric: {name: unsure, bad: "b{$deployment}", total: t, tolerate: 2%}}'
    found = evidence_of(load, f"bake: {{for: 30m, source: {{prometheus: https://prom.example}}, {given}}}")[0]
    assert found.source == Source(kind="prometheus", address="https://prom.example", lag=60.0)
    assert found.checks == (Asked(name="unsure", question=Custom(bad="b{$deployment}", total="t"), tolerate=0.02),)


BAKE = "bake: {for: 30m, checks: error_rate}"
RULE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/scheduledQueryRules/errors"
METRIC = (
    "metric: {over: 10m, checks: [{error_rate: {at_most: 1%}}, {alert: slow}, "
    f"{{alert: {{rule: {RULE}, on_fired: hold}}}}]}}"
)
SMOKE = "smoke_test: house/request.json"


def test_alpha_is_one_for_the_whole_rollout(load: Load) -> None:
    """The same check in two stages is one test; another one takes its part of α."""
    assert [found.share for found in evidence_of(load, BAKE, "traffic: 50", BAKE)] == [0.05, 0.05]
    other = "bake: {for: 30m, checks: [error_rate, {error_rate: {statuses: 429}}]}"
    assert [found.share for found in evidence_of(load, BAKE, "traffic: 50", other)] == [0.025, 0.025]


def test_our_own_requests_are_no_evidence(load: Load) -> None:
    """Behind a smoke test of an exposed candidate the evidence begins anew, and α is shared out for that."""
    found = evidence_of(load, BAKE, SMOKE, BAKE, "traffic: 50", BAKE)
    assert [(one.fresh, round(one.share, 6)) for one in found] == [
        (False, 0.016667),
        (True, 0.016667),
        (True, 0.016667),
    ]
    before = ROLES.replace("traffic: 10\n", f"{SMOKE}\n  - traffic: 10\n  - {BAKE}\n")
    gate = load(before).release.stages[3]
    assert isinstance(gate, Gate)
    assert gate.body.evidence.fresh is False


def test_other_stages_do_not_change_a_gates_digest(load: Load) -> None:
    """A check added to another stage does not undo what this one has passed; a changed parameter does."""

    def first(*stages: str) -> str:
        gates = [stage for stage in load(planned(*stages)).release.stages if isinstance(stage, Gate)]
        return gates[0].digest

    alone = first(BAKE)
    assert first(BAKE, "traffic: 50", "bake: {for: 1h, checks: {error_rate: {at_most: 1%}}}") == alone
    assert first("bake: {for: 30m, checks: [error_rate], alpha: 0.05, source: azure_monitor}") == alone
    for other in ("alpha: 0.01", "promote_when: unproven", "at_least: 1m", "least_requests: 5", "limit: 2h"):
        assert first(f"bake: {{for: 30m, checks: error_rate, {other}}}") != alone
    assert first("bake: {for: 30m, checks: {error_rate: {tolerate: 1%}}}") != alone


def bake(**parts: Any) -> str:
    """A bake with those parts, on one line."""
    return "bake: {for: 30m, " + ", ".join(f"{key}: {value}" for key, value in parts.items()) + "}"


@pytest.mark.parametrize(
    ("gate", "line"),
    [
        (bake(checks="error_rate", alpha=0), "8:49: PLAN501: stages[2].bake.alpha: `0` is not a probability for alpha"
         " | a number between 0 and 1, such as 0.05"),
        (bake(checks="error_rate", alpha=1.0), "8:49: PLAN501: stages[2].bake.alpha: `1.0` is not a probability for"
         " alpha | a number between 0 and 1, such as 0.05"),
        (bake(checks="{metric: {name: unsure, bad: b, total: t}}"),
         "8:39: PLAN502: stages[2].bake.checks.metric: azure_monitor does not have the metric `unsure`"
         " | prometheus or http"),
        (bake(checks="error_rate", source="{prometheus: https://p}"),
         "8:30: PLAN502: stages[2].bake.checks: prometheus has no metric of its own for errors"
         " | `metric` with the queries `bad` and `total`"),
        (bake(checks="[{latency: 500ms}]"),
         "8:41: PLAN503: stages[2].bake.checks[0].latency: azure_monitor knows quantiles of minutes only, which cannot"
         " be added up | a source with single requests: log_analytics, http"),
        (bake(checks="[{error_rate: {tolerate: 0%}}]"),
         "8:55: PLAN504: stages[2].bake.checks[0].error_rate.tolerate: nobody can prove that a candidate is not"
         " worse at all | a share above 0%, or `promote_when: unproven`"),
        (bake(checks="error_rate", limit="4m"),
         "8:49: PLAN504: stages[2].bake.limit: the counts are final after 3m, and the limit is 4m"
         " | a limit of at least 5m"),
        (bake(checks="error_rate", source="{http: http://example.org/counts}"),
         "8:57: PLAN505: stages[2].bake.source.http: this address is not https | https://HOST/PATH"),
        (bake(checks="error_rate", source="{http: https://me:secret@example.org}"),
         "8:57: PLAN505: stages[2].bake.source.http: this address has a password in it | https://HOST/PATH"),
        (bake(checks="error_rate", source="{log_analytics: mine}"),
         "8:66: PLAN505: stages[2].bake.source.log_analytics: `mine` is not a workspace's id | the id, a GUID"),
        (bake(checks="error_rate", source="graphite"),
         "8:50: PLAN505: stages[2].bake.source: this is not one source"
         " | one of azure_monitor, log_analytics, prometheus, http"),
        (bake(checks="[{error_rate: {tolerate: 0.5}}]"),
         "8:55: PLAN506: stages[2].bake.checks[0].error_rate.tolerate: `0.5` is not a share"
         " | a percentage such as `0.5%` | did you mean `0.5%`?"),
        (bake(checks="[{error_rate: {at_most: 0%}}]"),
         "8:54: PLAN506: stages[2].bake.checks[0].error_rate.at_most: no traffic can prove a share of 0%"
         " | a share above 0%"),
        (bake(checks="[{error_rate: {at_most: 1%, tolerate: 1%}}]"),
         "8:68: PLAN103: stages[2].bake.checks[0].error_rate.tolerate: a check is against stable or against `at_most`"
         " | one of them"),
        (bake(checks="[{errors: {}}]"),
         "8:32: PLAN101: stages[2].bake.checks[0].errors: unknown key `errors` | one of alert, error_rate, latency,"
         " metric | did you mean `error_rate`?"),
        (bake(checks="[]"), "8:30: PLAN103: stages[2].bake.checks: a gate has 1 to 20 checks, this one has 0"
         " | a list of checks"),
        (bake(checks="error_rate", at_least="1h"),
         "8:52: PLAN103: stages[2].bake.at_least: the least time is longer than the bake | at most `for`"),
        (bake(alpha=0.01), "8:29: PLAN103: stages[2].bake.alpha: `alpha` is about checks, and this bake has none"
         " | `checks`, or not it"),
        (bake(checks="[{alert: a/b}]"),
         "8:39: PLAN507: stages[2].bake.checks[0].alert: `a/b` is not an alert rule"
         " | a metric alert's name, or a rule's ARM id"),
        (bake(checks="[{alert: /subscriptions/s}]"),
         "8:39: PLAN507: stages[2].bake.checks[0].alert: `/subscriptions/s` is not an alert rule"
         " | a metric alert's name, or a rule's ARM id"),
        (bake(checks="[{alert: slow}]", alpha=0.01),
         "8:54: PLAN103: stages[2].bake.alpha: `alpha` is about checks, and alerts are not counted"
         " | `checks`, or not it"),
        (bake(checks="[{alert: slow}]", limit="4m"),
         "8:54: PLAN504: stages[2].bake.limit: the alerts are final after 3m, and the limit is 4m"
         " | a limit of at least 5m"),
        ("metric: {checks: error_rate, over: 0}",
         "8:40: PLAN104: stages[2].metric.over: `0` has no unit | a duration such as `90s`, `30m`, `1h30m`,"
         " `2d` or `PT30M` | did you mean `0s` or `0m`?"),
        ("metric: {checks: error_rate, alpha: 2}",
         "8:41: PLAN501: stages[2].metric.alpha: `2` is not a probability for alpha"
         " | a number between 0 and 1, such as 0.05"),
        (bake(checks="error_rate", deployment="stable"),
         "8:30: PLAN504: stages[2].bake.checks: checks are about the candidate | a bake of the candidate"),
    ],
)  # fmt: skip
def test_faults(refused: Refused, gate: str, line: str) -> None:
    """What is wrong with a check: place, code, remedy."""
    assert refused(planned(gate)) == [f"plan.yml:{line}"]


def test_a_bake_that_can_never_finish(refused: Refused) -> None:
    """No requests of the candidate before the first traffic; none of stable behind the last."""
    text = ROLES.replace("deploy: candidate\n", f"deploy: candidate\n  - {BAKE}\n") + f"  - {BAKE}\n"
    assert refused(text) == [
        "plan.yml:7:30: PLAN504: stages[1].bake.checks: the candidate gets no requests here, so there is nothing to"
        " check | the bake behind a mirror or traffic stage",
        "plan.yml:10:30: PLAN504: stages[4].bake.checks: stable gets no requests here, so there is nothing to compare"
        " with | `at_most` in every check behind `traffic: 100`",
    ]


def test_a_metric_gate(load: Load) -> None:
    """The same checks, without a time of its own; it takes its part of the rollout's α."""
    one, other = (stage for stage in load(planned(BAKE, METRIC)).release.stages if isinstance(stage, Gate))
    assert one.body.evidence.share == 0.05 / 2
    assert other.seconds == 0
    assert other.body == Metric(
        over=600.0,
        evidence=Evidence(
            checks=(Asked(name="error_rate", question=ErrorRate(), at_most=0.01),),
            share=0.05 / 2,
            alerts=(Alert(rule="slow"), Alert(rule=RULE, on_fired="hold")),
        ),
    )
    short = load(planned("metric: error_rate")).release.stages[2]
    assert isinstance(short, Gate)
    assert short.body == Metric(over=900.0, evidence=Evidence(checks=(Asked(name="error_rate", question=ErrorRate()),)))


def test_alerts_need_no_counts(load: Load) -> None:
    """A bake may be watched by alerts alone; α is left to the others."""
    found = evidence_of(load, "bake: {for: 10m, checks: {alert: slow}}", BAKE)
    assert [(each.checks, each.alerts, each.share) for each in found] == [
        ((), (Alert(rule="slow"),), 0.05),
        ((Asked(name="error_rate", question=ErrorRate()),), (), 0.05),
    ]


def test_a_metric_that_can_never_pass(refused: Refused) -> None:
    """As a bake: where nobody asks the candidate, or stable."""
    gate = "  - metric: error_rate\n"
    assert refused(ROLES.replace("deploy: candidate\n", f"deploy: candidate\n{gate}") + gate) == [
        "plan.yml:7:13: PLAN504: stages[1].metric: the candidate gets no requests here, so there is nothing to"
        " check | the metric behind a mirror or traffic stage",
        "plan.yml:10:13: PLAN504: stages[4].metric: stable gets no requests here, so there is nothing to compare"
        " with | `at_most` in every check behind `traffic: 100`",
    ]


def test_what_can_finish_is_good(load: Load) -> None:
    """Mirrored requests are requests; behind 100 % an objective is enough."""
    mirrored = ROLES.replace("traffic: 10\n", f"mirror: 10\n  - {BAKE}\n  - traffic: 10\n")
    guard = "  - bake: {for: 1h, checks: {error_rate: {at_most: 1%}}}\n"
    assert load(mirrored + guard).release.stages
