"""The lock of one endpoint: a lease of 60 seconds on a blob in the workspace's own storage, renewed while it is needed.

It ends by itself within a minute of its holder's end, so nothing stays stuck. It keeps reconcilers apart; it is no
fence: who stalls for longer than a minute between `check` and a write has lost it unseen (docs/locking.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from azure.core.exceptions import AzureError as ClientError
from azure.core.exceptions import HttpResponseError

from rollout.azure.client import ArmClient
from rollout.azure.credentials import AsyncCredential
from rollout.azure.errors import from_exception
from rollout.azure.paths import Paths
from rollout.errors import AzureError, Locked

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobClient

SECONDS: Final = 60
"""How long the lease lives unless it is renewed: the longest that storage grants."""
EVERY: Final = 15.0
"""Seconds between two renewals."""
MARGIN: Final = 10.0
"""A lease that ends in less than so many seconds is not relied on for a write."""
LOOK: Final = 2.0
"""Seconds between two tries while the lock is waited for."""
_TAKEN: Final = "LeaseAlreadyPresent"
_GONE: Final = frozenset(
    {"LeaseIdMismatchWithLeaseOperation", "LeaseIsBrokenAndCannotBeRenewed", "LeaseNotPresentWithLeaseOperation"}
)
_BY_ITSELF: Final = "It ends within a minute of its holder's end. Wait for it (--lock-wait), or end it: rollout unlock."


class BlobLock:
    """`ports.Lock` on one blob. `now` tells seconds of this machine, for the age of the lease."""

    def __init__(self, blob: BlobClient, endpoint: str, who: str, now: Callable[[], float] = time.monotonic) -> None:
        self.id = str(uuid.uuid4())
        self._blob = blob
        self._endpoint = endpoint
        self._who = who
        self._now = now
        self._until = 0.0
        self._lost = ""

    @contextlib.asynccontextmanager
    async def held(self, wait: float) -> AsyncIterator[None]:
        """Hold it while the block runs, waiting at most `wait` seconds for it. Raises Locked, and our faults."""
        await self._acquire(wait)
        renewing = asyncio.create_task(self._renew_for_ever())
        try:
            yield
        finally:
            renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewing
            with contextlib.suppress(ClientError):  # then it ends by itself
                await self._lease().release()

    def check(self) -> None:
        """Raises Locked unless the lease will live for the next seconds."""
        if self._lost or self._now() > self._until - MARGIN:
            why = self._lost or "it could not be renewed in time"
            raise Locked(
                f"the lock of {self._endpoint} was lost: {why}",
                hint="Nothing more was written. Run the same command again.",
            )

    async def end(self, lock_id: str) -> str:
        """Take the lock away from the holder whose id starts so. Who that was. Raises Locked for another id, AzureError
        if nobody holds it."""
        holder = await self._holder()
        if not holder:
            raise AzureError(f"nobody holds the lock of {self._endpoint}", code="NotLocked")
        if len(lock_id) < 4 or not holder["id"].startswith(lock_id):
            raise Locked(f"the lock of {self._endpoint} is {_said(holder)}, not {lock_id}")
        await self._lease().break_lease(0)
        return _said(holder)

    async def _acquire(self, wait: float) -> None:
        deadline = self._now() + wait
        await self._make_sure_of_the_blob()
        while not await self._took():
            if self._now() >= deadline:
                holder = await self._holder()
                told = _said(holder) if holder else "somebody else's"
                raise Locked(f"the lock of {self._endpoint} is {told}", hint=_BY_ITSELF)
            await asyncio.sleep(min(LOOK, max(0.1, deadline - self._now())))
        known = {"id": self.id, "who": _ascii(self._who), "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        await self._blob.set_blob_metadata(known, lease=self._lease())

    async def _make_sure_of_the_blob(self) -> None:
        what = f"lock {self._endpoint}"
        try:
            await self._blob.upload_blob(b"", overwrite=False)
        except ClientError as error:
            if getattr(error, "error_code", "") not in ("BlobAlreadyExists", "LeaseIdMissing"):
                raise from_exception(error, what) from error

    async def _took(self) -> bool:
        begun = self._now()
        try:
            await self._lease().acquire(SECONDS)
        except ClientError as error:
            if getattr(error, "error_code", "") == _TAKEN:
                return False
            raise from_exception(error, f"lock {self._endpoint}") from error
        self._until = begun + SECONDS
        return True

    async def _renew_for_ever(self) -> None:
        """A renewal that gets no answer is tried again at the next turn: the lease lives for four of them."""
        while not self._lost:
            await asyncio.sleep(EVERY)
            begun = self._now()
            try:
                await self._lease().renew()
                self._until = begun + SECONDS
            except ClientError as error:
                if getattr(error, "error_code", "") in _GONE:
                    self._lost = "somebody took it away"

    async def _holder(self) -> Mapping[str, str]:
        try:
            found = await self._blob.get_blob_properties()
        except ClientError as error:
            if isinstance(error, HttpResponseError) and error.status_code == 404:
                return {}
            raise from_exception(error, f"look at the lock of {self._endpoint}") from error
        return {"id": "", "who": "", "since": "", **found.metadata} if found.lease.state == "leased" else {}

    def _lease(self) -> Any:
        from azure.storage.blob.aio import BlobLeaseClient

        return BlobLeaseClient(self._blob, lease_id=self.id)


@contextlib.asynccontextmanager
async def open_lock(
    client: ArmClient,
    paths: Paths,
    credential: AsyncCredential,
    session: aiohttp.ClientSession,
    endpoint: str,
    who: str,
) -> AsyncIterator[BlobLock]:
    """The lock of one endpoint of the workspace; two reads to find its storage. Raises our faults."""
    async with open_blob(client, paths, credential, session, f"rollout/locks/{endpoint.lower()}") as blob:
        yield BlobLock(blob, endpoint, who)


@contextlib.asynccontextmanager
async def open_blob(
    client: ArmClient, paths: Paths, credential: AsyncCredential, session: aiohttp.ClientSession, name: str
) -> AsyncIterator[BlobClient]:
    """A blob of that name in the workspace's own storage; two reads to find it. Raises our faults."""
    from azure.core.pipeline.transport import AioHttpTransport
    from azure.storage.blob.aio import BlobClient

    store = await _default_store(client, paths)
    found = store["properties"]
    async with BlobClient(
        f"https://{found['accountName']}.blob.{found.get('endpoint') or 'core.windows.net'}",
        found["containerName"],
        name,
        credential=await store_credential(client, paths, store["name"], credential),
        transport=AioHttpTransport(session=session, session_owner=False),
        retry_total=2,
    ) as blob:
        yield blob


