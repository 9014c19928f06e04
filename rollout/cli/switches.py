"""The switches of the moment: a stopped line, and a reason to go on all the same. Nobody approves them beforehand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from rollout.cli import options
from rollout.core.decision import Decision, Status, gives_back
from rollout.core.policy import Policy
from rollout.core.release import Release
from rollout.errors import Refused

STOPS: Final = "ROLLOUT_STOP_THE_LINE"
"""The variable that stops everything but rolling back, for a CI service where no file can be merged in time."""
_HINT: Final = "rolling back works; end it in policy.yaml, or give --break-glass REASON"


def switched(release: Release, who: str, environment: Mapping[str, str] = os.environ) -> Release:
    """The release with what the environment and the command line say now."""
    stopped, reason = environment.get(STOPS, "").strip(), options.broken_glass()
    policy = release.policy or (Policy() if stopped else None)
    if policy is None:
        return release
    policy = msgspec.structs.replace(policy, stopped=stopped or policy.stopped, break_glass=reason, who=who)
    return msgspec.structs.replace(release, policy=policy)


def must_not_be_stopped(plan: Path, decision: Decision) -> None:
    """Raise Refused if the line was stopped since the plan was read; PlanError if the policy cannot be read any more.

    A run that waits for hours must not go on by a policy of this morning.
    """
    if options.broken_glass() or decision.status is not Status.ACT or gives_back(decision):
        return
    from rollout.plan.policy_files import stop_of
    from rollout.plan.repository import find_repository

    why = stop_of(plan, find_repository(plan))
    if why:
        raise Refused(f"the line is stopped: {why}", hint=_HINT)
