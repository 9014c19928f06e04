"""A data plane on loopback with real scoring processes, shared by the tests of a module (each has its endpoint)."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
import uvicorn

from rollout.emulator.backend import Container, Route
from rollout.emulator.router import Router

KEY = "a-key-of-the-tests"
SCRIPT = '''
"""Answers who it is; does what the request asks for."""
import json, os, signal, time

def init():
    if os.environ.get("FAIL_INIT"):
        raise RuntimeError("there is no model in " + os.environ["AZUREML_MODEL_DIR"])

def run(raw):
    ask = json.loads(raw)
    time.sleep(ask.get("sleep", 0))
    if ask.get("fail"):
        raise ValueError("cannot score this")
    if ask.get("die"):
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(10)
    return {"version": os.environ.get("VERSION", ""), "instance": os.getppid(), **ask.get("echo", {})}
'''


@dataclass(frozen=True, slots=True)
class Reply:
    """What a client saw."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> dict[str, object]:
        """The body, read as a JSON object."""
        answer: dict[str, object] = json.loads(self.text)
        return answer


@dataclass(frozen=True, slots=True)
class Plane:
    """A served router, and a client of it."""

    router: Router
    url: str
    session: aiohttp.ClientSession
    code: Path

    def container(self, endpoint: str, deployment: str, **fields: object) -> Container:
        """A deployment of the test script; `environment` tells who answers."""
        environment = {"VERSION": deployment, **fields.pop("environment", {})}  # type: ignore[dict-item]
        known = {"code_dir": self.code, "scoring_script": "score.py", "model_dir": self.code, **fields}
        return Container(endpoint=endpoint, deployment=deployment, environment=environment, **known)  # type: ignore[arg-type]

    async def serve(self, endpoint: str, traffic: Mapping[str, int], **fields: object) -> None:
        """Deploy all that `traffic` names, then route to it."""
        for name in traffic:
            outcome = await self.router.deploy(self.container(endpoint, name, **fields))
            assert outcome.ok, self.router.logs(endpoint, name, 50)
        self.route(endpoint, traffic)

    def route(self, endpoint: str, traffic: Mapping[str, int], mirror: Mapping[str, int] | None = None) -> None:
        """Set the weights."""
        self.router.route(Route(endpoint=endpoint, traffic=traffic, mirror=mirror or {}, keys=(KEY,)))

    async def score(self, endpoint: str, deployment: str = "", *, path: str = "score", **ask: object) -> Reply:
        """One scoring request with the right key."""
        headers = {"authorization": f"Bearer {KEY}"}
        if deployment:
            headers["azureml-model-deployment"] = deployment
        return await self.raw(endpoint, path, headers, ask)

    async def until(self, endpoint: str, deployment: str, ready: tuple[int, int], seconds: float = 20) -> None:
        """Wait until so many instances exist and so many of them are ready; a slow machine gets its time."""
        async with asyncio.timeout(seconds):
            while self.router.running(endpoint, deployment) != ready:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def served_again(self, endpoint: str, seconds: float = 20) -> Reply:
        """The first answer that is no 424. The count of ready instances tells a crash only when its end was noticed."""
        async with asyncio.timeout(seconds):
            while (reply := await self.score(endpoint)).status == 424:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            return reply

    async def raw(self, endpoint: str, path: str, headers: Mapping[str, str], ask: object) -> Reply:
        """One request with exactly these headers; GET where it is not for scoring."""
        method = "POST" if path == "score" else "GET"
        url = f"{self.url}/{endpoint}/{path}"
        async with self.session.request(method, url, json=ask, headers=headers) as answer:
            return Reply(answer.status, await answer.text(), answer.headers)


@asynccontextmanager
async def served(router: Router, code: Path) -> AsyncIterator[Plane]:
    """Serve a started router on a free loopback port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(router, log_level="warning", server_header=False, lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Plane(router, url, session, code)
    server.should_exit = True
    await serving


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the test script."""
    folder = tmp_path_factory.mktemp("code")
    (folder / "score.py").write_text(SCRIPT, encoding="utf-8")
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plane(tmp_path_factory: pytest.TempPathFactory, code: Path) -> AsyncIterator[Plane]:
    """A data plane whose service time runs 20 times as fast as ours."""
    router = Router(tmp_path_factory.mktemp("state"), speed=20.0, seed=20261)
    await router.start()
    try:
        async with served(router, code) as plane:
            yield plane
    finally:
        await router.stop()
