"""What the tests of every forge behind the port begin with: a local forge, a clock, a change request, a text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rollout.forge.marker import Marker
from rollout.forge.sticky import Note
from tests.forge.conftest import Clock
from tests.github.bench import TOKEN, Bench, bench


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A repository with one commit."""
    with bench(tmp_path_factory.mktemp("forge")) as made:
        yield made


@pytest.fixture
def hub(world: Bench) -> Bench:
    """The same, without calls and scripts of another test."""
    world.world.calls.clear()
    world.world.scripted.clear()
    world.world.add_token(TOKEN)
    return world


@pytest.fixture
def clock() -> Clock:
    """A clock for the wire."""
    return Clock()


@pytest.fixture
def number(hub: Bench, request: pytest.FixtureRequest) -> int:
    """An open change request of its own."""
    branch = request.node.name.partition("[")[0]
    hub.commit("release", branch, **{f"{branch}.txt": "1"})
    hub.world.calls.clear()
    return hub.pull(branch, "Release v2")


def note(body: str, plan: str = "house-prices", *, settled: bool = False) -> Note:
    """What is to be said about a plan."""
    return Note(marker=Marker(kind="comment", plan=plan, environment="prod"), body=body, settled=settled)


def conversations(hub: Bench, number: int) -> list[tuple[str, str]]:
    """Status and last line of each."""
    found = [one for one in hub.repo.comments.values() if one["issue"] == number]
    return [(one["status"], one["body"].rpartition("\n")[2]) for one in found]


__all__ = ["clock", "conversations", "hub", "note", "number", "world"]
