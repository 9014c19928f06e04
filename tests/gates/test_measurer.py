"""The door of the package: which gate asks whom."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rollout.core.decision import Decision, Phase, Roles, Status
from rollout.core.gate_bodies import Approval, Bake, Evidence, Metric, RequestFile, SmokeTest
from rollout.core.observed import Deployment, Endpoint, Observation
from rollout.core.release import Gate, GateKind, Role
from rollout.core.verdict import Outcome, Verdict
from rollout.gates.measurer import Measurer
from tests.gates.counting import Scripted, steady
from tests.gates.scripted import LogOnly, ScriptedScoring, Slept, answer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BOTH = Endpoint(
    name="house", deployments=tuple(Deployment(name=name, state="Succeeded", count=1) for name in ("blue", "green"))
)
SMOKE = SmokeTest(requests=(RequestFile(name="r", body=b"1"),))


async def measured(body: Any, kind: GateKind, stable: str = "blue", live: Endpoint | None = BOTH) -> Verdict:
    """The verdict of a gate with that body, in a run of green."""
    scoring = ScriptedScoring(lambda request: answer(), probes=(answer(),))
    decision = Decision(
        status=Status.WAIT, phase=Phase.RELEASING, reason="", roles=Roles(stable=stable, candidate="green")
    )
    gate = Gate(name="gate", kind=kind, digest="d", body=body)
    return await Measurer(scoring, LogOnly(), Slept(), Scripted(steady()))(gate, Observation(live, NOW), decision)


@pytest.mark.parametrize(
    ("role", "stable", "asked"),
    [(Role.CANDIDATE, "blue", "green"), (Role.STABLE, "blue", "blue"), (Role.STABLE, "", "green")],
)
async def test_a_bake_is_about_its_role(role: Role, stable: str, asked: str) -> None:
    """Where there is no stable yet, the candidate is all there is."""
    verdict = await measured(Bake(seconds=60, deployment=role), GateKind.BAKE, stable)
    assert verdict.reason == f"{asked} is healthy"


async def test_a_smoke_test_asks_the_candidate() -> None:
    """By its name."""
    assert (await measured(SMOKE, GateKind.SMOKE_TEST)).reason == "green answered 1 request as expected"


async def test_a_metric_asks_its_source() -> None:
    """Not the server."""
    found = await measured(Metric(over=900, evidence=Evidence(checks=())), GateKind.METRIC)
    assert found.reason == "it is not on record since when green gets requests"


@pytest.mark.parametrize(("log", "expected"), [("start\nwhy", {"log": ["start", "why"]}), ("", {})])
async def test_a_fail_brings_the_log(log: str, expected: dict[str, Any]) -> None:
    """The end of what the candidate's container said; a PASS does not ask."""
    for status, told in ((404, expected), (200, {})):
        said = answer(status)
        scoring = ScriptedScoring(lambda _, said=said: said, probes=(said,))  # type: ignore[misc]
        measurer = Measurer(scoring, LogOnly(log), Slept(), Scripted(steady()))
        decision = Decision(
            status=Status.WAIT, phase=Phase.RELEASING, reason="", roles=Roles(stable="blue", candidate="green")
        )
        gate = Gate(name="gate", kind=GateKind.SMOKE_TEST, digest="d", body=SMOKE)
        verdict = await measurer(gate, Observation(BOTH, NOW), decision)
        assert {key: value for key, value in verdict.evidence.items() if key == "log"} == told


async def test_an_approval_is_not_measured() -> None:
    """It is read from the record."""
    assert (await measured(Approval(message="?"), GateKind.APPROVAL)).outcome is Outcome.NO_DATA


async def test_nothing_can_be_measured_without_an_endpoint() -> None:
    """And that is no fault of the model."""
    assert (await measured(SMOKE, GateKind.SMOKE_TEST, live=None)).outcome is Outcome.NO_DATA
