"""Between plans and jobs of a queue: which job a plan is, which plan a job means, and how a pass ends a job."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from rollout.cli import begun, exits, options
from rollout.cli.approving import Saved
from rollout.cli.complain import complain
from rollout.cli.context import actor
from rollout.cli.passes import Visit, Wish, visit
from rollout.cli.printing import say
from rollout.cli.session import Doors, place_of
from rollout.core.approval import Approved
from rollout.core.audit import Digests, Record
from rollout.core.fleet_approval import GivenFleet
from rollout.errors import Locked, PlanError, Retryable, RolloutError, Stale, Unapproved, UsageError
from rollout.plan.load import find_fleets, find_plans, is_fleet, load_release
from rollout.render.document import Pass
from rollout.store.history import History
from rollout.store.jobs import APPROVED_FLEETS, FLEETS, LATER, End, PassJob, backoff

if TYPE_CHECKING:  # only where there is a fleet
    from rollout.cli.fleet_approving import SavedFleet

_SOONEST: Final = 1.0
"""Seconds between two passes over one endpoint, at least."""


class Checkout(msgspec.Struct, frozen=True, kw_only=True):
    """The plans on this machine's disk. `root` is the repository's folder, `paths` are where new plans are looked for,
    `queue` their queue's name; `every`: seconds between two passes over a plan, at most."""

    root: Path
    paths: tuple[Path, ...] = ()
    queue: str = ""
    target: str | None = None
    environment: str = ""
    every: float = 600.0
    only_begun: bool = False
    allowed: frozenset[str] = frozenset()
    max_wait: float = 0.0
    history: History | None = None

    def relative(self, plan: Path) -> str:
        """The plan as a job names it. Raises UsageError for one that is elsewhere."""
        return self._inside(plan).relative_to(self.root.resolve()).as_posix()

    def path(self, plan: str) -> Path:
        """The file that a job names. Raises UsageError for one that is not in this repository."""
        return self._inside(self.root / plan)

    def _inside(self, path: Path) -> Path:
        found = path.resolve()
        if not found.is_relative_to(self.root.resolve()):
            raise UsageError(f"{path} is not in the repository {self.root}", hint="--repository names another folder")
        return found

    def fleet_job(self, fleet: Path, target: str | None = None, given: SavedFleet | None = None) -> PassJob:
        """The job of one fleet, held to what was approved of it. Its name is that of the queue with its path: other
        repositories have other queues. Raises UsageError where a file is elsewhere."""
        name = self.relative(fleet)
        where = f"fleet:{self.queue}:{name}"
        job = PassJob(format=FLEETS, kind="fleet", plan=name, endpoint=where, target=target or self.target or "")
        if given is None:
            return job
        return msgspec.structs.replace(
            job,
            format=APPROVED_FLEETS,
            given=GivenFleet(approved=given.approved, members=given.members),
            under=given.approved.key,
            overlays={self.relative(plan): self.relative(given.overlays[plan]) for plan in given.overlays},
        )

    def overlays(self, job: PassJob) -> dict[Path, Path]:
        """The overlays that a fleet was looked at with, by the file of a plan. Raises UsageError for one elsewhere."""
        return {self.path(plan): self.path(overlay) for plan, overlay in job.overlays.items()}

    def job(self, plan: Path, target: str | None = None, approved: Approved | None = None) -> PassJob:
        """The job of one plan. Raises PlanError, and UsageError where there is no target."""
        chosen = target or self.target
        loaded = load_release(plan, overlay=options.overlay_for(plan))
        endpoint = place_of(loaded, chosen).target.paths.endpoint(loaded.release.endpoint.name)
        return PassJob(plan=self.relative(plan), endpoint=endpoint, target=chosen or "", approved=approved)

    async def find(self, known: frozenset[str]) -> Sequence[PassJob]:
        """The jobs of plans and fleets that are not among the `known` ones; a plan that is broken is told, and has
        none."""
        found: list[PassJob] = []
        for plan in dict.fromkeys((*find_fleets(self.paths), *find_plans(self.paths))):
            try:
                if self.relative(plan) not in known:
                    found.append(self.fleet_job(plan) if is_fleet(plan) else self.job(plan))
            except RolloutError as error:
                say(f"{plan}:", err=True)
                complain(error)
        return found

    async def carry(self, job: PassJob, doors: Doors) -> End:
        """One pass, through the doors of all of them. What goes wrong is told on stderr, and in the answer."""
        try:
            path = self.path(job.plan)
            if not path.is_file():
                return End(exit_code=exits.OK, status="gone", reason="its file is not in this repository any more")
            if job.kind == "member":
                from rollout.cli.queued_fleet import carried

                return await carried(job, plans=self, doors=doors)
            return (
                self._moved(job, path) or await self._held_back(job, path, doors) or await self._pass(job, path, doors)
            )
        except Exception as error:  # one plan's surprise must not end the worker
            return self._failed(job, error)

    async def decide(self, job: PassJob, at_work: frozenset[tuple[str, str, str]], doors: Doors) -> End:
        """A fleet's pass: who may start gets a job. What goes wrong is told on stderr, and in the answer."""
        from rollout.cli.queued_fleet import decided

        try:
            if not self.path(job.plan).is_file():
                return End(exit_code=exits.OK, status="gone", reason="its file is not in this repository any more")
            return await decided(job, at_work, plans=self, doors=doors)
        except Exception as error:  # one fleet's surprise must not end the worker
            return self._failed(job, error)

    def _failed(self, job: PassJob, error: Exception) -> End:
        if isinstance(error, UsageError):
            return End(exit_code=complain(error), status="error", reason=str(error), failed=True)
        if isinstance(error, RolloutError):
            seen = Visit(told=Pass(file=job.plan, exit_code=complain(error), status="error", reason=str(error)))
            return end_of(msgspec.structs.replace(seen, error=error), job, self.every, datetime.now(UTC))
        reason = f"unexpected {type(error).__name__}"
        say(f"error: {job.title}: {reason}", err=True)
        return End(exit_code=exits.ERROR, status="error", reason=reason, failed=True, pause=self.every)

    def _moved(self, job: PassJob, path: Path) -> End | None:
        """Where the plan is about another endpoint by now, that endpoint's lock is the one to hold."""
        try:
            now = self.job(path, job.target, job.approved)
        except RolloutError:
            return None  # told by the pass
        if now.lock == job.lock:
            return None
        reason = f"the plan is about {now.endpoint} now"
        return End(exit_code=exits.OK, status="moved", reason=reason, pause=_SOONEST, then=now)

    async def _held_back(self, job: PassJob, path: Path, doors: Doors) -> End | None:
        if not self.only_begun or job.approved is not None:
            return None
        try:
            reason = await begun.reason(path, job.target or None, self.environment, doors)
        except RolloutError:
            return None
        return End(exit_code=exits.OK, status="held back", reason=reason, pause=self.every) if reason else None

    async def _pass(self, job: PassJob, path: Path, doors: Doors) -> End:
        wish = Wish(
            target=job.target or None,
            allowed=self.allowed,
            detailed=False,
            max_wait=self.max_wait,
            expected={path: self._saved(job.approved, path)} if job.approved else {},
        )
        seen = await visit(path, wish, doors)
        now = datetime.now(UTC)
        await self.noted(job, seen, now)
        return end_of(seen, job, self.every, now)

    async def noted(self, job: PassJob, seen: Visit, now: datetime) -> None:
        """Write down what a pass came to, where there is a history."""
        if self.history is not None:
            await asyncio.to_thread(self._write_down, self.history, job, record_of(seen, job, now))

    def _write_down(self, history: History, job: PassJob, record: Record) -> None:
        """A history that cannot be written stops no rollout, least of all one that goes back: it is told."""
        try:
            history.append(job.endpoint.lower(), record, unless_said=True)
        except RolloutError as error:
            say(f"warning: {job.title}: not in the history: {error}", err=True)

    def _saved(self, approved: Approved, path: Path) -> Saved:
        return Saved(approved=approved, plan=path, overlay=self.path(approved.overlay) if approved.overlay else None)


