"""From how a rollout stands to the exit code. Pure."""

from __future__ import annotations

from rollout.cli import exits
from rollout.core.change_set import ChangeSet
from rollout.core.decision import Decision, Phase, Status


def after_apply(decision: Decision, *, gate_failed: bool, detailed: bool) -> int:
    """How an `apply` or a reconcile pass ended. `gate_failed`: a gate gave FAIL in this very run."""
    match decision.status:
        case Status.REFUSE:
            return exits.REFUSED
        case Status.HOLD:
            return exits.GATE_FAILED if gate_failed and decision.phase is Phase.ROLLED_BACK else exits.STOPPED
        case Status.WAIT:
            return exits.WAITING if detailed else exits.OK
        case Status.ACT:
            return exits.CHANGES if detailed else exits.OK
        case Status.DONE:
            return exits.OK


def of_look(changes: ChangeSet, *, detailed: bool) -> int:
    """How a `diff` or `status` ended: looking succeeds unless asked for details."""
    if not detailed:
        return exits.OK
    decision = changes.decision
    if decision.status is Status.ACT or decision.drift:
        return exits.CHANGES
    if decision.status is Status.WAIT and decision.measure is not None:
        return exits.CHANGES
    return after_apply(decision, gate_failed=False, detailed=True)
