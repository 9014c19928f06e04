"""Both wires to Resource Manager, azure-core's pipeline and the thin one for bulk reads: one set of expectations.

A real TLS server on loopback that answers what it is told; only pauses are shortened, by what the server asks for.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from azure.core.credentials import AccessToken

from rollout.azure.allowance import Allowances
from rollout.azure.client import ArmClient
from rollout.azure.credentials import AsyncCredential
from rollout.azure.paths import Paths
from rollout.azure.target import Target, _session
from rollout.azure.thin import ThinWire
from rollout.azure.wire import CoreWire, Wire
from rollout.errors import AzureError, RolloutError, SignedOut, SignInError
from rollout.ports import RequestCount

PATHS = Paths("00000000-0000-0000-0000-000000000000", "ml", "prod")
HOUSE = PATHS.endpoint("house")
BUSY = {"error": {"code": "TooManyRequests", "message": "Too many requests."}}
SOON = {"Retry-After": "0"}
Reply = tuple[int, Any, dict[str, str]]


class Signer:
    """Signs in; the tokens are numbered."""

    def __init__(self) -> None:
        self.given: list[dict[str, Any]] = []

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """See azure-core."""
        self.given.append(options)
        return AccessToken(f"token-{len(self.given)}", int(time.time()) + 3600)


class Service:
    """Answers in order, the last one for ever; None cuts the connection."""

    def __init__(self) -> None:
        self.replies: Sequence[Reply | None] = (None,)
        self.asked: list[tuple[str, str]] = []
        self.addresses: list[str] = []
        self.times: list[float] = []
        self.heard = asyncio.Event()
        self.reply: Callable[[str], Reply] | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The next answer."""
        reply = self.replies[min(len(self.asked), len(self.replies) - 1)]
        self.asked.append((request.method, request.headers["Authorization"]))
        self.addresses.append(request.raw_path)
        self.heard.set()
        self.times.append(time.monotonic())
        if self.reply is not None:
            reply = self.reply(request.headers["Authorization"])
        if reply is None:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        status, body, headers = reply
        if isinstance(body, str):
            return web.Response(status=status, text=body, headers=headers)
        return web.json_response(body, status=status, headers=headers)


