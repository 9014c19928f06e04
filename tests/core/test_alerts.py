"""What an alert rule says about a stage, case by case, verbatim."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from rollout.core.evidence.alerts import Firing, Rule, Stage, judge, worst
from rollout.core.gate_bodies import Alert
from rollout.core.verdict import Outcome, Verdict

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
STAGE = Stage(exposed=NOON, since=NOON + timedelta(minutes=30), end=NOON + timedelta(minutes=60))


def at(minutes: float) -> datetime:
    """So many minutes after noon, when the candidate got its first request."""
    return NOON + timedelta(minutes=minutes)


def said(*firings: Firing, now: float = 45, **changed: bool) -> tuple[str, str, bool]:
    """What a rule with those alerts says that many minutes after noon."""
    rule = Rule("/…/metricAlerts/slow", changed.get("enabled", True), timedelta(minutes=5), firings)
    found = judge(Alert(rule="slow", on_fired="hold" if changed.get("hold") else "fail"), rule, STAGE, at(now))
    assert found.evidence["alerts"][0]["rule"] == "/…/metricAlerts/slow"
    return found.outcome.value, found.reason, found.stuck


QUIET = ("PASS", "the alert slow has not fired since 12:30", False)


@pytest.mark.parametrize(
    ("firing", "expected"),
    [
        pytest.param(Firing(at(-90), at(-30)), QUIET, id="long over"),
        pytest.param(Firing(at(10), at(20)), QUIET, id="in an earlier stage"),
        pytest.param(
            Firing(at(40), None, "/x/onlineEndpoints/house"), ("FAIL", "the alert slow fired at 12:40 for house", False)
        ),
        pytest.param(
            Firing(at(40), at(42)), ("FAIL", "the alert slow fired at 12:40 and was over at 12:42", False), id="short"
        ),
        pytest.param(Firing(at(10)), ("FAIL", "the alert slow fired at 12:10", False), id="and goes on"),
        pytest.param(
            Firing(at(-10)),
            (
                "INCONCLUSIVE",
                "the alert slow has been on since 2026-01-01 11:50, before the candidate got any request",
                False,
            ),
            id="on before us",
        ),
    ],
)
def test_an_alert(firing: Firing, expected: tuple[str, str, bool]) -> None:
    """Only what began after the first exposure, and was on in this stage, is the candidate's fault."""
    assert said(firing) == expected


@pytest.mark.parametrize(
    ("firing", "expected"),
    [
        pytest.param(Firing(at(10), at(30)), QUIET, id="over as the stage began"),
        pytest.param(Firing(at(0), at(40)), ("FAIL", "the alert slow fired at 12:00 and was over at 12:40", False)),
    ],
)
def test_the_borders(firing: Firing, expected: tuple[str, str, bool]) -> None:
    """What was over at the stage's first instant is over; what fired with the first request is the candidate's."""
    assert said(firing) == expected


def test_what_is_on_record() -> None:
    """The rule and its alerts, as they were."""
    rule = Rule("/…/slow", True, timedelta(minutes=5), (Firing(at(40), at(42), "/x/onlineEndpoints/house"),))
    found = judge(Alert(rule="slow", on_fired="fail"), rule, STAGE, at(45))
    alert = {"fired": "2026-01-01T12:40:00Z", "resolved": "2026-01-01T12:42:00Z", "target": "/x/onlineEndpoints/house"}
    written = msgspec.json.decode(msgspec.json.encode(found.evidence))
    assert written["alerts"] == [
        {"rule": "/…/slow", "outcome": "FAIL", "enabled": True, "looks_every": 300.0, "firings": [alert]}
    ]


def test_a_person_must_look() -> None:
    """`on_fired: hold` does not wait for its limit: waiting changes nothing."""
    reason = "the alert slow fired at 12:40: a person must look (on_fired: hold)"
    assert said(Firing(at(40)), hold=True) == ("INCONCLUSIVE", reason, True)


def test_a_rule_that_is_off() -> None:
    """Says nothing."""
    assert said(enabled=False) == ("ERROR", "the alert slow is disabled, so it says nothing", False)


def test_the_last_minutes_may_still_raise_one() -> None:
    """At the stage's end: until the rule has looked once more, and its alert has arrived."""
    reason = "the alert slow has not fired, and may still until 13:07: it looks every 5 min"
    assert said(now=60) == said(now=66.9) == ("INCONCLUSIVE", reason, False)
    assert said(now=67) == QUIET


def verdict(outcome: Outcome, *, stuck: bool = False, after: float | None = None) -> Verdict:
    """One of several."""
    return Verdict(
        outcome=outcome, reason=outcome.value, evidence={"alerts": [outcome.value]}, stuck=stuck, after=after
    )


def test_the_worst_decides() -> None:
    """FAIL before what holds at once, that before what waits; a PASS says everything, and all is on record."""
    order = [
        verdict(Outcome.FAIL),
        verdict(Outcome.INCONCLUSIVE, stuck=True),
        verdict(Outcome.ERROR),
        verdict(Outcome.NO_DATA),
        verdict(Outcome.INCONCLUSIVE),
        verdict(Outcome.PASS, after=60.0),
        verdict(Outcome.PASS),
    ]
    for index, expected in enumerate(order[:5]):
        found = worst(order[index:][::-1])
        assert (found.outcome, found.stuck) == (expected.outcome, expected.stuck)
        assert found.evidence["alerts"] == [each.outcome.value for each in order[index:][::-1]]
    both = worst(order[5:])
    assert (both.outcome, both.reason, both.after) == (Outcome.PASS, "PASS; PASS", 60.0)


def test_evidence_of_all_is_kept() -> None:
    """Of checks and of alerts; without alerts there is no word of them."""
    counted = Verdict(outcome=Outcome.PASS, reason="equal", evidence={"checks": [1]})
    assert worst([verdict(Outcome.PASS), counted]).evidence == {"alerts": ["PASS"], "checks": [1]}
    assert worst([counted]).evidence == {"checks": [1]}


@pytest.mark.parametrize(("first", "second", "mild"), [(1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 0)])
def test_a_fail_is_mild_if_all_are(first: int, second: int, mild: int) -> None:
    """One that is not sends everything back at once; what merely waits has no say."""
    fails = [Verdict(outcome=Outcome.FAIL, reason="bad", mild=bool(one)) for one in (first, second)]
    found = worst([*fails, Verdict(outcome=Outcome.INCONCLUSIVE, reason="waits")])
    assert (found.outcome, found.mild) == (Outcome.FAIL, bool(mild))


def test_who_waits_is_not_mild() -> None:
    """Where nothing has failed, nothing is mild."""
    assert not worst([Verdict(outcome=Outcome.ERROR, reason="no answer")]).mild
