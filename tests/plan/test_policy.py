"""Policy as code: for each rule a plan that passes and one that is refused, with the places of both; no loosening."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollout.errors import Fault, PlanError
from rollout.plan.load import inspect_plan
from rollout.plan.policy_cel import as_data, evaluate
from rollout.plan.policy_models import RuleModel, WindowModel

STAGES = """\
  - deploy: candidate
  - {name: smoke, smoke_test: {requests: [house/request.json]}}
  - traffic: 10
  - bake: 30m
  - traffic: 50
  - bake: 30m
  - {name: lead, approval: 'go on?'}
  - traffic: 100
  - bake: 1h
  - delete: {deployment: stable, after: 24h}
"""
PLAN = "version: 1\nname: house-prices\nendpoint: house/endpoint.yml\ncandidate: house/deployment.yml\n"


@pytest.fixture
def root(project: Path) -> Path:
    """The project as a repository with a plan that many policies like."""
    (project / ".git").mkdir()
    _write(project, STAGES)
    return project


def _write(project: Path, stages: str, more: str = "") -> None:
    (project / "plan.yml").write_text(f"{PLAN}stages:\n{stages}{more}")


def _rule(project: Path, text: str, folder: str = ".") -> None:
    (project / folder / "policy.yaml").write_text(f"version: 1\nkind: policy\nrules:\n  - name: strict\n    {text}\n")


def _broken(project: Path) -> list[str]:
    return [f"{fault} [{fault.expected}]" for fault in inspect_plan(Path("plan.yml")).broken]


RULES = [
    (
        "largest_first_weight: 10",
        "largest_first_weight: 5",
        "plan.yml:8:5: POLICY101: stages[2]: the first weight is 10 % [at most 5 %",
    ),
    (
        "largest_step: 50",
        "largest_step: 49",
        "plan.yml:13:5: POLICY102: stages[7]: the weight rises by 50 points, from 50 to 100 % "
        "[steps of at most 49 points",
    ),
    (
        "shortest_bake: 30m",
        "shortest_bake: {for: 31m, before: 100}",
        "plan.yml:13:5: POLICY103: stages[7]: 30m stands before 100 % [bakes of at least 31m",
    ),
    (
        "shortest_bake: [{for: 1h, before: promotion}, {for: 30m, before: 50}]",
        "shortest_bake: [{for: 2h, before: promotion}]",
        "plan.yml:15:5: POLICY103: stages[9]: 1h stands before the promotion [bakes of at least 2h",
    ),
    (
        "gates: [smoke_test, {kind: bake, before: promotion}]",
        "gates: [compare]",
        "plan.yml:8:5: POLICY104: stages[2]: no compare stands before 10 % [a stage `compare` before 10 %",
    ),
    (
        "approvals: [{before: 100, by: [ann]}]",
        "approvals: [{before: 50, by: [ann, bob]}]",
        "plan.yml:10:5: POLICY105: stages[4]: nobody approves before 50 % "
        "[a stage `approval` by ann or bob before 50 %",
    ),
    (
        "instance_types: ['standard_ds*']",
        "instance_types: [Standard_F4s_v2, Standard_E*]",
        "house/deployment.yml:11:16: POLICY106: instance_type: Standard_DS3_v2 is not allowed here "
        "[one of Standard_F4s_v2, Standard_E*",
    ),
    (
        "most_instances: 2",
        "most_instances: 1",
        "house/deployment.yml:12:17: POLICY107: instance_count: 2 instances [at most 1",
    ),
    (
        "allowed_hazards: [deletes-deployment, blocks-rollback]",
        "allowed_hazards: [blocks-rollback]",
        "plan.yml:15:5: POLICY108: stages[9]: a deployment is deleted [no deletes-deployment",
    ),
    (
        "refused_hazards: [traffic-jump]",
        "refused_hazards: [blocks-rollback]",
        "plan.yml:15:5: POLICY108: stages[9]: what served before is gone afterwards [no blocks-rollback",
    ),
    (
        "deletes: {after: 24h}",
        "deletes: {after: 2d}",
        "plan.yml:15:5: POLICY109: stages[9]: deleted 1d after the promotion [not before 2d",
    ),
    (
        "expressions: ['release.stages.exists(s, s.gate)']",
        "expressions: [{cel: 'size(release.slots) == 3', message: three slots}]",
        "plan.yml:2:7: POLICY110: name: three slots [size(release.slots) == 3",
    ),
    (
        "expressions: ['release.candidate.fields.exists(f, f.startsWith(\"model\"))']",
        "expressions: ['release.nope > 1']",
        "plan.yml:2:7: POLICY111: name: cannot be evaluated: 'nope' [release.nope > 1",
    ),
    (
        "deletes: allowed",
        "deletes: none",
        "plan.yml:15:5: POLICY109: stages[9]: a deployment is deleted [no deletes",
    ),
]


@pytest.mark.parametrize(("passes", "refuses", "fault"), RULES, ids=[each[1] for each in RULES])
def test_a_rule_lets_pass_and_refuses(root: Path, passes: str, refuses: str, fault: str) -> None:
    """The fault has its place in the plan's files, and names the rule with its place in the policy."""
    _rule(root, passes)
    assert _broken(root) == []
    _rule(root, refuses)
    column = 5 + len(refuses) - len(refuses.split(": ", 1)[1])
    assert _broken(root) == [f"{fault} (rule `strict`, policy.yaml:5:{column})]"]


