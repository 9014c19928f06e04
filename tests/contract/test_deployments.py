"""What `ports.ControlPlane` promises about deployments, on both planes."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from rollout.core import actions
from rollout.core.actions import FieldChange
from rollout.core.observed import Deployment, all_to
from rollout.emulator.world import Kind
from rollout.errors import AzureError, RolloutError, Stale
from tests.contract.actions_of import created, deploy, put, serving
from tests.contract.benches import CODE, MESSAGE, Bench, look

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


async def only(bench: Bench, name: str = "blue") -> Deployment:
    """That deployment, which must exist."""
    found = (await look(bench)).deployment(name)
    assert found is not None, "the deployment exists"
    return replace(found, operation=None)


async def test_a_deployment_is_created(bench: Bench) -> None:
    """Ready, with its count, our stamps, and no traffic."""
    before = await created(bench)

    await bench.plane.apply(deploy("blue", "v1", count=2, born="b7"), before)

    after, blue = await look(bench), await only(bench)
    assert (blue.state, blue.count, blue.revision, blue.born) == ("Succeeded", 2, "v1", "b7")
    assert (after.weights, after.tags) == (before.weights, before.tags)


async def test_a_deployment_is_updated_in_place(bench: Bench) -> None:
    """Another revision and stamp under the same name."""
    before = await created(bench, "blue")

    await bench.plane.apply(deploy("blue", "v2", count=1, mode="update", born="b2"), before)

    blue = await only(bench)
    assert (blue.state, blue.revision, blue.born, blue.fields["description"]) == ("Succeeded", "v2", "b2", "v2")
    assert len((await look(bench)).deployments) == 1


async def test_a_create_where_something_is_there_is_stale(bench: Bench) -> None:
    """And an update where nothing is: the decision saw another world. Nothing is written."""
    before = await created(bench, "blue")

    for action in (deploy("blue", "v2"), deploy("green", "v2", mode="update")):
        with pytest.raises(Stale):
            await bench.plane.apply(action, before)

    assert await look(bench) == before


async def test_a_deploy_on_an_old_look_is_stale(bench: Bench) -> None:
    """Somebody has moved the weights since the decision: nothing is created."""
    before = await created(bench, "blue")
    await bench.plane.apply(put(before, all_to("blue")), before)

    with pytest.raises(Stale):
        await bench.plane.apply(deploy("green"), before)

    assert [found.name for found in (await look(bench)).deployments] == ["blue"]


async def test_a_failed_create_leaves_a_failed_deployment(bench: Bench) -> None:
    """The service's code and text, and something `Failed` that carries our stamps."""
    before = await created(bench)
    await bench.fail_next(Kind.DEPLOYMENT_CREATE)

    with pytest.raises(AzureError, match=MESSAGE) as caught:
        await bench.plane.apply(deploy("blue"), before)

    blue = await only(bench)
    assert caught.value.code == CODE
    assert (blue.state, blue.revision, blue.born) == ("Failed", "v1", "b1")


async def test_a_deployment_is_scaled(bench: Bench) -> None:
    """Up and down; nothing else changes."""
    before = await serving(bench, "blue")
    was = await only(bench)

    for count in (3, 2):
        action = actions.ScaleDeployment(reason="load", deployment="blue", before=was.count, count=count)
        before = (await bench.plane.observe(before.name)).endpoint or before
        await bench.plane.apply(action, before)
        assert await only(bench) == replace(was, count=count)


async def test_settings_converge_in_place(bench: Bench) -> None:
    """The description and one tag; tags of others, the stamps and what it is stay."""
    before = await serving(bench, "blue")
    was = await only(bench)
    changes = (FieldChange("description", "v1", "words"), FieldChange("tags.cost", None, "7"))

    await bench.plane.apply(actions.UpdateDeployment(reason="drift", deployment="blue", changes=changes), before)

    now = await only(bench)
    assert (now.fields["description"], now.tags) == ("words", {**was.tags, "cost": "7"})
    assert (now.revision, now.born, now.content, now.count) == (was.revision, was.born, was.content, was.count)


async def test_a_deployment_without_traffic_is_deleted(bench: Bench) -> None:
    """It is gone when the call returns; the others are not."""
    before = await serving(bench, "blue", "green")

    await bench.plane.apply(actions.DeleteDeployment(reason="left over", deployment="green"), before)

    after = await look(bench)
    assert [found.name for found in after.deployments] == ["blue"]
    assert after.weights == before.weights


async def test_what_serves_cannot_be_deleted(bench: Bench) -> None:
    """Refused by the service; it serves on."""
    before = await serving(bench, "blue")

    with pytest.raises(RolloutError, match="traffic"):
        await bench.plane.apply(actions.DeleteDeployment(reason="mistake", deployment="blue"), before)

    after = await look(bench)
    assert (after.weights, [found.name for found in after.deployments]) == (all_to("blue"), ["blue"])


async def test_weight_for_nobody_is_refused(bench: Bench) -> None:
    """A split that names what does not exist changes nothing."""
    before = await serving(bench, "blue")

    with pytest.raises(RolloutError):
        await bench.plane.apply(put(before, all_to("nobody")), before)

    assert (await look(bench)).weights == all_to("blue")


async def test_what_never_ran_has_no_log(bench: Bench) -> None:
    """An empty text, no error."""
    await created(bench, "blue")

    assert await bench.plane.logs(bench.name, "blue") == ""
    assert await bench.plane.logs(bench.name, "nobody") == ""
