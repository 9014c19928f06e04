"""Which permissions a plan needs, and what grants them."""

from __future__ import annotations

import msgspec
import pytest

from rollout.core.gate_bodies import Asked, Bake, ErrorRate, Evidence, Source
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


def watched(kind: str) -> Release:
    """A plan with a bake whose checks are answered by that source."""
    source = Source(kind=kind, address="")  # type: ignore[arg-type]
    evidence = Evidence(checks=(Asked(name="e", question=ErrorRate()),), source=source)
    body = Bake(seconds=60, evidence=evidence)
    gate = Gate(name="watch", kind=GateKind.BAKE, digest="d", body=body)
    return msgspec.structs.replace(release(smoke=False), stages=(gate, Traffic(name="all", weight=100)))


def short(found: Release | None) -> set[str]:
    """The last two parts of each action that not every plan needs."""
    always = set(needed(None))
    return {"/".join(each.action.split("/")[-2:]) for each in needed(found) if each not in always}


@pytest.mark.parametrize(
    ("found", "actions"),
    [
        (None, set()),
        (release(smoke=False, model="azureml:m:1"), set()),
        (release("key"), {"listKeys/action"}),
        (release("key", kind=GateKind.COMPARE), {"listKeys/action"}),
        (watched("azure_monitor"), {"Metrics/Read"}),
        (watched("prometheus"), set()),
        (release("aml_token"), {"token/action"}),
        (release("aad_token"), {"score/action"}),
        (
            release(smoke=False, code="sha256:00", model="azureml:m:1", environment__image="i"),
            {"versions/read", "versions/write", "*/action", "datastores/read", "listSecrets/action"},
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
        ({}, READ, False),
        ({"actions": ["a.b/read"]}, Permission("axb/read", ""), False),
    ],
)
def test_what_grants(entry: dict[str, list[str]], wanted: Permission, granted: bool) -> None:
    """Patterns without case, less what is denied; the data plane has patterns of its own."""
    assert (missing([wanted], [entry]) == ()) is granted


def test_one_role_may_deny_what_another_grants() -> None:
    """`notActions` take from their own entry only."""
    assert missing([READ], [{"actions": ["*"], "notActions": ["*/read"]}, {"actions": ["*/read"]}]) == ()


def test_the_role() -> None:
    """Each action once, those on data apart."""
    role = custom_role([READ, READ, SCORE], "/subscriptions/s")
    assert (role["Actions"], role["DataActions"], role["AssignableScopes"]) == (
        [READ.action],
        [SCORE.action],
        ["/subscriptions/s"],
    )
