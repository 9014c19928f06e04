"""What `diff` says about the checks of a bake: what they can see at the endpoint's present rate."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from rollout.cli.foresight import note, with_foresight
from rollout.core.change_set import ChangeSet
from rollout.core.decision import Decision, Phase, Status
from rollout.core.evidence.counts import Arm
from rollout.core.gate_bodies import Asked, ErrorRate
from rollout.core.release import DeploymentSpec, EndpointSpec, Gate, GateKind, Release, Traffic
from rollout.errors import AzureError
from rollout.ports import RequestCount
from rollout.render.report import Report
from tests.gates.counting import ROLES, Scripted, bake, running, steady

ERRORS = Asked(name="error_rate", question=ErrorRate(), tolerate=0.005)
WATCH = Gate(name="watch", kind=GateKind.BAKE, digest="d", seconds=1800, limit=3600, body=bake(checks=(ERRORS,)))


@pytest.mark.parametrize(
    ("hour", "weight", "text"),
    [
        (Arm(18_000, 90), 10,
         "watch: error_rate, at 300 requests a minute and 0.50%: sees 3.0% or more in about 32m, cannot prove an "
         "equal candidate (9 times in 10; it has 1h30m)"),
        (Arm(180_000, 900), 50,
         "watch: error_rate, at 3,000 requests a minute and 0.50%: sees 1.5% or more in about 10m, proves an equal "
         "candidate in about 6m (9 times in 10; it has 1h30m)"),
        (Arm(60, 0), 10,
         "watch: error_rate, at 1 requests a minute and 0.38%: cannot see even 17.7%, cannot prove an "
         "equal candidate (9 times in 10; it has 1h30m)"),
        (Arm(), 10,
         "watch: error_rate, at 0 requests a minute: nothing can be seen and nothing proven without requests"),
    ],
)  # fmt: skip
def test_what_can_be_seen(hour: Arm, weight: int, text: str) -> None:
    """From an hour of stable; where the time is too short, that is said."""
    assert note(WATCH, weight, ERRORS, hour) == text


def told(source: Scripted) -> tuple[str, ...]:
    """The notes of a report on a plan with that bake at 10 % and again at 100 %."""
    release = Release(
        name="house",
        endpoint=EndpointSpec(name="house"),
        candidate=DeploymentSpec(revision="v2"),
        slots=("blue", "green"),
        stages=(Traffic(name="ten", weight=10), WATCH, Traffic(name="all", weight=100), WATCH),
    )
    decision = Decision(status=Status.WAIT, phase=Phase.RELEASING, reason="", roles=ROLES, notes=("first",))
    changes = ChangeSet(digest="0" * 16, decision=decision, actions=(), complete=True)
    report = Report(
        release=release, file=str(Path("p")), observation=running(10), changes=changes, requests=RequestCount()
    )
    return asyncio.run(with_foresight(report, source)).changes.decision.notes


def test_every_check_under_weight_has_a_line() -> None:
    """Behind what is told already."""
    notes = told(Scripted(steady()))
    assert len(notes) == 2
    assert notes[1].startswith("watch: error_rate, at 270 requests a minute and 0.37%: ")


def test_a_source_without_an_answer_is_no_fault() -> None:
    """The diff goes on."""
    notes = told(Scripted(steady(), AzureError("no permission", code="X")))
    assert notes[1:] == ("watch: what error_rate can see is not known: no permission",)
    assert msgspec.json.encode(notes)
