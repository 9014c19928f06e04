"""Deployed, the diff is empty; one field changed by somebody else, the diff names exactly that field."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from rollout.azure.operations import Pace
from rollout.azure.target import Target, connect
from rollout.cli.sources import Sources
from rollout.core.actions import Action, ScaleDeployment, UpdateDeployment, UpdateEndpoint
from rollout.core.canonical import ENDPOINT_DEFAULTS
from rollout.core.change_set import ChangeSet, change_set
from rollout.core.decision import Status
from rollout.core.revision import SERVER_DEFAULTS
from rollout.emulator.server import EmulatorServer
from rollout.emulator.service import Options
from rollout.emulator.settings import Settings
from rollout.gates.measurer import Measurer
from rollout.plan.load import load_release
from rollout.runner import Limits, Runner
from tests.fields.coverage import paths
from tests.fields.table import (
    DEPLOYMENT,
    DEPLOYMENT_ROWS,
    ENDPOINT,
    ENDPOINT_ROWS,
    KUBERNETES,
    KUBERNETES_ENDPOINT,
    KUBERNETES_ROWS,
    NOT_CHANGED,
    SOURCES,
    Row,
)

pytestmark = pytest.mark.slow

TABLE = Path(__file__).parents[2] / "docs" / "fields.md"
NAME = "fields"
PLAN = """\
version: 1
name: {name}
endpoint: endpoint.yml
candidate: deployment.yml
stages:
  - deploy: candidate
  - traffic: 100
"""
QUICK = Pace(first=0.02, slowest=0.2)
GENEROUS = Settings(refuse_auth_mode_change=False, refuse_identity_change=False, refuse_instance_type_change=False)
"""What the service does with these changes is not verified; here they must be possible."""


class NoWait:
    """A clock for a plan without bakes."""

    async def sleep(self, seconds: float) -> None:
        """Nothing to wait for."""


class World:
    """One endpoint with everything declared, deployed by the engine; and a hand from outside."""

    def __init__(self, server: EmulatorServer, folder: Path, name: str, endpoint: str, deployment: str) -> None:
        self.name = name
        known = server.service.identity
        self.environment = server.environment()
        self.target = Target(
            subscription_id=known.subscription_id,
            resource_group=known.resource_group,
            workspace=known.workspace,
            arm_url=server.url,
            ca_bundle=str(server.state_dir / "ca.pem"),
            environment=self.environment,
        )
        self.home = f"{server.url}{self.target.paths.home}"
        (folder / "plan.yml").write_text(PLAN.format(name=name))
        (folder / "endpoint.yml").write_text(endpoint.format(name=name))
        (folder / "deployment.yml").write_text(deployment)
        self.session = requests.Session()
        self.session.verify, self.session.trust_env = str(self.target.ca_bundle), False
        self._sign_in(server.url)
        for kind, name in (("models", "prices"), ("codes", "scorer"), ("environments", "runtime"), ("data", "seen")):
            for version in "12":
                self.rest(
                    "PUT", f"{kind}/{name}/versions/{version}", {"properties": self._uploaded(kind, name, version)}
                )
        self.release = load_release(folder / "plan.yml").release

    def _uploaded(self, kind: str, name: str, version: str) -> dict[str, Any]:
        """The properties of an asset; code has a file."""
        if kind != "codes":
            return {"properties": {}}
        told = self.rest("POST", f"{kind}/{name}/versions/{version}/startPendingUpload", {})[
            "blobReferenceForConsumption"
        ]
        container, _, query = told["credential"]["sasUri"].partition("?")
        for script in ("score.py", "other.py"):
            sent = self.session.put(
                f"{container}/src/{script}?{query}", data=b"", headers={"x-ms-blob-type": "BlockBlob"}
            )
            assert sent.status_code == 201, sent.text
        return {"codeUri": f"{told['blobUri']}/src", "properties": {}}

    def _sign_in(self, url: str) -> None:
        known = self.environment
        form = {
            "grant_type": "client_credentials",
            "client_id": known["AZURE_CLIENT_ID"],
            "client_secret": known["AZURE_CLIENT_SECRET"],
            "scope": "https://management.azure.com/.default",
        }
        told = self.session.post(f"{url}/{known['ROLLOUT_EMULATOR_TENANT_ID']}/oauth2/v2.0/token", data=form)
        self.session.headers["Authorization"] = f"Bearer {told.json()['access_token']}"

    def rest(self, method: str, path: str, body: Any = None) -> Any:
        """One request below the workspace; waits until the resource is calm again."""
        found = self.session.request(
            method, f"{self.home}/{path}", json=body, params={"api-version": "2024-04-01"}, timeout=30
        )
        assert found.status_code < 300, found.text
        answer = found.json()
        while method == "PUT" and path.startswith("onlineEndpoints"):
            answer = self.rest("GET", path)
            if answer["properties"]["provisioningState"] in ("Succeeded", "Failed"):
                break
        return answer

    def diff(self) -> ChangeSet:
        """What the plan would do now."""

        async def look() -> ChangeSet:
            async with connect(self.target, pace=QUICK) as connection:
                return change_set(self.release, await connection.control_plane.observe(self.name))

        return asyncio.run(look())

    def apply(self) -> None:
        """Deploy by the engine."""

        async def run() -> None:
            async with connect(self.target, pace=QUICK) as connection:
                plane = connection.control_plane
                measurer = Measurer(connection.scoring, plane, NoWait(), Sources(connection.monitor, connection.alerts))
                allowed = frozenset({"creates-endpoint"})
                await Runner(self.release, plane, measurer, NoWait(), allowed=allowed).run(Limits())

        asyncio.run(run())

    def by_sdk(self, row: Row, *, deployment: bool) -> None:
        """Read the entity, change it, send it: what a person's script does."""
        from azure.ai.ml import MLClient
        from azure.identity import DefaultAzureCredential

        client = MLClient(
            DefaultAzureCredential(),
            self.target.subscription_id,
            self.target.resource_group,
            self.target.workspace,
            show_progress=False,
        )
        if deployment:
            entity = client.online_deployments.get("blue", self.name)
            _mend(entity)
            row.change(entity)
            client.online_deployments.begin_create_or_update(entity).result()
        else:
            entity = client.online_endpoints.get(self.name)
            row.change(entity)
            client.online_endpoints.begin_create_or_update(entity).result()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorServer]:
    """One emulator for both worlds."""
    options = Options(speed=5000, throttle=False, settings=GENEROUS)
    with EmulatorServer(tmp_path_factory.mktemp("emulator"), options) as running:
        yield running


