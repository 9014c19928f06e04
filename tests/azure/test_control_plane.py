"""The control plane against the emulator over HTTPS: end states, refusals, faults."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from rollout.azure.arm import ArmControlPlane
from rollout.azure.client import ArmClient
from rollout.azure.target import Connection, connect
from rollout.core import actions
from rollout.core.actions import FieldChange
from rollout.core.observed import Endpoint, Weights, all_to, weights
from rollout.core.our_tags import ours
from rollout.core.progress import Progress, from_tags
from rollout.core.release import EndpointSpec
from rollout.errors import AzureError, Refused, Retryable, Stale
from tests.azure.conftest import Bench

PROGRESS = Progress(plan="house", since=datetime(2026, 1, 1, tzinfo=UTC))


def later(text: str) -> Progress:
    """Another record than `PROGRESS`."""
    return msgspec.structs.replace(PROGRESS, commit=text)


async def look(plane: ArmControlPlane, name: str) -> Endpoint:
    """The endpoint, which must exist."""
    found = (await plane.observe(name)).endpoint
    assert found is not None
    return found


async def created(connection: Connection, name: str, **fields: Any) -> Endpoint:
    """A new endpoint with our record."""
    spec = EndpointSpec(name=name, fields=fields)
    await connection.control_plane.apply(actions.CreateEndpoint(reason="new", endpoint=spec, progress=PROGRESS), None)
    return await look(connection.control_plane, name)


def raw(connection: Connection) -> ArmClient:
    """Another hand: plain requests to Resource Manager."""
    return connection.control_plane._client


async def put_deployment(bench: Bench, connection: Connection, endpoint: str, name: str, count: int = 1) -> None:
    """A deployment made by another hand, by a plain PUT."""
    path = bench.target.paths.deployment(endpoint, name)
    body = {
        "location": "eastus2",
        "tags": {"by": "hand"},
        "sku": {"name": "Default", "capacity": count},
        "properties": {
            "endpointComputeType": "Managed",
            "instanceType": "Standard_DS3_v2",
        },
    }
    await raw(connection).send("PUT", path, "put", body, kind="writes")
    await connection.control_plane.settle(await look(connection.control_plane, endpoint))


async def serving(bench: Bench, connection: Connection, *names: str) -> Endpoint:
    """An endpoint with deployments, all traffic on the first."""
    plane = connection.control_plane
    before = await created(connection, bench.name())
    for name in names:
        await put_deployment(bench, connection, before.name, name)
    await plane.apply(traffic(before, all_to(names[0])), before)
    return await look(plane, before.name)


def traffic(before: Endpoint, split: Weights, progress: Progress = PROGRESS) -> actions.SetTraffic:
    """The action that writes a split."""
    return actions.SetTraffic(reason="test", before=before.weights, weights=split, endpoint=None, progress=progress)


async def test_no_endpoint_is_an_observation(bench: Bench, connection: Connection) -> None:
    """404 for the endpoint is an answer, with the service's time, and one read."""
    seen = await connection.control_plane.observe("nobody")
    assert seen.endpoint is None
    assert seen.now.tzinfo is UTC
    assert connection.control_plane.requests.reads == 1


async def test_an_endpoint_is_created_with_fields_and_record(bench: Bench, connection: Connection) -> None:
    """Declared fields, our record, no traffic; the location is the workspace's."""
    found = await created(connection, bench.name(), description="d", tags={"team": "ml"}, auth_mode="aml_token")
    assert (found.state, found.location, found.weights) == ("Succeeded", "eastus2", Weights())
    assert from_tags(found.tags) == PROGRESS
    assert {key: found.fields[key] for key in ("description", "tags", "auth_mode", "identity")} == {
        "description": "d",
        "tags": {"team": "ml"},
        "auth_mode": "aml_token",
        "identity": {"type": "system_assigned"},
    }


async def test_an_endpoint_that_has_appeared_is_not_replaced(bench: Bench, connection: Connection) -> None:
    """Somebody was faster: look again."""
    before = await created(connection, bench.name(), description="first")
    again = actions.CreateEndpoint(reason="new", endpoint=EndpointSpec(name=before.name), progress=later("second"))
    with pytest.raises(Stale):
        await connection.control_plane.apply(again, None)
    assert await look(connection.control_plane, before.name) == before


