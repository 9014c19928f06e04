"""The data plane: routes scoring requests to real scoring processes as the service's front end does.

`Router` is a `Backend` for the control plane and an ASGI application, to be mounted at `/endpoints`:
`/{endpoint}/score`, `/{endpoint}/swagger.json` and `/{endpoint}/`. The web server must not add a server header
of its own, since it answers with the service's.
"""

from __future__ import annotations

import asyncio
import hmac
import random
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rollout.emulator.backend import Container, Outcome, Route
from rollout.emulator.data_plane_answers import (
    DEPLOYMENT_HEADER,
    Answer,
    Ask,
    denied,
    not_ready,
    nothing_to_route_to,
    request_headers,
    response_headers,
    text,
)
from rollout.emulator.data_plane_faults import FaultHook, no_fault
from rollout.emulator.data_plane_instance import Instance, ScoringInstance, Stub
from rollout.emulator.data_plane_pool import Pool
from rollout.emulator.data_plane_split import choose, mirror_target
from rollout.emulator.monitor.records import Scored
from rollout.emulator.monitor.telemetry import Telemetry
from rollout.emulator.processes import ForkServer

SCORING_SCRIPT: Final = "scoring_script"
MIRRORS_IN_FLIGHT: Final = 64
"""More mirrored requests than this at a time are dropped: a mirror must never slow down live traffic."""
LOG_END: Final = 512 * 1024
"""How many bytes of a log are looked at."""

_PATHS: Final = frozenset({"score", "swagger.json", ""})
_OK: Final = Outcome(ok=True)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Router:
    """All endpoints of the emulator. `clock` and `speed` give the service's time, `seed` fixes the split."""

    def __init__(
        self,
        state_dir: Path,
        python: str = sys.executable,
        clock: Callable[[], datetime] = _utc_now,
        speed: float = 1.0,
        seed: int | None = None,
    ) -> None:
        self.telemetry = Telemetry(clock)
        self.metrics = self.telemetry.metrics
        self.faults: FaultHook = no_fault
        self._clock = clock
        self._logs = state_dir / "logs"
        self._speed = speed
        self._random = random.Random(seed)  # noqa: S311 - splits traffic, keeps no secret
        self._server = ForkServer(python, self._logs / "fork-server.log")
        self._session: aiohttp.ClientSession | None = None
        self._routes: dict[str, Route] = {}
        self._pools: dict[tuple[str, str], Pool] = {}
        self._mirrors: set[asyncio.Task[None]] = set()
        self._numbers: dict[tuple[str, str], int] = {}

    async def start(self) -> None:
        """Get ready to deploy; the fork server starts with the first scoring process."""
        # A connection for each request: the scoring server closes its own, and a reused one could be stale.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        timeout = aiohttp.ClientTimeout(total=None)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False)

    async def stop(self) -> None:
        """End all processes at once, those that are just starting too. Logs stay."""
        await self._server.stop()
        pools, self._pools = list(self._pools.values()), {}
        await asyncio.gather(*(pool.close(drain=False) for pool in pools))
        for task in self._mirrors:
            task.cancel()
        if self._session is not None:
            await self._session.close()

    async def restore(self, containers: Iterable[Container], routes: Iterable[Route]) -> None:
        """Bring up again what ran before the emulator was stopped; what does not start is tried again."""
        for route in routes:
            self.route(route)
        pools = []
        for container in containers:
            pool = self._pools[_key(container.endpoint, container.deployment)] = Pool(container, self._make)
            pools.append(pool)
        await asyncio.gather(*(pool.bring_up() for pool in pools))

    async def deploy(self, container: Container) -> Outcome:
        """Start (or replace, one after the other) the instances; return when all answer, or cannot."""
        if fault := _fault(container):
            return Outcome(ok=False, code="BadArgument", message=fault)
        key = _key(container.endpoint, container.deployment)
        pool = self._pools.setdefault(key, Pool(container, self._make))
        return await (pool.scale(container.count) if pool.carries(container) else pool.deploy(container))

    async def scale(self, endpoint: str, deployment: str, count: int) -> Outcome:
        """Start or stop instances until there are `count`."""
        pool = self._pools.get(_key(endpoint, deployment))
        return _OK if pool is None else await pool.scale(count)

    async def remove(self, endpoint: str, deployment: str) -> None:
        """Stop all instances of a deployment, after their last answers, and delete its logs."""
        if pool := self._pools.pop(_key(endpoint, deployment), None):
            await pool.close()
        shutil.rmtree(self._folder(endpoint, deployment), ignore_errors=True)

    def route(self, route: Route) -> None:
        """Take over the endpoint's weights, mirror and keys, at once: between two requests."""
        self._routes[route.endpoint.lower()] = route

    def unroute(self, endpoint: str) -> None:
        """The endpoint is gone."""
        self._routes.pop(endpoint.lower(), None)
        self.metrics.drop(endpoint.lower())

    def logs(self, endpoint: str, deployment: str, tail: int) -> str:
        """The last lines of the log of the instance that was started last."""
        files = sorted(self._folder(endpoint, deployment).glob("*.log"), key=lambda file: int(file.stem))
        if not files:
            return ""
        with files[-1].open("rb") as log:
            log.seek(max(0, files[-1].stat().st_size - LOG_END))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-tail:]) if tail > 0 else ""

    def running(self, endpoint: str, deployment: str) -> tuple[int, int]:
        """How many instances a deployment has, and how many of them answer."""
        pool = self._pools.get(_key(endpoint, deployment))
        return (0, 0) if pool is None else (pool.count, pool.ready)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        request_id = str(uuid.uuid4())
        endpoint, _, path = _inner_path(scope).strip("/").partition("/")
        deployment, answer = await self._answer(endpoint.lower(), path, request, request_id)
        headers = response_headers(answer, deployment, request_id)
        await Response(answer.body, answer.status, headers)(scope, receive, send)

    async def _answer(self, endpoint: str, path: str, request: Request, request_id: str) -> tuple[str, Answer]:
        began = time.perf_counter()
        route = self._routes.get(endpoint)
        if route is None or path not in _PATHS:
            return "", text(404, "Not Found")
        if not _admitted(route, request.headers.get("authorization")):
            deployment, answer = "", denied(request.headers.get("authorization"))
        else:
            headers = request_headers(request.headers, request_id)
            query = f"?{request.url.query}" if request.url.query else ""
            body = await request.body()
            ask = Ask(method=request.method, path=f"/{path}{query}", body=body, headers=headers)
            deployment, answer = await self._dispatch(endpoint, request.headers.get(DEPLOYMENT_HEADER), ask)
        if path == "score":
            self._record(_line(route, request, request_id), deployment, answer, began)
        return deployment, answer

    async def _dispatch(self, endpoint: str, wanted: str | None, ask: Ask) -> tuple[str, Answer]:
        """Choose the deployment and ask it. The route is read only now: the body may have taken its time."""
        route = self._routes.get(endpoint, Route(endpoint=endpoint))
        deployment = wanted.lower() if wanted else choose(route.traffic, self._random)
        if deployment is None or (wanted and _key(endpoint, deployment) not in self._pools):
            return "", nothing_to_route_to()
        if not wanted and ask.path.startswith("/score"):
            self._mirror(route, ask)
        if fault := await self.faults(endpoint, deployment):
            return deployment, fault
        pool = self._pools.get(_key(endpoint, deployment))
        return deployment, not_ready() if pool is None else await pool.answer(ask)

    def _mirror(self, route: Route, ask: Ask) -> None:
        target = mirror_target(route.mirror, self._random)
        pool = None if target is None else self._pools.get(_key(route.endpoint, target))
        if target is None or pool is None or len(self._mirrors) >= MIRRORS_IN_FLIGHT:
            return
        task = asyncio.create_task(self._shadow(route.endpoint.lower(), target, pool, ask))
        self._mirrors.add(task)
        task.add_done_callback(self._mirrors.discard)

    async def _shadow(self, endpoint: str, deployment: str, pool: Pool, ask: Ask) -> None:
        began = time.perf_counter()
        answer = await self.faults(endpoint, deployment) or await pool.answer(ask)
        line = Scored(at=self._clock(), endpoint=endpoint, deployment="", status=0, duration_ms=0, mirrored=True)
        self._record(line, deployment, answer, began)

    def _record(self, line: Scored, deployment: str, answer: Answer, began: float) -> None:
        """Complete the line of a request with its answer, and note it."""
        self.telemetry.record(
            msgspec.structs.replace(
                line,
                at=self._clock(),
                deployment=deployment,
                status=answer.status,
                duration_ms=1000 * (time.perf_counter() - began),
                model_status=answer.model_status,
                reason=answer.headers.get("ms-azureml-model-error-reason", ""),
                response_bytes=len(answer.body),
            )
        )

    def _make(self, container: Container, changed: Callable[[], None]) -> Instance:
        if container.kind != SCORING_SCRIPT:
            return Stub(container)
        assert self._session is not None, "start() comes first"
        log = self._new_log(container.endpoint, container.deployment)
        return ScoringInstance(container, log, self._server, self._session, self._speed, changed)

    def _folder(self, endpoint: str, deployment: str) -> Path:
        return self._logs.joinpath(*_key(endpoint, deployment))

    def _new_log(self, endpoint: str, deployment: str) -> Path:
        folder = self._folder(endpoint, deployment)
        folder.mkdir(parents=True, exist_ok=True)
        number = max((int(file.stem) for file in folder.glob("*.log")), default=0) + 1
        log = folder / f"{number}.log"
        log.touch()
        return log