def test_rules_apply_where_they_say(root: Path) -> None:
    """By the endpoint's name and by the environment; who names no environment is held to the rules of all."""
    _rule(root, "largest_step: 20\n    endpoints: ['other-*']")
    assert _broken(root) == []
    _rule(root, "largest_step: 20\n    endpoints: ['house-*']")
    assert len(_broken(root)) == 2
    _rule(root, "largest_step: 20\n    environments: [prod]")
    assert len(_broken(root)) == 2
    (root / "overlays").mkdir()
    for name, count in (("prod", 2), ("dev", 0)):
        overlay = root / f"overlays/{name}.yml"
        overlay.write_text("version: 1\nkind: overlay\n")
        assert len(inspect_plan(Path("plan.yml"), overlay=overlay).broken) == count


def test_all_policies_down_to_the_plan_count(root: Path) -> None:
    """The root's and a folder's; what is stricter decides."""
    _rule(root, "largest_step: 50")
    inner = root / "team"
    inner.mkdir()
    Path("team/plan.yml").write_text(Path("plan.yml").read_text().replace("house/", "../house/"))
    _rule(inner, "most_instances: 1")
    rules = inspect_plan(Path("team/plan.yml")).loaded.release.policy
    assert rules is not None
    assert [rule.where for rule in rules.rules] == ["policy.yaml:4:5", "team/policy.yaml:4:5"]
    assert [fault.code for fault in inspect_plan(Path("team/plan.yml")).broken] == ["POLICY107"]


LOOSER = [
    ("largest_first_weight: 10", "largest_first_weight: 20", "20 % would loosen the 10 % that the policy allows"),
    ("largest_step: 50", "largest_step: 60", "60 points would loosen the 50 points that the policy allows"),
    ("shortest_bake: 30m", "shortest_bake: 10m", "10m would loosen the 30m that the policy demands"),
    ("gates: [smoke_test]", "gates: []", "nothing here would loosen what the policy demands"),
    (
        "approvals: [{by: [ann]}]",
        "approvals: [{by: [ann, eve]}]",
        "the yes of eve would loosen whose yes the policy demands",
    ),
    (
        "approvals: [{by: [ann]}]",
        "approvals: [{by: [ann], other: false}]",
        "`other: false` would loosen the four eyes that the policy demands",
    ),
    ("instance_types: ['*ds3*']", "instance_types: ['Standard_*']", "Standard_* would loosen what the policy allows"),
    ("most_instances: 2", "most_instances: 3", "3 instances would loosen the 2 instances that the policy allows"),
    (
        "allowed_hazards: [deletes-deployment, blocks-rollback]",
        "allowed_hazards: [scale-down]",
        "scale-down would loosen what the policy allows",
    ),
    ("refused_hazards: [auth-change]", "refused_hazards: []", "nothing here would loosen what the policy demands"),
    ("deletes: {after: 24h}", "deletes: {after: 1h}", "1h would loosen the 1d that the policy demands"),
    ("deletes: {after: 24h}", "deletes: allowed", "0s would loosen the 1d that the policy demands"),
    ("promoted_from: dev", "promoted_from: []", "nothing here would loosen what the policy demands"),
    (
        "promoted_from: [{environment: dev, baked: 1d}]",
        "promoted_from: dev",
        "0s in dev would loosen the 1d that the policy demands",
    ),
]


