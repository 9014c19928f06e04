"""Is the deployment healthy now? The core adds the time that it must stay so."""

from __future__ import annotations

import re
from typing import Final

from rollout.core.observed import FAILED, Endpoint
from rollout.core.verdict import Outcome, Verdict
from rollout.gates.readiness import MODEL_STATUS, REASON, header, not_ready
from rollout.gates.words import cut, no_answer
from rollout.ports import Clock, ControlPlane, Scoring, ScoringAnswer

TRIES: Final = 3
"""So many probes in a row must say that the server is down; one may fall between two instances."""
PAUSE: Final = 2.0
"""Seconds of service time between two probes."""
LOG_LINES: Final = 20
"""How many lines of the container's log are shown."""
SEARCHED_LINES: Final = 1000
"""How many of its last lines are searched for a crash that the platform has already healed."""

_DOWN: Final = frozenset({502, 503})
_CRASH: Final = re.compile(r"Worker \(pid:\d+\) (?:exited with code [1-9]|was sent SIG(?:KILL|SEGV|ABRT|BUS|ILL|FPE))")
"""What gunicorn, under the inference server, says of a worker that died. It starts another one, so probes alone only
see a crash that happens to be going on."""


async def measure(scoring: Scoring, plane: ControlPlane, clock: Clock, endpoint: Endpoint, name: str) -> Verdict:
    """Look at the deployment's state, then probe its server by header."""
    found = endpoint.deployment(name)
    if found is None:
        return Verdict(outcome=Outcome.FAIL, reason=f"{name} does not exist any more")
    if found.state == FAILED:
        lines = (await plane.logs(endpoint.name, name, LOG_LINES)).splitlines()
        return _failed(f"{name} is {found.state}", lines)
    if not found.ready:
        return Verdict(outcome=Outcome.NO_DATA, reason=f"{name} is {found.state}")
    answers: list[ScoringAnswer] = []
    for attempt in range(TRIES):
        if attempt:
            await clock.sleep(PAUSE)
        answers.append(await scoring.probe(endpoint, name))
        verdict = judge(name, answers)
        if verdict is not None:
            break
    assert verdict is not None, "the last try always gives a verdict"
    lines = (await plane.logs(endpoint.name, name, SEARCHED_LINES)).splitlines()
    return judge_log(name, verdict, lines)


def judge(name: str, answers: list[ScoringAnswer]) -> Verdict | None:
    """What the probes so far say; None: ask again. One good answer is enough; only all bad ones are a FAIL."""
    last = answers[-1]
    if not _is_down(last) and last.status and last.status != 429:
        return Verdict(outcome=Outcome.PASS, reason=f"{name} is healthy", evidence={"probe": last.status})
    if len(answers) < TRIES:
        return None
    if all(_is_down(answer) for answer in answers):
        said = ", ".join(_said(answer) for answer in answers)
        return Verdict(outcome=Outcome.FAIL, reason=f"the server of {name} is down ({said})")
    if last.status == 0:
        return Verdict(outcome=Outcome.ERROR, reason=f"the scoring host cannot be reached: {no_answer(last)}")
    return Verdict(outcome=Outcome.NO_DATA, reason=f"{name} answered its probe with {_said(last)}")


def _is_down(answer: ScoringAnswer) -> bool:
    """Whether the front end says that there is no server behind it. A 424 that hands on the server's own answer (its
    swagger page is missing, say) means that the server is up."""
    if answer.status == 424:
        return bool(not_ready(answer)) or header(answer, MODEL_STATUS) in ("", "502", "503")
    return answer.status in _DOWN


def _said(answer: ScoringAnswer) -> str:
    return f"{answer.status} {header(answer, REASON)}".rstrip() if answer.status else "no answer"


def judge_log(name: str, verdict: Verdict, lines: list[str]) -> Verdict:
    """The verdict of the probes, unless the container's log tells of a crash since it was created."""
    if verdict.outcome is Outcome.FAIL:
        return _failed(verdict.reason, lines)
    crash = next((index for index, text in enumerate(lines) if _CRASH.search(text)), None)
    if crash is None:
        return verdict
    return _failed(f"the process of {name} crashed: {cut(lines[crash])}", lines[: crash + 1])


def _failed(reason: str, lines: list[str]) -> Verdict:
    """FAIL, with the end of those lines as its evidence."""
    return Verdict(outcome=Outcome.FAIL, reason=reason, evidence={"log": lines[-LOG_LINES:]})
