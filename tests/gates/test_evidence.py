"""A bake with checks: which minutes are asked for, what becomes of the counts, and what is on record afterwards."""

from __future__ import annotations

import json

import pytest

from rollout.core.evidence.judge import State
from rollout.core.evidence.recorded import Change, read, rejudged
from rollout.core.evidence.verdicts import Sides, verdict
from rollout.core.gate_bodies import Asked, Bake, Custom, ErrorRate, Source
from rollout.core.observed import Observation
from rollout.core.verdict import Outcome, Verdict
from rollout.errors import AzureError, Retryable, RolloutError, SignInError
from rollout.gates import evidence
from tests.gates.counting import HEALTHY, ROLES, Rates, Scripted, at, bake, running, steady

BROKEN = Verdict(outcome=Outcome.FAIL, reason="the server of green is down")
UNREACHABLE = Verdict(outcome=Outcome.ERROR, reason="the scoring host cannot be reached")


async def measured(
    rates: Rates | Scripted, seen: Observation, gate: Bake | None = None, health: Verdict = HEALTHY
) -> Verdict:
    """The verdict of the bake."""
    source = rates if isinstance(rates, Scripted) else Scripted(rates)
    return await evidence.measure(source, gate or bake(), seen, ROLES, health)


async def test_a_bake_without_checks_is_its_health() -> None:
    """No source is asked."""
    source = Scripted(steady())
    assert await measured(source, running(20), Bake(seconds=60)) == HEALTHY
    assert source.asked == []


async def test_the_minutes_that_are_asked_for() -> None:
    """From an hour before the first exposure up to the last whole minute, for both deployments."""
    source = Scripted(steady())
    await measured(source, running(40.5, exposed=2.5, since=20))
    asked = source.asked[0]
    assert (asked.start, asked.end, asked.deployments) == (at(3 - 60), at(40), ("blue", "green"))


async def test_a_worse_candidate_fails() -> None:
    """Three of thirty in each minute, stable one of 270."""
    found = await measured(steady(candidate_bad=3), running(10))
    assert found.outcome is Outcome.FAIL
    assert found.reason == (
        "error_rate: 15 bad of 150 (10.00%) of green, 5 bad of 1,350 (0.37%) of blue: worse, shown at 12:02 "
        "(E 10^9, limit 20)"
    )


async def test_even_where_its_probe_gives_no_answer() -> None:
    """Evidence against it counts; evidence for it does not make up for a missing answer."""
    assert (await measured(steady(candidate_bad=3), running(10), health=UNREACHABLE)).outcome is Outcome.FAIL
    assert await measured(steady(), running(60), health=UNREACHABLE) == UNREACHABLE


async def test_a_dead_server_is_enough() -> None:
    """Nobody needs to be asked."""
    source = Scripted(steady())
    assert await measured(source, running(60), health=BROKEN) == BROKEN
    assert source.asked == []


async def test_an_equal_candidate_is_proven() -> None:
    """And may then end the bake early, where the plan says so."""
    found = await measured(steady(), running(40), bake(at_least=600.0))
    assert (found.outcome, found.after) == (Outcome.PASS, 600.0)
    assert found.reason == (
        "error_rate: 0 bad of 1,050 (0.00%) of green, 35 bad of 9,450 (0.37%) of blue: proven not to be worse by 1.00% "
        "or more (E 10^5, limit 20)"
    )
    assert (await measured(steady(), running(40))).after is None


async def test_until_it_is_proven_it_waits() -> None:
    """Nothing is promoted for want of evidence against it."""
    found = await measured(steady(), running(10))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "neither worse nor proven not to be" in found.reason


async def test_unproven_passes_by_all_its_minutes() -> None:
    """`promote_when: unproven`: as long as nothing is shown; at its end also the last minutes must be final."""
    gate = bake(promote_when="unproven")
    tight = Asked(name="error_rate", question=ErrorRate(), tolerate=0.0001)
    gate = bake(promote_when="unproven", checks=(tight,))
    assert (await measured(steady(), running(10), gate)).outcome is Outcome.PASS
    late = await measured(steady(), running(30), gate)
    assert late.outcome is Outcome.INCONCLUSIVE
    assert late.reason.startswith("the counts of its last minutes are not final yet; error_rate: ")
    assert (await measured(steady(), running(33), gate)).outcome is Outcome.PASS


async def test_an_outage_of_both_changes_nothing() -> None:
    """A third of everything fails for ten minutes: not proven sooner, not rolled back."""
    quiet, loud = steady(), steady(candidate_bad=10, stable_bad=90)
    found = await measured(
        lambda minute, name: (loud if at(8) <= minute < at(18) else quiet)(minute, name), running(20)
    )
    assert found.outcome is Outcome.INCONCLUSIVE


async def test_no_traffic_is_no_data() -> None:
    """Neither for it nor against it."""
    found = await measured(steady(candidate=0), running(40))
    assert (found.outcome, found.reason) == (
        Outcome.NO_DATA,
        "error_rate: green has answered 0 requests in this stage, at least 50 are needed",
    )


