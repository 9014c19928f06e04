"""Send the recorded requests to stable and to the candidate by header, slowly enough, and compare their answers."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from rollout.core.decision import Roles
from rollout.core.gate_bodies import Compare, RequestFile
from rollout.core.observed import Endpoint
from rollout.core.verdict import Outcome, Verdict
from rollout.gates.answer_pairs import Compared, Sides, Unusable, compared
from rollout.gates.readiness import not_ready
from rollout.gates.side_by_side import Asked, summed_up
from rollout.gates.smoke import GRACE, PATIENCE
from rollout.ports import Clock, Scoring, ScoringAnswer, ScoringRequest

RATE: Final = 2_500_000.0
"""Bytes a second, both ways together: half of an endpoint's 5 MB/s; the other half stays with its live traffic."""
BACK_OFF: Final = (1.0, 4.0, 16.0)
"""Seconds to wait after "too many requests", "not ready" and 5xx, each time."""
LONGEST: Final = 900.0
"""Seconds of answers and pauses after which one measurement gives up."""
HOPELESS: Final = 10
"""So many requests, and none answered by the candidate: the others are not sent."""


async def measure(scoring: Scoring, clock: Clock, endpoint: Endpoint, roles: Roles, test: Compare) -> Verdict:
    """Every request once to each of the two; what cannot be compared stops the sending."""
    if not roles.stable:
        return Verdict(outcome=Outcome.NO_DATA, reason="nothing serves yet that could be compared with")
    pair = _Pair(scoring, clock, endpoint, Sides(roles.stable, roles.candidate), test)
    todo = deque(range(len(test.requests)))
    asked: list[Asked] = []
    spent = 0.0

    async def worker() -> None:
        nonlocal spent
        while todo and not _settled(test, asked):
            index = todo.popleft()
            if spent > LONGEST * test.concurrency:
                asked.append(Asked(index, Unusable(Outcome.NO_DATA, _TOO_LONG), (0.0, 0.0)))
                return
            one, seconds = await pair.ask(index)
            spent += seconds
            asked.append(one)

    await asyncio.gather(*(worker() for _ in range(min(test.concurrency, len(todo)))))
    return summed_up(test, pair.sides, asked)


_TOO_LONG: Final = f"not done after {LONGEST / 60:g} minutes: take fewer requests, or more `concurrency`"


def _settled(test: Compare, asked: Sequence[Asked]) -> bool:
    """Whether nothing that is still to be sent can change the verdict."""
    found = [one.found for one in asked]
    if any(isinstance(one, Unusable) for one in found):
        return True
    dead = len(found) >= HOPELESS and all(isinstance(one, Compared) and one.failed for one in found)
    return dead and test.at_most < 1


class _Pair(msgspec.Struct, frozen=True):
    """Stable and the candidate of one endpoint, and how they are asked."""

    scoring: Scoring
    clock: Clock
    endpoint: Endpoint
    sides: Sides
    test: Compare

    async def ask(self, index: int) -> tuple[Asked, float]:
        """Both, one after the other and in turns the first, so that neither always finds warm caches; then a pause for
        the bandwidth. Also the seconds that it all took."""
        request = self.test.requests[index]
        names = (self.sides.stable, self.sides.candidate)
        answers = {name: await self._answer(name, request) for name in (names if index % 2 == 0 else names[::-1])}
        stable, candidate = (answers[name] for name in names)
        took = stable.seconds + candidate.seconds
        size = 2 * len(request.body) + len(stable.body) + len(candidate.body)
        pause = size * self.test.concurrency / RATE - took
        if pause > 0:
            await self.clock.sleep(pause)
        found = compared(self.test, self.sides, stable, candidate)
        return Asked(index, found, (stable.seconds, candidate.seconds)), max(took, took + pause)

    async def _answer(self, name: str, request: RequestFile) -> ScoringAnswer:
        """One answer; a deployment that is busy, not ready or has a moment's trouble is left alone for a while."""
        for pause in BACK_OFF:
            answer = await self.scoring.send(self.endpoint, self._as_sent(name, request))
            if answer.status != 429 and answer.status < 500 and not not_ready(answer):
                return answer
            # What was refused went over the wire too.
            await self.clock.sleep(max(pause, len(request.body) * self.test.concurrency / RATE))
        return await self.scoring.send(self.endpoint, self._as_sent(name, request))

    def _as_sent(self, name: str, request: RequestFile) -> ScoringRequest:
        limit = self.test.time_limit
        return ScoringRequest(
            body=request.body,
            deployment=name,
            content_type=request.content_type,
            headers={"x-ms-client-request-id": f"rollout-{uuid.uuid4()}"},  # so that logs can tell ours from others
            timeout=PATIENCE if limit is None else limit + GRACE,
        )
