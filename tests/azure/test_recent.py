"""A look of a moment ago is the fresh read before a write; an older one is not."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from rollout.azure import operations, recent
from rollout.azure.recent import Bodies, ReadBack, Recent
from rollout.azure.target import Connection
from rollout.azure.wire import clock
from rollout.core import actions
from rollout.core.observed import Endpoint, all_to, weights
from rollout.core.progress import from_tags
from rollout.core.release import EndpointSpec
from rollout.errors import Stale
from tests.azure.conftest import QUICK, Bench
from tests.azure.test_control_plane import PROGRESS, created, later, look, raw, serving, traffic

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BODY = {"name": "house", "properties": {}}
SPLIT = weights({"blue": 90, "green": 10})


def looked(at: float | None, endpoint: Endpoint | None) -> Recent:
    """A memory of one look, at that moment of our clock (None: from a list)."""
    memory = Recent()
    body = None if endpoint is None else BODY
    memory.looked(endpoint, Bodies(body, ({"name": "blue"},) if body else (), NOW, at))
    return memory


def test_a_look_is_known_by_the_value_that_was_made_of_it() -> None:
    """Not by its name: what is equal may come from an older look."""
    endpoint, twin = Endpoint(name="house"), Endpoint(name="house")
    memory = looked(clock(), endpoint)
    assert endpoint == twin
    assert (memory.endpoint(endpoint), memory.endpoint(twin)) == (BODY, None)
    assert (memory.deployments(endpoint), memory.deployments(twin)) == ({"blue": {"name": "blue"}}, None)


@pytest.mark.parametrize("at", [clock() - recent.RECENT - 0.01, None], ids=["old", "from a list"])
def test_what_is_not_fresh(at: float | None) -> None:
    """An old look, and a list of whatever age."""
    endpoint = Endpoint(name="house")
    memory = looked(at, endpoint)
    assert (memory.endpoint(endpoint), memory.deployments(endpoint)) == (None, None)


def test_what_is_over() -> None:
    """After a write, and after a look at nothing."""
    endpoint = Endpoint(name="house")
    memory = looked(clock(), endpoint)
    memory.forget()
    assert memory.endpoint(endpoint) is None
    memory = looked(clock(), endpoint)
    memory.looked(None, Bodies(None, (), NOW, clock()))
    assert memory.endpoint(endpoint) is None


def test_what_was_read_back_is_told_once() -> None:
    """To who looks at that endpoint, a moment later."""
    memory, back = Recent(), ReadBack(BODY, NOW, clock())
    memory.wrote("house", back)
    assert (memory.read_back("house"), memory.read_back("house")) == (back, None)
    memory.wrote("house", back)
    assert memory.read_back("other") is None
    memory.wrote("house", msgspec.structs.replace(back, at=back.at - recent.RECENT - 0.01))
    assert memory.read_back("house") is None


async def test_a_write_on_a_look_of_a_moment_ago(bench: Bench, connection: Connection) -> None:
    """One PUT, which is read back; the look after it reads the deployments only, and sees the write."""
    before = await serving(bench, connection, "blue", "green")
    served, mine = await bench.served(), connection.control_plane.requests.reads
    await connection.control_plane.apply(traffic(before, SPLIT, later("c1")), before)
    assert connection.control_plane.requests.reads == mine + 1
    after = await look(connection.control_plane, before.name)
    assert connection.control_plane.requests.reads == mine + 2
    assert (after.weights, from_tags(after.tags)) == (SPLIT, later("c1"))
    assert (await bench.served())["writes"] == served["writes"] + 1


async def test_a_write_on_an_older_look_reads_again(
    bench: Bench, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And refuses what has changed since."""
    before = await serving(bench, connection, "blue", "green")
    path, client = bench.target.paths.endpoint(before.name), raw(connection)
    await client.send("PATCH", path, "untag", {"tags": {}}, kind="writes")
    await operations.until_settled(client, path, "untag", QUICK)
    monkeypatch.setattr(recent, "RECENT", -1.0)
    with pytest.raises(Stale, match="somebody else changed the endpoint a moment ago"):
        await connection.control_plane.apply(traffic(before, SPLIT), before)


async def test_a_repetition_reads_again(bench: Bench, connection: Connection) -> None:
    """A write that was answered by 503 looks anew, however young the look of the pass is: it may have been done."""
    before = await serving(bench, connection, "blue", "green")
    path = f"onlineEndpoints/{before.name}"
    effect = {"kind": "status", "status": 503, "retry_after": 0}
    await bench.faults({"path": path, "method": "PUT", "times": 1, "effect": effect})
    mine = connection.control_plane.requests.reads
    await connection.control_plane.apply(traffic(before, SPLIT, later("c1")), before)
    assert connection.control_plane.requests.reads == mine + 3  # whether it was done, whether to do it, read back


async def test_a_deployment_is_scaled_and_deleted_on_the_look(bench: Bench, connection: Connection) -> None:
    """No read before either; what came of it is looked at as ever."""
    plane = connection.control_plane
    before = await serving(bench, connection, "blue", "green")
    mine = plane.requests.reads
    await plane.apply(actions.ScaleDeployment(reason="more", deployment="green", before=1, count=2), before)
    assert plane.requests.reads == mine
    scaled = await look(plane, before.name)
    await plane.apply(actions.DeleteDeployment(reason="over", deployment="green"), scaled)
    assert plane.requests.reads == mine + 2
    assert [found.name for found in (await look(plane, before.name)).deployments] == ["blue"]


async def test_the_look_before_the_last_write_is_over(bench: Bench, connection: Connection) -> None:
    """The same look does for one write only: the next one on it finds that the world has moved."""
    before = await serving(bench, connection, "blue", "green")
    await connection.control_plane.apply(traffic(before, SPLIT, later("c1")), before)
    with pytest.raises(Stale, match="somebody else changed the endpoint a moment ago"):
        await connection.control_plane.apply(traffic(before, all_to("green"), later("c2")), before)


async def test_what_is_absent_is_asked_for_twice(bench: Bench, connection: Connection) -> None:
    """A create would take the place of what is there: a single 404 is not believed. The region is read once for all."""
    plane, first, second = connection.control_plane, bench.name(), bench.name()
    await created(connection, first)
    mine = plane.requests.reads
    assert (await plane.observe(second)).endpoint is None
    made = actions.CreateEndpoint(reason="new", endpoint=EndpointSpec(name=second), progress=PROGRESS)
    await plane.apply(made, None)
    assert plane.requests.reads == mine + 3
