"""Autoscale settings through Resource Manager: what is carried says the same about another deployment, and is found."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.azure.autoscale import CARRIED, FRESH, AutoscaleView, carried, portable
from rollout.azure.target import Connection, connect
from rollout.core import actions
from rollout.core.observed import Endpoint
from rollout.errors import RolloutError, Stale
from tests.azure.conftest import QUICK, Bench
from tests.azure.test_control_plane import look, raw, serving

API = "api-version=2022-10-01"


def setting(target: str, endpoint: str, most: str = "5") -> dict[str, Any]:
    """Up by the deployment's CPU, down by the endpoint's requests, as Microsoft's article has it."""
    rules = [
        {"metricTrigger": {"metricName": name, "metricResourceUri": of, "threshold": 70}, "scaleAction": {"value": "1"}}
        for name, of in (("CpuUtilizationPercentage", target.upper()), ("RequestsPerMinute", endpoint))
    ]
    profile = {"name": "default", "capacity": {"minimum": "2", "maximum": most, "default": "2"}, "rules": rules}
    properties = {"enabled": True, "name": "mine", "targetResourceUri": target.upper(), "profiles": [profile]}
    return {"location": "eastus2", "tags": {"team": "house"}, "properties": properties}


async def scaled(bench: Bench, connection: Connection) -> Endpoint:
    """Blue serves and is autoscaled, green is there."""
    before = await serving(bench, connection, "blue", "green")
    paths = bench.target.paths
    body = setting(paths.deployment(before.name, "blue"), paths.endpoint(before.name))
    path = f"{paths.group}/providers/Microsoft.Insights/autoscalesettings/{before.name}-blue?{API}"
    await raw(connection).send("PUT", path, "put", body, kind="writes")
    return before


async def test_there_and_back(bench: Bench, connection: Connection) -> None:
    """Carried: green has the same rules about itself, blue keeps its own. Dropped: it is gone."""
    before = await scaled(bench, connection)
    async with connect(bench.target, pace=QUICK, autoscale=True) as watching:
        plane = watching.control_plane
        seen = await look(plane, before.name)
        blue = seen.deployment("blue")
        assert blue is not None
        assert blue.scaling is not None
        assert (blue.autoscaled, blue.scaling.carried) == (True, False)
        carry = actions.CarryAutoscale(reason="", deployment="green", origin="blue", source=blue.scaling.id)
        await plane.apply(carry, seen)
        await plane.apply(carry, seen)  # a repetition changes nothing
        found = (await look(plane, before.name)).deployment("green")
        assert found is not None
        assert found.scaling is not None
        assert (found.autoscaled, found.scaling.carried, found.scaling.digest) == (True, True, blue.scaling.digest)
        written = (await raw(connection).get(f"{found.scaling.id}?{API}", "read")).body
        assert written["tags"] == {"team": "house", CARRIED: "blue"}
        green = bench.target.paths.deployment(before.name, "green")
        triggers = [rule["metricTrigger"] for rule in written["properties"]["profiles"][0]["rules"]]
        assert [each["metricResourceUri"] for each in triggers] == [green, bench.target.paths.endpoint(before.name)]
        drop = actions.DropAutoscale(reason="", deployment="green", setting=found.scaling.id)
        await plane.apply(drop, seen)
        await plane.apply(drop, seen)
        assert [d.autoscaled for d in (await look(plane, before.name)).deployments] == [True, False]


async def test_what_was_read_is_believed_for_a_while(bench: Bench, connection: Connection) -> None:
    """A worker that runs for days hears of a setting that somebody made meanwhile: one read each half minute."""
    at, client = [0.0], connection.control_plane._client
    view, before = AutoscaleView(bench.target.paths, clock=lambda: at[0]), connection.control_plane.requests.reads
    first = await view.settings(client)
    made = await scaled(bench, connection)
    counted = connection.control_plane.requests.reads
    blue = bench.target.paths.deployment(made.name, "blue").lower()
    at[0] = FRESH - 0.1
    assert (blue in first, blue in await view.settings(client)) == (False, False)
    assert connection.control_plane.requests.reads == counted > before
    at[0] = FRESH
    assert blue in await view.settings(client)
    assert connection.control_plane.requests.reads == counted + 1


async def test_a_source_that_is_gone(bench: Bench, connection: Connection) -> None:
    """Somebody deleted it meanwhile: look again."""
    before = await serving(bench, connection, "blue", "green")
    source = f"{bench.target.paths.group}/providers/Microsoft.Insights/autoscalesettings/nobody"
    action = actions.CarryAutoscale(reason="", deployment="green", origin="blue", source=source)
    with pytest.raises(Stale, match="carry the autoscale setting of blue to green: it is gone"):
        await connection.control_plane.apply(action, before)


async def test_a_deployment_has_one_setting(bench: Bench, connection: Connection) -> None:
    """The service refuses a second one; that is said, and nothing goes on."""
    before = await scaled(bench, connection)
    paths = bench.target.paths
    body = setting(paths.deployment(before.name, "blue"), paths.endpoint(before.name))
    path = f"{paths.group}/providers/Microsoft.Insights/autoscalesettings/{before.name}-again?{API}"
    with pytest.raises(RolloutError, match="already has the autoscale setting"):
        await raw(connection).send("PUT", path, "put", body, kind="writes")


def test_what_is_carried_says_the_same() -> None:
    """About another deployment: the digest knows everything else."""
    one = setting("/x/deployments/blue", "/x")
    other = carried(one, "blue", "/x/deployments/green")
    digests = [portable(each["properties"], f"/x/deployments/{n}") for each, n in ((one, "blue"), (other, "green"))]
    assert digests[0] == digests[1]
    more = setting("/x/deployments/blue", "/x", most="6")
    assert portable(more["properties"], "/x/deployments/blue") != digests[0]
