"""Tries mutants in one pytest session: collected once, then a process for each, with the tests that reach its line.

A process that was forked after the collection runs the tests that reach the statement, quickest first, and those that
killed a mutant of the same function before all; the first that fails kills. Nothing is run in the collecting process
itself, so what a test may have left behind (a memo, a cache) never hides a mutant.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

import coverage
import hypothesis
import msgspec
import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.swap import put_in

EXAMPLES: Final = 25
"""Of a property, for one mutant; the same ones each time."""
PATIENCE: Final = 60.0
"""Seconds of processor time: a mutant that takes longer never ends. No set of tests takes half of that."""
SLOW: Final = 2.0
"""Seconds; a test that takes longer is left out."""
ENOUGH: Final = 4.0
"""Seconds of tests for one mutant, as they take without it: whoever survives so long survives."""

KILLED, ENDLESS, SURVIVED, NOT_REACHED = "killed", "endless", "survived", "not reached"
SAME, NO_PYTHON = "same", "no Python"
DEAD: Final = (KILLED, ENDLESS)
Reach = Mapping[str, Mapping[int, Sequence[int]]]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a mutant: `by` is the test that killed it, `tests` how many were run at most."""

    mutant: Mutant
    word: str
    by: str = ""
    tests: int = 0


class Trials:
    """A plugin of pytest that tries the mutants of some files instead of running the tests."""

    def __init__(
        self, files: Mapping[str, Path], wanted: Callable[[Mutant], bool], tell: Callable[[Outcome], None]
    ) -> None:
        self.files, self.wanted, self.tell = files, wanted, tell
        self.outcomes: list[Outcome] = []
        self.broken: list[str] = []
        self.killers: defaultdict[str, list[int]] = defaultdict(list)
        self.kills: Counter[int] = Counter()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Fewer examples, always the same; and nothing is shrunk: one that fails is enough."""
        for item in items:
            test = getattr(item, "obj", None)
            given = getattr(test, "_hypothesis_internal_use_settings", None)
            if given is not None:
                function: Any = getattr(test, "__func__", test)
                function._hypothesis_internal_use_settings = _few(given)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Reach first, then mutant by mutant."""
        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        items = session.items
        took, reach = _in_child(lambda: _measured(items, self.files.values()), PATIENCE * 20)
        self.broken = [items[index].nodeid for index, seconds in enumerate(took) if seconds < 0]
        useful = {index for index, seconds in enumerate(took) if 0 <= seconds <= SLOW}
        for module, path in self.files.items():
            for mutant in mutants_of(path, module):
                if mutant.function and self.wanted(mutant):
                    chosen = _reaching(reach[str(path)], mutant) & useful
                    outcome = self._tried(mutant, items, self._ordered(mutant, items, chosen, took))
                    self.outcomes.append(outcome)
                    self.tell(outcome)
        return True

    def _ordered(
        self, mutant: Mutant, items: Sequence[pytest.Item], chosen: set[int], took: Sequence[float]
    ) -> list[int]:
        """First who killed in this function, the last one before all; then the tests of the module itself, so that they
        are not crowded out where thousands reach the line; then who killed most; then the quickest."""
        own = f"test_{mutant.module.rpartition('.')[2]}"
        first = [index for index in reversed(self.killers[mutant.function]) if index in chosen]
        quickest = sorted(chosen, key=lambda index: (took[index], index))
        mine = [index for index in quickest if items[index].path.stem.startswith(own)]
        rest = sorted(quickest, key=lambda index: -self.kills[index])
        order = list(dict.fromkeys((*first, *mine, *rest)))
        spent = accumulate(took[index] for index in order)
        return [index for index, until in zip(order, spent, strict=True) if until <= ENOUGH]

    def _tried(self, mutant: Mutant, items: Sequence[pytest.Item], order: list[int]) -> Outcome:
        try:
            found = _in_child(lambda: _attempt(mutant, [items[index] for index in order]), PATIENCE)
        except SyntaxError:
            return Outcome(mutant=mutant, word=NO_PYTHON)
        except TimeoutError:
            return Outcome(mutant=mutant, word=ENDLESS, tests=len(order))
        if isinstance(found, int):
            self.killers[mutant.function].append(order[found])
            self.kills[order[found]] += 1
            return Outcome(mutant=mutant, word=KILLED, by=items[order[found]].nodeid, tests=len(order))
        return Outcome(mutant=mutant, word=found, tests=len(order))


def _few(given: hypothesis.settings) -> hypothesis.settings:
    return hypothesis.settings(
        given,
        max_examples=min(given.max_examples, EXAMPLES),
        derandomize=True,
        database=None,
        deadline=None,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        suppress_health_check=list(hypothesis.HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )


def _reaching(reach: Mapping[int, Sequence[int]], mutant: Mutant) -> set[int]:
    return {index for line in range(mutant.first, mutant.last + 1) for index in reach.get(line, ())}


def _attempt(mutant: Mutant, items: Sequence[pytest.Item]) -> int | str:
    """The index of the test that kills it, or a word."""
    if not put_in(mutant):
        return SAME
    if not items:
        return NOT_REACHED
    for index, item in enumerate(items):
        following = items[index + 1] if index + 1 < len(items) else None
        if not _passes(item, following):
            return index
    return SURVIVED


def _passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


def _measured(items: Sequence[pytest.Item], files: Any) -> tuple[list[float], Reach]:
    """The seconds that each test takes, negative where it fails as things are; and who reaches which line."""
    seen = coverage.Coverage(data_file=None, include=[str(path) for path in files], config_file=False)
    took = []
    seen.start()
    for index, item in enumerate(items):
        seen.switch_context(str(index))
        begun = time.process_time()
        passed = _passes(item, items[index + 1] if index + 1 < len(items) else None)
        took.append(time.process_time() - begun if passed else -1.0)
    seen.stop()
    data = seen.get_data()
    reach = {str(path): _by_line(data.contexts_by_lineno(str(path))) for path in files}
    return took, reach


def _by_line(contexts: Mapping[int, Sequence[str]]) -> dict[int, list[int]]:
    return {line: [int(name) for name in names if name] for line, names in contexts.items()}


def _in_child(work: Callable[[], Any], patience: float) -> Any:
    """What a forked process returns. Raises what it raised, and TimeoutError where it does not come to an end."""
    with TemporaryFile() as answer:
        child = os.fork()
        if child == 0:
            _limited(patience)
            try:
                told = (True, work())
            except BaseException as fault:
                told = (False, fault)
            pickle.dump(told, answer)
            answer.flush()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            raise TimeoutError(signal.Signals(os.WTERMSIG(status)).name)
        answer.seek(0)
        came, value = pickle.load(answer)
    if not came:
        raise value
    return value


def _limited(patience: float) -> None:
    """Processor time, memory, and (for one that only sleeps) time."""
    seconds = int(patience)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds * 10)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
