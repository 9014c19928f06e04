"""A target and the door to it. The emulator is a target like any other: only address, authority and credential
differ."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from rollout.azure.alerts import AlertReader
from rollout.azure.arm import ArmControlPlane
from rollout.azure.assets import SdkDeployer
from rollout.azure.client import ArmClient, tls_context
from rollout.azure.credentials import AsyncCredential, TokenSource, build, choose
from rollout.azure.leasing import BlobLock, open_lock
from rollout.azure.metrics import AzureMonitor
from rollout.azure.operations import Pace
from rollout.azure.paths import Paths
from rollout.azure.recordings import BlobRecordings
from rollout.azure.scoring import HttpScoring
from rollout.bounded import BoundedResponse
from rollout.errors import UsageError
from rollout.ports import RequestCount

PUBLIC_ARM: Final = "https://management.azure.com"
_SCOPES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "management.usgovcloudapi.net": (
            "https://management.usgovcloudapi.net/.default",
            "https://ml.azure.us/.default",
        ),
        "management.chinacloudapi.cn": ("https://management.chinacloudapi.cn/.default", "https://ml.azure.cn/.default"),
    }
)
_PUBLIC_SCOPES: Final = ("https://management.azure.com/.default", "https://ml.azure.com/.default")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Which workspace, and how to get there.

    `environment` holds the variables that choose the credential; None: those of this process. It may hold secrets,
    so it is never shown. `ca_bundle` is the path of further certificate authorities (PEM).
    """

    subscription_id: str
    resource_group: str
    workspace: str
    arm_url: str = PUBLIC_ARM
    ca_bundle: str | None = None
    environment: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        return f"Target({self.subscription_id}/{self.resource_group}/{self.workspace} at {self.arm_url})"

    @property
    def paths(self) -> Paths:
        """The addresses of the workspace's resources."""
        return Paths(self.subscription_id, self.resource_group, self.workspace)

    @property
    def loopback(self) -> bool:
        """Whether this is a server on this machine, to which no proxy leads."""
        return urlsplit(self.arm_url).hostname in ("127.0.0.1", "localhost", "::1")

    @property
    def scopes(self) -> tuple[str, str]:
        """The token scopes for Resource Manager and for scoring."""
        return _SCOPES.get(urlsplit(self.arm_url).hostname or "", _PUBLIC_SCOPES)


class Connection(msgspec.Struct, frozen=True):
    """What `connect` gives: the control plane and the data plane of one workspace, who signed in, for people, what its
    data plane counted, its alert rules, the lock of an endpoint (its name, and who wants it), and its data assets."""

    control_plane: ArmControlPlane
    scoring: HttpScoring
    signed_in_by: str
    monitor: AzureMonitor
    alerts: AlertReader
    lock: Callable[[str, str], AbstractAsyncContextManager[BlobLock]]
    recordings: BlobRecordings


@asynccontextmanager
async def connect(target: Target, *, pace: Pace | None = None, autoscale: bool = False) -> AsyncIterator[Connection]:
    """Connect to a target; the connections are closed at the end. No request is made before the first use.

    With `autoscale` the first look also finds out which deployments Azure Monitor scales: one read more.

    Raises UsageError for an address that is not HTTPS, SignInError if no credential can be chosen, AzureError for a
    CA bundle that cannot be read.
    """
    if urlsplit(target.arm_url).scheme != "https":
        raise UsageError(f"the target's address must be https: {target.arm_url}")
    environment = os.environ if target.environment is None else target.environment
    choice = choose(environment)
    source = build(choice, environment, ca_bundle=target.ca_bundle)
    async with _session(target) as session:
        client = _client(target, source, session)
        deployer = SdkDeployer(target, source, client.requests)
        control_plane = ArmControlPlane(client, target.paths, deployer, pace, autoscale=autoscale)
        scoring = HttpScoring(client, target.paths, AsyncCredential(source), target.scopes[1], session)
        monitor = AzureMonitor(target.arm_url, AsyncCredential(source), session)
        lock = partial(open_lock, client, target.paths, AsyncCredential(source), session)
        alerts = AlertReader(client, target.paths)
        recordings = BlobRecordings(client, target.paths, AsyncCredential(source), session)
        yield Connection(control_plane, scoring, choice.describe(), monitor, alerts, lock, recordings)


def _session(target: Target) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls_context(target.ca_bundle), limit=100, limit_per_host=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        response_class=BoundedResponse,
        trust_env=not target.loopback,
    )


def _client(target: Target, source: TokenSource, session: aiohttp.ClientSession) -> ArmClient:
    return ArmClient(target.arm_url, AsyncCredential(source), target.scopes[0], RequestCount(), session)
