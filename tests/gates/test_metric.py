"""The metric gate, and alerts as a source: which minutes count, what an alert says, how both come together."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rollout.core.evidence.alerts import Firing, Rule
from rollout.core.gate_bodies import Alert, Bake, Evidence, Metric
from rollout.core.observed import Observation
from rollout.core.verdict import Outcome, Verdict
from rollout.gates import evidence
from tests.gates.counting import HEALTHY, ROLES, Scripted, ScriptedRules, at, bake, running, steady

SLOW = Alert(rule="slow")
EVERY = timedelta(minutes=1)


def metric(over: float = 900, **parts: Any) -> Metric:
    """A metric gate with a check of the error rate."""
    wanted = bake(**parts).evidence
    assert wanted is not None
    return Metric(over=over, evidence=wanted)


def quiet(*firings: Firing) -> Scripted:
    """A good candidate, and the rule `slow` with those alerts."""
    source = Scripted(steady())
    source.rules = ScriptedRules(Rule("slow", True, EVERY, firings))
    return source


async def measured(source: Scripted, gate: Bake | Metric, seen: Observation) -> Verdict:
    """The verdict of that gate."""
    return await evidence.measure(source, gate, seen, ROLES, HEALTHY)


async def test_it_counts_what_is_behind_it() -> None:
    """A gate that is reached after forty minutes has its answer as soon as the last of them are final."""
    found = await measured(Scripted(steady()), metric(), running(43, since=40))
    assert found.outcome is Outcome.PASS
    assert found.reason == (
        "error_rate: 0 bad of 450 (0.00%) of green, 15 bad of 4,050 (0.37%) of blue: proven not to be worse by 1.00% "
        "or more (E 115.1, limit 20)"
    )
    assert (await measured(Scripted(steady()), bake(), running(43, since=40))).outcome is Outcome.NO_DATA


async def test_it_looks_no_further_back_than_to_the_first_request() -> None:
    """Whatever the plan says."""
    found = await measured(Scripted(steady()), metric(over=86_400), running(43, exposed=30, since=40))
    assert (
        found.evidence["span"]["stage"] == found.evidence["span"]["start"] == at(30).isoformat().replace("+00:00", "Z")
    )


async def test_it_waits_for_what_is_missing() -> None:
    """No requests are no answer, a failing source is none either."""
    assert (await measured(Scripted(steady(candidate=0)), metric(), running(43, since=40))).outcome is Outcome.NO_DATA


async def test_a_worse_candidate_fails() -> None:
    """By all minutes since the first exposure, not only those that it looks back."""
    found = await measured(Scripted(steady(candidate_bad=3)), metric(over=60), running(43, since=40))
    assert found.outcome is Outcome.FAIL


async def test_without_proof_by_final_minutes() -> None:
    """`promote_when: unproven`: not before the counts of what is behind it are final."""
    gate = metric(promote_when="unproven", alpha=1e-9)
    early = await measured(Scripted(steady()), gate, running(41, since=40))
    assert early.outcome is Outcome.INCONCLUSIVE
    assert early.reason.startswith("the counts of its last minutes are not final yet")
    assert (await measured(Scripted(steady()), gate, running(43, since=40))).outcome is Outcome.PASS


async def test_the_split_is_looked_at_since_the_last_write() -> None:
    """The minutes before had other weights: no broken split."""
    source = Scripted(
        lambda minute, name: (
            steady(candidate=150, stable=150)(minute, name)
            if minute >= at(40)
            else steady(candidate=3, stable=297)(minute, name)
        )
    )
    found = await measured(source, metric(), running(50, since=40, split=50))
    assert found.evidence["split"]["broken"] is False


ALERTS = Evidence(checks=(), alerts=(SLOW,))


@pytest.mark.parametrize("gate", [Metric(over=900, evidence=ALERTS), Bake(seconds=1800, evidence=ALERTS)])
async def test_an_alert_that_fired_rolls_back(gate: Bake | Metric) -> None:
    """In a bake and in a metric; no counts are asked for."""
    source = quiet(Firing(at(35)))
    found = await measured(source, gate, running(43, since=30))
    assert (found.outcome, found.reason) == (Outcome.FAIL, "the alert slow fired at 12:35")
    assert found.evidence["alerts"][0]["rule"] == "slow"
    assert source.asked == []


async def test_a_metric_sees_an_alert_that_was_over_before_it_was_reached() -> None:
    """It looks back; a bake does not."""
    source, seen = quiet(Firing(at(30), at(35))), running(43, since=40)
    assert (await measured(source, Metric(over=900, evidence=ALERTS), seen)).outcome is Outcome.FAIL
    assert (await measured(source, Bake(seconds=1800, evidence=ALERTS), seen)).outcome is Outcome.PASS


async def test_a_rule_that_cannot_be_read_is_an_error() -> None:
    """Never "has not fired"; a regression counts all the same."""
    gate = bake(alerts=(Alert(rule="nobody"),))
    found = await measured(quiet(), gate, running(40))
    assert found.outcome is Outcome.ERROR
    assert found.reason == "the alert nobody: read the alert rule nobody: not found"
    assert (await measured(Scripted(steady(candidate_bad=3)), gate, running(40))).outcome is Outcome.FAIL


async def test_all_must_be_good() -> None:
    """A proven candidate with a quiet rule passes, and may end early; the evidence holds both."""
    found = await measured(quiet(), bake(at_least=600.0, alerts=(SLOW,)), running(28))
    assert (found.outcome, found.after) == (Outcome.PASS, 600.0)
    assert found.reason.endswith("; the alert slow has not fired since 12:00")
    assert set(found.evidence) >= {"checks", "alerts", "span", "terms"}