@pytest.mark.parametrize(("outer", "inner", "message"), LOOSER, ids=[each[1] for each in LOOSER])
def test_a_plan_cannot_loosen_the_policy(root: Path, outer: str, inner: str, message: str) -> None:
    """It is refused with the place in the plan and that of the rule, whatever command reads it."""
    (root / "rollout.yaml").write_text("environments: [{name: dev, plan: dev.yml}]\n")
    _rule(root, outer)
    _write(root, STAGES, f"policy:\n  {inner}\n")
    limit = inner.split(":")[0]
    with pytest.raises(PlanError) as caught:
        inspect_plan(Path("plan.yml"))
    (fault,) = caught.value.faults
    assert str(fault) == f"plan.yml:17:{5 + len(limit)}: POLICY120: policy.{limit}: {message}"
    assert fault.expected == f"what rule `strict` says (policy.yaml:5:{7 + len(limit)}), or stricter"


def test_a_plan_tightens_the_policy(root: Path) -> None:
    """Its own rule counts beside the repository's."""
    _rule(root, "largest_step: 50")
    _write(root, STAGES, "policy: {largest_step: 45, most_instances: 2}\n")
    assert _broken(root) == [
        "plan.yml:13:5: POLICY102: stages[7]: the weight rises by 50 points, from 50 to 100 % "
        "[steps of at most 45 points (rule `the plan's own`, plan.yml:16:24)]"
    ]


WRONG = [
    ("rules: [{name: a, largest_stepp: 5}]", "3:19: PLAN101: rules[0].largest_stepp: unknown key `largest_stepp`"),
    ("rules: [{largest_step: 5}]", "3:9: PLAN102: rules[0].name: `name` is missing"),
    ("rules: [{name: a, shortest_bake: 30}]", "3:34: PLAN104: rules[0].shortest_bake: `30` has no unit"),
    (
        "rules: [{name: a, gates: [{kind: bake, before: 0}]}]",
        "3:48: PLAN105: rules[0].gates[0].before: 0 is out of range",
    ),
    ("rules: [{name: a, deletes: never}]", "3:28: PLAN110: rules[0].deletes: `never` is not known here"),
    ("rules: [{name: a, refused_hazards: [boom]}]", "3:36: PLAN110: rules[0].refused_hazards: `boom` is no hazard"),
    (
        "windows: [{name: w, deny: [start], allow: [start], from: 2026-01-01, for: 1h}]",
        "3:11: PLAN102: windows[0]: a window allows or denies",
    ),
    ("windows: [{name: w, deny: [start]}]", "3:11: PLAN102: windows[0]: the window has no times"),
    (
        "windows: [{name: w, deny: [start], from: 2026-02-30, for: 1h}]",
        "3:42: PLAN118: windows[0].from: `2026-02-30` is no time on the wall clock",
    ),
    (
        "windows: [{name: w, deny: [start], from: 2026-01-02, until: 2026-01-01}]",
        "3:11: PLAN105: windows[0]: the window ends before it begins",
    ),
    (
        "windows: [{name: w, deny: [start], from: 2026-01-01, for: 1h, every: FREQ=HOURLY}]",
        "3:70: PLAN119: windows[0].every: `FREQ=HOURLY` is not understood here",
    ),
    (
        "windows: [{name: w, deny: [start], from: 2026-01-01, for: 1h, every: FREQ=DAILY;INTERVAL=0}]",
        "3:70: PLAN119: windows[0].every: an interval of `0`",
    ),
    (
        "windows: [{name: w, deny: [start], from: 2026-01-01, for: 1h, every: FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30}]",
        "3:70: PLAN119: windows[0].every: `FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30` does not come within 20 years",
    ),
    (
        "windows: [{name: w, deny: [start], from: 0001-01-01, for: 1h}]",
        "3:42: PLAN118: windows[0].from: `0001-01-01` is no time on the wall clock",
    ),
    (
        "windows: [{name: w, deny: [start], from: 2026-01-01, for: 1h, zone: Mars/Base}]",
        "3:69: PLAN120: windows[0].zone: `Mars/Base` is no time zone",
    ),
    (
        "windows: [{name: w, deny: [start], days: germany}]",
        "3:42: PLAN121: windows[0].days: there is no calendar `germany`",
    ),
    ("holidays: {h: {dates: [13-40]}}", "3:23: PLAN118: holidays.h.dates: `13-40` is no day"),
    ("stop_the_line: 3", "3:16: PLAN103: stop_the_line: this says neither whether nor why"),
    ("kinds: policy", "3:1: PLAN101: kinds: unknown key `kinds`"),
]


