"""Reports about generated worlds, for the renderings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from rollout.core import commands
from rollout.core.approval import approved
from rollout.core.change_set import change_set
from rollout.core.fleet import FleetStatus, Standing, WaveState
from rollout.core.fleet_approval import ApprovedFleet
from rollout.core.release import EndpointSpec, Gate, GateKind, Release
from rollout.core.verdict import Outcome as Word
from rollout.core.verdict import Verdict
from rollout.errors import Fault
from rollout.ports import RequestCount
from rollout.render.document import (
    AnyDocument,
    CheckedPlan,
    Document,
    Failure,
    Fleet,
    FleetMember,
    FleetWave,
    Pass,
    Reconciliation,
    Validation,
)
from rollout.render.from_report import document
from rollout.render.report import Measured, Outcome, Report
from rollout.runner import Limits
from tests.worlds.history import History, finish
from tests.worlds.plane import NAME
from tests.worlds.plans import roles

LINE = "deploy, smoke, mirror 10, bake 10, traffic 10, bake 30, traffic 100, delete 100"
DIGEST = "0123456789abcdef"
"""The forms are not about the algorithm of digests."""
LOG = (
    "Traceback (most recent call last):",
    '  File "score.py", line 3, in init',
    "ModuleNotFoundError: No module named 'xgboost'",
    "::error::worker died",
    "```",
    "\x1b[31mexit 1\x1b[0m",
)
"""The end of a container's log, with what must not be believed."""


def with_fields(release: Release, **fields: object) -> Release:
    """The release with more declared fields of the candidate."""
    candidate = release.candidate
    return replace(release, candidate=replace(candidate, fields={**candidate.fields, **fields}))


def report(history: History) -> Report:
    """What `diff` would have to tell now."""
    seen = finish(history.plane.observe(NAME))
    changes = change_set(history.release, seen, history.allowed)
    return Report(
        release=history.release,
        file="plans/house.yml",
        observation=seen,
        changes=changes,
        requests=RequestCount(reads=2),
        approval=approved(changes, history.release, endpoint="/onlineendpoints/house", created=seen.now),
    )


def told(history: History, command: str = "diff") -> Document:
    """The same as the document that every form is made from."""
    return replace(document(replace(report(history), command=command)), digest=DIGEST)


def nothing_yet() -> History:
    """No endpoint at all; the plan is a first release."""
    return History(
        with_fields(roles("v1", LINE), **{"environment_variables.API_KEY": "hunter2", "instance_type": "f4"})
    )


def converged() -> History:
    """`v1` serves, nothing is left to do."""
    history = History(roles("v1", LINE))
    history.run()
    return history


def at_ten_percent() -> History:
    """`v2` has 10 % and bakes."""
    history = converged()
    history.release = roles("v2", LINE)
    history.until(10)
    finish(history.runner.run(Limits()))
    return history


def about_to_start() -> History:
    """`v1` serves, `v2` is in the file."""
    history = converged()
    history.release = with_fields(roles("v2", LINE), **{"environment_variables.LEVEL": "debug"})
    return history


def rolled_back() -> History:
    """`v2` could not be deployed."""
    history = converged()
    history.plane.broken_revisions.add("v2")
    history.release = roles("v2", LINE)
    finish(history.runner.run(Limits()))
    return history


def held() -> History:
    """A person holds the rollout of `v2` at 10 %."""
    history = at_ten_percent()
    seen = finish(history.plane.observe(NAME))
    for action in commands.hold(history.release, seen, "ada", "the chart looks odd"):
        finish(history.plane.apply(action, seen.endpoint))
    return history


def drifted() -> History:
    """Somebody scaled what serves below its floor; the plan only reports it."""
    release = roles("v1", LINE)
    history = History(replace(release, candidate=replace(release.candidate, count=2), drift="report"))
    history.run()
    history.plane.hand_scale("blue", 1)
    return history


def pending() -> History:
    """The file has a new description, and the plan only reports it."""
    history = converged()
    candidate = replace(history.release.candidate, settings={"description": "as declared"})
    history.release = replace(history.release, candidate=candidate, drift="report")
    return history


def hazardous() -> History:
    """The plan's endpoint asks for another sign-in: callers may be turned away, and nobody has allowed that."""
    history = converged()
    endpoint = EndpointSpec(name=NAME, fields={"auth_mode": "aml_token"})
    history.release = replace(roles("v2", LINE), endpoint=endpoint)
    return history


WORLDS = (
    nothing_yet,
    converged,
    about_to_start,
    at_ten_percent,
    rolled_back,
    held,
    drifted,
    pending,
    hazardous,
)


def gate_failed() -> Document:
    """An `apply` whose bake failed at 10 %: all traffic is back, and the log says why."""
    history = at_ten_percent()
    history.judge = _failing
    history.run()
    verdict = Verdict(outcome=Word.FAIL, reason="green answers 12 of 40 requests with 500", evidence={"log": LOG})
    gate = next(stage for stage in history.release.stages if stage.name == "5-bake-30")
    ended = Outcome(exit_code=4, writes=1, measured=(Measured(gate.name, verdict),))
    return replace(document(replace(report(history), command="apply", exit_code=4, outcome=ended)), digest=DIGEST)


def _failing(gate: Gate, goal: str) -> Verdict:
    word = Word.FAIL if gate.kind is GateKind.BAKE else Word.PASS
    return Verdict(outcome=word, reason="green answers 12 of 40 requests with 500")