def record_of(seen: Visit, job: PassJob, now: datetime) -> Record:
    """What is written down about a pass: how it ended."""
    told = seen.told
    changes = told.change_set
    return Record(
        kind="outcome",
        time=now,
        plan=job.plan,
        commit=changes.commit if changes else "",
        actor=actor(os.environ.get("ROLLOUT_WHO")),
        endpoint=job.endpoint,
        digests=Digests(change_set=changes.digest if changes else ""),
        decision={"status": told.status, "reason": told.reason, "exit_code": told.exit_code, "writes": told.writes},
        outcome=told.status,
        note=told.reason,
    )


def end_of(seen: Visit, job: PassJob, every: float, now: datetime) -> End:
    """How a pass ends its job: when the next one is, and whether this one counts as failed. Pure."""
    told, error = seen.told, seen.error
    end: Callable[..., End] = _Ended(told.exit_code, told.status, told.reason, told.next_after)
    match error:
        case None:
            until = (told.next_after - now).total_seconds() if told.next_after else every
            return end(pause=max(min(until, every), _SOONEST))
        case PlanError() if any(fault.code == "PLAN111" and fault.path == "version" for fault in error.faults):
            return end(pause=LATER, again=True)
        case Unapproved():
            return end(pause=every, failed=True)
        case Retryable():
            return end(pause=backoff(job.attempt, error.after), again=True)
        case Locked() | Stale():
            return end(pause=backoff(job.attempt), again=True)
        case _:
            return end(pause=every, failed=True)


class _Ended(msgspec.Struct, frozen=True):
    """An `End` but for what follows."""

    exit_code: int
    status: str
    reason: str
    next_after: datetime | None

    def __call__(self, *, pause: float, failed: bool = False, again: bool = False) -> End:
        """The end, with what follows."""
        return End(
            exit_code=self.exit_code,
            status=self.status,
            reason=self.reason,
            next_after=self.next_after,
            pause=pause,
            failed=failed,
            again=again,
        )