async def test_weights_and_record_go_in_one_write(bench: Bench, connection: Connection) -> None:
    """One PUT; afterwards traffic, mirror and record are what was asked for, and the rest is as it was."""
    before = await serving(bench, connection, "blue", "green", "red")
    served = (await bench.served())["writes"]
    split = weights({"blue": 90, "green": 10}, {"red": 5})
    await connection.control_plane.apply(traffic(before, split, later("c1")), before)
    after = await look(connection.control_plane, before.name)
    assert (await bench.served())["writes"] == served + 1
    assert (after.weights, from_tags(after.tags)) == (split, later("c1"))
    assert (after.fields, after.deployments) == (before.fields, before.deployments)


async def test_a_converged_look_is_two_reads_as_the_emulator_counts(bench: Bench, connection: Connection) -> None:
    """Our own count and the service's agree: two reads, nothing else."""
    before = await serving(bench, connection, "blue")
    served, mine = await bench.served(), msgspec.to_builtins(connection.control_plane.requests)
    await look(connection.control_plane, before.name)
    assert await bench.served() == {**served, "reads": served["reads"] + 2}
    assert msgspec.to_builtins(connection.control_plane.requests) == {**mine, "reads": mine["reads"] + 2}


async def test_a_write_on_an_old_look_is_stale(bench: Bench, connection: Connection) -> None:
    """Another hand moved the weights in between: nothing is written."""
    before = await serving(bench, connection, "blue", "green")
    await connection.control_plane.apply(traffic(before, all_to("green"), later("other")), before)
    now = await look(connection.control_plane, before.name)
    with pytest.raises(Stale, match="somebody else changed the endpoint"):
        await connection.control_plane.apply(traffic(before, all_to("blue")), before)
    assert await look(connection.control_plane, before.name) == now


async def test_foreign_tags_and_fields_survive(bench: Bench, connection: Connection) -> None:
    """What another hand has set since our look is not ours to undo."""
    before = await serving(bench, connection, "blue", "green")
    path = bench.target.paths.endpoint(before.name)
    tags = {**before.tags, "owner": "somebody"}
    await raw(connection).send("PATCH", path, "patch", {"tags": tags}, kind="writes")
    await connection.control_plane.settle(await look(connection.control_plane, before.name))
    await connection.control_plane.apply(traffic(before, all_to("green"), later("x")), before)
    after = await look(connection.control_plane, before.name)
    assert after.fields["tags"] == {"owner": "somebody"}
    assert after.weights == all_to("green")


async def test_fields_converge_in_place(bench: Bench, connection: Connection) -> None:
    """Description and tags change, weights stay."""
    before = await serving(bench, connection, "blue")
    spec = EndpointSpec(name=before.name, fields={"description": "new", "tags": {"a": "b"}})
    action = actions.UpdateEndpoint(reason="drift", endpoint=spec, changes=(), progress=later("f"))
    await connection.control_plane.apply(action, before)
    after = await look(connection.control_plane, before.name)
    assert (after.fields["description"], after.fields["tags"]) == ("new", {"a": "b"})
    assert after.weights == before.weights


async def test_a_record_is_a_marker_only(bench: Bench, connection: Connection) -> None:
    """A PATCH of the tags; None takes our tags away and leaves the others."""
    plane = connection.control_plane
    before = await created(connection, bench.name(), tags={"team": "ml"})
    await plane.apply(actions.Record(reason="pass", progress=later("m")), before)
    marked = await look(plane, before.name)
    assert (from_tags(marked.tags), marked.fields) == (later("m"), before.fields)
    await plane.apply(actions.Record(reason="disown", progress=None), marked)
    assert (await look(plane, before.name)).tags == {"team": "ml"}


async def test_a_deployment_is_scaled_and_described(bench: Bench, connection: Connection) -> None:
    """Count by PATCH, settings by a PUT that leaves everything else."""
    plane = connection.control_plane
    before = await serving(bench, connection, "blue")
    await plane.apply(actions.ScaleDeployment(reason="up", deployment="blue", before=1, count=3), before)
    changes = (FieldChange("description", "", "words"), FieldChange("tags.cost", None, "7"))
    scaled = await look(plane, before.name)
    await plane.apply(actions.UpdateDeployment(reason="drift", deployment="blue", changes=changes), scaled)
    blue = (await look(plane, before.name)).deployments[0]
    old = before.deployments[0]
    assert (blue.count, blue.tags, blue.content) == (3, {"by": "hand", "cost": "7"}, old.content)
    assert blue.fields == {**old.fields, "description": "words", "tags": blue.tags}