FAULTS = (
    Fault(
        file="plans/house.yml",
        line=12,
        column=5,
        code="PLAN203",
        path="stages[4].traffic",
        message="the weight falls from 50 to 10",
        expected="at least 50",
        hint="swap the two stages",
        snippet="  - traffic: 10\n    ^",
    ),
    Fault(
        file="plans/house.yml", line=19, column=3, code="PLAN101", path="stagess", message="an unknown key `stagess`"
    ),
    Fault(
        file="plans/house/deployment.yml",
        line=7,
        column=8,
        code="LINT004",
        message="the label `@latest` moves",
        severity="warning",
    ),
)


def fault_list() -> Validation:
    """Two plans: one is valid with a warning, one has two faults."""
    good = CheckedPlan(file="plans/boats.yml", valid=True, summary="boats: 5 stages for endpoint boats")
    bad = CheckedPlan(file="plans/house.yml", valid=False, faults=FAULTS[:2], warnings=FAULTS[2:])
    return Validation(exit_code=3, valid=False, plans=(good, bad))


def no_result() -> Failure:
    """A command that came to nothing, with a container's log."""
    return Failure(
        command="diff",
        file="plans/house.yml",
        exit_code=9,
        message="no permission to read house (AuthorizationFailed)",
        hint="rollout doctor says which permission is missing",
        log="\n".join(LOG),
    )


def many_passes() -> Reconciliation:
    """One plan waits, one was rolled back, one could not be read."""
    waiting, failed = told(at_ten_percent(), "reconcile"), gate_failed()
    passes = (
        Pass(file="plans/a.yml", exit_code=0, status="wait", reason=waiting.decision.reason, change_set=waiting),
        Pass(file="plans/b.yml", exit_code=4, status="hold", reason=failed.decision.reason, change_set=failed),
        Pass(file="plans/c.yml", exit_code=3, status="error", reason="plans/c.yml:1:1: PLAN001: not YAML\nanother"),
    )
    return Reconciliation(exit_code=3, plans=passes)


def a_fleet() -> Fleet:
    """Two waves: one member is released, one rolled back, one waits, one could not be looked at."""
    waiting, failed = told(at_ten_percent(), "diff"), gate_failed()
    here: dict[str, Any] = {"file": "plans/house.yml", "endpoint": "house", "target": "s/ml/weu"}
    return Fleet(
        command="apply",
        fleet="prices",
        file="plans/prices.fleet.yml",
        exit_code=4,
        status=FleetStatus.HOLD,
        reason="the error budget is exceeded: 1 failed, 0 may; 1 pending, 1 released, 1 failed, 1 unknown",
        digest="0123456789abcdef",
        error_budget=0,
        failed=1,
        next_after=waiting.observed_at,
        waves=(
            FleetWave(
                name="canary",
                state=WaveState.BAKING,
                reason="all members are settled",
                until=waiting.observed_at,
                members=(
                    FleetMember(name="lu", state=Standing.RELEASED, weight=100, reason="green serves", **here),
                    FleetMember(
                        name="nl",
                        state=Standing.FAILED,
                        stage="smoke",
                        reason="no | good",
                        exit_code=4,
                        change_set=failed,
                        **here,
                    ),
                ),
            ),
            FleetWave(
                name="west",
                state=WaveState.BLOCKED,
                reason="the error budget is exceeded: 1 failed, 0 may",
                after=("canary",),
                members=(
                    FleetMember(name="be", state=Standing.PENDING, reason="waits", change_set=waiting, **here),
                    FleetMember(name="de", state=Standing.UNKNOWN, reason="no permission\nat all", **here),
                ),
            ),
        ),
    )


def a_fleet_to_come() -> Fleet:
    """The same as a pull request shows it: the same is to be done to two, something refused to a third."""
    same, other = told(nothing_yet()), told(hazardous())
    here: dict[str, Any] = {
        "file": "plans/house.yml",
        "target": "s/ml/weu",
        "state": Standing.PENDING,
        "stage": "smoke",
    }
    first, second, third = (
        FleetMember(name=name, endpoint="house", change_set=found, **here)
        for name, found in (("lu", same), ("nl", same), ("be", other))
    )
    return Fleet(
        command="diff",
        fleet="prices",
        file="plans/prices.fleet.yml",
        exit_code=2,
        status=FleetStatus.ACT,
        reason="3 pending",
        digest="0123456789abcdef",
        error_budget=1,
        failed=0,
        valid_until=same.valid_until,
        waves=(
            FleetWave(name="canary", state=WaveState.OPEN, members=(first,)),
            FleetWave(
                name="west", state=WaveState.WAITING, reason="after canary", after=("canary",), members=(second, third)
            ),
        ),
        approval=ApprovedFleet(
            digest="0123456789abcdef", fleet="prices", meaning="0" * 16, valid_until=datetime(2026, 1, 1, 2, tzinfo=UTC)
        ),
    )


def documents() -> dict[str, AnyDocument]:
    """One of each situation, by its name."""
    return {
        **{world.__name__: told(world()) for world in WORLDS},
        "gate_failed": gate_failed(),
        "fault_list": fault_list(),
        "no_result": no_result(),
        "many_passes": many_passes(),
        "a_fleet": a_fleet(),
        "a_fleet_to_come": a_fleet_to_come(),
    }
