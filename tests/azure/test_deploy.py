"""Deployments through the real `azure-ai-ml`, against the emulator: assets, tags, failures, silence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rollout.azure.target import Connection
from rollout.core import actions
from rollout.core.observed import Deployment, Endpoint
from rollout.core.progress import Progress
from rollout.core.release import DeploymentSpec, EndpointSpec
from rollout.errors import AzureError, Refused, RolloutError, Stale
from tests.azure.conftest import Bench

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

DOCUMENT: dict[str, Any] = {
    "$schema": "https://azuremlschemas.azureedge.net/latest/managedOnlineDeployment.schema.json",
    "model": {"path": "model"},
    "code_configuration": {"code": "src", "scoring_script": "score.py"},
    "environment": {"image": "mcr.microsoft.com/azureml/base:latest", "conda_file": "conda.yml"},
    "environment_variables": {"A": "1"},
    "instance_type": "Standard_DS3_v2",
    "tags": {"team": "ml"},
    "description": "words",
    "request_settings": {"request_timeout_ms": 3000},
}


@pytest.fixture
def origin(tmp_path: Path) -> str:
    """A project with a model, a scoring script and an environment; the path of its deployment file."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.json").write_text("{}")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "score.py").write_text("def init():\n    pass\n\n\ndef run(data):\n    return data\n")
    (tmp_path / "conda.yml").write_text("dependencies: [python=3.11]\n")
    return str(tmp_path / "deployment.yml")


def order(origin: str, mode: Any = "create", born: str = "b1", **more: Any) -> actions.DeployRevision:
    """Deploy `DOCUMENT`, changed by `more`, as blue with two instances."""
    spec = DeploymentSpec(revision=f"r-{born}", document=json.dumps({**DOCUMENT, **more}), origin=origin)
    return actions.DeployRevision(reason="new", deployment="blue", spec=spec, count=2, born=born, mode=mode)


async def endpoint(bench: Bench, connection: Connection) -> Endpoint:
    """A new endpoint without deployments."""
    name = bench.name()
    spec = EndpointSpec(name=name)
    await connection.control_plane.apply(
        actions.CreateEndpoint(reason="new", endpoint=spec, progress=Progress(plan="p")), None
    )
    return await look(connection, name)


async def look(connection: Connection, name: str) -> Endpoint:
    """The endpoint, which must exist."""
    found = (await connection.control_plane.observe(name)).endpoint
    assert found is not None
    return found


async def blue(connection: Connection, name: str) -> Deployment:
    """The deployment blue, which must exist."""
    found = (await look(connection, name)).deployment("blue")
    assert found is not None
    return found


async def test_a_deployment_is_created_and_updated(
    bench: Bench, connection: Connection, origin: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Local files become assets; our tags join the declared ones; an update in place changes what it is.

    stdout is the command's result and stderr its progress: the SDK says nothing there.
    """
    before = await endpoint(bench, connection)
    await connection.control_plane.apply(order(origin), before)
    made = await blue(connection, before.name)
    assert (made.state, made.count, made.revision, made.born) == ("Succeeded", 2, "r-b1", "b1")
    assert made.tags == {"team": "ml", "rollout.revision": "r-b1", "rollout.born": "b1"}
    fields = {key: made.fields[key] for key in ("scoring_script", "instance_type", "description", "tags")}
    assert fields == {
        "scoring_script": "score.py",
        "instance_type": "standard_ds3_v2",
        "description": "words",
        "tags": {"team": "ml"},
    }
    assert made.fields["request_settings.request_timeout_ms"] == 3000
    assert made.fields["model"].startswith("azureml:")
    writes = (await bench.served())["writes"]
    update = order(origin, "update", "b2", environment_variables={"A": "2"})
    await connection.control_plane.apply(update, await look(connection, before.name))
    updated = await blue(connection, before.name)
    assert (updated.revision, updated.born) == ("r-b2", "b2")
    assert updated.fields == {**made.fields, "environment_variables.A": "2"}
    assert updated.content != made.content
    assert (await bench.served())["writes"] >= writes + 1
    assert capfd.readouterr() == ("", "")


async def test_the_world_must_be_as_the_decision_saw_it(bench: Bench, connection: Connection, origin: str) -> None:
    """Updating what is not there, or creating what is, is stale; nothing is uploaded for it."""
    before = await endpoint(bench, connection)
    with pytest.raises(Stale, match="the deployment is gone"):
        await connection.control_plane.apply(order(origin, "update"), before)
    moved = msgspec.structs.replace(before, tags={**before.tags, "rollout.plan": "another"})
    with pytest.raises(Stale, match="somebody else changed the endpoint"):
        await connection.control_plane.apply(order(origin), moved)
    assert await look(connection, before.name) == before


async def test_a_deployment_that_does_not_come_up_is_told(bench: Bench, connection: Connection, origin: str) -> None:
    """The service's code, and the deployment stays as `Failed` for the next decision."""
    before = await endpoint(bench, connection)
    text = "User container has crashed or terminated"
    fail = {"kind": "fail", "operation": "deployment_create", "code": "ResourceNotReady", "message": text}
    await bench.faults({"effect": fail})
    with pytest.raises(AzureError) as caught:
        await connection.control_plane.apply(order(origin), before)
    assert (str(caught.value), caught.value.code) == (f"deploy blue: {text}", "ResourceNotReady")
    failed = await blue(connection, before.name)
    assert (failed.state, failed.born, failed.content) == ("Failed", "b1", "")


async def test_quota_is_refused_with_the_way_out(bench: Bench, connection: Connection, origin: str) -> None:
    """Exit 6."""
    before = await endpoint(bench, connection)
    await bench.faults({"effect": {"kind": "quota", "cores": 0}})
    with pytest.raises(Refused, match="the quota is used up"):
        await connection.control_plane.apply(order(origin), before)


@pytest.mark.parametrize(
    "more",
    [
        {"model": {"path": "missing"}},
        {"code_configuration": {"code": "src", "scoring_script": "missing.py"}},
        {"instance_count": "many", "request_settings": {"request_timeout_ms": "soon"}},
    ],
    ids=["model", "script", "value"],
)
async def test_what_the_sdk_refuses_is_one_sentence(
    bench: Bench, connection: Connection, origin: str, more: dict[str, Any]
) -> None:
    """Its exceptions become ours; nothing is created."""
    before = await endpoint(bench, connection)
    with pytest.raises(RolloutError) as caught:
        await connection.control_plane.apply(order(origin, **more), before)
    assert str(caught.value).startswith("deploy blue: ")
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (await look(connection, before.name)).deployments == ()


def test_reading_never_loads_the_sdk() -> None:
    """It costs seconds and 100 MB: only a deployment may load it."""
    code = "import sys, rollout.azure.target; print(sorted(m for m in sys.modules if m.startswith('azure.ai')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
