"""`rollout worker`: carries plans on that a queue in Postgres names, beside others that do the same."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from rollout.cli import exits, options, queue_options
from rollout.cli.options import DurationType
from rollout.cli.printing import say
from rollout.errors import UsageError

if TYPE_CHECKING:
    from rollout.cli.queued import Checkout
    from rollout.store.address import Address
    from rollout.store.jobs import End, PassJob
    from rollout.store.worker import Settings, Worker


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@queue_options.queue
@queue_options.auth
@queue_options.queue_name
@queue_options.repository
@options.layers
@options.target
@options.allow_hazard
@options.lock
@options.audit
@options.max_wait
@options.option("--concurrency", default=8, type=click.IntRange(1, 256), help="How many endpoints at the same time.")
@options.option(
    "--every", default="10m", type=DurationType(), show_default=True, help="A pass over each plan at least so often."
)
@options.option("--only-begun", is_flag=True, help="Not the releases that nobody has begun by apply.")
@options.option("--once", is_flag=True, help="End when nothing is due; the exit code is the worst of all passes.")
@options.option(
    "--heartbeat", default="10s", type=DurationType(), show_default=True, help="How often it says it lives."
)
@options.option(
    "--grace", default="25s", type=DurationType(), show_default=True, help="How long a pass may go on after SIGTERM."
)
@options.option(
    "--alive-file", type=click.Path(path_type=Path), help="Touched at each heartbeat, for a liveness probe."
)
@queue_options.history
@options.option("--output", "-o", "form", type=click.Choice(["text", "json"]), default="text", help="A line a pass.")
def worker(
    paths: tuple[Path, ...],
    queue: str | None,
    queue_name: str,
    repository: Path,
    target: str | None,
    hazards: tuple[str, ...],
    max_wait: float | None,
    concurrency: int,
    every: float,
    only_begun: bool,
    once: bool,
    heartbeat: float,
    grace: float,
    alive_file: Path | None,
    history: str | None,
    form: str,
) -> int:
    """Take passes from the queue, one endpoint at a time, and queue those of plans and fleets in PATHS that have none.

    PATHS are inside of the repository; without any, only what `rollout queue add` named is worked on. Ends in order
    at SIGTERM: passes under way have --grace to end, others go back into the queue.
    """
    where = queue_options.address(queue)
    if every < 1 or heartbeat < 0.1:
        raise UsageError("--every is at least 1s, --heartbeat at least 100ms")
    from rollout.cli.queued import Checkout
    from rollout.store.worker import Rhythm, Settings

    name = queue_options.full_name(queue_name)
    plans = Checkout(
        root=repository,
        paths=paths,
        queue=name,
        target=target,
        environment=queue_options.environment_name(),
        every=every,
        only_begun=only_begun,
        allowed=frozenset(hazards),
        max_wait=max_wait or 0.0,
        history=queue_options.opened_history(history),
    )
    for path in paths:
        plans.relative(path)
    rhythm = Rhythm(heartbeat=heartbeat, silent=heartbeat + grace + _NOTICED, grace=grace)
    settings = Settings(name=name, concurrency=concurrency, once=once, rhythm=rhythm)
    return asyncio.run(_serve(where, plans, settings, _Told(form, alive_file)))


_NOTICED = 40.0
"""Seconds after a heartbeat in which a worker has certainly noticed that it cannot be heard; see `Rhythm`."""


class _Told:
    """What people and probes hear of a worker; remembers the exit codes."""

    def __init__(self, form: str, alive_file: Path | None) -> None:
        self.codes: set[int] = set()
        self._form = form
        self._alive = alive_file

    def __call__(self, job: PassJob, end: End) -> None:
        """How a job ended, on a line of stdout."""
        self.codes.add(end.exit_code)
        if self._form == "json":
            about = {"plan": job.plan, "member": job.member, "endpoint": job.endpoint}
            click.echo(msgspec.json.encode({**about, **_facts(end)}).decode())
            return
        then = "" if end.pause is None else f"; again in {end.pause:.0f} s"
        say(f"{job.title}: {end.status}: {end.reason}{then}")

    def alive(self) -> None:
        """Touch the file of the probe."""
        if self._alive is not None:
            self._alive.touch()


def _facts(end: End) -> dict[str, object]:
    names = ("exit_code", "status", "reason", "next_after", "pause", "failed")
    return {name: getattr(end, name) for name in names}


async def _serve(where: Address, plans: Checkout, settings: Settings, told: _Told) -> int:
    from rollout.cli.many import worst
    from rollout.cli.session import doors
    from rollout.store.allowances import SharedBuckets
    from rollout.store.worker import Work, Worker

    buckets = SharedBuckets(where, lambda text: say(text, err=True))
    async with aclosing(buckets), doors(bulk=True, reserve=buckets) as shared:
        work = Work(
            carry=partial(plans.carry, doors=shared),
            decide=partial(plans.decide, doors=shared),
            find=plans.find if plans.paths else None,
            tell=told,
            say=lambda text: say(text, err=True),
            alive=told.alive,
        )
        one = Worker(where, work, settings)
        _stopped_by_signals(one)
        say(f"queue {settings.name} in {where.shown}, {settings.concurrency} endpoints at the same time", err=True)
        await one.run()
    return worst(told.codes) if settings.once else exits.OK


def _stopped_by_signals(one: Worker) -> None:
    """The first signal ends the worker in order, a second one at once."""
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        say("stopping: passes under way may end, no other begins", err=True)
        loop.remove_signal_handler(number)
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, os._exit, 128 + each)
        one.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
