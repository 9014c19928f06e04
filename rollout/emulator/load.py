"""A load generator for one endpoint, as a process of its own: `python -m rollout.emulator.load --url … --out FILE`.

Bounded in time and number of requests. The report (see `load_tally`) is written anew every half second, so that it
can be watched, and at the end. The key is read from an environment variable, never from the command line, where
everybody on the machine could read it. SIGTERM and SIGINT end it early and in order.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from rollout.emulator.load_tally import Tally

KEY_VARIABLE: Final = "ROLLOUT_LOAD_KEY"
MAX_COUNT: Final = 1_000_000
MAX_SECONDS: Final = 86_400.0
_WRITE_EVERY: Final = 0.5
_KEEP_ALIVE: Final = 2.0
"""Shorter than any server's, so that no request is sent on a connection which is just being closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send: `bodies` in turn to `url`, `rate` requests a second, until one of the bounds is reached.

    `concurrency` bounds what is under way: a slow endpoint gets less than `rate`. `warm_up` is how many seconds to
    wait, uncounted, for the first 200 of an endpoint that does not serve yet. `ca` is a bundle for HTTPS.
    """

    url: str
    key: str = field(repr=False)
    bodies: tuple[bytes, ...] = field(repr=False)
    rate: float
    seconds: float
    count: int = MAX_COUNT
    concurrency: int = 8
    timeout: float = 30.0
    warm_up: float = 0.0
    ca: Path | None = None


async def run(plan: Plan, tally: Tally, stop: asyncio.Event) -> None:
    """Send until the time or the number is used up or `stop` is set; then wait for what is under way."""
    tls = ssl.create_default_context(cafile=plan.ca) if plan.ca else True
    connector = aiohttp.TCPConnector(limit=plan.concurrency, ssl=tls, keepalive_timeout=_KEEP_ALIVE)
    headers = {"authorization": f"Bearer {plan.key}", "content-type": "application/json"}
    timeout = aiohttp.ClientTimeout(total=plan.timeout)
    async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout) as session:
        await _warm_up(session, plan, stop)
        await _send_all(session, plan, tally, stop)


async def _warm_up(session: aiohttp.ClientSession, plan: Plan, stop: asyncio.Event) -> None:
    end = time.monotonic() + plan.warm_up
    while time.monotonic() < end and not stop.is_set():
        if (await _ask(session, plan, plan.bodies[0]))[0] == 200:
            return
        await _pause(stop, 0.2)


async def _send_all(session: aiohttp.ClientSession, plan: Plan, tally: Tally, stop: asyncio.Event) -> None:
    start = time.monotonic()
    room = asyncio.Semaphore(plan.concurrency)

    async def one(body: bytes) -> None:
        began = time.monotonic()
        status, deployment, text = await _ask(session, plan, body)
        now = time.monotonic()
        tally.add(now - start, status, deployment, now - began, text)
        room.release()

    async with asyncio.TaskGroup() as under_way:
        for number in range(plan.count):
            await _pause(stop, start + number / plan.rate - time.monotonic())
            await room.acquire()
            if stop.is_set() or time.monotonic() - start >= plan.seconds:
                break
            under_way.create_task(one(plan.bodies[number % len(plan.bodies)]))


async def _ask(session: aiohttp.ClientSession, plan: Plan, body: bytes) -> tuple[int, str, str]:
    """Status, deployment and (of a failure) the text; status 0 if there was no answer."""
    try:
        async with session.post(plan.url, data=body, allow_redirects=False) as answer:
            text = await answer.text(errors="replace")
            return answer.status, answer.headers.get("azureml-model-deployment", ""), text
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return 0, "", f"{type(error).__name__}: {error}"


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    if seconds > 0:
        await asyncio.wait({waiter := asyncio.ensure_future(stop.wait())}, timeout=seconds)
        waiter.cancel()


async def _write(tally: Tally, out: Path) -> None:
    while True:
        _replace(out, tally, done=False)
        await asyncio.sleep(_WRITE_EVERY)


def _replace(out: Path, tally: Tally, *, done: bool) -> None:
    """Write the report so that a reader never sees half of it."""
    draft = out.with_name(out.name + ".draft")
    draft.write_text(json.dumps(tally.report(done=done)), encoding="utf-8")
    draft.replace(out)


async def record(plan: Plan, out: Path) -> Tally:
    """Run the plan and keep `out` up to date; the counts at the end."""
    tally, stop = Tally(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    writer = asyncio.create_task(_write(tally, out))
    try:
        await run(plan, tally, stop)
    finally:
        writer.cancel()
        _replace(out, tally, done=True)
    return tally


def arguments(argv: Sequence[str] | None = None) -> tuple[Plan, Path]:
    """The command line and the key's environment variable, as a plan and the path of the report."""
    parser = _parser()
    given = parser.parse_args(argv)
    if not (key := os.environ.get(given.key_variable, "")):
        parser.error(f"the environment variable {given.key_variable} must hold the endpoint's key")
    if min(given.rate, given.seconds, given.count, given.concurrency) <= 0:
        parser.error("rate, seconds, count and concurrency must be positive")
    plan = Plan(
        url=given.url,
        key=key,
        bodies=tuple(path.read_bytes() for path in given.body),
        rate=given.rate,
        seconds=min(given.seconds, MAX_SECONDS),
        count=min(given.count, MAX_COUNT),
        concurrency=given.concurrency,
        warm_up=given.warm_up,
        ca=given.ca,
    )
    return plan, given.out


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rollout.emulator.load", description="Load for one endpoint.")
    parser.add_argument("--url", required=True, help="the scoring URI")
    parser.add_argument("--out", required=True, type=Path, help="where the report is written (JSON)")
    parser.add_argument("--body", action="append", type=Path, required=True, help="a request file; may be repeated")
    parser.add_argument("--ca", type=Path, help="the CA bundle to trust")
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="the longest time to run")
    parser.add_argument("--count", type=int, default=MAX_COUNT, help="the greatest number of requests")
    parser.add_argument("--concurrency", type=int, default=8, help="requests under way at a time")
    parser.add_argument("--warm-up", type=float, default=0.0, help="seconds to wait for the first 200, uncounted")
    parser.add_argument("--key-variable", default=KEY_VARIABLE, help="the environment variable with the key")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run until the bounds are reached. 0 if every request was answered with 200, else 1."""
    plan, out = arguments(argv)
    return 1 if asyncio.run(record(plan, out)).failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
