"""Target: what follows long-running operations, and what reads and writes through it, on a wire that answers anything.

The input is `{"call": …, "answers": [{"status": …, "headers": {…}, "body": …, "cut": …}, …]}`. Real client, real TLS
on loopback; only the waiting is not real.
"""

# ruff: noqa: E501 - tables

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import aiohttp
import trustme
from azure.core.credentials import AccessToken

from rollout.azure import operations
from rollout.azure.allowance import Unlimited
from rollout.azure.arm import ArmControlPlane
from rollout.azure.client import Answer, ArmClient
from rollout.azure.deployments import Order
from rollout.azure.operations import Pace
from rollout.azure.paths import Paths
from rollout.azure.secret import scrub
from rollout.azure.sending import Sender
from rollout.azure.wire import CoreWire
from rollout.core.observed import Deployment, Endpoint
from rollout.errors import RolloutError
from rollout.ports import RequestCount
from tests.fuzz.target import Target, as_json, spelt, told
from tests.fuzz.virtual import VirtualLoop, Wire

PATIENCE: Final = 300.0
"""Seconds that one wait may last."""
LONGEST: Final = 8 * PATIENCE + 2000
"""Seconds after which any call has come back: the waits of all the operations that it may follow, each with a request
in it that gets no answer."""
MOST: Final = 2500
"""Requests of one trial."""
CANARY: Final = "canary-of-the-token-8b1d"
_PACE: Final = Pace(first=1.0, slowest=10.0, least=1.0, patience=PATIENCE)
_PATHS: Final = Paths("00000000-0000-0000-0000-000000000000", "ml", "prod")
_PATH: Final = _PATHS.endpoint("house")


class _Token:
    """Signs in at once, and knows how to be closed."""

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(CANARY, 4_000_000_000)

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> _Token:
        return self

    async def __aexit__(self, *reason: object) -> None:
        pass