@pytest.mark.parametrize(("text", "fault"), WRONG, ids=lambda value: value[:40])
def test_a_policy_with_faults_stops_every_plan(root: Path, text: str, fault: str) -> None:
    """A rule that cannot be read is never passed over."""
    (root / "policy.yaml").write_text(f"version: 1\nkind: policy\n{text}\n")
    with pytest.raises(PlanError) as caught:
        inspect_plan(Path("plan.yml"))
    assert [str(each) for each in caught.value.faults] == [f"policy.yaml:{fault}"]


@pytest.mark.parametrize(("country", "said"), [("XX", "Country XX not available"), ("QQ", "Country QQ not available")])
def test_a_country_that_nobody_knows(root: Path, country: str, said: str) -> None:
    """The holidays' library does not know it."""
    text = f"holidays: {{h: {{country: {country}}}}}\nwindows: [{{name: w, deny: [start], days: h}}]\n"
    (root / "policy.yaml").write_text(f"version: 1\nkind: policy\n{text}")
    with pytest.raises(PlanError) as caught:
        inspect_plan(Path("plan.yml"))
    assert _codes(caught.value.faults) == [("policy.yaml", 3, "PLAN121", said)]


def test_a_policy_yaml_that_is_none(root: Path) -> None:
    """A file of that name without `kind: policy` is a fault, not silence."""
    (root / "policy.yaml").write_text("apiVersion: v1\n")
    with pytest.raises(PlanError) as caught:
        inspect_plan(Path("plan.yml"))
    assert {fault.code for fault in caught.value.faults} == {"PLAN101", "PLAN102"}


def test_without_a_policy_nothing_of_it_is_there(root: Path) -> None:
    """No value in the release, so no digest changes."""
    assert inspect_plan(Path("plan.yml")).loaded.release.policy is None


_ODD = ["FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", "FREQ=DAILY;BYYEARDAY=-366"]
_WORDS = st.sampled_from(["all", "1h", "2026-01-05T09:00", "DE", "start", "UTC", *_ODD])
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.text(max_size=8) | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_KEYS = (set(WindowModel.model_fields) | set(RuleModel.model_fields) | {"from", "for", "except"}) - {"expressions"}
_ENTRY = st.dictionaries(st.sampled_from(sorted(_KEYS)), _ANYTHING | st.lists(_WORDS, max_size=2), max_size=5)


@settings(max_examples=50, deadline=timedelta(seconds=10), suppress_health_check=list(HealthCheck))
@given(
    policy=st.dictionaries(
        st.sampled_from(["rules", "windows", "holidays", "stop_the_line", "kind"]),
        _ANYTHING | st.lists(_ENTRY, max_size=2) | st.dictionaries(_WORDS, _ENTRY, max_size=2),
    )
)
def test_whatever_a_policy_says_there_are_only_faults(root: Path, policy: dict[str, Any]) -> None:
    """Never a traceback, and never a search without end."""
    (root / "policy.yaml").write_text(json.dumps({"version": 1, "kind": "policy", **policy}))
    with suppress(PlanError):
        inspect_plan(Path("plan.yml"))


def _codes(faults: tuple[Fault, ...]) -> list[tuple[str, int, str, str]]:
    return [(fault.file, fault.line, fault.code, fault.message) for fault in faults]


def test_an_expression_that_does_not_end_is_ended() -> None:
    """It refuses, and holds nobody up."""
    endless = "l.all(a, l.all(b, l.all(c, l.all(d, a + b + c + d >= 0))))"
    assert evaluate(["1 == 1", endless], {"l": list(range(1000))}, seconds=1.0) == ["no answer within 1 s"] * 2


def test_what_an_expression_sees(root: Path) -> None:
    """Plain values, weights in percent and times in seconds."""
    data = as_data(inspect_plan(Path("plan.yml")).loaded.release, "prod")
    assert (data["environment"], data["endpoint"]["name"], data["slots"]) == ("prod", "house-prices", ["blue", "green"])
    assert data["stages"][3] == {
        "kind": "bake",
        "name": "bake-30m",
        "gate": True,
        "weight": 0,
        "seconds": 1800.0,
        "role": "",
        "count": 0,
        "after": 0.0,
    }
    assert evaluate(["size(release.stages) == 10", "release.name"], {"release": data}) == [
        True,
        "it gives str, not a truth value",
    ]
