"""Jobs of fleets that are held to what was approved: which one stays where two want to wait."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final

import msgspec
import pytest
from msgspec import structs

from rollout.core.approval import Approved
from rollout.core.fleet_approval import ApprovedFleet, GivenFleet
from rollout.store.jobs import APPROVED_FLEETS, FLEETS, End, PassJob, following
from rollout.store.queue import Queue

AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
APPROVED: Final = Approved(
    digest="d", plan="p", plan_digest="", goal="g", endpoint="/e", created=AT, valid_until=AT, carry_until=AT
)
GIVEN: Final = GivenFleet(
    approved=ApprovedFleet(digest="d", fleet="f", meaning="m", valid_until=AT, seal="s"), members={"a": APPROVED}
)
PLAIN: Final = PassJob(format=FLEETS, kind="fleet", plan="f.yml", endpoint="fleet:q:f.yml")
LEFT: Final = structs.replace(PLAIN, format=APPROVED_FLEETS, under="d.s")
"""What a member's job leaves behind."""
HELD: Final = structs.replace(LEFT, given=GIVEN)
MEMBER: Final = PassJob(
    format=APPROVED_FLEETS, kind="member", plan="f.yml", endpoint="/e", member="a", approved=APPROVED, under="d.s"
)
DONE: Final = End(exit_code=0, status="done", reason="", pause=600.0)


async def waiting(queue: Queue) -> list[PassJob]:
    """The jobs that wait."""
    rows = await queue.app.job_manager.list_jobs_async(status="todo")
    return [msgspec.convert(row.task_kwargs, PassJob) for row in rows]


def test_how_long_an_approval_holds() -> None:
    """Of a fleet until that is done, of a member as long as it has a job, of a plan for one pass."""
    tried = structs.replace(HELD, attempt=2)
    assert following(tried, DONE) == HELD
    assert following(tried, structs.replace(DONE, fulfilled=True)) == PLAIN
    assert following(MEMBER, DONE) == MEMBER
    plan = PassJob(plan="p.yml", endpoint="/e", approved=APPROVED)
    assert following(plan, DONE) == PassJob(plan="p.yml", endpoint="/e")


@pytest.mark.parametrize(
    ("waits", "follows", "stays"),
    [(LEFT, HELD, HELD), (PLAIN, HELD, PLAIN), (HELD, PLAIN, HELD), (LEFT, PLAIN, LEFT)],
    ids=["left-by-a-member", "queued-by-a-person", "approved-meanwhile", "nothing-to-hold"],
)
async def test_what_follows_a_pass(queue: Queue, waits: PassJob, follows: PassJob, stays: PassJob) -> None:
    """What a member has left behind gives way to the approval; what a person has queued meanwhile does not."""
    await queue.add(waits)
    await queue.follow(follows, 600.0)
    assert await waiting(queue) == [stays]
    assert (await queue.counts(60.0)).due == 1


@pytest.mark.parametrize(
    ("waits", "comes", "stays"),
    [
        (HELD, LEFT, HELD),
        (PLAIN, LEFT, PLAIN),
        (MEMBER, structs.replace(MEMBER, under="e.s"), structs.replace(MEMBER, under="e.s")),
        (PassJob(plan="p.yml", endpoint="/e", approved=APPROVED), MEMBER, None),
    ],
    ids=["approved-fleet", "fleet", "member-of-another-approval", "approved-plan"],
)
async def test_what_is_handed_over(queue: Queue, waits: PassJob, comes: PassJob, stays: PassJob | None) -> None:
    """A fleet's job that waits is brought forward as it is; a member's is replaced; an approved plan's is let be."""
    await queue.add(waits, pause=600.0)
    await queue.hand_over(comes)
    assert await waiting(queue) == [stays or waits]
    assert (await queue.counts(60.0)).due == (0 if stays is None else 1)


async def test_an_approval_outlives_its_worker(queue: Queue) -> None:
    """The worker of the fleet's job is gone, and a member's job has left one behind: the rescued one stays."""
    await queue.add(HELD)
    silent = await queue.app.job_manager.register_worker()
    assert await queue.app.job_manager.fetch_job(queues=[queue.name], worker_id=silent) is not None
    await queue.hand_over(LEFT)
    await asyncio.sleep(0.1)
    assert await queue.rescue(0.05) == 1
    assert await waiting(queue) == [HELD]
