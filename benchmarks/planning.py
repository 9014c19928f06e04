"""How fast the core decides, without any I/O: on one core, the best of many short batches (noise only ever adds)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from msgspec.structs import replace

from benchmarks.table import Row
from rollout.core.decide import decide
from rollout.core.observed import Observation
from rollout.core.our_tags import foreign
from rollout.core.progress import Damaged, from_tags, to_tags
from rollout.core.release import Release
from tests.worlds.history import History
from tests.worlds.plans import USUAL, roles

BATCHES: Final = 60
TEN: Final = USUAL.rsplit(",", 1)[0]
"""Ten stages: the usual plan without its delete."""

Case = tuple[Release, Observation]


def rows() -> Iterator[Row]:
    """Decisions a second in the middle of a release: again and again, for the first time, and at its end."""
    ten = midway(TEN, 50)
    assert len(ten[0].stages) == 10
    again = _seconds(lambda: [decide(*ten) for _ in range(100)]) / 100
    yield Row(name="decisions a second, 10 stages", value=1 / again, unit="1/s", least=20_000)
    first = _first(fleet(ten, 100))
    yield Row(name="… of plans that were just loaded, each for the first time", value=1 / first, unit="1/s")
    converged = _converged()
    calm = _seconds(lambda: [decide(*converged) for _ in range(100)]) / 100
    yield Row(name="… of converged endpoints", value=1 / calm, unit="1/s", least=20_000)


def _converged() -> Case:
    """A release that has come to its end: what nearly every pass sees."""
    history = History(roles("v1", TEN))
    history.run()
    return history.release, Observation(history.live, history.plane.now)


def midway(line: str, weight: int) -> Case:
    """A release that has come to that weight, with everything that is recorded on the way."""
    history = History(roles("v1", line))
    history.run()
    history.release = roles("v2", line)
    history.until(weight)
    return history.release, Observation(history.live, history.plane.now)


def fleet(case: Case, size: int) -> list[Case]:
    """As many plans and endpoints, none of which was ever seen."""
    release, seen = case
    assert seen.endpoint is not None
    progress = from_tags(seen.endpoint.tags)
    assert progress is not None
    assert not isinstance(progress, Damaged)
    found = []
    for index in range(size):
        tags = to_tags(replace(progress, commit=f"{index:040x}"))
        endpoint = replace(seen.endpoint, tags={**foreign(seen.endpoint.tags), **tags})
        found.append((release, Observation(endpoint, seen.now)))
    return found


def _first(cases: list[Case]) -> float:
    """Seconds of one first decision: each plan is a new value, of which nothing was worked out yet."""
    best = float("inf")
    for _ in range(5):
        fresh = [(replace(release), seen) for release, seen in cases]
        best = min(best, _once(partial(_decide_all, fresh)) / len(cases))
    return best


def _decide_all(cases: list[Case]) -> None:
    for case in cases:
        decide(*case)


def _seconds(work: Callable[[], object]) -> float:
    return min(_once(work) for _ in range(BATCHES))


def _once(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
