"""Workers in processes of their own: nothing twice at once, nothing lost, twice as fast.

ROLLOUT_WORKERS=all is the long form (10,000 jobs); ROLLOUT_WORKERS_FIGURES=FILE gets a row of each run.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from rollout.store.jobs import PassJob
from rollout.store.queue import Queue
from tests.store.crew import Orders, Record, crew, record, started

ALL = os.environ.get("ROLLOUT_WORKERS") == "all"
pytestmark = pytest.mark.slow


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """How much work there is, for how many workers; one is killed when the first passes are done, and again each
    `kill` seconds."""

    workers: int
    endpoints: int
    orders: Orders
    kill: float | None = None

    @property
    def jobs(self) -> int:
        """All passes."""
        return self.endpoints * self.orders.passes


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the workers did; from the first pass to the last one in so many seconds."""

    found: Record
    seconds: float
    kills: int


async def carried_out(queue: Queue, url: str, folder: Path, run: Run) -> Outcome:
    """All work done, or as much as there is after a long time."""
    await queue.add_many([PassJob(plan=f"{n}.yml", endpoint=f"e{n}") for n in range(run.endpoints)])
    struck, kills = time.monotonic(), 0
    limit = struck + 120 + run.jobs * (0.05 + run.orders.longest)
    with crew(folder, url, run.orders, run.workers) as workers:
        while time.monotonic() < limit:
            counts = await queue.counts(run.orders.silent)
            if counts.queued + counts.running == 0:
                break
            due = kills == 0 or time.monotonic() - struck > (run.kill or 0.0)
            if run.kill and due and record(folder).lines:
                workers[0].kill()
                workers.pop(0).wait()
                workers.append(started(folder, url))
                struck, kills = time.monotonic(), kills + 1
            await asyncio.sleep(0.1)
    found = record(folder)
    begun, ended = min(one.begun for one in found.lines), max(one.ended for one in found.lines)
    return Outcome(found=found, seconds=ended - begun, kills=kills)


def must_be_whole(run: Run, outcome: Outcome) -> None:
    """Every pass of every endpoint came to its end, and never two of one endpoint at the same time."""
    assert outcome.found.overlaps == ()
    assert outcome.found.crossing() == []
    assert outcome.found.done() == {f"e{n}": set(range(run.orders.passes)) for n in range(run.endpoints)}
    if not run.kill:
        assert len(outcome.found.lines) == run.jobs, "nothing is done twice unless somebody was killed"


@pytest.fixture
def figures() -> Iterator[list[str]]:
    """Rows for docs/workers.md, written where somebody wants them."""
    rows: list[str] = []
    yield rows
    if name := os.environ.get("ROLLOUT_WORKERS_FIGURES"):
        with Path(name).open("a", encoding="utf-8") as file:
            file.writelines(f"{row}\n" for row in rows)


def row(run: Run, outcome: Outcome) -> str:
    """Workers, jobs, kills, seconds, jobs a second."""
    rate = run.jobs / outcome.seconds
    pause = f"{run.orders.shortest * 1000:.0f}–{run.orders.longest * 1000:.0f} ms"
    return f"| {run.workers} | {run.jobs:,} | {pause} | {outcome.kills} | {outcome.seconds:.0f} | {rate:.1f} |"


CHEAP = Orders(passes=20 if ALL else 6, shortest=0.0, longest=0.01, concurrency=8, silent=12.0 if ALL else 3.0)
SIZES = (
    [Run(workers=size, endpoints=500, orders=CHEAP, kill=kill) for kill in (None, 8.0) for size in (2, 4)]
    if ALL
    else [Run(workers=2, endpoints=40, orders=CHEAP, kill=1.5)]
)


@pytest.mark.parametrize("run", SIZES, ids=lambda run: f"{run.workers}{'-killed' if run.kill else ''}")
async def test_nothing_twice_at_once_and_nothing_lost(
    run: Run, queue: Queue, url: str, tmp_path: Path, figures: list[str]
) -> None:
    """Many short passes over the same endpoints, one after the other; also while workers are killed with -9."""
    outcome = await carried_out(queue, url, tmp_path, run)
    figures.append(row(run, outcome))
    must_be_whole(run, outcome)
    assert (outcome.kills > 0) == bool(run.kill)


@pytest.mark.skipif(not ALL, reason="minutes: ROLLOUT_WORKERS=all")
async def test_two_workers_are_twice_as_fast(queue: Queue, url: str, tmp_path: Path, figures: list[str]) -> None:
    """Where passes wait for a slow service: ten answers of 20–50 ms each, one pass at a time in each worker."""
    orders = Orders(passes=4, shortest=0.2, longest=0.5, concurrency=1, silent=12.0)
    rates = {}
    for workers in (1, 2, 4):
        run = Run(workers=workers, endpoints=50, orders=orders)
        (tmp_path / str(workers)).mkdir()
        outcome = await carried_out(queue, url, tmp_path / str(workers), run)
        figures.append(row(run, outcome))
        must_be_whole(run, outcome)
        rates[workers] = run.jobs / outcome.seconds
    assert rates[2] >= 1.8 * rates[1]