async def _default_store(client: ArmClient, paths: Paths) -> Mapping[str, Any]:
    listed = await client.pages(f"{paths.home}/datastores?isDefault=true", "find the workspace's storage")
    found = next((one for one in listed if one["properties"].get("isDefault")), None)
    if found is None or not found["properties"].get("containerName"):
        raise AzureError("the workspace has no default blob datastore to keep a lock in", code="NoDatastore")
    return dict(found)


async def store_credential(client: ArmClient, paths: Paths, store: str, credential: AsyncCredential) -> Any:
    """The datastore's own secret where it has one, else our token."""
    from azure.core.credentials import AzureSasCredential

    path = f"{paths.home}/datastores/{store}/listSecrets"
    try:
        secrets = (await client.send("POST", path, "open the workspace's storage", kind="reads")).body or {}
    except AzureError:
        return credential
    match secrets.get("secretsType"):
        case "Sas":
            return AzureSasCredential(secrets["sasToken"])
        case "AccountKey":
            return secrets["key"]
        case _:
            return credential


def _said(holder: Mapping[str, str]) -> str:
    return f"{holder['who'] or 'somebody'}'s since {holder['since']} (id {holder['id'][:8]})"


def _ascii(text: str) -> str:
    """Metadata travels in headers."""
    return text.encode("ascii", "replace").decode()[:100].replace("\n", " ").replace("\r", " ").strip()
