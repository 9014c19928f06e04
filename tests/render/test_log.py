"""Progress as lines: what happened, once, with a time in front."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rollout.core.actions import ScaleDeployment
from rollout.core.release import Gate, GateKind
from rollout.core.verdict import Outcome, Verdict
from rollout.render.log import LogListener
from rollout.runner import Event, Finished, Measured, Measuring, Started, Troubled, Waiting

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
SMOKE = Gate(name="smoke", kind=GateKind.SMOKE_TEST, digest="d")
WATCH = Gate(name="watch", kind=GateKind.BAKE, digest="d", seconds=60)
SCALE = ScaleDeployment(reason="10 % of what 4 instances carry needs 1", deployment="green", before=1, count=2)


def told(*events: Event, prefix: str = "") -> list[str]:
    """The lines for those events, a second apart."""
    lines: list[str] = []
    now = [START]

    def clock() -> datetime:
        return now[0]

    listener = LogListener(lines.append, clock, prefix)
    for event in events:
        listener(event)
        now[0] += timedelta(seconds=61)
    return lines


def test_an_action_with_its_reason_and_its_time() -> None:
    """From start to end."""
    assert told(Started(SCALE), Finished(SCALE)) == [
        "12:00:00 start    scale green 1 → 2 (10 % of what 4 instances carry needs 1)",
        "12:01:01 done     scale green 1 → 2 (1m1s)",
    ]


def test_an_action_that_failed_says_how() -> None:
    """With the service's words."""
    assert told(Started(SCALE), Finished(SCALE, "out of quota"))[1:] == [
        "12:01:01 failed   scale green 1 → 2 (1m1s): out of quota"
    ]


def test_a_gate_with_its_verdict_and_the_evidence() -> None:
    """The end of the container's log stands below a FAIL."""
    verdict = Verdict(outcome=Outcome.FAIL, reason="green is Failed", evidence={"log": ["boom"]})
    assert told(Measuring(SMOKE), Measured(SMOKE, verdict)) == [
        "12:00:00 measure  smoke",
        "12:01:01 fail     smoke: green is Failed",
        "12:01:01          | boom",
    ]


def test_a_bake_that_goes_well_is_told_once() -> None:
    """Not at every look: the wait says it."""
    healthy = Measured(WATCH, Verdict(outcome=Outcome.PASS, reason="green is healthy"))
    waiting = Waiting("watch: green is healthy", START + timedelta(hours=1), 30.0)
    assert told(Measuring(WATCH), healthy, waiting, Measuring(WATCH), healthy, waiting) == [
        "12:02:02 wait     watch: green is healthy (until 2026-01-01 13:00:00Z)"
    ]


def test_trouble_says_when_it_looks_again() -> None:
    """And the plan's name stands in front where several are at work."""
    assert told(Troubled("the network is down", 4.0), prefix="house") == [
        "12:00:00 house: trouble  the network is down; looking again in 4s"
    ]
