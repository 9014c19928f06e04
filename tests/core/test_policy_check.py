"""Which rules a plan breaks, finding by finding, verbatim: the code, the place, what is wrong, what was expected."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from rollout.core.policy import (
    BETWEEN,
    PROMOTION,
    ApprovalRule,
    BakeRule,
    GateRule,
    Limits,
    Policy,
    Rule,
    Violation,
    Window,
)
from rollout.core.policy_check import Wrong, broken, violations
from rollout.core.release import GateKind, OnFailure, Release, Role, Scale
from tests.worlds.plans import literal, roles, spec

Found = tuple[str, int | None, str, str]


def found(limits: Limits, release: Release) -> list[Found]:
    """Each finding without its code and limit."""
    return [(one.field, one.stage, one.message, one.expected) for one in broken(limits, release)]


def plan(line: str) -> Release:
    """A plan with these stages."""
    return roles("v2", line)


def scaling(release: Release, count: int) -> Release:
    """The same, with its `scale` stages about stable and that many instances."""
    stages = [replace(one, role=Role.STABLE, count=count) if isinstance(one, Scale) else one for one in release.stages]
    return replace(release, stages=tuple(stages))


STEPPED = plan("deploy, smoke, traffic 10, bake 30, traffic 50, approval, bake 20, traffic 100, bake 60, delete 100")


def test_every_rule_is_looked_at() -> None:
    """In their order, by their number; with code and limit."""
    rules = (
        Rule(name="a", limits=Limits()),
        Rule(name="b", limits=Limits(first_weight=5, step=30)),
        Rule(name="c", limits=Limits(deletes=False)),
    )
    assert [(one.rule, one.code, one.limit, one.stage) for one in violations(rules, STEPPED)] == [
        (1, "POLICY101", "largest_first_weight", 2),
        (1, "POLICY102", "largest_step", 4),
        (1, "POLICY102", "largest_step", 7),
        (2, "POLICY109", "deletes", 9),
    ]
    assert violations(rules, STEPPED)[0] == Violation(
        rule=1,
        code="POLICY101",
        limit="largest_first_weight",
        message="the first weight is 10 %",
        expected="at most 5 %",
        stage=2,
        field="",
    )


def test_weights() -> None:
    """The first, and each rise, from nothing on; on the limit they are let pass."""
    assert found(Limits(first_weight=9), STEPPED) == [("", 2, "the first weight is 10 %", "at most 9 %")]
    assert found(Limits(first_weight=10, step=50), STEPPED) == []
    assert found(Limits(step=9), plan("deploy, traffic 10")) == [
        ("", 1, "the weight rises by 10 points, from 0 to 10 %", "steps of at most 9 points")
    ]
    assert found(Limits(step=49), STEPPED)[0][2] == "the weight rises by 50 points, from 50 to 100 %"


@pytest.mark.parametrize(
    ("rule", "line", "expected"),
    [
        (BakeRule(seconds=1800, before=BETWEEN), "deploy, traffic 10, bake 30, traffic 50, bake 20, traffic 100",
         [("", 5, "20m stands before 100 %", "bakes of at least 30m")]),
        (BakeRule(seconds=60, before=BETWEEN), "deploy, traffic 10, smoke, traffic 50",
         [("", 3, "no bake stands before 50 %", "bakes of at least 1m")]),
        (BakeRule(seconds=60, before=1), "bake 30, traffic 10, bake 10, traffic 50", []),
        (BakeRule(seconds=60, before=1), "deploy, traffic 10",
         [("", 1, "no bake stands before 10 %", "bakes of at least 1m")]),
        (BakeRule(seconds=60, before=50), "deploy, traffic 10, traffic 50, bake 10, traffic 51",
         [("", 2, "no bake stands before 50 %", "bakes of at least 1m")]),
        (BakeRule(seconds=3600, before=PROMOTION), "deploy, traffic 100, bake 20, delete 0, bake 60",
         [("", 3, "20m stands before the promotion", "bakes of at least 1h")]),
        (BakeRule(seconds=3600, before=PROMOTION), "deploy, delete 0, traffic 100, bake 60", []),
        (BakeRule(seconds=3600, before=PROMOTION), "deploy, traffic 10, bake 60, traffic 100",
         [("", 3, "no bake stands before the promotion", "bakes of at least 1h")]),
        (BakeRule(seconds=60, before=PROMOTION), "deploy, traffic 100, approval, delete 0",
         [("", 3, "no bake stands before the promotion", "bakes of at least 1m")]),
    ],
)  # fmt: skip
def test_bakes(rule: BakeRule, line: str, expected: list[Found]) -> None:
    """Directly in front of the place, bakes only, added up; what stands behind the last stage is told of the last."""
    assert found(Limits(bakes=(rule,)), plan(line)) == expected


@pytest.mark.parametrize(
    ("rule", "line", "expected"),
    [
        (GateRule(kind=GateKind.SMOKE_TEST, before=1), "deploy, smoke, traffic 10", []),
        (GateRule(kind=GateKind.SMOKE_TEST, before=1), "deploy, traffic 10, smoke, traffic 100",
         [("", 1, "no smoke_test stands before 10 %", "a stage `smoke_test` before 10 %")]),
        (GateRule(kind=GateKind.SMOKE_TEST, before=50), "deploy, traffic 10, smoke, traffic 50", []),
        (GateRule(kind=GateKind.BAKE, before=100), "deploy, traffic 10, bake 5, traffic 50", []),
        (GateRule(kind=GateKind.BAKE, before=100), "deploy, bake 5, traffic 10, smoke, traffic 50",[]),
        (GateRule(kind=GateKind.COMPARE, before=100), "deploy, traffic 10, traffic 50",
         [("", 2, "no compare stands before 50 %", "a stage `compare` before 50 %")]),
        (GateRule(kind=GateKind.BAKE, before=PROMOTION), "deploy, bake 5, traffic 10, bake 5, traffic 100",
         [("", 4, "no bake stands behind the last traffic stage", "a stage `bake` behind the last traffic stage")]),
        (GateRule(kind=GateKind.BAKE, before=PROMOTION), "deploy, traffic 100, bake 5", []),
    ],
)  # fmt: skip
def test_gates(rule: GateRule, line: str, expected: list[Found]) -> None:
    """Somewhere in front of that weight, or behind the last."""
    assert found(Limits(gates=(rule,)), plan(line)) == expected


@pytest.mark.parametrize(
    ("by", "expected"),
    [((), "a stage `approval` before 10 %"), (("ann", "bob"), "a stage `approval` by ann or bob before 10 %")],
)
def test_approvals(by: tuple[str, ...], expected: str) -> None:
    """By whom, if the rule says so; where there is one, whoever gives it is looked at when it is given."""
    limits = Limits(approvals=(ApprovalRule(before=10, by=by),))
    assert found(limits, plan("deploy, smoke, traffic 10")) == [("", 2, "nobody approves before 10 %", expected)]
    assert found(limits, plan("deploy, approval, traffic 10")) == []
    behind = Limits(approvals=(ApprovalRule(before=PROMOTION),))
    assert found(behind, plan("deploy, approval, traffic 10"))[0][2] == "nobody approves behind the last traffic stage"


def test_instances() -> None:
    """Types by patterns, without case; counts of both deployments, and of stages."""
    release = scaling(literal(("blue", "v1"), ("green", "v2"), "deploy, traffic 100, scale"), 9)
    few = Limits(instances=1)
    assert found(Limits(instance_types=("standard_ds*",)), release) == []
    assert found(Limits(instance_types=("a", "b*")), release) == [
        (f"{role}.instance_type", None, "Standard_DS3_v2 is not allowed here", "one of a, b*")
        for role in ("candidate", "stable")
    ]
    nameless = replace(roles("v2"), candidate=replace(spec("v2"), instance_type=""))
    assert (
        found(Limits(instance_types=("a",)), nameless)[0][2]
        == "an instance type that no file names is not allowed here"
    )
    many = replace(roles("v2", "deploy, traffic 100"), candidate=spec("v2", 3))
    assert found(few, many) == [("candidate.instance_count", None, "3 instances", "at most 1")]
    scaled = [one for one in found(few, release) if one[1] is not None]
    assert scaled == [("", 2, "9 instances", "at most 1")]
    assert [one for one in found(Limits(instances=9), release) if one[1] is not None] == []


def test_hazards() -> None:
    """Those that the plan itself declares, each with its stage."""
    release = scaling(roles("v2", "deploy, traffic 60, smoke, traffic 100, scale, delete 0"), 1)
    everything = Limits(allowed_hazards=())
    assert found(everything, release) == [
        ("", 1, "60 % at once, 0 % before", "no traffic-jump"),
        ("", 1, "60 % and no gate before that", "no ungated-traffic"),
        ("", 4, "there may be fewer instances afterwards", "no scale-down"),
        ("", 5, "a deployment is deleted", "no deletes-deployment"),
        ("", 5, "what served before is gone afterwards", "no blocks-rollback"),
    ]
    early = scaling(roles("v2", "deploy, smoke, bake 5, traffic 10, scale, traffic 50, traffic 100"), 1)
    assert found(everything, early) == []
    refused = [(one.limit, one.message) for one in broken(Limits(refused_hazards=("scale-down",)), release)]
    assert refused == [("refused_hazards", "there may be fewer instances afterwards")]
    allowed = Limits(allowed_hazards=("traffic-jump", "ungated-traffic", "deletes-deployment", "blocks-rollback"))
    assert [(one.limit, one.message) for one in broken(allowed, release)] == [
        ("allowed_hazards", "there may be fewer instances afterwards")
    ]


@pytest.mark.parametrize(("candidate", "hazard"), [("delete", "deletes-deployment"), ("scale_to_one", "scale-down")])
def test_hazards_of_a_failure(candidate: str, hazard: str) -> None:
    """What `on_failure` does with the candidate."""
    release = roles("v2", "deploy, smoke, traffic 10", on_failure=OnFailure(candidate=candidate))  # type: ignore[arg-type]
    said = ("on_failure", None, f"on_failure: {candidate}", f"no {hazard}")
    assert found(Limits(allowed_hazards=()), release) == [said]
    assert found(Limits(allowed_hazards=()), replace(release, on_failure=OnFailure(candidate="keep"))) == []


def test_deletes() -> None:
    """Stages, and what failures do; with a time, only stages."""
    release = roles("v2", "deploy, smoke, traffic 10, delete 30", on_failure=OnFailure(candidate="delete"))
    assert found(Limits(deletes=False), release) == [
        ("", 3, "a deployment is deleted", "no deletes"),
        ("on_failure", None, "a deployment is deleted", "no deletes"),
    ]
    assert found(Limits(delete_after=1801), release) == [("", 3, "deleted 30m after the promotion", "not before 30m1s")]
    assert found(Limits(delete_after=1800), release) == []
    gate = replace(release.stages[1], on_failure=OnFailure(candidate="delete"))
    own = replace(release, on_failure=OnFailure(), stages=(release.stages[0], gate, *release.stages[2:3]))
    assert found(Limits(deletes=False), own) == [("", 1, "a deployment is deleted", "no deletes")]


def test_a_wrong_is_about_a_stage_or_a_field() -> None:
    """Neither is its default."""
    wrong = Wrong(code="c", limit="l", message="m", expected="e")
    assert (wrong.stage, wrong.field) == (None, "")


def test_where_a_rule_stands_changes_nothing() -> None:
    """The essence of a policy is what it says, not where."""
    window = Window(name="w", opens=False, activities=("start",))
    rule = Rule(name="r", limits=Limits(step=5))
    policy = Policy(rules=(replace(rule, where="policy.yaml:3"),), windows=(replace(window, where="policy.yaml:9"),))
    assert (policy.bare.rules, policy.bare.windows) == ((rule,), (window,))
    assert policy.essence == {"rules": (rule,), "windows": (window,)}
