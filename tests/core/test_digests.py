"""What is approved: the meaning of a plan and of an action, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from rollout.core import actions
from rollout.core.actions import Action, FieldChange
from rollout.core.digests import essence, plan_digest
from rollout.core.observed import all_to, weights
from rollout.core.policy import Limits, Policy, Rule
from rollout.core.progress import Progress
from rollout.core.release import EndpointSpec, Gate, Release, Traffic
from tests.worlds.plans import literal, roles, spec

ROLES = roles("v2", "deploy, smoke, traffic 10, traffic 100")
LITERAL = literal(("blue", "v1"), ("green", "v2"), "deploy, smoke, traffic 10, traffic 100")
RULE = Rule(name="small", limits=Limits(instances=3), where="policy.yaml:4:5")
GOVERNED = replace(ROLES, policy=Policy(rules=(RULE,)))


def form(**changes: Any) -> Release:
    """The literal plan with another form."""
    assert LITERAL.literal is not None
    return replace(LITERAL, literal=replace(LITERAL.literal, **changes))


def gate(**changes: Any) -> Gate:
    """The smoke test of the plan, changed."""
    found = ROLES.stages[1]
    assert isinstance(found, Gate)
    return replace(found, **changes)


def test_golden_digests() -> None:
    """An approval that was given before an upgrade of the tool is good after it."""
    found = {name: plan_digest(each) for name, each in (("roles", ROLES), ("literal", LITERAL), ("policy", GOVERNED))}

    assert found == {"roles": "da243014c4bc9163", "literal": "fe74e4f79b03b2a7", "policy": "4c9162f34d498df3"}


STABLE = LITERAL.literal.stable_spec if LITERAL.literal else None
assert STABLE is not None
BOOTSTRAP = LITERAL.literal.bootstrap if LITERAL.literal else ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(ROLES, replace(ROLES, commit="c0ffee"), id="commit"),
        pytest.param(ROLES, replace(ROLES, provenance={"actor": "ann"}), id="who runs it"),
        pytest.param(
            ROLES, replace(ROLES, candidate=replace(ROLES.candidate, origin="/a", document="x")), id="where files lie"
        ),
        pytest.param(LITERAL, form(stable_spec=replace(STABLE, origin="/a", document="x")), id="where stable's lie"),
        pytest.param(
            form(bootstrap=(gate(),)), form(bootstrap=(gate(body="anything"),)), id="bodies: their digests say it"
        ),
        pytest.param(ROLES, replace(ROLES, policy=Policy()), id="a policy that says nothing"),
        pytest.param(
            ROLES,
            replace(ROLES, policy=Policy(stopped="now", break_glass="all the same", who="ann")),
            id="switches of the moment",
        ),
        pytest.param(GOVERNED, replace(ROLES, policy=Policy(rules=(replace(RULE, where="x:1:1"),))), id="its place"),
    ],
)
def test_what_a_plan_does_not_mean(one: Release, other: Release) -> None:
    """It is the same plan."""
    assert plan_digest(one) == plan_digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(ROLES, replace(ROLES, candidate=spec("v2", description="x")), id="a setting"),
        pytest.param(ROLES, replace(ROLES, stages=(ROLES.stages[0], *ROLES.stages[2:])), id="a stage"),
        pytest.param(
            ROLES, replace(ROLES, stages=(*ROLES.stages[:-1], replace(ROLES.stages[-1], name="all"))), id="a name"
        ),
        pytest.param(
            ROLES, replace(ROLES, stages=(ROLES.stages[0], gate(digest="other"), *ROLES.stages[2:])), id="gate"
        ),
        pytest.param(LITERAL, form(stable_spec=spec("v0")), id="stable's file"),
        pytest.param(LITERAL, form(stable_spec=None), id="no file for stable"),
        pytest.param(LITERAL, form(bootstrap=BOOTSTRAP[:-1]), id="the bootstrap"),
        pytest.param(LITERAL, replace(LITERAL, literal=None), id="the form"),
        pytest.param(ROLES, GOVERNED, id="a rule"),
        pytest.param(
            GOVERNED, replace(ROLES, policy=Policy(rules=(replace(RULE, limits=Limits(instances=4)),))), id="its limit"
        ),
    ],
)
def test_what_a_plan_means(one: Release, other: Release) -> None:
    """It is another plan."""
    assert plan_digest(one) != plan_digest(other)


def test_what_is_empty_is_not_said() -> None:
    """However deep: a later version of the tool, whose stages have one more field, says the same."""

    class Later(Traffic, frozen=True, kw_only=True, gc=False, tag="traffic"):
        """A stage as it may be one day."""

        further: str = ""
        more: tuple[str, ...] = ()

    last = ROLES.stages[-1]
    assert isinstance(last, Traffic)
    later = Later(name=last.name, weight=last.weight)

    assert plan_digest(replace(ROLES, stages=(*ROLES.stages[:-1], later))) == plan_digest(ROLES)


CHANGE = FieldChange("tags.team", "web", "ml")
RECORD = Progress(plan="plan")
HOUSE = EndpointSpec(name="house", fields={"auth_mode": "key"})
ESSENCES: dict[str, Action] = {
    'SetTraffic [{"mirror":[],"traffic":[["blue",100]]},{"mirror":[],"traffic":[["blue",90],["green",10]]},'
    '{"after":"ml","before":"web","path":"tags.team"}]': actions.SetTraffic(
        reason="why",
        before=all_to("blue"),
        weights=weights({"blue": 90, "green": 10}),
        endpoint=HOUSE,
        progress=RECORD,
        changes=(CHANGE,),
    ),
    'DeployRevision ["green","v2",3,"create"]': actions.DeployRevision(
        reason="why", deployment="green", spec=spec("v2"), count=3, born="b", mode="create"
    ),
    'CreateEndpoint ["house",{"auth_mode":"key"}]': actions.CreateEndpoint(
        reason="why", endpoint=HOUSE, progress=RECORD
    ),
    'UpdateEndpoint [{"after":"ml","before":"web","path":"tags.team"}]': actions.UpdateEndpoint(
        reason="why", endpoint=HOUSE, changes=(CHANGE,), progress=RECORD
    ),
    'UpdateDeployment ["green",{"after":"ml","before":"web","path":"tags.team"}]': actions.UpdateDeployment(
        reason="why", deployment="green", changes=(CHANGE,)
    ),
    'ScaleDeployment ["green",4]': actions.ScaleDeployment(reason="why", deployment="green", before=1, count=4),
    'DeleteDeployment ["green"]': actions.DeleteDeployment(reason="why", deployment="green"),
    'CarryAutoscale ["green"]': actions.CarryAutoscale(reason="why", deployment="green", origin="blue", source="/a"),
    'DropAutoscale ["green"]': actions.DropAutoscale(reason="why", deployment="green", setting="/a"),
    'DeleteEndpoint ["house"]': actions.DeleteEndpoint(reason="why", endpoint="house"),
    "Record []": actions.Record(reason="why", progress=RECORD),
}


@pytest.mark.parametrize("said", ESSENCES)
def test_what_is_approved_of_an_action(said: str) -> None:
    """Its kind, its target and its values; never the reason, the record, or how many instances there were."""
    assert essence(ESSENCES[said]) == said
