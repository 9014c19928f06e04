"""The local GitHub as a server on loopback: REST, the bit of GraphQL, git over HTTP, identity tokens of jobs."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.azure_devops import rest as azure
from tests.github import rest
from tests.github.rest import Asked, Refused
from tests.github.world import Token, World
from tests.gitlab import rest as gitlab

LIMITS = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4999", "x-ratelimit-used": "1"}


@contextmanager
def github(folder: Path) -> Iterator[World]:
    """A GitHub of one's own, as long as the block lasts."""
    world = World(folder)
    listening = socket.create_server(("127.0.0.1", 0))
    world.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(application(world), log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield world
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


def application(world: World) -> Starlette:
    """The routes."""

    async def api(request: Request) -> Response:
        return await _api(world, request)

    async def graph(request: Request) -> Response:
        return _graphql(world, request, await request.json())

    async def git(request: Request) -> Response:
        return await _git(world, request)

    async def identity(request: Request) -> Response:
        return _identity(world, request)

    async def connection(request: Request) -> Response:
        """What an agent's job gets for a service connection."""
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in world.tokens:
            return JSONResponse({"message": "unauthorized"}, 401)
        subject = f"sc:{request.query_params['serviceConnectionId']}"
        return JSONResponse({"oidcToken": assertion(world, subject, "api://AzureADTokenExchange")})

    every = ["GET", "POST", "PATCH", "PUT", "DELETE"]
    return Starlette(
        routes=[
            *azure.routes(world),
            *gitlab.routes(world),
            Route(f"/{azure.ORGANISATION}/_oidc", connection, methods=["POST"]),
            Route("/{organisation}/{owner}/_git/{name}/{service:path}", git, methods=["GET", "POST"]),
            Route("/graphql", graph, methods=["POST"]),
            Route("/api/graphql", graph, methods=["POST"]),
            Route("/api/v3/repos/{owner}/{name}/{rest:path}", api, methods=every),
            Route("/_oidc", identity),
            Route("/repos/{owner}/{name}", api, methods=every),
            Route("/repos/{owner}/{name}/{rest:path}", api, methods=every),
            Route("/{owner}/{name}/info/refs", git),
            Route("/{owner}/{name}/{service:path}", git, methods=["GET", "POST"]),
        ]
    )


async def _api(world: World, request: Request) -> Response:
    path = request.url.path
    world.calls.append((request.method, path))
    try:
        for script in world.scripted:
            if script.path in path:
                world.scripted.remove(script)
                return JSONResponse(script.body, script.status, headers=script.headers)
        answer = await _route(world, request)
    except Refused as refused:
        body = {**refused.body, **({"errors": refused.errors} if refused.errors else {})}
        answer = JSONResponse(body, refused.status, headers=refused.headers)
    answer.headers.update({**LIMITS, "x-ratelimit-reset": str(int(time.time()) + 3600)})
    return answer


async def _route(world: World, request: Request) -> Response:
    token = _token(world, request)
    repo = world.repos.get(f"{request.path_params['owner']}/{request.path_params['name']}")
    if repo is None:
        raise Refused(404, "Not Found")
    body = json.loads(await request.body() or b"{}")
    asked = Asked(world, repo, token, request, body)
    match request.method, [part for part in request.path_params.get("rest", "").split("/") if part]:
        case "GET", []:
            return rest.repository(asked)
        case "GET" | "POST", ["issues"]:
            return rest.issues(asked)
        case "PATCH", ["issues", "comments", identity]:
            return rest.comment(asked, int(identity))
        case "GET" | "POST", ["issues", number, "comments"]:
            return rest.comments(asked, int(number))
        case "GET" | "PATCH", ["issues" | "pulls" as kind, number]:
            return rest.item(asked, int(number), kind)
        case "GET" | "POST", ["pulls"]:
            return rest.pulls(asked)
        case "GET", ["pulls", number, "reviews"]:
            return rest.reviews(asked, int(number))
        case "GET", ["commits", commit, "status"]:
            return rest.combined(asked, commit)
        case "POST", ["statuses", commit]:
            return rest.add_status(asked, commit)
        case "GET", ["commits", commit, "pulls"]:
            return rest.pulls_of(asked, commit)
    raise Refused(404, "Not Found")


def _token(world: World, request: Request) -> Token:
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        secret = base64.b64decode(secret).decode().partition(":")[2]
    if secret not in world.tokens:
        raise Refused(401, "Bad credentials")
    return world.tokens[secret]


def _graphql(world: World, request: Request, body: dict[str, Any]) -> Response:
    try:
        token = _token(world, request)
    except Refused as refused:
        return JSONResponse(refused.body, 401)
    if "viewer" in body["query"]:
        world.calls.append(("POST", "/graphql viewer"))
        return JSONResponse({"data": {"viewer": {"login": token.login}}})
    world.calls.append(("POST", "/graphql minimizeComment"))
    subject = body["variables"]["id"]
    repo = next((r for r in world.repos.values() if any(c["node_id"] == subject for c in r.comments.values())), None)
    if repo is None or not token.may("pull-requests: write"):
        message = "Resource not accessible by integration" if repo else "Could not resolve to a node"
        return JSONResponse({"data": None, "errors": [{"type": "FORBIDDEN", "message": message}]})
    repo.folded.add(subject)
    return JSONResponse({"data": {"minimizeComment": {"minimizedComment": {"isMinimized": True}}}})


def _identity(world: World, request: Request) -> Response:
    """What a runner gives a job that may have an identity: a token whose subject says where the job runs."""
    known = request.headers.get("authorization", "").removeprefix("bearer ")
    if not known.startswith("job:"):
        return JSONResponse({"message": "unauthorized"}, 401)
    return JSONResponse(
        {"value": assertion(world, known.removeprefix("job:"), request.query_params["audience"]), "count": 1}
    )


def assertion(world: World, subject: str, audience: str) -> str:
    """An unsigned token of identity, five minutes long."""
    world.assertions.append(subject)
    claims = {"sub": subject, "aud": audience, "exp": int(time.time()) + 300}
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, b""))


async def _git(world: World, request: Request) -> Response:
    """Git's own server side, behind our check of the token."""
    name = f"{request.path_params['owner']}/{request.path_params['name'].removesuffix('.git')}"
    writes = "git-receive-pack" in (str(request.url.query), request.url.path.rpartition("/")[2]) or (
        request.query_params.get("service") == "git-receive-pack"
    )
    try:
        token = _token(world, request)
    except Refused:
        return Response("authentication required", 401, headers={"WWW-Authenticate": 'Basic realm="GitHub"'})
    if name not in world.repos or not token.may(f"contents: {'write' if writes else 'read'}"):
        return Response("Write access to repository not granted.", 403)
    answer = await asyncio.to_thread(_backend, world, request, name, await request.body())
    head, _, body = answer.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    status = int(headers.pop("Status", "200").split()[0])
    return Response(body, status, headers=headers)


def _backend(world: World, request: Request, name: str, body: bytes) -> bytes:
    service = request.url.path.partition(request.path_params["name"])[2]
    environment = {
        **os.environ,
        "GIT_PROJECT_ROOT": str(world.folder),
        "GIT_HTTP_EXPORT_ALL": "1",
        "REMOTE_USER": "somebody",
        "REQUEST_METHOD": request.method,
        "PATH_INFO": f"/{name}.git{service}",
        "QUERY_STRING": request.url.query,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
    }
    done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=environment, check=True)
    return done.stdout
