"""What `decide()` answers: what to do next, why, and how every stage stands."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from rollout.core.actions import Action, FieldChange, SetTraffic
from rollout.core.observed import all_to
from rollout.core.release import AnyStage, Gate


class Status(StrEnum):
    """`act`: do the first action, then look again. `wait`: time, an operation or a measurement must pass.
    `hold`: nothing moves until a person, a new goal or a corrected gate does. `done`: converged. `refuse`: not ours,
    or not allowed."""

    ACT = "act"
    WAIT = "wait"
    HOLD = "hold"
    DONE = "done"
    REFUSE = "refuse"


class StageState(StrEnum):
    """How one stage stands. `active` is the first whose answer is no; `skipped` has nothing to do in this run."""

    SATISFIED = "satisfied"
    ACTIVE = "active"
    PENDING = "pending"
    SKIPPED = "skipped"
    FAILED = "failed"


class StageView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A stage with its state. `key` is the gate's key ("" for a mutation)."""

    stage: AnyStage
    state: StageState
    key: str = ""
    note: str = ""


class Phase(StrEnum):
    """Where the rollout is as a whole, for people and for exit codes."""

    IDLE = "idle"
    FIRST_RELEASE = "first_release"
    RELEASING = "releasing"
    REVERTING = "reverting"
    COMPLETE = "complete"
    ROLLED_BACK = "rolled_back"
    HELD = "held"
    REFUSED = "refused"


class Roles(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who plays which role: deployment names and revisions ("" where there is none)."""

    stable: str = ""
    stable_revision: str = ""
    candidate: str = ""
    goal: str = ""


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One answer. Only `actions[0]` is ever carried out; then the world is looked at again.

    `measure`: the gate that must be measured before more can be said; the runner measures it and asks again.
    `measure_key`: that gate's key. `next_after`: the earliest service time at which the answer can change by time
    alone. `drift`: managed fields that differ and are not (yet) acted upon. `notes`: what else people should know.
    """

    status: Status
    phase: Phase
    reason: str
    actions: tuple[Action, ...] = ()
    measure: Gate | None = None
    measure_key: str = ""
    next_after: datetime | None = None
    stages: tuple[StageView, ...] = ()
    roles: Roles = Roles()
    drift: tuple[FieldChange, ...] = ()
    notes: tuple[str, ...] = ()


def gives_back(decision: Decision) -> bool:
    """Whether it is the way back: a roll back with its clean-up, or all traffic to what is promoted in one write."""
    if decision.phase is Phase.ROLLED_BACK:
        return True
    action = decision.actions[0] if decision.actions else None
    return isinstance(action, SetTraffic) and action.weights == all_to(decision.roles.stable)
