"""What a verdict means now: each outcome, before and after the gate's limit."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from rollout.core.gating import Answer, Ask, Failed, NotYet, Passed, Stuck, answer
from rollout.core.policy import ApprovalRule, Limits, Policy, Rule
from rollout.core.release import Gate
from rollout.core.verdict import Outcome, Verdict
from tests.cases.world import World, at

BOTH = {"blue": "v1", "green": "v2"}
NO_ANSWER = (Outcome.INCONCLUSIVE, Outcome.NO_DATA, Outcome.ERROR)


def asked(line: str, *, timeout: float | None = None, limit: float = 3600.0, **case: Any) -> Answer:
    """What the gate at step 1 says; the candidate was created at minute 0, and nothing has happened since."""
    world = World({"live": BOTH, "plan": line, **case})
    step = world.scene.journey.steps[1]
    assert isinstance(step.stage, Gate)
    gate = replace(step.stage, timeout=timeout, limit=limit)
    return answer(world.scene, 1, replace(step, stage=gate), gate)


SMOKE, BAKE, APPROVAL = (f"deploy, {gate}, traffic 10, traffic 100" for gate in ("smoke", "bake 30", "approval"))


def test_without_a_verdict_it_must_be_measured() -> None:
    """Nothing is assumed."""
    assert asked(SMOKE) == Ask()


def test_whoever_is_not_a_bake_has_no_end() -> None:
    """A gate may look back over some minutes; it is not over at any time."""
    world = World({"live": BOTH, "plan": SMOKE, "now": 0})
    step = world.scene.journey.steps[1]
    assert isinstance(step.stage, Gate)

    assert answer(world.scene, 1, step, replace(step.stage, seconds=600.0)) == Ask()
    assert asked(BAKE, now=0) == Ask(at(30))


@pytest.mark.parametrize("minute", [0, 1, 10_000])
def test_a_pass_passes_at_any_time(minute: int) -> None:
    """Other gates than bakes have no time of their own."""
    assert asked(SMOKE, now=minute, verdicts={"1-smoke-0": "PASS as good"}) == Passed("as good")


@pytest.mark.parametrize("minute", [0, 60, 10_000])
@pytest.mark.parametrize(("line", "gate"), [(SMOKE, "1-smoke-0"), (BAKE, "1-bake-30")])
def test_a_fail_fails_at_any_time(line: str, gate: str, minute: int) -> None:
    """Also long before a bake's time is over, and long after its limit."""
    assert asked(line, now=minute, verdicts={gate: "FAIL worse"}) == Failed("worse")


def test_what_will_not_come_is_not_waited_for() -> None:
    """An alert that a person must look at holds at once."""
    world = World({"live": BOTH, "plan": SMOKE})
    step = world.scene.journey.steps[1]
    verdict = Verdict(outcome=Outcome.INCONCLUSIVE, reason="it fired", stuck=True)
    assert isinstance(step.stage, Gate)
    found = answer(replace(world.scene, verdicts={step.key: verdict}), 1, step, step.stage)
    assert found == Stuck(f"{step.stage.name}: INCONCLUSIVE: it fired")


@pytest.mark.parametrize("outcome", NO_ANSWER)
@pytest.mark.parametrize(("minute", "over"), [(59, False), (60, True)])
def test_no_answer_waits_up_to_the_limit(outcome: Outcome, minute: int, over: bool) -> None:
    """Then it is stuck: never passed, never failed (law 8)."""
    said = asked(SMOKE, now=minute, verdicts={"1-smoke-0": f"{outcome.value} hm"})

    if over:
        assert said == Stuck(f"1-smoke-0 has had no answer for 1:00:00: {outcome.value}: hm")
    else:
        assert said == NotYet(f"1-smoke-0: {outcome.value}: hm", at(60))


@pytest.mark.parametrize("outcome", NO_ANSWER)
@pytest.mark.parametrize(("minute", "over"), [(89, False), (90, True)])
def test_a_bakes_limit_begins_when_its_time_is_over(outcome: Outcome, minute: int, over: bool) -> None:
    """Half an hour of baking, then an hour of patience."""
    said = asked(BAKE, now=minute, verdicts={"1-bake-30": f"{outcome.value} hm"})

    assert isinstance(said, Stuck if over else NotYet)
    assert over or said == NotYet(f"1-bake-30: {outcome.value}: hm", at(90))


def test_a_stages_timeout_is_its_limit() -> None:
    """In place of the gate's own."""
    said = asked(SMOKE, timeout=120.0, now=2, verdicts={"1-smoke-0": "ERROR refused"})

    assert said == Stuck("1-smoke-0 has had no answer for 0:02:00: ERROR: refused")