def _line(route: Route, request: Request, request_id: str) -> Scored:
    """The traffic log's line of a request, as far as it is known before the answer."""
    given = request.headers
    return Scored(
        at=datetime.min.replace(tzinfo=UTC),
        endpoint=route.endpoint.lower(),
        deployment="",
        status=0,
        duration_ms=0,
        auth=route.auth_mode,
        method=request.method,
        request_id=request_id,
        client_request_id=given.get("x-ms-client-request-id", ""),
        user_agent=given.get("user-agent", ""),
        request_bytes=int(given.get("content-length") or 0),
    )


def _key(endpoint: str, deployment: str) -> tuple[str, str]:
    return endpoint.lower(), deployment.lower()


def _fault(container: Container) -> str:
    """Why this container cannot even be started ("" if it can)."""
    if container.kind != SCORING_SCRIPT:
        return ""
    if container.code_dir is None or container.scoring_script is None:
        return "A deployment with a scoring script needs code_configuration with code and scoring_script."
    if not (container.code_dir / container.scoring_script).is_file():
        return f"The scoring script {container.scoring_script} is not in the code asset."
    return ""


def _admitted(route: Route, authorization: str | None) -> bool:
    scheme, _, token = (authorization or "").partition(" ")
    given = token.strip().encode()
    return scheme.lower() == "bearer" and any(hmac.compare_digest(given, key.encode()) for key in route.keys)


def _inner_path(scope: Scope) -> str:
    """The path below the place where we are mounted."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(root) if root else path
