"""Which permissions a plan needs, and what grants them."""

from __future__ import annotations

import msgspec
import pytest

from rollout.core.gate_bodies import Asked, Bake, ErrorRate, Evidence, Source
from rollout.core.observed import Deployment, Endpoint, Scaling
from rollout.core.permissions import Permission, custom_role, missing, needed
from rollout.core.release import DeploymentSpec, EndpointSpec, Gate, GateKind, Release, Traffic

READ = Permission("Microsoft.MachineLearningServices/workspaces/read", "")
SCORE = Permission("Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action", "", data=True)


def release(
    auth_mode: str = "key", *, smoke: bool = True, kind: GateKind = GateKind.SMOKE_TEST, **fields: str
) -> Release:
    """A plan with those candidate's fields, `__` for a dot."""
    gate = Gate(name="smoke", kind=kind, digest="d")
    return Release(
        name="plan",
        endpoint=EndpointSpec(name="house", fields={"auth_mode": auth_mode}),
        candidate=DeploymentSpec(revision="r", fields={k.replace("__", "."): v for k, v in fields.items()}),
        slots=("blue", "green"),
        stages=(*([gate] if smoke else []), Traffic(name="all", weight=100)),
    )


def watched(kind: str, *, asked: bool = True) -> Release:
    """A plan with a bake whose checks, if it has any, are answered by that source."""
    source = Source(kind=kind, address="")  # type: ignore[arg-type]
    checks = (Asked(name="e", question=ErrorRate()),) if asked else ()
    evidence = Evidence(checks=checks, source=source)
    body = Bake(seconds=60, evidence=evidence)
    gate = Gate(name="watch", kind=GateKind.BAKE, digest="d", body=body)
    return msgspec.structs.replace(release(smoke=False), stages=(gate, Traffic(name="all", weight=100)))


def short(found: Release | None) -> set[str]:
    """The last two parts of each action that not every plan needs."""
    always = set(needed(None))
    return {"/".join(each.action.split("/")[-2:]) for each in needed(found) if each not in always}


LIST = "listSecrets/action"


@pytest.mark.parametrize(
    ("found", "actions"),
    [
        (None, set()),
        (release(smoke=False, model="azureml:m:1"), set()),
        (release("key"), {"listKeys/action"}),
        (release(""), {"listKeys/action"}),
        (release("key", kind=GateKind.COMPARE), {"listKeys/action"}),
        (watched("azure_monitor"), {"Metrics/Read"}),
        (watched("prometheus"), set()),
        (watched("azure_monitor", asked=False), set()),
        (release(smoke=False, environment__image="i"), {"versions/read", "versions/write", "datastores/read", LIST}),
        (release(smoke=False, model="sha256:00"), {"versions/read", "versions/write", "datastores/read", LIST}),
        (release("aml_token"), {"token/action"}),
        (release("aad_token"), {"score/action"}),
        (
            release(smoke=False, code="sha256:00", model="azureml:m:1", environment__image="i"),
            {"versions/read", "versions/write", "*/action", "datastores/read", LIST},
        ),
    ],
)
def test_a_plan_needs(found: Release | None, actions: set[str]) -> None:
    """By its gates, its way to sign in, and what it uploads."""
    assert short(found) == actions


@pytest.mark.parametrize(
    ("entry", "wanted", "granted"),
    [
        ({"actions": ["*"]}, READ, True),
        ({"actions": ["*/READ"]}, READ, True),
        ({"actions": ["Microsoft.MachineLearningServices/workspaces/*/read"]}, READ, False),
        ({"actions": ["microsoft.machinelearningservices/*"]}, READ, True),
        ({"actions": ["*"], "notActions": ["*/workspaces/read"]}, READ, False),
        ({"actions": ["*"]}, SCORE, False),
        ({"actions": ["*"], "dataActions": ["*"]}, SCORE, True),
        ({"dataActions": ["*"], "notDataActions": ["*/score/action"]}, SCORE, False),
        ({}, READ, False),
        ({"actions": ["a.b/read"]}, Permission("axb/read", ""), False),
    ],
)
def test_what_grants(entry: dict[str, list[str]], wanted: Permission, granted: bool) -> None:
    """Patterns without case, less what is denied; the data plane has patterns of its own."""
    assert (missing([wanted], [entry]) == ()) is granted


def test_what_code_needs() -> None:
    """A place to upload it to, by a pattern: how that POST is called as an action is documented nowhere."""
    workspace = "Microsoft.MachineLearningServices/workspaces"
    assert Permission(f"{workspace}/codes/versions/*/action", "get a place to upload code to") in needed(
        release(smoke=False, code="sha256:00")
    )


@pytest.mark.parametrize(
    ("one", "listed"),
    [
        (Deployment(name="blue", state="Succeeded", count=1), []),
        (Deployment(name="blue", state="Succeeded", count=1, autoscaled=True), ["delete", "read", "write"]),
        (Deployment(name="blue", state="Succeeded", count=1, scaling=Scaling(id="/a")), ["delete", "read", "write"]),
    ],
)
def test_autoscale_settings_where_something_is_autoscaled(one: Deployment, listed: list[str]) -> None:
    """They are carried to the candidate, and deleted with their deployment."""
    found = {each.action for each in needed(release(), Endpoint(name="house", deployments=(one,)))}
    assert sorted(each.rpartition("/")[2] for each in found if "autoscaleSettings" in each) == listed


def test_one_role_may_deny_what_another_grants() -> None:
    """`notActions` take from their own entry only."""
    assert missing([READ], [{"actions": ["*"], "notActions": ["*/read"]}, {"actions": ["*/read"]}]) == ()


def test_the_role() -> None:
    """Each action once, those on data apart."""
    assert custom_role([READ, READ, SCORE], "/subscriptions/s") == {
        "Name": "Rollout of online endpoints",
        "Description": "What `rollout` needs. Assign it on the workspace; on the subscription for `locations`.",
        "AssignableScopes": ["/subscriptions/s"],
        "Actions": [READ.action],
        "DataActions": [SCORE.action],
        "NotActions": [],
        "NotDataActions": [],
    }
