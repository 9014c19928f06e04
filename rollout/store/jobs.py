"""What is in a job: names of things, and never a secret. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from rollout.core.approval import Approved
from rollout.core.fleet_approval import GivenFleet
from rollout.errors import RolloutError

FLEETS: Final = 2
APPROVED_FLEETS: Final = 3
FORMAT: Final = APPROVED_FLEETS
"""The version of `PassJob` up to which it is understood: 1 are plans, 2 are fleets and their members, 3 those that are
held to what was approved of the fleet. A job of a later one is left to a later worker."""
LATER: Final = 60.0
"""Seconds until a job that this worker is too old for is offered again."""
_FIRST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 300.0


class PassJob(msgspec.Struct, frozen=True, kw_only=True):
    """One pass over one plan. `plan` is a path inside of the repository, with `/`; `endpoint` its endpoint's ARM id,
    that one job at a time may work on; `approved` holds it to a change set; `attempt` counts failures in a row.

    A `fleet` job decides who of the fleet may start; its `endpoint` is a name of its own. A `member` job does its
    `deed` for one member, as long as that has the `goal` for which the fleet let it start. `given` holds a fleet to
    what was approved of it; `under` is the key of that approval, also in the jobs that come of it, and `overlays` are
    those that it was looked at with, by the file of a plan.
    """

    format: Annotated[int, Meta(ge=1)] = 1
    kind: Literal["plan", "fleet", "member"] = "plan"
    plan: str
    endpoint: str
    target: str = ""
    approved: Approved | None = None
    attempt: Annotated[int, Meta(ge=0)] = 0
    member: str = ""
    deed: Literal["pass", "give_back", "take_back"] = "pass"
    goal: str = ""
    given: GivenFleet | None = None
    under: str = ""
    overlays: Mapping[str, str] = {}

    @property
    def title(self) -> str:
        """What people read: the plan, or the fleet with its member."""
        return f"{self.plan} {self.member}" if self.member else self.plan

    @property
    def lock(self) -> str:
        """The name that excludes other jobs of the same endpoint, in any queue of the database."""
        return f"rollout:{self.endpoint.lower()}"


class End(msgspec.Struct, frozen=True, kw_only=True):
    """How a job ended. `pause`: seconds until the next pass; None: there is none. `again`: it is another attempt, or
    the job that was given `then`, instead of a new beginning. `beside`: jobs of other locks that are due now.
    `fulfilled`: what was approved of a fleet is done."""

    exit_code: int
    status: str
    reason: str
    pause: float | None = None
    failed: bool = False
    again: bool = False
    then: PassJob | None = None
    next_after: datetime | None = None
    beside: tuple[PassJob, ...] = ()
    fulfilled: bool = False


class TooNew(RolloutError):
    """The job was queued by a later rollout than this one."""


def to_args(job: PassJob) -> dict[str, Any]:
    """As the queue keeps it."""
    kept: dict[str, Any] = msgspec.to_builtins(job)
    return kept


def from_args(args: Mapping[str, Any]) -> PassJob:
    """Raises TooNew for a job of a later format, RolloutError for what is none."""
    written = args.get("format")
    if isinstance(written, int) and written > FORMAT:
        raise TooNew(
            f"the job has format {written}, this worker knows up to {FORMAT}",
            hint="update the workers; the job waits for one that knows it",
        )
    try:
        return msgspec.convert(dict(args), PassJob)
    except msgspec.ValidationError as error:
        raise RolloutError(f"the queue holds a job that is none: {error}") from None


def backoff(attempt: int, asked: float | None = None) -> float:
    """Seconds to wait after so many failures in a row (from 0); at least what the service `asked` for."""
    return max(min(_FIRST_PAUSE * 2.0 ** min(attempt, 16), _LONGEST_PAUSE), asked or 0.0)


def following(job: PassJob, end: End) -> PassJob | None:
    """The next job of the same endpoint; None where that is the last. What was approved of a fleet holds until that is
    done, for its members as for itself; of a plan for the pass that begins it."""
    if end.then is not None:
        return end.then
    if end.pause is None:
        return None
    if end.again:
        return msgspec.structs.replace(job, attempt=job.attempt + 1)
    if job.kind == "member" or (job.kind == "fleet" and not end.fulfilled):
        return msgspec.structs.replace(job, attempt=0)
    known = min(job.format, FLEETS)
    return msgspec.structs.replace(job, format=known, attempt=0, approved=None, given=None, under="", overlays={})
