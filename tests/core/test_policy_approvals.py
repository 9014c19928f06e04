"""Whose yes counts where, and which gates the policy demands; verbatim."""

from __future__ import annotations

import pytest

from rollout.core import journey
from rollout.core.journey import Journey
from rollout.core.observed import Deployment
from rollout.core.policy import BETWEEN, PROMOTION, ApprovalRule, BakeRule, GateRule, Limits, Policy, Rule
from rollout.core.policy_approvals import demanded, gate_of, objects, starter
from rollout.core.release import GateKind
from tests.worlds.plans import roles

LINE = ", ".join(
    (
        "approval, deploy, approval, smoke, traffic 10",
        "bake 5, approval, traffic 50, approval, traffic 100, approval, bake 9",
    )
)
"""Approvals at 0, 2, 6, 8 and 10; traffic at 4, 7 and 9."""
WAY: Journey = journey.normal(roles("v2", LINE), "green")


def policy(*limits: Limits) -> Policy:
    """Rules r0, r1, …"""
    return Policy(rules=tuple(Rule(name=f"r{index}", limits=one) for index, one in enumerate(limits)))


def approval(before: int, *by: str, other: bool = True) -> Limits:
    """One rule about approvals."""
    return Limits(approvals=(ApprovalRule(before=before, by=by, other=other),))


@pytest.mark.parametrize(
    ("before", "step"), [(1, 2), (10, 2), (11, 6), (50, 6), (51, 8), (100, 8), (BETWEEN, 8), (PROMOTION, 10)]
)
def test_the_gate_of_a_rule(before: int, step: int) -> None:
    """The last approval in front of the first traffic stage of that weight; or behind the last one."""
    assert gate_of(WAY, ApprovalRule(before=before)) == step


def test_a_way_without_that_gate() -> None:
    """None there, only other gates; none on the way back; a weight that is never reached is the last."""
    assert (
        gate_of(journey.normal(roles("v2", "deploy, smoke, traffic 10, approval"), "green"), ApprovalRule(before=10))
        == -1
    )
    assert gate_of(journey.expedited(roles("v2", LINE), "green"), ApprovalRule(before=10)) == -1
    low = journey.normal(roles("v2", "approval, deploy, traffic 10, traffic 20"), "green")
    assert gate_of(low, ApprovalRule(before=100)) == 0


@pytest.mark.parametrize(
    ("who", "started_by", "why"),
    [
        ("ann", "bob", ""),
        ("ANN", "bob", ""),
        ("cid", "bob", "the yes of cid does not count here, that of ann or Bea does (rule `r0`)"),
        ("", "bob", "the yes of nobody known does not count here, that of ann or Bea does (rule `r0`)"),
        ("ann", "Ann", "ann started this run, somebody else must say yes (rule `r0`)"),
        ("bea", "", ""),
    ],
)
def test_whose_yes_counts(who: str, started_by: str, why: str) -> None:
    """Names without case; whoever started the run says no yes to it, if both are known."""
    assert objects(policy(approval(50, "ann", "Bea")), WAY, 6, who, started_by) == why


def test_at_which_gate() -> None:
    """At the one that the rule is about, by each rule."""
    rules = policy(approval(10, "ann"), approval(100, "bob"))
    assert objects(rules, WAY, 2, "cid", "") == "the yes of cid does not count here, that of ann does (rule `r0`)"
    assert objects(rules, WAY, 8, "cid", "") == "the yes of cid does not count here, that of bob does (rule `r1`)"
    assert objects(rules, WAY, 6, "cid", "") == objects(rules, WAY, 0, "cid", "") == ""
    assert objects(None, WAY, 2, "cid", "") == ""


def test_anybody_and_oneself() -> None:
    """No names: anybody; `other: false`: whoever started it, too; who is not known is nobody's starter."""
    assert objects(policy(approval(10)), WAY, 2, "cid", "bob") == ""
    assert objects(policy(approval(10, other=False)), WAY, 2, "bob", "bob") == ""
    assert objects(policy(approval(10)), WAY, 2, "bob", "bob") != ""
    assert objects(policy(approval(10)), WAY, 2, "", "") == ""


@pytest.mark.parametrize(
    ("limits", "steps"),
    [
        (approval(10), [0, 2]),
        (approval(50), [0, 2, 6]),
        (approval(BETWEEN), [0, 2, 6, 8]),
        (approval(PROMOTION), [10]),
        (Limits(gates=(GateRule(kind=GateKind.SMOKE_TEST, before=10),)), [3]),
        (Limits(gates=(GateRule(kind=GateKind.SMOKE_TEST, before=PROMOTION),)), []),
        (Limits(bakes=(BakeRule(seconds=1, before=BETWEEN),)), [5]),
        (Limits(bakes=(BakeRule(seconds=1, before=PROMOTION),)), [11]),
        (Limits(bakes=(BakeRule(seconds=1, before=10),)), []),
        (Limits(), []),
    ],
)
def test_what_is_demanded(limits: Limits, steps: list[int]) -> None:
    """Gates of the kinds that the rules name, where they name them; no other stage."""
    found = [index for index, step in enumerate(WAY.steps) if demanded(policy(Limits(), limits), WAY, step)]
    assert found == steps


def test_a_demand_in_words() -> None:
    """The gate and the rule; without a policy nothing is demanded."""
    assert demanded(policy(approval(10)), WAY, WAY.steps[2]) == "2-approval-0 is demanded (rule `r0`)"
    assert demanded(policy(approval(10)), WAY, WAY.steps[1]) == ""
    assert demanded(None, WAY, WAY.steps[2]) == ""


def test_who_started_it() -> None:
    """As the candidate says; nobody where it says nothing, or where there is none."""
    assert starter(Deployment(name="green", state="Succeeded", count=1, provenance={"actor": "ann"})) == "ann"
    assert starter(Deployment(name="green", state="Succeeded", count=1)) == starter(None) == ""
