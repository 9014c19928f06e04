"""One life as a trunk, and a branch at each of its requests for everything that can happen there.

A branch is a forked process: it has everything that the trunk has come to, the client's memory too. It goes on under
its fault, and if that ends the job with the jobs that follow, until it runs in the trunk's own track again: for a whole
pass its requests are those that the trunk made in a world that looked the same. From there on its end is the trunk's
end, and what it has come through until then is judged. Some are followed to the very end all the same.
"""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any, Final, Literal, NoReturn

import msgspec

from tests.e2e.watched import creations, watched
from tests.reliability.alone.bench import LATER, AloneBench, line
from tests.reliability.lives import Life, killed
from tests.reliability.wire import Killed, Wire, tapped

LONGEST: Final = 30
"""Seconds of the processor that a branch may take: one that runs in circles says so."""
KILLED: Final = -9
"""The exit code of a job that was killed."""
TRACK: Final = 11
"""So many requests in the trunk's track are a whole pass, its look and its write included."""


class Grown(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a branch. `exit`: of the job; None: it was in the trunk's track again. `trouble`: "" for none."""

    at: int
    request: str
    what: str
    exit: int | None
    trouble: str = ""


class Step(msgspec.Struct, frozen=True):
    """A request of the trunk, and the print of the world before it."""

    request: str
    world: object


Begin = Callable[[AloneBench], None]
"""Lets something happen right before the request, in the branch."""
Judge = Callable[[AloneBench, int, str], str]
"""From the job's exit code and output to what is wrong with the end; "" for nothing."""


class Branch(msgspec.Struct, frozen=True):
    """One thing that can happen. `dies`: the job is killed with it, before or after the request. `then`: the wire of
    the next job, which may kill that too. `anew`: it may cost a deployment, which is made once more. `whole`: follow it
    to its end in any case."""

    what: str
    judge: Judge
    begin: Begin = lambda bench: None
    dies: Literal["", "before", "after"] = ""
    then: Wire | None = None
    anew: bool = False
    whole: bool = False


Branches = Callable[[int, str], Iterable[Branch]]


def trunk(bench: AloneBench, life: Life) -> tuple[Step, ...]:
    """The life's requests when nothing happens, and its end as it should be."""
    steps: list[Step] = []
    wire = Wire(before=lambda number: steps.append(Step(line(wire.sent[number]), bench.print())))
    with tapped(wire):
        code, told = bench.apply(life)
    assert code in (0, 4), told
    if trouble := bench.until_ended(life):
        raise AssertionError(trouble)
    bench.judge(life)
    return tuple(steps)


def grown(bench: AloneBench, life: Life, steps: tuple[Step, ...], branches: Branches) -> list[Grown]:
    """Live the life once more, with all branches at all of its requests."""
    tree = _Tree(bench, life, steps, branches)
    tree.wire = Wire(before=tree.before, after=tree.after)
    gc.collect()
    gc.freeze()
    try:
        with tapped(tree.wire):
            code, told = _survived(bench, life, tree)
        if tree.branch is not None:
            tree.ended(code)
            if tree.branch.then is not None:
                tree.die_again(tree.branch.then)
            with tapped(Wire(before=tree.again)) as tree.wire:
                trouble = tree.branch.judge(bench, code, told)
            tree.end(trouble)
        assert len(tree.wire.sent) == len(steps), f"the trunk is another one: exit {code}\n{told}"
    except BaseException as error:
        if tree.branch is None:
            raise
        tree.end("".join(traceback.format_exception(error))[:3500])
    finally:
        gc.unfreeze()
    return tree.found


def _survived(bench: AloneBench, life: Life, tree: _Tree) -> tuple[int, str]:
    """The job to its end. A branch may have killed it."""
    try:
        return bench.apply(life)
    except Killed:
        assert tree.branch is not None, "nobody kills the trunk"
        return KILLED, ""


def come_through(bench: AloneBench, life: Life, anew: bool) -> str:
    """What was wrong on the way so far: a state that breaks a law, or a deployment that was made twice."""
    history = bench.emulator.history(life.endpoint)
    made = tuple(creations(history))
    try:
        if history:
            watched(history)
        assert anew or made == life.made[: len(made)], f"made: {made}"
    except AssertionError as error:
        return f"unlawful: {error}"
    return ""


def forked(bench: AloneBench) -> tuple[int | None, bytes]:
    """Twice: in a copy of this process and its world with a pipe to write to, then here with what was written."""
    assert threading.current_thread() is threading.main_thread(), "no other thread would be in the copy"
    folder = Path(tempfile.mkdtemp(prefix="branch-"))
    sys.stdout.flush()
    reading, writing = os.pipe()
    if child := os.fork():
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            told = pipe.read()
        os.waitpid(child, 0)
        shutil.rmtree(folder, ignore_errors=True)
        return None, told
    gc.disable()
    signal.signal(signal.SIGPROF, _endless)
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    bench.emulator.copied(folder)
    return writing, b""


def apart(bench: AloneBench, work: Callable[[AloneBench], str]) -> str:
    """Do that in a copy of this process and its world; what it says, or what went wrong."""
    pipe, told = forked(bench)
    if pipe is None:
        return told.decode()
    try:
        said = work(bench)
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
    os.write(pipe, said[:4000].encode())
    os._exit(0)


def _endless(number: int, frame: FrameType | None) -> NoReturn:
    raise AssertionError("".join(["it does not end:\n", *traceback.format_stack(frame)[-8:]]))


class _Tree:
    """The trunk, or (after a fork) one of its branches."""

    def __init__(self, bench: AloneBench, life: Life, steps: tuple[Step, ...], branches: Branches) -> None:
        self.wire = Wire()
        self.found: list[Grown] = []
        self.branch: Branch | None = None
        self._bench = bench
        self._life = life
        self._steps = steps
        self._branches = branches
        self._at = 0
        self._pipe = -1
        self._track: list[str] = []
        self._request = ""
        self._code: int | None = None

    def before(self, number: int) -> None:
        """A request is about to leave."""
        request = self.wire.sent[number]
        if self.branch is not None:
            self._follow(line(request))
            return
        for branch in self._branches(number, request):
            self._at = number
            self._request = line(request)
            if self._fork(branch):
                branch.begin(self._bench)
                if branch.dies == "before":
                    raise Killed
                return

    def after(self, number: int) -> None:
        """Its answer has arrived."""
        if self.branch is not None and self.branch.dies == "after":
            raise Killed

    def ended(self, code: int) -> None:
        """The job of the branch has ended so; others follow."""
        self._code, self._track = code, []

    def die_again(self, wire: Wire) -> None:
        """The next job, an hour later, on that wire."""
        self._bench.instant.sleep(LATER)
        with tapped(wire):
            killed(self._bench, self._life)

    def again(self, number: int) -> None:
        """A request of a later job is about to leave."""
        self._follow(line(self.wire.sent[number]))

    def end(self, trouble: str) -> NoReturn:
        """A branch tells what became of it, and is no more."""
        assert self.branch is not None, "the trunk goes on"
        told = Grown(at=self._at, request=self._request, what=self.branch.what, exit=self._code, trouble=trouble[:4000])
        os.write(self._pipe, msgspec.json.encode(told))
        os._exit(0)

    def _fork(self, branch: Branch) -> bool:
        """Whether this is the branch. The trunk waits for its end."""
        loop: Any = asyncio.get_running_loop()
        pipe, told = forked(self._bench)
        if pipe is None:
            self.found.append(msgspec.json.decode(told, type=Grown))
            return False
        asyncio._set_running_loop(loop)  # a forked process must say so again
        self.branch, self._pipe = branch, pipe
        return True

    def _follow(self, request: str) -> None:
        """End the branch where it is in the trunk's track."""
        assert self.branch is not None, "the trunk goes its own way"
        self._track = [*self._track, request][-TRACK:]
        if self.branch.whole or len(self._track) < TRACK:
            return
        world = None
        for place in range(TRACK, len(self._steps) + 1):
            step = self._steps[place - 1]
            if step.request == request and self._track == [one.request for one in self._steps[place - TRACK : place]]:
                world = world or self._bench.print()
                if step.world == world and not self._bench.emulator.faulty:
                    self.end(come_through(self._bench, self._life, self.branch.anew))
