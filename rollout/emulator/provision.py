"""Carries out what operations ask of the backend: finds the assets, unpacks them, starts, scales, removes instances."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

from rollout.emulator.answers import JsonObject
from rollout.emulator.backend import Container, Outcome
from rollout.emulator.durations import milliseconds
from rollout.emulator.grants import missing
from rollout.emulator.service import Service
from rollout.emulator.web_assets import CONTAINER, STORAGE_HOST
from rollout.emulator.web_authorization import assignments
from rollout.emulator.world import Kind, Operation

_OK: Final = Outcome(ok=True)
_STUBS: Final = {"mlflow_model": "mlflow", "triton_model": "triton"}


class AssetMissing(Exception):
    """A deployment names an asset that is not there."""


class Provisioner:
    """Takes the jobs of the rules and reports their outcomes. One task a job."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._tasks: set[asyncio.Task[None]] = set()
        service.on_change(self.take)

    def take(self) -> None:
        """Start a task for each job that is waiting. Needs a running event loop."""
        for operation in self._service.rules.take_jobs():
            self._spawn(self._carry_out(operation))

    def restore(self) -> None:
        """Start again what was running before the emulator stopped, and route to it."""
        for key, held in self._service.rules.world.endpoints.items():
            self._service.route(key)
            for one in held.deployments.values():
                if one.proven and one.state != "Deleting":
                    self._spawn(self._redeploy(key, one.doc))

    async def stop(self) -> None:
        """Give up what is under way; it starts again with the next start."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _redeploy(self, endpoint: str, doc: JsonObject) -> None:
        await self._deploy(endpoint, doc)

    async def _carry_out(self, operation: Operation) -> None:
        try:
            outcome = _OK if operation.failure else await self._act(operation)
        except AssetMissing as missing:
            outcome = Outcome(ok=False, code="BadArgument", message=str(missing))
        except Exception as error:  # the backend's fault is the operation's failure, as in the service
            outcome = Outcome(ok=False, code="InternalServerError", message=f"{type(error).__name__}: {error}")
        failure = None if outcome.ok else (outcome.code, outcome.message)
        self._service.rules.finish(operation.id, failure, self._service.now())
        self._service.flush()

    async def _act(self, operation: Operation) -> Outcome:
        backend, name = self._service.backend, operation.deployment or ""
        match operation.kind:
            case Kind.DEPLOYMENT_CREATE | Kind.DEPLOYMENT_UPDATE if operation.after:
                return await self._deploy(operation.endpoint, operation.after)
            case Kind.DEPLOYMENT_SCALE if operation.after:
                return await backend.scale(operation.endpoint, name, operation.after["sku"]["capacity"])
            case Kind.DEPLOYMENT_DELETE:
                await backend.remove(operation.endpoint, name)
                await self._forget(operation.endpoint, name)
            case Kind.ENDPOINT_DELETE:
                held = self._service.rules.world.endpoints.get(operation.endpoint)
                for key in tuple(held.deployments) if held else ():
                    await backend.remove(operation.endpoint, key)
                await self._forget(operation.endpoint)
            case _:
                pass
        return _OK

    async def _forget(self, *names: str) -> None:
        """Delete the unpacked assets of what is gone."""
        folder = self._service.state_dir.joinpath("deployments", *names)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _deploy(self, endpoint: str, doc: JsonObject) -> Outcome:
        parent = self._service.rules.world.endpoints[endpoint].doc
        if lack := missing(self._service.scope, parent, assignments(self._service).values()):
            return Outcome(ok=False, code="BadArgument", message=lack)
        if self._service.assumes_assets:
            return await self._service.backend.deploy(Container(endpoint=endpoint, deployment=doc["name"].lower()))
        container = await asyncio.to_thread(build, self._service, endpoint, doc)
        return await self._service.backend.deploy(container)


def build(service: Service, endpoint: str, doc: JsonObject) -> Container:
    """Unpack a deployment's assets and describe what is to run. Raises `AssetMissing`."""
    inner, name = doc["properties"], doc["name"].lower()
    model = _asset(service, inner["model"], "model")
    environment = _asset(service, inner["environmentId"], "environment")
    target = service.state_dir / "deployments" / endpoint / name / _generation(inner)
    code = inner["codeConfiguration"]
    settings = inner["requestSettings"]
    return Container(
        endpoint=endpoint,
        deployment=name,
        kind="scoring_script" if code else _stub(model, environment),
        code_dir=_code(service, code, target / "code") if code else None,
        scoring_script=code["scoringScript"] if code else None,
        model_dir=_model(service, model, target / "model"),
        environment=inner["environmentVariables"],
        count=doc["sku"]["capacity"],
        timeout_ms=milliseconds(settings["requestTimeout"]),
        max_concurrent=settings["maxConcurrentRequestsPerInstance"],
        queue_ms=milliseconds(settings["maxQueueWait"]),
    )


def _generation(inner: JsonObject) -> str:
    """Its own directory for each operation: instances of the former revision may still read theirs."""
    uri = inner["properties"].get("AzureAsyncOperationUri", "")
    return str(uri).rpartition(":")[2].partition("?")[0] or "0"


def _asset(service: Service, arm_id: str | None, kind: str) -> JsonObject | None:
    if not arm_id:
        return None
    found = service.catalog.by_id(arm_id)
    if found is None and "registries/" in arm_id.lower():
        return {"properties": {"modelType": "custom_model"}}
    if found is None:
        raise AssetMissing(f"The specified {kind} was not found: {arm_id.rpartition('workspaces/')[2] or arm_id}")
    return found


def _stub(model: JsonObject | None, environment: JsonObject | None) -> str:
    """Which labelled stub answers for a deployment without a scoring script."""
    kind = (model or {}).get("properties", {}).get("modelType", "")
    inference = (environment or {}).get("properties", {}).get("inferenceConfig")
    return "custom" if inference else _STUBS.get(kind, "custom")


def _code(service: Service, code: JsonObject, target: Path) -> Path:
    doc = service.catalog.by_id(code["codeId"])
    if doc is None:
        raise AssetMissing(f"The specified code was not found: {code['codeId']}")
    container, prefix = place(doc["properties"]["codeUri"])
    return _unpacked(service, container, prefix, target)


def _model(service: Service, model: JsonObject | None, target: Path) -> Path | None:
    """The model's directory: it holds the folder (or file) that was registered, under its own name."""
    uri = (model or {}).get("properties", {}).get("modelUri")
    if not uri:
        return None
    container, prefix = place(uri)
    _unpacked(service, container, prefix, target / Path(prefix).name)
    inner = target / Path(prefix).name / Path(prefix).name
    if inner.is_file():
        lifted = target / f"{Path(prefix).name}.file"
        inner.rename(lifted)
        shutil.rmtree(inner.parent)
        lifted.rename(inner.parent)
    return target


def _unpacked(service: Service, container: str, prefix: str, target: Path) -> Path:
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    if not service.blobs.unpack(container, prefix, target):
        raise AssetMissing(f"No files were found below {container}/{prefix}")
    return target


def place(uri: str) -> tuple[str, str]:
    """Container and path of an asset's URI, in its `azureml:` or its `https:` form."""
    if uri.startswith("azureml://"):
        return CONTAINER, uri.partition("/paths/")[2].strip("/")
    container, _, path = uri.partition(f"{STORAGE_HOST}/")[2].partition("?")[0].partition("/")
    return container, path.strip("/")
