"""Microsoft's own example files, deployed by the unchanged SDK, imported: the first diff is empty."""

from __future__ import annotations

import asyncio
import io
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollout.azure.operations import Pace
from rollout.azure.target import Target, connect
from rollout.core.change_set import ChangeSet, change_set
from rollout.emulator.server import EmulatorServer
from rollout.emulator.service import Options
from rollout.plan.importing import imported
from rollout.plan.load import load_release
from tests.emulated import target_of
from tests.plan.corpus import MODEL

pytestmark = pytest.mark.slow

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus" / "azureml-examples"
_LOCAL = (
    ("model", "path"),
    ("code_configuration", "code"),
    ("environment", "conda_file"),
    ("environment", "build", "path"),
)

_REGISTERED = re.compile(r"azureml:[^/]|.*<")
"""Assets of the workspace, which would have to be there, and placeholders."""


def _files() -> list[Path]:
    """Deployments without templates, managed and on Kubernetes, whose assets are local, inline or in a registry."""
    found = []
    for path in sorted(CORPUS.rglob("*.yml")):
        text = path.read_text(errors="replace")
        if "nlineDeployment.schema" not in text or "{{" in text:
            continue
        document = yaml.safe_load(text)
        if not any(_REGISTERED.match(str(document.get(part) or "")) for part in ("model", "environment")):
            found.append(path)
    return [path for path in found if os.environ.get("ROLLOUT_CORPUS") or not _is_like_others(path)]


def _is_like_others(path: Path) -> bool:
    """Two dozen deployments differ in nothing but their time-outs: one of them is enough for the quick form."""
    return "foundation-models" in path.parts and "text-to-image" not in path.parts


FILES = _files()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorServer]:
    """Without scoring processes: everything deploys."""
    emulator = EmulatorServer(tmp_path_factory.mktemp("emulator"), Options(speed=20000, throttle=False))
    with emulator as running, pytest.MonkeyPatch.context() as variables:
        for name, value in running.environment().items():
            variables.setenv(name, value)
        yield running


@pytest.mark.skipif(not FILES, reason="the corpus is not here")
def test_there_are_many() -> None:
    """The table below is not empty by accident."""
    assert len(FILES) >= 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CORPUS)))
def test_made_by_the_sdk_and_imported(server: EmulatorServer, tmp_path: Path, path: Path) -> None:
    """Adopted at once: nothing to change."""
    number = FILES.index(path)
    name, there = f"corpus-{number}", tmp_path / "imported"
    there.mkdir()
    _made(server, name, path, tmp_path)

    found = asyncio.run(_imported(target_of(server), name, there))

    assert (found.actions, found.decision.status.value, found.decision.drift) == ((), "done", ()), found.decision


def _made(server: EmulatorServer, name: str, path: Path, folder: Path) -> None:
    from azure.ai.ml import MLClient, load_online_deployment, load_online_endpoint
    from azure.identity import DefaultAzureCredential

    copied = folder / "files"
    shutil.copytree(path.parent, copied)
    document = yaml.safe_load(path.read_text())
    for place in _LOCAL:
        _exists(document, place, copied)
    document |= {"name": "live", "endpoint_name": name}
    if not document.get("model") and not document.get("environment"):
        document["model"] = MODEL  # as `az ml … --set model=…` gives it
    known = server.service.identity
    client = MLClient(
        DefaultAzureCredential(), known.subscription_id, known.resource_group, known.workspace, show_progress=False
    )
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        compute = ", compute: azureml:cluster" if document.get("type") == "kubernetes" else ""
        endpoint = load_online_endpoint(io.StringIO(f"{{name: {name}, auth_mode: key{compute}}}"))
        client.online_endpoints.begin_create_or_update(endpoint).result()
        text = io.StringIO(yaml.safe_dump(document))
        deployment = load_online_deployment(text, relative_origin=str(copied / "deployment.yml"))
        client.online_deployments.begin_create_or_update(deployment).result()
        found = client.online_endpoints.get(name)
        found.traffic = {"live": 100}
        client.online_endpoints.begin_create_or_update(found).result()


def _exists(document: dict[str, Any], place: tuple[str, ...], folder: Path) -> None:
    """What the corpus leaves out (models, mostly) is there by a small file, below the folder."""
    inner: Any = document
    for part in place[:-1]:
        inner = inner.get(part) if isinstance(inner, dict) else None
    value = inner.get(place[-1]) if isinstance(inner, dict) else None
    if not isinstance(value, str) or value.startswith("azureml:") or "://" in value or (folder / value).exists():
        return
    inner[place[-1]] = local = "made-" + "-".join(place)
    (folder / local).mkdir(exist_ok=True)
    script = (document.get("code_configuration") or {}).get("scoring_script", "score.py")
    for file in ("Dockerfile", "MLmodel", script):
        (folder / local / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / local / file).write_text("name: made\n")
    if place[-1] == "conda_file":
        inner[place[-1]] = f"{local}/MLmodel"


async def _imported(target: Target, name: str, there: Path) -> ChangeSet:
    async with connect(target, pace=Pace(first=0.02, slowest=0.1)) as connection:
        seen = await connection.control_plane.observe(name)
        bodies = await connection.control_plane.bodies(name)
    assert seen.endpoint is not None
    assert bodies.endpoint is not None
    found = imported(seen.endpoint, bodies.endpoint, {"live": bodies.deployments[0]})
    for file, text in found.files.items():
        (there / file).write_text(text)
    return change_set(load_release(there / "plan.yml").release, seen)
