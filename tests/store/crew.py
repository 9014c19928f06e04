"""Many workers in processes of their own over one queue, with passes that cost nothing but time; and their record.

`python -m tests.store.crew FOLDER` is one of them: its address is in ROLLOUT_QUEUE, what it does in FOLDER/crew.json.
A pass holds a lock of the operating system on its endpoint's file, which ends with its process: two at once are seen.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import msgspec

from rollout.store.address import parse
from rollout.store.jobs import End, PassJob
from rollout.store.worker import Rhythm, Settings, Work, Worker


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What every worker does: each endpoint has so many passes, one after the other, each of so many seconds."""

    passes: int
    shortest: float
    longest: float
    concurrency: int
    silent: float


class Line(msgspec.Struct, frozen=True):
    """A pass: its endpoint, which one it was, when it began and ended (seconds of one clock for all processes)."""

    endpoint: str
    number: int
    begun: float
    ended: float


class Record(msgspec.Struct, frozen=True):
    """What all workers did, and which endpoints two were at."""

    lines: tuple[Line, ...]
    overlaps: tuple[str, ...]

    def done(self) -> dict[str, set[int]]:
        """The passes of each endpoint that came to their end."""
        found: dict[str, set[int]] = defaultdict(set)
        for line in self.lines:
            found[line.endpoint].add(line.number)
        return found

    def crossing(self) -> list[tuple[Line, Line]]:
        """Passes of one endpoint whose times overlap."""
        by: dict[str, list[Line]] = defaultdict(list)
        for line in sorted(self.lines, key=lambda one: one.begun):
            by[line.endpoint].append(line)
        return [(a, b) for lines in by.values() for a, b in pairwise(lines) if b.begun < a.ended]


def record(folder: Path) -> Record:
    """Everything in FOLDER."""
    lines = [
        msgspec.json.decode(text, type=Line)
        for path in sorted(folder.glob("passes-*"))
        for text in path.read_bytes().splitlines()
    ]
    return Record(tuple(lines), tuple(sorted(path.name for path in folder.glob("overlap-*"))))


def started(folder: Path, url: str) -> subprocess.Popen[bytes]:
    """One worker."""
    command = [sys.executable, "-m", "tests.store.crew", str(folder)]
    return subprocess.Popen(command, env=os.environ | {"ROLLOUT_QUEUE": url}, cwd=Path(__file__).parents[2])


@contextmanager
def crew(folder: Path, url: str, orders: Orders, size: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many workers; who is in the list at the end is killed."""
    (folder / "crew.json").write_bytes(msgspec.json.encode(orders))
    workers = [started(folder, url) for _ in range(size)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


async def _work(folder: Path) -> None:
    orders = msgspec.json.decode((folder / "crew.json").read_bytes(), type=Orders)
    with (folder / f"passes-{os.getpid()}").open("ab", buffering=0) as file:

        async def carry(job: PassJob) -> End:
            with (folder / f"lock-{job.endpoint}").open("wb") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    (folder / f"overlap-{job.endpoint}").touch()
                begun = time.monotonic()
                await asyncio.sleep(random.uniform(orders.shortest, orders.longest))
                file.write(msgspec.json.encode(Line(job.endpoint, job.attempt, begun, time.monotonic())) + b"\n")
            last = job.attempt + 1 >= orders.passes
            return End(exit_code=0, status="wait", reason="", pause=None if last else 0.0, again=True)

        rhythm = Rhythm(heartbeat=orders.silent / 6, silent=orders.silent, grace=1.0, poll=0.2)
        settings = Settings(concurrency=orders.concurrency, rhythm=rhythm)
        say = lambda text: print(text, file=sys.stderr, flush=True)  # noqa: E731
        await Worker(parse(os.environ["ROLLOUT_QUEUE"]), Work(carry=carry, say=say), settings).run()


if __name__ == "__main__":
    asyncio.run(_work(Path(sys.argv[1])))
