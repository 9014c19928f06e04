"""How many requests a rollout makes of the endpoint and its deployments: on the emulator's rules, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.table import Row
from rollout.core import actions
from tests.worlds.history import History
from tests.worlds.plans import literal, roles

SEED: Final = 8
"""What the article's commands write: endpoint, blue, its traffic, its scale, green, 90/10, 0/100, delete blue."""


def rows() -> Iterator[Row]:
    """The walk-through from nothing, a pass over what it leaves, and what a release costs."""
    walk = History(literal(("blue", "v1"), ("green", "v2"), "deploy, smoke, traffic 10, traffic 100, delete 0"))
    walk.run()
    markers = sum(isinstance(action, actions.Record) for action in walk.plane.written)
    yield Row(name="walk-through: writes without markers", value=walk.plane.requests.writes - markers, most=SEED)
    yield Row(name="walk-through: markers", value=markers, most=0)
    before = walk.plane.requests.reads, walk.plane.requests.writes
    walk.once()
    yield Row(name="converged pass: reads of the endpoint", value=walk.plane.requests.reads - before[0], most=2)
    yield Row(name="converged pass: writes", value=walk.plane.requests.writes - before[1], most=0)
    release = History(roles("v1"))
    release.run()
    first = len(release.plane.written)
    release.release = roles("v2")
    release.run()
    written = release.plane.written[first:]
    markers = sum(isinstance(action, actions.Record) for action in written)
    yield Row(name="a release in 11 stages: writes without markers", value=len(written) - markers, most=6)
    yield Row(name="a release in 11 stages: markers", value=markers, most=1)
