"""Send the request files to one deployment by header, whatever its weight, and judge every answer."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Final

import msgspec

from rollout.core.gate_bodies import Expectation, RequestFile, SmokeTest
from rollout.core.observed import Endpoint
from rollout.core.verdict import Outcome, Verdict
from rollout.gates.expectation import objection
from rollout.gates.readiness import not_ready
from rollout.gates.words import body, no_answer
from rollout.ports import Scoring, ScoringAnswer, ScoringRequest

PATIENCE: Final = 60.0
"""Seconds for one answer where the plan sets no time limit."""
GRACE: Final = 1.0
"""Seconds beyond the plan's time limit, so that a late answer is seen as late and not as missing."""
_RANK: Final = (Outcome.FAIL, Outcome.ERROR, Outcome.NO_DATA)


class Finding(msgspec.Struct, frozen=True, gc=False):
    """What one answer says: PASS without a reason, or the outcome and why."""

    outcome: Outcome
    reason: str = ""


async def measure(scoring: Scoring, endpoint: Endpoint, name: str, test: SmokeTest) -> Verdict:
    """Every request `repetitions` times, at most `concurrency` at once; what fails stops the sending."""
    todo = [request for _ in range(test.repetitions) for request in test.requests]
    findings: list[Finding] = []
    slowest = 0.0

    async def worker() -> None:
        nonlocal slowest
        while todo and not any(found.outcome is Outcome.FAIL for found in findings):
            request = todo.pop(0)
            answer = await scoring.send(endpoint, _as_sent(request, name, test))
            slowest = max(slowest, answer.seconds)
            findings.append(judge(request, test.expect, answer, test.time_limit))

    await asyncio.gather(*(worker() for _ in range(min(test.concurrency, len(todo)))))
    return summed_up(name, findings, slowest)


def judge(request: RequestFile, default: Expectation, answer: ScoringAnswer, time_limit: float | None) -> Finding:
    """One answer. The model's own faults are a FAIL; those of the way to it are not evidence against it."""
    expect = request.expect or default
    if answer.status in expect.status:
        return _finding(request, objection(expect, answer, time_limit))
    if answer.status == 0 and time_limit is not None and answer.seconds >= time_limit:
        return _finding(request, f"expected an answer within {time_limit:g} s, got none")
    if answer.status == 0:
        return Finding(Outcome.ERROR, f"{request.name}: the scoring host gave no answer: {no_answer(answer)}")
    if answer.status == 429:
        return Finding(Outcome.NO_DATA, f"{request.name}: too many requests (429); the deployment is busy")
    if reason := not_ready(answer):
        return Finding(Outcome.NO_DATA, f"{request.name}: the deployment is not ready ({reason})")
    if answer.status >= 500:
        return Finding(Outcome.ERROR, f"{request.name}: the service answered {answer.status}: {body(answer)}")
    return _finding(request, objection(expect, answer, time_limit))


def summed_up(name: str, findings: Sequence[Finding], slowest: float) -> Verdict:
    """The worst finding decides; the reason is that of the first of them."""
    bad = [found for found in findings if found.outcome is not Outcome.PASS]
    evidence = {"requests": len(findings), "bad": len(bad), "slowest_ms": round(slowest * 1000)}
    for outcome in _RANK:
        reasons = [found.reason for found in bad if found.outcome is outcome]
        if reasons:
            more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
            return Verdict(outcome=outcome, reason=reasons[0] + more, evidence=evidence)
    count = len(findings)
    reason = f"{name} answered {count} request{'s' if count != 1 else ''} as expected"
    return Verdict(outcome=Outcome.PASS, reason=reason, evidence=evidence)


def _finding(request: RequestFile, why: str) -> Finding:
    return Finding(Outcome.FAIL, f"{request.name}: {why}") if why else Finding(Outcome.PASS)


def _as_sent(request: RequestFile, name: str, test: SmokeTest) -> ScoringRequest:
    patience = PATIENCE if test.time_limit is None else test.time_limit + GRACE
    return ScoringRequest(
        body=request.body,
        deployment=name,
        content_type=request.content_type,
        headers={"x-ms-client-request-id": f"rollout-{uuid.uuid4()}"},  # so that logs can tell our requests from others
        timeout=patience,
    )