@pytest.mark.parametrize(("minute", "expected"), [(29, NotYet("1-bake-30: as good", at(30))), (30, Passed("as good"))])
def test_a_bake_passes_when_healthy_and_over(minute: int, expected: Answer) -> None:
    """To the second."""
    assert asked(BAKE, now=minute, verdicts={"1-bake-30": "PASS as good"}) == expected


@pytest.mark.parametrize(("minute", "expected"), [(9, NotYet("1-bake-30: proven", at(10))), (10, Passed("proven"))])
def test_a_proven_bake_may_end_early(minute: int, expected: Answer) -> None:
    """After the least time that the plan gives it."""
    assert asked(BAKE, now=minute, verdicts={"1-bake-30": "PASS@10 proven"}) == expected


def test_early_is_never_later() -> None:
    """A least time beyond the bake's own changes nothing."""
    assert asked(BAKE, now=30, verdicts={"1-bake-30": "PASS@50 proven"}) == Passed("proven")


def test_a_bake_counts_from_the_last_recorded_pass() -> None:
    """Or the last change of weights, whichever is later."""
    record = {"run": "v2 in green", "since": 20}

    said = asked(BAKE, now=40, record=record, verdicts={"1-bake-30": "PASS as good"})

    assert said == NotYet("1-bake-30: as good", at(50))


def test_a_bake_at_zero_does_not_count_from_before_its_candidate() -> None:
    """The record's time belongs to what was released before."""
    live = {"blue": "v1", "green": "v2 @25"}

    said = asked(BAKE, now=40, live=live, record={"since": 0}, verdicts={"1-bake-30": "PASS as good"})

    assert said == NotYet("1-bake-30: as good", at(55))


def test_a_bake_whose_record_is_lost_counts_from_the_last_write() -> None:
    """The service's own time of it is a lower bound."""
    said = asked(
        BAKE,
        now=29,
        live={"blue": "v1", "green": "v2 untagged"},
        record={"run": "v2 in green", "since": None},
        verdicts={"1-bake-30": "PASS as good"},
    )

    assert said == NotYet("1-bake-30: as good", at(30))


YES = {"gate": "1-approval-0", "who": "ann"}
WAITING = "1-approval-0: waiting for approval (rollout approve --stage 1-approval-0)"


@pytest.mark.parametrize(
    ("approvals", "expected"),
    [
        ([], NotYet(WAITING, None)),
        ([YES], Passed("approved by ann")),
        ([{**YES, "who": ""}], Passed("approved by somebody")),
        (
            [{**YES, "stale": True}],
            NotYet(f"{WAITING}; what follows has changed since it was approved", None),
        ),
        ([{**YES, "stale": True}, YES], Passed("approved by ann")),
    ],
)
def test_an_approval_is_read_from_the_record(approvals: list[dict[str, Any]], expected: Answer) -> None:
    """For this gate, and for all that follows it as it is now."""
    assert asked(APPROVAL, record={"approvals": approvals}) == expected


def test_no_verdict_stands_in_for_a_person() -> None:
    """Whatever was measured."""
    assert asked(APPROVAL, verdicts={"1-approval-0": "PASS"}) == NotYet(WAITING, None)


@pytest.mark.parametrize(
    ("minute", "expected"),
    [(9, NotYet(WAITING, at(10))), (10, Stuck("1-approval-0: nobody approved within 0:10:00"))],
)
def test_an_approval_may_come_too_late(minute: int, expected: Answer) -> None:
    """With a timeout it holds when time is up."""
    assert asked(APPROVAL, timeout=600.0, now=minute) == expected


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        pytest.param(ApprovalRule(before=10, by=("ann",), other=False), Passed("approved by ann"), id="hers counts"),
        pytest.param(
            ApprovalRule(before=10, by=("bob",), other=False),
            NotYet(f"{WAITING}; the yes of ann does not count here, that of bob does (rule `people`)", None),
            id="hers does not",
        ),
        pytest.param(
            ApprovalRule(before=10, other=True),
            NotYet(f"{WAITING}; ann started this run, somebody else must say yes (rule `people`)", None),
            id="she started it herself",
        ),
    ],
)
def test_the_policy_says_whose_yes_counts(rule: ApprovalRule, said: Answer) -> None:
    """Whose it is, and who started the run."""
    view = World({"live": BOTH, "plan": APPROVAL, "record": {"approvals": [YES]}}).scene
    policy = Policy(rules=(Rule(name="people", limits=Limits(approvals=(rule,)), where="policy.yaml:1:1"),))
    assert view.candidate is not None
    started = replace(view.candidate, provenance={"actor": "ann"})
    scene = replace(view, release=replace(view.release, policy=policy), candidate=started)
    step = scene.journey.steps[1]
    assert isinstance(step.stage, Gate)

    assert answer(scene, 1, step, step.stage) == said