async def test_a_deployment_that_changed_since_it_was_looked_at_is_left_alone(
    bench: Bench, connection: Connection
) -> None:
    """Scaled by somebody a moment ago: no scale, no update, no delete, and the field is named."""
    plane = connection.control_plane
    before = await serving(bench, connection, "blue", "green")
    await plane.apply(actions.ScaleDeployment(reason="a hand", deployment="green", before=1, count=3), before)
    said = r"green: somebody else changed it a moment ago \(instance_count\)"

    for action in (
        actions.ScaleDeployment(reason="up", deployment="green", before=1, count=2),
        actions.UpdateDeployment(reason="drift", deployment="green", changes=()),
        actions.DeleteDeployment(reason="left over", deployment="green"),
    ):
        with pytest.raises(Stale, match=said):
            await plane.apply(action, before)
    assert {found.name: found.count for found in (await look(plane, before.name)).deployments} == {
        "blue": 1,
        "green": 3,
    }


async def test_deletes_wait_until_it_is_gone(bench: Bench, connection: Connection) -> None:
    """The deployment, then the endpoint; both again without harm."""
    plane = connection.control_plane
    before = await serving(bench, connection, "blue", "green")
    for _ in range(2):
        await plane.apply(actions.DeleteDeployment(reason="left over", deployment="green"), before)
    assert [found.name for found in (await look(plane, before.name)).deployments] == ["blue"]
    for _ in range(2):
        await plane.apply(actions.DeleteEndpoint(reason="destroy", endpoint=before.name), before)
    assert (await plane.observe(before.name)).endpoint is None


async def test_what_serves_cannot_be_deleted(bench: Bench, connection: Connection) -> None:
    """The service refuses, and we say that the world is not as it was thought to be."""
    before = await serving(bench, connection, "blue")
    with pytest.raises(Stale, match="non-zero traffic weight"):
        await connection.control_plane.apply(actions.DeleteDeployment(reason="x", deployment="blue"), before)


async def test_operations_in_flight_are_settled(bench: Bench, connection: Connection) -> None:
    """What another hand has started is waited for, on the endpoint and on its deployments."""
    plane = connection.control_plane
    before = await created(connection, bench.name())
    path = bench.target.paths.endpoint(before.name)
    await raw(connection).send("PATCH", path, "patch", {"tags": {"a": "b"}}, kind="writes")
    busy = await look(plane, before.name)
    assert busy.in_flight == (before.name,)
    await plane.settle(busy)
    assert (await look(plane, before.name)).in_flight == ()


async def test_a_busy_endpoint_is_worth_another_try(bench: Bench, connection: Connection) -> None:
    """A write while another one is under way is refused by the service: retryable, nothing written."""
    plane = connection.control_plane
    before = await serving(bench, connection, "blue", "green")
    await bench.faults({"method": "PUT", "path": "/onlineEndpoints/", "effect": {"kind": "status", "status": 409}})
    with pytest.raises(Retryable):
        await plane.apply(traffic(before, all_to("green"), later("x")), before)
    assert await look(plane, before.name) == before


