"""What `ports.ControlPlane` promises about the endpoint itself, on both planes."""

from __future__ import annotations

from datetime import UTC

import pytest
from msgspec.structs import replace

from rollout.core import actions
from rollout.core.observed import Endpoint, Weights, all_to, weights
from rollout.core.our_tags import foreign
from rollout.core.progress import from_tags
from rollout.core.release import EndpointSpec
from rollout.errors import Stale
from tests.contract.actions_of import RECORD, create, created, put, record, serving
from tests.contract.benches import Bench, look

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def essence(endpoint: Endpoint) -> Endpoint:
    """Without what moves by itself: times and operations."""
    deployments = tuple(replace(found, operation=None) for found in endpoint.deployments)
    return replace(endpoint, modified=None, operation=None, deployments=deployments)


async def test_an_endpoint_that_is_not_there_is_an_observation(bench: Bench) -> None:
    """No error, and the service's time."""
    seen = await bench.plane.observe(bench.name)

    assert seen.endpoint is None
    assert seen.now.tzinfo is UTC


async def test_an_endpoint_is_created_with_its_record(bench: Bench) -> None:
    """Declared fields, no traffic, no deployments, the record."""
    found = await created(bench, description="words", tags={"team": "ml"})

    assert (found.state, found.weights, found.deployments) == ("Succeeded", Weights(), ())
    assert (from_tags(found.tags), foreign(found.tags)) == (RECORD, {"team": "ml"})
    assert found.fields["description"] == "words"


async def test_an_endpoint_that_has_appeared_is_not_replaced(bench: Bench) -> None:
    """Somebody was faster: look again."""
    before = await created(bench, description="first")

    with pytest.raises(Stale):
        await bench.plane.apply(create(bench.name, record("second")), None)

    assert await look(bench) == before


async def test_weights_and_record_go_in_one_write(bench: Bench) -> None:
    """One write; read back, both are there, and the deployments are as they were."""
    before = await serving(bench, "blue", "green", "red")
    writes = bench.plane.requests.writes
    split = weights({"blue": 90, "green": 10}, {"red": 5})

    await bench.plane.apply(put(before, split, record("c1")), before)

    after = await look(bench)
    assert bench.plane.requests.writes == writes + 1
    assert (after.weights, from_tags(after.tags)) == (split, record("c1"))
    assert essence(after).deployments == essence(before).deployments


async def test_declared_fields_ride_on_the_weights(bench: Bench) -> None:
    """They cost no write of their own."""
    before = await serving(bench, "blue", "green")
    writes = bench.plane.requests.writes

    await bench.plane.apply(put(before, all_to("green"), fields={"description": "new"}), before)

    after = await look(bench)
    assert bench.plane.requests.writes == writes + 1
    assert (after.weights, after.fields["description"]) == (all_to("green"), "new")


async def test_the_mirror_ends_in_the_write_that_gives_weight(bench: Bench) -> None:
    """A deployment never has both."""
    before = await serving(bench, "blue", "green")
    await bench.plane.apply(put(before, weights({"blue": 100}, {"green": 20})), before)
    mirrored = await look(bench)

    await bench.plane.apply(put(mirrored, weights({"blue": 50, "green": 50})), mirrored)

    assert mirrored.weights.mirrored("green") == 20
    assert (await look(bench)).weights == weights({"blue": 50, "green": 50})


async def test_a_marker_is_the_record_alone(bench: Bench) -> None:
    """Tags of others, fields and weights stay."""
    await created(bench, "blue", description="words", tags={"team": "ml"})
    before = await look(bench)

    await bench.plane.apply(actions.Record(reason="passed", progress=record("m")), before)

    after = await look(bench)
    assert (from_tags(after.tags), foreign(after.tags)) == (record("m"), {"team": "ml"})
    assert (after.fields, after.weights) == (before.fields, before.weights)


async def test_a_marker_can_take_our_tags_away(bench: Bench) -> None:
    """`disown` leaves what others wrote."""
    before = await created(bench, tags={"team": "ml"})

    await bench.plane.apply(actions.Record(reason="disown", progress=None), before)

    assert (await look(bench)).tags == {"team": "ml"}


async def test_fields_converge_in_place(bench: Bench) -> None:
    """The declared ones; weights stay."""
    before = await serving(bench, "blue")
    spec = EndpointSpec(name=bench.name, fields={"description": "new"})

    await bench.plane.apply(
        actions.UpdateEndpoint(reason="drift", endpoint=spec, changes=(), progress=record("f")), before
    )

    after = await look(bench)
    assert (after.fields, after.weights) == ({**before.fields, "description": "new"}, before.weights)
    assert from_tags(after.tags) == record("f")


async def test_a_write_on_an_old_look_is_stale(bench: Bench) -> None:
    """Somebody else has moved the weights since: nothing is written."""
    before = await serving(bench, "blue", "green")
    await bench.plane.apply(put(before, all_to("green"), record("other")), before)
    now = await look(bench)

    for action in (put(before, all_to("blue")), actions.Record(reason="passed", progress=record("m"))):
        with pytest.raises(Stale):
            await bench.plane.apply(action, before)

    assert essence(await look(bench)) == essence(now)


async def test_tags_of_others_are_not_ours_to_undo(bench: Bench) -> None:
    """Set between our look and our write, they are no reason to look again, and survive."""
    before = await serving(bench, "blue", "green")
    await bench.hand("PATCH", {"tags": {**before.tags, "owner": "somebody"}})
    await bench.plane.settle(await look(bench))

    await bench.plane.apply(put(before, all_to("green"), record("x")), before)

    after = await look(bench)
    assert (foreign(after.tags), from_tags(after.tags)) == ({"owner": "somebody"}, record("x"))
    assert after.weights == all_to("green")


async def test_what_is_under_way_is_settled(bench: Bench) -> None:
    """Operations of others, on the endpoint and on a deployment, have ended afterwards."""
    before = await serving(bench, "blue")
    await bench.hand("PATCH", {"sku": {"name": "Default", "capacity": 2}}, "blue")
    busy = await look(bench)

    await bench.plane.settle(busy)

    assert busy.in_flight == ("blue",)
    after = await look(bench)
    assert (after.in_flight, after.deployments[0].count) == ((), before.deployments[0].count + 1)


async def test_settling_what_is_settled_does_nothing(bench: Bench) -> None:
    """No write, no change."""
    before = await serving(bench, "blue")
    writes = bench.plane.requests.writes

    await bench.plane.settle(before)

    assert (await look(bench), bench.plane.requests.writes) == (before, writes)


async def test_a_deleted_endpoint_is_gone(bench: Bench) -> None:
    """With everything in it."""
    before = await serving(bench, "blue")

    await bench.plane.apply(actions.DeleteEndpoint(reason="destroy", endpoint=bench.name), before)

    assert (await bench.plane.observe(bench.name)).endpoint is None
