"""The data plane without processes: the sample's own scoring scripts, run where the emulator runs."""

from __future__ import annotations

import importlib.util
import json
import os
import random
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from rollout.emulator.backend import Container, NoBackend, Outcome, Route
from rollout.emulator.data_plane_answers import (
    DEPLOYMENT_HEADER,
    Answer,
    denied,
    from_model,
    nothing_to_route_to,
    response_headers,
)
from rollout.emulator.data_plane_split import choose


class Scripts(NoBackend):
    """A backend of scripts. Requests to it are routed by weight, with dice of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._dice = random.Random(7)
        self._routes: dict[str, Route] = {}
        self._scripts: dict[tuple[str, str], Any] = {}

    async def deploy(self, container: Container) -> Outcome:
        """Load the script, and let it load its model."""
        self._scripts[container.endpoint, container.deployment] = _loaded(container)
        return Outcome(ok=True)

    async def remove(self, endpoint: str, deployment: str) -> None:
        """Forget it."""
        self._scripts.pop((endpoint, deployment), None)

    def route(self, route: Route) -> None:
        """Take over weights and keys."""
        self._routes[route.endpoint] = route

    def unroute(self, endpoint: str) -> None:
        """The endpoint is gone."""
        self._routes.pop(endpoint, None)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request to `/ENDPOINT/score` or `/ENDPOINT/swagger.json`."""
        request = Request(scope, receive)
        _, endpoint, path = scope["path"].split("/", 2)
        deployment, answer = self._answer(endpoint, path, request, await request.body())
        headers = response_headers(answer, deployment, "0")
        await Response(answer.body, answer.status, headers)(scope, receive, send)

    def _answer(self, endpoint: str, path: str, request: Request, body: bytes) -> tuple[str, Answer]:
        route = self._routes.get(endpoint)
        given = request.headers.get("authorization", "")
        if route is None or given.removeprefix("Bearer ") not in route.keys:
            return "", denied(given)
        wanted = request.headers.get(DEPLOYMENT_HEADER) or choose(route.traffic, self._dice)
        script = self._scripts.get((endpoint, wanted or ""))
        if script is None:
            return "", nothing_to_route_to()
        content = script.run(body.decode()) if path == "score" else {"openapi": "3.0.0"}
        return str(wanted), from_model(200, json.dumps(content).encode(), {"content-type": "application/json"})


def _loaded(container: Container) -> Any:
    assert container.code_dir, "these worlds deploy scripts"
    assert container.scoring_script, "these worlds deploy scripts"
    name = f"{container.endpoint}_{container.deployment}".replace("-", "_")
    found = importlib.util.spec_from_file_location(name, container.code_dir / container.scoring_script)
    assert found is not None, name
    assert found.loader is not None, name
    script = importlib.util.module_from_spec(found)
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in {**container.environment, "AZUREML_MODEL_DIR": str(container.model_dir)}.items():
            patch.setitem(os.environ, variable, value)
        found.loader.exec_module(script)
        script.init()
    return script