@pytest.fixture(scope="module")
def world(server: EmulatorServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Deployed once; each test puts back what it changed."""
    yield from _deployed(World(server, tmp_path_factory.mktemp("plan"), NAME, ENDPOINT, DEPLOYMENT))


@pytest.fixture(scope="module")
def cluster(server: EmulatorServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The same on Kubernetes."""
    folder = tmp_path_factory.mktemp("plan")
    yield from _deployed(World(server, folder, f"{NAME}-k8s", KUBERNETES_ENDPOINT, KUBERNETES))


def _deployed(found: World) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as variables:
        for name, value in found.environment.items():
            variables.setenv(name, value)
        found.apply()
        yield found


@pytest.mark.parametrize("which", ["world", "cluster"])
def test_the_first_diff_is_empty(which: str, request: pytest.FixtureRequest) -> None:
    """Everything that can be declared is declared, and agrees."""
    found = request.getfixturevalue(which).diff()
    assert (found.decision.reason, found.actions, found.decision.drift) == (
        "blue serves what the plan asks for",
        (),
        (),
    )


@pytest.mark.parametrize("row", ENDPOINT_ROWS, ids=lambda row: row.path)
def test_a_changed_field_of_the_endpoint(world: World, row: Row) -> None:
    """Exactly that field, before and after."""
    assert _named(world, row, f"onlineEndpoints/{NAME}", deployment=False) == [row.path]


@pytest.mark.parametrize("row", DEPLOYMENT_ROWS, ids=lambda row: row.path)
def test_a_changed_field_of_the_deployment(world: World, row: Row) -> None:
    """Settings are healed; what makes up the revision is named, and holds."""
    assert _named(world, row, f"onlineEndpoints/{NAME}/deployments/blue", deployment=True) == [row.path]


@pytest.mark.parametrize("row", KUBERNETES_ROWS, ids=lambda row: row.path)
def test_a_changed_field_on_kubernetes(cluster: World, row: Row) -> None:
    """What only Kubernetes deployments have."""
    assert _named(cluster, row, f"onlineEndpoints/{cluster.name}/deployments/blue", deployment=True) == [row.path]


def test_every_field_has_a_row_or_a_reason() -> None:
    """Whatever a file may declare is in the table, is changed by way of one of its keys, or is named with a reason."""
    excused = {name.strip() for names in NOT_CHANGED for name in names.replace(" (both)", "").split(",")}
    for of, rows in (("endpoint", ENDPOINT_ROWS), ("deployment", (*DEPLOYMENT_ROWS, *KUBERNETES_ROWS))):
        told = {row.path for row in rows}
        for path in paths(of):
            known = path in told or any(row.startswith(f"{path}.") for row in told)
            assert known or path.replace(".inputs.", ".*.") in excused or f"{path}.*" in excused, path


def _mend(entity: Any) -> None:
    """What the SDK loses between reading and sending back (docs/fields.md names it): put it in again."""
    from azure.ai.ml.entities import DataAsset

    entity.model_mount_path = "/var/prices"
    entity.request_settings.max_queue_wait_ms = 700
    for collection in entity.data_collector.collections.values():
        _, _, name, _, version = str(collection.data).rsplit("/", 4)
        collection.enabled = "true"
        collection.data = DataAsset(
            name=name, version=version, path="azureml://datastores/workspaceblobstore/paths/seen"
        )


def _named(world: World, row: Row, path: str, *, deployment: bool) -> list[str]:
    before = world.rest("GET", path)
    try:
        if row.through == "SDK":
            world.by_sdk(row, deployment=deployment)
        else:
            body = copy.deepcopy(before)
            row.change(body)
            world.rest("PUT", path, body)
        found = world.diff()
    finally:
        world.rest("PUT", path, before)
    drift = [change.path.removeprefix("blue.") for change in found.decision.drift]
    if found.decision.actions:
        assert drift == [name for action in found.decision.actions for name in _fields(action)]
    if found.decision.status is Status.REFUSE:  # a hazard that nobody has allowed: the diff names it all the same
        return [one.path for one in found.drift]
    return drift


def _fields(action: Action) -> list[str]:
    match action:
        case UpdateEndpoint(changes=changes) | UpdateDeployment(changes=changes):
            return [change.path for change in changes]
        case ScaleDeployment():
            return ["instance_count"]
        case _:
            return [type(action).__name__]


def test_the_table_in_the_docs() -> None:
    """docs/fields.md is this table; write it anew with ROLLOUT_WRITE_DOCS=1."""
    import os

    if os.environ.get("ROLLOUT_WRITE_DOCS"):
        TABLE.write_text(_text())
    assert TABLE.read_text() == _text()


def _text() -> str:
    rows = [("endpoint", row) for row in ENDPOINT_ROWS] + [("deployment", row) for row in DEPLOYMENT_ROWS]
    rows += [("Kubernetes deployment", row) for row in KUBERNETES_ROWS]
    lines = [
        "# Fields",
        "",
        "Every field that a plan can declare is compared with the live one in canonical form. For each row a test",
        "deploys it (the diff is empty), changes just that field behind the plan's back, and the diff names exactly",
        "that field. Generated by `tests/fields`.",
        "",
        "| of | field | changed through | what the plan does |",
        "|---|---|---|---|",
        *(f"| {of} | `{row.path}` | {row.through} | {_does(of, row)} |" for of, row in rows),
        "",
        "The SDK itself loses `model_mount_path`, `request_settings.max_queue_wait_ms` and data collections",
        "between reading a deployment and sending it back; the diff names those, too. The test puts them in again.",
        "",
        "Without a row:",
        "",
        *(f"* {fields}: {why}" for fields, why in NOT_CHANGED.items()),
        *_defaults(),
    ]
    return "\n".join(lines) + "\n"


def _defaults() -> Iterator[str]:
    """What the service assumes where a file says nothing, each with its source."""
    yield from ("", "## Defaults", "", "A field that is not declared is not compared. One that is declared with the")
    yield from ("service's default is as one that is not declared, and never makes another revision.", "")
    yield from ("| of | field | default | source |", "|---|---|---|---|")
    for of, known in (("endpoint", ENDPOINT_DEFAULTS), ("deployment", SERVER_DEFAULTS)):
        for path, value in sorted(known.items()):
            yield f"| {of} | `{path}` | `{json.dumps(value)}` | {SOURCES[of, path.split('.')[0]]} |"


def test_every_default_has_a_source() -> None:
    """And there is no source without a default."""
    known = {("endpoint", path) for path in ENDPOINT_DEFAULTS}
    known |= {("deployment", path.split(".")[0]) for path in SERVER_DEFAULTS}
    assert set(SOURCES) == known


def _does(of: str, row: Row) -> str:
    if row.path in ("auth_mode", "public_network_access", "identity.type"):
        return "refuses, unless the hazard `auth-change` is allowed; then heals it"
    if of == "endpoint" or row.path.split(".")[0] in ("description", "tags"):
        return "heals it"
    if row.path == "instance_count":
        return "heals it, up to the declared number"
    return "holds and names it: changed outside"