async def test_the_first_minutes_are_no_data() -> None:
    """None of them is final yet."""
    assert (await measured(steady(), running(1))).outcome is Outcome.NO_DATA


@pytest.mark.parametrize(
    "failure",
    [Retryable("busy"), AzureError("no such metric", code="X"), SignInError("no permission"), RolloutError("torn")],
)
async def test_a_failing_source_is_an_error(failure: RolloutError) -> None:
    """It waits, and holds in the end: nothing is ever promoted because a query failed."""
    found = await measured(Scripted(steady(), failure), running(60))
    assert (found.outcome, found.reason) == (Outcome.ERROR, f"error_rate: {failure}")


async def test_counts_that_cannot_be_are_an_error() -> None:
    """More bad requests than requests."""
    found = await measured(steady(candidate_bad=31), running(60))
    assert (found.outcome, found.reason) == (
        Outcome.ERROR,
        "error_rate: the source says 31 bad of 30 requests of green at 12:00",
    )


async def test_without_a_record_nothing_is_known() -> None:
    """Since when the candidate gets requests must be on record."""
    found = await measured(steady(), running(60, exposed=None))
    assert (found.outcome, found.reason) == (
        Outcome.NO_DATA,
        "it is not on record since when green gets requests",
    )


async def test_an_earlier_stage_counts_against_it_but_not_for_it() -> None:
    """Exposed at noon, at this weight since 12:30."""
    early = await measured(lambda minute, name: steady(3 if minute < at(5) else 0)(minute, name), running(60, since=30))
    assert early.outcome is Outcome.FAIL
    assert (await measured(steady(), running(40, since=30))).outcome is Outcome.INCONCLUSIVE


async def test_evidence_that_begins_anew() -> None:
    """Behind a gate that sends requests of our own only this stage's minutes count."""
    rates: Rates = lambda minute, name: steady(3 if minute < at(5) else 0)(minute, name)  # noqa: E731
    assert (await measured(rates, running(70, since=30), bake(fresh=True))).outcome is Outcome.PASS


async def test_another_split_waits() -> None:
    """The candidate gets a third of the requests, not a tenth."""
    found = await measured(steady(candidate=135, candidate_bad=0), running(60))
    assert (found.outcome, found.reason) == (
        Outcome.INCONCLUSIVE,
        "green gets 33.3% of the requests, not 10.0% as configured",
    )


async def test_a_metric_of_ones_own_says_nothing_about_the_split() -> None:
    """It counts events, not requests."""
    asked = (Asked(name="unsure", question=Custom(bad="b", total="t"), tolerate=0.01),)
    found = await measured(steady(candidate=135), running(60), bake(checks=asked, source=Source(kind="http")))
    assert (found.outcome, found.evidence["split"]) == (Outcome.PASS, None)


async def test_everything_is_on_record() -> None:
    """The query, the raw counts of every minute, and the instants: enough to judge it again."""
    found = await measured(steady(), running(6))
    check = found.evidence["checks"][0]
    assert (check["query"], check["state"], check["candidate"]) == (
        "what was asked",
        "no_data",
        {"requests": 30.0, "bad": 0.0},
    )
    assert (len(check["minutes"]), check["minutes"][-1]) == (66, ["2026-01-01T12:05:00Z", 270, 1, 30, 0])
    assert found.evidence["source"] == {"kind": "azure_monitor", "lag": 180.0}
    assert found.evidence["span"] == {
        "start": "2026-01-01T12:00:00Z",
        "stage": "2026-01-01T12:02:00Z",
        "horizon": "2026-01-01T12:03:00Z",
        "end": "2026-01-01T12:06:00Z",
        "since": "2026-01-01T12:00:00Z",
    }


@pytest.mark.parametrize("rates", [steady(), steady(candidate_bad=3), steady(candidate=0), steady(2, 2)])
@pytest.mark.parametrize("looked_at", [1, 6, 40])
async def test_the_record_gives_the_same_numbers_again(rates: Rates, looked_at: int) -> None:
    """Through JSON and back, bit for bit: state, log E after every block, the minute that decided."""
    given = (await measured(rates, running(looked_at))).evidence
    findings, terms = rejudged(read(json.loads(json.dumps(given))), Change())
    again = verdict(findings, None, Sides("blue", "green"), terms, needs_proof=True).evidence["checks"]
    told = [{key: value for key, value in check.items() if key in again[0]} for check in given["checks"]]
    assert told == list(again)


async def test_judged_by_other_terms() -> None:
    """What would a smaller α, another tolerance, an objective have said of the same minutes?"""
    found = read((await measured(steady(candidate_bad=1), running(30))).evidence)

    def state(change: Change) -> State:
        return rejudged(found, change)[0][0].state

    assert state(Change()) is State.REGRESSION
    assert state(Change(tolerate=0.5)) is State.PROVEN
    assert state(Change(alpha=1e-12)) is State.INCONCLUSIVE
    assert state(Change(at_most=0.2)) is State.PROVEN
    assert rejudged(found, Change(alpha=0.01))[1].share == pytest.approx(0.01)