class Bench:
    """One server, one client and one loop for all trials of this process."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.loop.set_exception_handler(lambda loop, context: None)
        self.wire = Wire()
        self.foreign: list[str] = []
        authority = trustme.CA()
        self._there, self._here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
        authority.issue_cert("127.0.0.1").configure_cert(self._there)
        authority.configure_trust(self._here)
        self.client = self.loop.run_until_complete(self._open())

    async def _open(self) -> ArmClient:
        self._server = await asyncio.start_server(self.wire.serve, "127.0.0.1", 0, ssl=self._there)
        self.wire.address = f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        watch = aiohttp.TraceConfig()
        watch.on_request_start.append(self._asked)
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._here), cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[watch]
        )
        wire = CoreWire(self.wire.address, _Token(), "scope", self.session, Unlimited())
        return ArmClient(self.wire.address, wire, RequestCount())

    async def _asked(self, session: Any, context: Any, asked: aiohttp.TraceRequestStartParams) -> None:
        if str(asked.url.origin()) != self.wire.address:
            self.foreign.append(str(asked.url))

    def close(self) -> None:
        """Stop the server, close the connections."""
        self._server.close()
        self.loop.run_until_complete(self.session.close())
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()


@cache
def bench() -> Bench:
    """The one of this process."""
    return Bench()


async def _call(made: Bench, name: Any, first: Answer) -> Any:
    client = made.client
    match name if isinstance(name, str) else "follow":
        case "operation":
            return await operations.follow_operation(client, f"{made.wire.address}/operations/1", "wait", _PACE)
        case "settled":
            return await operations.until_settled(client, _PATH, "wait", _PACE)
        case "gone":
            return await operations.until_gone(client, _PATH, "wait", _PACE)
        case "observe":
            return await ArmControlPlane(client, _PATHS, _Nobody(), _PACE).observe("house")
        case "settle":
            blue = Deployment(name="blue", state="Updating", count=1)
            busy = Endpoint(name="house", state="Creating", operation=f"{made.wire.address}/x", deployments=(blue,))
            return await ArmControlPlane(client, _PATHS, _Nobody(), _PACE).settle(busy)
        case "delete":
            return await Sender(client, _PACE).delete(_PATH, "delete")
        case "write":
            return await Sender(client, _PACE).write("PUT", _PATH, "update", _look)
        case _:
            return await operations.follow(client, first, _PATH, "update", _PACE)


async def _look(again: bool) -> Any:
    return {"properties": {}}


class _Nobody:
    """Deploys nothing: the poller is not about that."""

    async def start(self, order: Order) -> str | None:
        raise AssertionError("nothing is deployed here")


def _first(wire: Wire, answer: Mapping[str, Any]) -> Answer:
    """What a write would have answered, for the call that follows it."""
    given = answer.get("headers")
    headers = (
        {str(k).lower(): str(v).replace("BASE", wire.address) for k, v in given.items()}
        if isinstance(given, Mapping)
        else {}
    )
    status = answer.get("status")
    return Answer(status if isinstance(status, int) else 202, answer.get("body"), headers)


def _operation(data: bytes) -> str:
    """It comes back in bounded time, with our fault or none; the token went to nobody else and is in no text."""
    value = as_json(data)
    value = value if isinstance(value, Mapping) else {}
    listed = value.get("answers")
    answers: list[Mapping[str, Any]] = (
        [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    )
    made = bench()
    made.wire.answers, made.wire.asked = answers[:20] or [{}], 0
    made.foreign.clear()
    start = made.loop.time()
    outcome = made.loop.run_until_complete(_tried(made, value.get("call"), _first(made.wire, made.wire.answers[0])))
    passed = made.loop.time() - start
    assert passed < LONGEST, f"it took {passed:.0f} s"
    assert made.wire.asked < MOST, f"{made.wire.asked} requests"
    assert made.foreign == []
    return outcome


async def _tried(made: Bench, call: Any, first: Answer) -> str:
    try:
        await asyncio.wait_for(_call(made, call, first), 10 * LONGEST)
    except RolloutError as error:
        text = f"{error} {error.hint} {getattr(error, 'logs', '')}"
        assert CANARY not in text
        assert scrub(text) == text, "a secret in the text"
        return told(error)
    return "done"


_OPERATION: Final = {"Azure-AsyncOperation": "BASE/operations/1?api-version=1", "Retry-After": "2"}
_LOCATION: Final = {"Location": "BASE/results/1", "retry-after-ms": "500"}
_FAILED: Final = {
    "status": "Failed",
    "error": {"code": "UserError", "message": "bad", "details": [{"code": "X", "message": "sig=abc&x password=hush"}]},
}
_CREATING: Final = {"properties": {"provisioningState": "Creating"}}
_SUCCEEDED: Final = {"properties": {"provisioningState": "Succeeded", "traffic": {}}}
_INNER: Final = {"type": "InnerError", "info": {"value": {"code": "BadArgument", "innerError": {"code": "NotFound"}}}}
_POLICY: Final = {"code": "RequestDisallowedByPolicy", "message": "no", "additionalInfo": [{"type": "PolicyViolation"}]}


def _seed(call: str, *answers: Mapping[str, Any]) -> bytes:
    return spelt({"call": call, "answers": answers})


POLLER: Final = Target(
    name="poller",
    seeds=(
        _seed("follow", {"status": 202, "headers": _OPERATION}, {"body": {"status": "InProgress"}}, {"body": {"status": "Succeeded"}}),
        _seed("follow", {"status": 202, "headers": _LOCATION}, {"status": 202, "headers": _LOCATION}, {"status": 200, "body": {}}),
        _seed("follow", {"status": 201, "body": _CREATING}, {"body": _CREATING}, {"body": _SUCCEEDED}),
        _seed("operation", {"body": {"status": "Running"}, "headers": {"Retry-After": "0"}}, {"body": _FAILED}),
        _seed("operation", {"status": 429, "headers": {"Retry-After": "7"}}, {"status": 503, "body": "<html>busy</html>"}, {"status": 404}),
        _seed("operation", {"body": {"status": "Canceled", "error": {"code": "OperationCanceled", "additionalInfo": [_INNER]}}}),
        _seed("settled", {"body": _CREATING, "headers": {"Retry-After": "Thu, 01 Jan 2026 12:00:09 GMT"}}, {"body": _SUCCEEDED}),
        _seed("gone", {"body": {"properties": {"provisioningState": "Deleting"}}}, {"cut": True, "body": "{}"}, {"status": 404}),
        _seed("observe", {"body": {"name": "house", "properties": {"traffic": {"blue": 100}}}}, {"body": {"value": [{"name": "blue"}], "nextLink": "BASE/next"}}, {"body": {"value": []}}),
        _seed("settle", {"body": {"status": "Succeeded"}}, {"body": _SUCCEEDED}),
        _seed("delete", {"body": _SUCCEEDED}, {"status": 202, "headers": _LOCATION}, {"status": 204}, {"status": 404}),
        _seed("write", {"status": 409, "body": {"error": {"code": "Conflict", "message": "in Updating provisioning state"}}}),
        _seed("write", {"status": 403, "body": {"error": _POLICY}}),
        _seed("write", {"status": 401, "headers": {"WWW-Authenticate": 'Bearer claims="e30="'}, "body": {"error": {"code": "AuthenticationFailed"}}}, {"status": 200, "body": _SUCCEEDED}),
    ),
    trial=_operation,
    tree="json",
)  # fmt: skip
