"""The smoke test: what is sent, and which answers are whose fault."""

from __future__ import annotations

import pytest

from rollout.core.gate_bodies import Expectation, RequestFile, SmokeTest
from rollout.core.verdict import Outcome, Verdict
from rollout.gates import smoke
from rollout.ports import ScoringAnswer, ScoringRequest
from tests.gates.scripted import Reply, ScriptedScoring, answer, endpoint, not_ready, nothing

ONE = RequestFile(name="one.json", body=b"[1]")
TWO = RequestFile(name="two.csv", body=b"1,2", content_type="text/csv", expect=Expectation(status=(400,)))


async def measured(reply: Reply, test: SmokeTest) -> tuple[Verdict, list[ScoringRequest]]:
    """The verdict, and what was sent."""
    scoring = ScriptedScoring(reply)
    verdict = await smoke.measure(scoring, endpoint(), "green", test)
    return verdict, scoring.sent


async def test_every_request_goes_to_the_deployment_by_name() -> None:
    """Each file as often as asked, with its content type and its own expectation."""
    verdict, sent = await measured(
        lambda request: answer(400 if request.body == b"1,2" else 200),
        SmokeTest(requests=(ONE, TWO), repetitions=2, concurrency=3),
    )
    assert verdict == Verdict(
        outcome=Outcome.PASS,
        reason="green answered 4 requests as expected",
        evidence={"requests": 4, "bad": 0, "slowest_ms": 10},
    )
    assert {(r.deployment, r.body, r.content_type, r.timeout) for r in sent} == {
        ("green", b"[1]", "application/json", smoke.PATIENCE),
        ("green", b"1,2", "text/csv", smoke.PATIENCE),
    }


async def test_the_first_fault_stops_the_sending() -> None:
    """A broken model is not asked a thousand times."""
    verdict, sent = await measured(lambda request: answer(404), SmokeTest(requests=(ONE,), repetitions=1000))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.startswith("one.json: expected status 200, got 404: ")
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("found", "outcome", "reason"),
    [
        (not_ready(), Outcome.NO_DATA, "one.json: the deployment is not ready (model_not_ready)"),
        (answer(424, b"x"), Outcome.FAIL, "one.json: expected status 200, got 424: x"),
        (answer(408, b"slow"), Outcome.FAIL, "one.json: expected status 200, got 408: slow"),
        (answer(429, b""), Outcome.NO_DATA, "one.json: too many requests (429); the deployment is busy"),
        (answer(502, b"bad"), Outcome.ERROR, "one.json: the service answered 502: bad"),
        (nothing(), Outcome.ERROR, "one.json: the scoring host gave no answer: connection refused"),
        (nothing(2.0), Outcome.FAIL, "one.json: expected an answer within 2 s, got none"),
    ],
)
async def test_whose_fault_an_answer_is(found: ScoringAnswer, outcome: Outcome, reason: str) -> None:
    """The model's own faults are a FAIL; the way's and the service's are not evidence against it."""
    verdict, _ = await measured(lambda request: found, SmokeTest(requests=(ONE,), time_limit=2.0))
    assert (verdict.outcome, verdict.reason) == (outcome, reason)


async def test_a_fault_outweighs_a_missing_answer() -> None:
    """One FAIL among errors is a FAIL, and the count of the others is told."""
    replies = iter([nothing(), answer(200, b"no json")])
    verdict, _ = await measured(
        lambda request: next(replies),
        SmokeTest(requests=(ONE,), repetitions=2, expect=Expectation(assertions=("a",))),
    )
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, "one.json: expected JSON, got: no json (and 1 more)")


async def test_the_time_limit_leaves_a_late_answer_time_to_come() -> None:
    """A little more patience than the limit, so that late is not mistaken for never."""
    _, sent = await measured(lambda request: answer(), SmokeTest(requests=(ONE,), time_limit=2.0))
    assert [request.timeout for request in sent] == [3.0]
