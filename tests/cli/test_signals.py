"""SIGINT and SIGTERM at any moment: out in under seven seconds with the outputs written, and a later run finishes.

`ROLLOUT_SIGNALS` sets how many moments (2 by default).
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rollout.cli import exits
from rollout.cli.exits import Terminated
from rollout.cli.running import run
from tests.cli.conftest import Command, write_plan

pytestmark = pytest.mark.slow
MOMENTS = int(os.environ.get("ROLLOUT_SIGNALS", "2"))
WITHIN = 7.0
"""Seconds from the signal to the end: GitHub sends the next one after 7.5."""
CODES = {signal.SIGINT: exits.INTERRUPTED, signal.SIGTERM: exits.TERMINATED}


def started(plan: Path, outputs: Path) -> subprocess.Popen[str]:
    """`rollout apply --wait` in a process of its own, for which SIGINT is not ignored."""
    command = [sys.executable, "-m", "rollout", "apply", str(plan), "--auto-approve", "--wait", "-o", f"json={outputs}"]
    variables = {name: value for name, value in os.environ.items() if name != "AZUREML_CURRENT_CLOUD"}
    return subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=variables,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.parametrize("seed", range(MOMENTS))
def test_at_any_moment(rollout: Command, on_emulator: Path, tmp_path: Path, seed: int) -> None:
    """While it imports, deploys (the SDK in its thread), writes weights or waits."""
    dice = random.Random(seed)
    number = (signal.SIGINT, signal.SIGTERM)[seed % 2]
    plan, outputs = write_plan(tmp_path, f"ended-{seed}"), tmp_path / "out.json"
    with started(plan, outputs) as child:
        watchdog = threading.Timer(120, child.kill)
        watchdog.start()
        assert child.stderr is not None
        for _ in range(dice.randint(1, 6)):
            child.stderr.readline()
        time.sleep(dice.uniform(0, 0.5))
        sent = time.monotonic()
        child.send_signal(number)
        said = child.stderr.read()
        code = child.wait()
        took = time.monotonic() - sent
        watchdog.cancel()

    assert code == CODES[number], said
    assert took < WITHIN
    assert "Traceback" not in said
    told = json.loads(outputs.read_text())
    assert (told["kind"], told["exit_code"]) == ("failure", code)
    rollout("apply", plan, "--auto-approve")
    assert rollout("approve", plan).code == 0
    assert rollout("apply", plan, "--auto-approve", "-o", "json").json["decision"]["status"] == "done"
    rollout("destroy", plan, "--yes")


HANGS = """
import asyncio, sys, time
from rollout.cli.running import run
from rollout.cli.start import _leave
async def stuck():
    print("ready", flush=True)
    await asyncio.to_thread(time.sleep, 60)
try:
    run(stuck())
except BaseException as error:
    print(type(error).__name__, flush=True)
    _leave(143)
"""
STUBBORN = """
import asyncio, time
from rollout.cli.running import run
async def stubborn():
    print("ready", flush=True)
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        time.sleep(60)
run(stubborn())
"""


def ended(program: str, *signals: signal.Signals) -> tuple[int, float, str]:
    """The exit code of that program after those signals, the seconds that it took, and what it printed."""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        sent = time.monotonic()
        for number in signals:
            child.send_signal(number)
            time.sleep(0.3)
        said = child.stdout.read()
        return child.wait(), time.monotonic() - sent, said


def test_a_thread_that_hangs_is_not_waited_for() -> None:
    """An upload of the SDK cannot be cancelled: the process ends without it."""
    code, took, said = ended(HANGS, signal.SIGTERM)

    assert (code, said.strip()) == (143, "Terminated")
    assert took < WITHIN


def test_a_second_signal_leaves_at_once() -> None:
    """Whatever it is doing."""
    code, took, _ = ended(STUBBORN, signal.SIGTERM, signal.SIGTERM)

    assert code == 143
    assert took < 3


def test_what_does_not_let_go_is_left() -> None:
    """One signal, and work that hangs while it cleans up: out in time all the same."""
    code, took, _ = ended(STUBBORN, signal.SIGTERM)

    assert code == 143
    assert took < WITHIN


def test_work_that_ends_leaves_the_handlers_as_they_were() -> None:
    """A library must not keep another program's signals."""
    before = {number: signal.getsignal(number) for number in CODES}

    async def work() -> int:
        return 7

    assert run(work()) == 7
    assert {number: signal.getsignal(number) for number in CODES} == before
    assert issubclass(Terminated, BaseException)