class Bench:
    """A client of one wire, and the service at its end."""

    def __init__(self, client: ArmClient, service: Service, signer: Signer) -> None:
        self.client = client
        self.service = service
        self.signer = signer

    def answers(self, *replies: Reply | None) -> None:
        """From now on."""
        self.service.replies = replies


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """The service's TLS, and the authority that vouches for it."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path_factory.mktemp("wires") / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    return context, bundle


@pytest.fixture(params=["azure-core", "thin"])
async def bench(request: pytest.FixtureRequest, there: tuple[ssl.SSLContext, Path]) -> AsyncIterator[Bench]:
    """One of both."""
    (context, bundle), service, signer = there, Service(), Signer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    address = f"https://127.0.0.1:{runner.addresses[0][1]}"
    target = Target(
        subscription_id=PATHS.subscription_id,
        resource_group="ml",
        workspace="prod",
        arm_url=address,
        ca_bundle=str(bundle),
    )
    async with _session(target) as session:
        credential, free = AsyncCredential(signer), Allowances()
        wire: Wire = CoreWire(address, credential, "scope", session, free)
        if request.param == "thin":
            wire = ThinWire(wire, credential, "scope", session, free)
        yield Bench(ArmClient(address, wire, RequestCount()), service, signer)
    await runner.cleanup()


async def test_what_is_there_is_answered(bench: Bench) -> None:
    """Body, time and headers; one request, counted as it was named, with one token for all."""
    headers = {"Date": "Mon, 23 Nov 2026 01:00:00 GMT", "Retry-After": "7", "Azure-AsyncOperation": "there"}
    bench.answers((200, {"name": "house"}, headers))
    found = await bench.client.get(HOUSE, "look")
    polled = await bench.client.get(HOUSE, "poll", kind="polls")
    assert (found.status, found.body, polled.body) == (200, {"name": "house"}, {"name": "house"})
    assert (found.date.isoformat(), found.after) == ("2026-11-23T01:00:00+00:00", 7.0)
    assert found.headers.get("azure-asyncoperation") == "there"
    assert bench.client.requests == RequestCount(reads=1, polls=1)
    assert bench.service.asked == [("GET", "Bearer token-1")] * 2


async def test_what_is_missing_is_an_answer(bench: Bench) -> None:
    """Of the resource itself; of its workspace it is a fault."""
    bench.answers((404, {"error": {"code": "NotFound", "message": "No house."}}, {}))
    assert (await bench.client.find(HOUSE, "look")).status == 404
    bench.answers((404, {"error": {"code": "ResourceGroupNotFound", "message": "No ml."}}, {}))
    with pytest.raises(RolloutError, match="No ml"):
        await bench.client.find(HOUSE, "look")
    assert bench.client.requests.reads == 2


@pytest.mark.parametrize("status", [429, 503])
async def test_what_passes_is_tried_again(bench: Bench, status: int) -> None:
    """As soon as the service allows; each attempt is counted."""
    bench.answers((status, BUSY, SOON), (200, {"name": "house"}, {}))
    assert (await bench.client.get(HOUSE, "look")).body == {"name": "house"}
    assert bench.client.requests == RequestCount(reads=2)


async def test_a_lost_connection_is_tried_again(bench: Bench) -> None:
    """At once. (aiohttp tries a cut GET once more by itself, which nobody counts.)"""
    bench.answers(None, None, (200, {"name": "house"}, {}))
    assert (await bench.client.get(HOUSE, "look")).body == {"name": "house"}
    assert bench.client.requests == RequestCount(reads=2)


async def test_what_does_not_pass_ends(bench: Bench) -> None:
    """Four attempts in all, then the fault."""
    bench.answers((503, BUSY, SOON))
    with pytest.raises(RolloutError) as raised:
        await bench.client.get(HOUSE, "look")
    assert (type(raised.value).__name__, str(raised.value)) == ("Transient", "look: Too many requests.")
    assert bench.client.requests == RequestCount(reads=4)


async def test_the_service_says_how_long(bench: Bench) -> None:
    """`Retry-After` is kept to."""
    bench.answers((429, BUSY, {"Retry-After": "1"}), (200, {}, {}))
    await bench.client.get(HOUSE, "look")
    first, second = bench.service.times
    assert 0.95 < second - first < 3.0


FAULTS: list[tuple[int, str, type[RolloutError]]] = [
    (401, "ExpiredAuthenticationToken", SignedOut),
    (403, "AuthorizationFailed", SignInError),
    (400, "BadRequest", AzureError),
]


@pytest.mark.parametrize(("status", "code", "kind"), FAULTS)
async def test_a_refusal_is_not_tried_again(bench: Bench, status: int, code: str, kind: type[RolloutError]) -> None:
    """It is the fault that its code says, after one request."""
    bench.answers((status, {"error": {"code": code, "message": "No."}}, {}))
    with pytest.raises(kind) as raised:
        await bench.client.get(HOUSE, "look")
    assert str(raised.value) == "look: No."
    assert bench.client.requests == RequestCount(reads=1)


async def test_a_challenge_is_met(bench: Bench) -> None:
    """Continuous access evaluation: a 401 with claims asks for a token with them."""
    claims = 'Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
    refused = (401, {"error": {"code": "InvalidAuthenticationToken", "message": "No."}}, {"WWW-Authenticate": claims})

    def reply(authorization: str) -> Reply:
        number = int(authorization.rpartition("-")[2])
        challenged = bench.signer.given[number - 1].get("claims") == '{"access_token":{}}'
        return (200, {"name": "house"}, {}) if challenged else refused

    bench.service.reply = reply
    assert (await bench.client.find(HOUSE, "look")).body == {"name": "house"}


async def test_what_is_no_json_is_asked_again_and_then_told(bench: Bench) -> None:
    """As if a proxy had answered."""
    bench.answers((200, "<html>", {}))
    with pytest.raises(RolloutError) as raised:
        await bench.client.get(HOUSE, "look")
    assert str(raised.value) == "look: the answer is no JSON, as if a proxy had given it"
    assert bench.client.requests == RequestCount(reads=4)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/house%2Fblue?q=a%26b", "/house%2Fblue?q=a%26b&api-version=2024-04-01"),
        ("/a house?q=ä", "/a%20house?q=%C3%A4&api-version=2024-04-01"),
    ],
)
async def test_an_address_is_sent_as_it_was_given(bench: Bench, path: str, sent: str) -> None:
    """What the service has quoted stays so; what it should have quoted is."""
    bench.answers((200, {"name": "house"}, {}))
    await bench.client.get(path, "look")
    assert bench.service.addresses == [sent]


async def test_no_redirect_is_followed(bench: Bench) -> None:
    """A token goes nowhere else."""
    bench.answers((307, {}, {"Location": "https://127.0.0.1:1/elsewhere"}))
    assert (await bench.client.find(HOUSE, "look")).status == 307
    assert len(bench.service.asked) == 1


async def test_a_write_is_sent_once(bench: Bench) -> None:
    """Whatever comes of it."""
    bench.answers((503, BUSY, SOON))
    with pytest.raises(RolloutError):
        await bench.client.send("PUT", HOUSE, "write", {"tags": {}}, kind="writes")
    assert (bench.service.asked, bench.client.requests) == ([("PUT", "Bearer token-1")], RequestCount(writes=1))


async def test_what_is_left_is_learnt(bench: Bench) -> None:
    """Others have used the bucket up: the next request waits, instead of being refused."""
    bench.answers((200, {}, {"x-ms-ratelimit-remaining-subscription-reads": "1"}))
    for _ in range(3):
        await bench.client.get(HOUSE, "look")
    gaps = [later - sooner for sooner, later in zip(bench.service.times, bench.service.times[1:], strict=False)]
    assert len(gaps) == 2
    bench.answers((200, {}, {"x-ms-ratelimit-remaining-subscription-reads": "0"}))
    begun = time.monotonic()
    await asyncio.gather(*(bench.client.get(HOUSE, "look") for _ in range(12)))
    assert 0.3 < time.monotonic() - begun < 3.0


async def test_a_refused_bucket_holds_all_others_back(bench: Bench) -> None:
    """Not only the request that was refused."""
    bench.answers((200, {}, {}))
    await bench.client.get(HOUSE, "look")
    bench.answers((429, BUSY, {"Retry-After": "1"}), (429, BUSY, {"Retry-After": "1"}), (200, {}, {}))
    bench.service.asked.clear()
    bench.service.times.clear()
    bench.service.heard.clear()
    first = asyncio.create_task(bench.client.get(HOUSE, "look"))
    await bench.service.heard.wait()
    await asyncio.sleep(0.1)
    await bench.client.get(HOUSE, "look")
    await first
    assert min(time - bench.service.times[0] for time in bench.service.times[1:]) > 0.9
