"""The door to a target. The emulator is a target like any other: only address, authority and credential differ."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

import aiohttp
import msgspec

from rollout.azure.address import PUBLIC_ARM, Target
from rollout.azure.alerts import AlertReader
from rollout.azure.allowance import Admission, Allowances, Reserve, Unlimited
from rollout.azure.arm import ArmControlPlane
from rollout.azure.assets import SdkDeployer
from rollout.azure.autoscale import FRESH, LASTING, AutoscaleView
from rollout.azure.client import ArmClient
from rollout.azure.credentials import AsyncCredential, TokenSource, build, choose, principal
from rollout.azure.leasing import BlobLock, open_lock
from rollout.azure.listing import Listing
from rollout.azure.metrics import AzureMonitor
from rollout.azure.notebook import BlobNotebook, open_notebook
from rollout.azure.operations import Pace
from rollout.azure.recordings import BlobRecordings
from rollout.azure.scoring import HttpScoring
from rollout.azure.thin import ThinWire
from rollout.azure.wire import CoreWire, Wire, tls_context
from rollout.bounded import BoundedResponse
from rollout.errors import UsageError
from rollout.ports import RequestCount
from rollout.proxies import Proxies

__all__ = ["PUBLIC_ARM", "Connection", "Shared", "Target", "connect"]


class Connection(msgspec.Struct, frozen=True):
    """What `connect` gives: the control plane and the data plane of one workspace, who signed in, for people, what its
    data plane counted, its alert rules, the lock of an endpoint (its name, and who wants it), its data assets, and
    notes that all runners share, by name."""

    control_plane: ArmControlPlane
    scoring: HttpScoring
    signed_in_by: str
    monitor: AzureMonitor
    alerts: AlertReader
    lock: Callable[[str, str], AbstractAsyncContextManager[BlobLock]]
    recordings: BlobRecordings
    notebook: Callable[[str], AbstractAsyncContextManager[BlobNotebook]]


class _Account(msgspec.Struct, frozen=True):
    """What all targets at one address with one credential share."""

    session: aiohttp.ClientSession
    source: TokenSource
    signed_in_by: str
    wire: Wire


class Shared:
    """The connections of one process: one session, sign-in and TLS context for each address and credential, one view
    of a resource group's autoscale settings, one bucket of requests for each subscription. Close it at the end.

    With `bulk` reads take the thin wire, and endpoints that are expected are read by list. With a `reserve` the buckets
    are those of several processes.
    """

    def __init__(self, *, bulk: bool = False, reserve: Reserve | None = None) -> None:
        self._bulk = bulk
        self._reserve = reserve
        self._open = AsyncExitStack()
        self._accounts: dict[object, _Account] = {}
        self._autoscale: dict[tuple[str, str], AutoscaleView] = {}
        self._listings: dict[tuple[str, str], Listing] = {}

    async def connection(
        self, target: Target, *, pace: Pace | None = None, autoscale: bool = False, speed: float | None = None
    ) -> Connection:
        """A connection that counts its own requests. No request is made before the first use; see `connect`.

        `speed` is how many seconds of the service's time pass in one of ours; None: nothing is held back.
        """
        account = await self._account(target, speed)
        paths, credential, session = target.paths, AsyncCredential(account.source), account.session
        client = ArmClient(target.arm_url, account.wire, RequestCount())
        plane = ArmControlPlane(
            client,
            paths,
            SdkDeployer(target, account.source, client.requests),
            pace,
            autoscale=self._autoscaling(target) if autoscale else None,
            listing=self._listing(target) if self._bulk else None,
        )
        return Connection(
            plane,
            HttpScoring(client, paths, credential, target.scopes[1], session),
            account.signed_in_by,
            AzureMonitor(target.arm_url, credential, session),
            AlertReader(client, paths),
            partial(open_lock, client, paths, credential, session),
            BlobRecordings(client, paths, credential, session),
            partial(open_notebook, client, paths, credential, session),
        )

    def expect(self, target: Target, endpoint: str) -> None:
        """That endpoint is going to be looked at."""
        self._listing(target).expect(endpoint)

    async def close(self) -> None:
        """Close all connections."""
        await self._open.aclose()

    async def _account(self, target: Target, speed: float | None) -> _Account:
        if urlsplit(target.arm_url).scheme != "https":
            raise UsageError(f"the target's address must be https: {target.arm_url}")
        given = None if target.environment is None else frozenset(target.environment.items())
        key = (target.arm_url, target.ca_bundle, given, speed)
        if (known := self._accounts.get(key)) is None:
            known = self._accounts[key] = await self._signed_in(target, speed)
        return known

    async def _signed_in(self, target: Target, speed: float | None) -> _Account:
        environment = os.environ if target.environment is None else target.environment
        choice = choose(environment)
        source = build(choice, environment, ca_bundle=target.ca_bundle)
        session = await self._open.enter_async_context(_session(target))
        credential = AsyncCredential(source)
        who = partial(principal, credential, target.scopes[0])
        admission: Admission = Unlimited() if speed is None else Allowances(speed, reserve=self._reserve, principal=who)
        wire: Wire = CoreWire(target.arm_url, credential, target.scopes[0], session, admission)
        if self._bulk:
            wire = ThinWire(wire, credential, target.scopes[0], session, admission)
        return _Account(session, source, choice.describe(), wire)

    def _autoscaling(self, target: Target) -> AutoscaleView:
        view = AutoscaleView(target.paths, FRESH if self._bulk else LASTING)
        return self._autoscale.setdefault((target.arm_url, target.paths.group.lower()), view)

    def _listing(self, target: Target) -> Listing:
        return self._listings.setdefault((target.arm_url, target.paths.home.lower()), Listing(target.paths))


@asynccontextmanager
async def connect(target: Target, *, pace: Pace | None = None, autoscale: bool = False) -> AsyncIterator[Connection]:
    """Connect to a target; the connections are closed at the end. No request is made before the first use.

    With `autoscale` the first look also finds out which deployments Azure Monitor scales: one read more.

    Raises UsageError for an address that is not HTTPS, SignInError if no credential can be chosen, AzureError for a
    CA bundle that cannot be read.
    """
    shared = Shared()
    try:
        yield await shared.connection(target, pace=pace, autoscale=autoscale)
    finally:
        await shared.close()


def _session(target: Target) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls_context(target.ca_bundle), limit=100, limit_per_host=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        response_class=BoundedResponse,
        middlewares=() if target.loopback else (Proxies(),),
    )