@pytest.mark.parametrize(
    "effect",
    [
        {"kind": "status", "status": 429, "retry_after": 1},
        {"kind": "status", "status": 503},
        {"kind": "drop"},
    ],
    ids=["throttled", "unavailable", "dropped"],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_faults_that_end_are_ridden_out(
    bench: Bench, connection: Connection, effect: dict[str, Any], method: str
) -> None:
    """Throttling, a server fault, a lost connection: the end state is the same."""
    before = await serving(bench, connection, "blue", "green")
    await bench.faults({"method": method, "path": "/onlineEndpoints/", "effect": effect})
    await connection.control_plane.apply(traffic(before, all_to("green"), later("x")), before)
    after = await look(connection.control_plane, before.name)
    assert (after.weights, from_tags(after.tags)) == (all_to("green"), later("x"))


async def test_a_write_whose_answer_was_lost_is_not_repeated_blindly(bench: Bench, connection: Connection) -> None:
    """The PUT was carried out, its answer dropped: either it is found done, or another try is asked for."""
    plane = connection.control_plane
    before = await serving(bench, connection, "blue", "green")
    drop = {"kind": "drop", "after_acting": True}
    await bench.faults({"method": "PUT", "path": "/onlineEndpoints/", "effect": drop})
    action = traffic(before, all_to("green"), later("x"))
    try:
        await plane.apply(action, before)
    except Retryable:
        await plane.settle(await look(plane, before.name))
    after = await look(plane, before.name)
    assert (after.weights, from_tags(after.tags)) == (all_to("green"), later("x"))


async def test_a_late_replica_is_asked_again(bench: Bench, connection: Connection) -> None:
    """Reading back shows the state before our write: that is age, not another hand."""
    before = await serving(bench, connection, "blue", "green")
    await bench.faults({"method": "GET", "path": "/onlineEndpoints/[^/?]+\\?", "nth": 2, "effect": {"kind": "stale"}})
    await connection.control_plane.apply(traffic(before, all_to("green"), later("x")), before)
    assert (await look(connection.control_plane, before.name)).weights == all_to("green")


async def test_a_failed_operation_is_told(bench: Bench, connection: Connection) -> None:
    """HTTP 200 and `Failed`: the service's code, and the endpoint as it was."""
    before = await serving(bench, connection, "blue", "green")
    fail = {"kind": "fail", "operation": "endpoint_update", "code": "BadArgument", "message": "no"}
    await bench.faults({"effect": fail})
    with pytest.raises(AzureError) as caught:
        await connection.control_plane.apply(traffic(before, all_to("green"), later("x")), before)
    assert (str(caught.value), caught.value.code) == (f"update endpoint {before.name}: no", "BadArgument")
    after = await look(connection.control_plane, before.name)
    assert (after.weights, ours(after.tags)) == (before.weights, ours(before.tags))


@pytest.mark.parametrize(
    ("code", "text"),
    [("ScopeLocked", "a resource lock forbids it"), ("RequestDisallowedByPolicy", "Azure Policy forbids it")],
)
async def test_locks_and_policies_have_their_own_sentence(
    bench: Bench, connection: Connection, code: str, text: str
) -> None:
    """Exit 6, whatever their status is."""
    before = await serving(bench, connection, "blue")
    effect = {"kind": "status", "status": 409 if code == "ScopeLocked" else 403, "code": code}
    await bench.faults({"method": "PATCH", "path": "/onlineEndpoints/", "effect": effect})
    with pytest.raises(Refused, match=text):
        await connection.control_plane.apply(actions.Record(reason="x", progress=later("x")), before)


async def test_a_wrong_workspace_is_not_a_missing_endpoint(bench: Bench) -> None:
    """A typing error in the target must not look like a first release."""
    wrong = msgspec.structs.replace(bench.target, workspace="typo")
    async with connect(wrong) as connection:
        with pytest.raises(AzureError, match="workspaces/typo") as caught:
            await connection.control_plane.observe("house")
    assert caught.value.hint == "Check subscription_id, resource_group and workspace of the target."


async def test_the_log_of_nothing_is_empty(bench: Bench, connection: Connection) -> None:
    """No container, no log, no error."""
    before = await serving(bench, connection, "blue")
    assert await connection.control_plane.logs(before.name, "blue") == ""
    assert await connection.control_plane.logs(before.name, "nobody") == ""


async def test_autoscaled_deployments_are_known(bench: Bench, connection: Connection) -> None:
    """An enabled autoscale setting marks its target; it costs one read, once."""
    before = await serving(bench, connection, "blue", "green")
    paths = bench.target.paths
    home = f"{paths.group}/providers/Microsoft.Insights/autoscalesettings"
    for name, enabled in (("blue", True), ("green", False)):
        target = paths.deployment(before.name, name).replace("resourceGroups", "RESOURCEGROUPS")
        body = {"location": "eastus2", "properties": {"enabled": enabled, "targetResourceUri": target}}
        await raw(connection).send("PUT", f"{home}/{name}?api-version=2022-10-01", "put", body, kind="writes")
    async with connect(bench.target, autoscale=True) as watching:
        first = await look(watching.control_plane, before.name)
        await look(watching.control_plane, before.name)
        assert watching.control_plane.requests.reads == 5
    assert {found.name: found.autoscaled for found in first.deployments} == {"blue": True, "green": False}
