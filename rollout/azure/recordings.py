"""`ports.Recordings`: the files of a data asset, by Resource Manager and the storage that it points to."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import aiohttp
import msgspec
from azure.core.exceptions import AzureError as ClientError

from rollout.azure.client import ArmClient
from rollout.azure.credentials import AsyncCredential
from rollout.azure.errors import from_exception
from rollout.azure.leasing import store_credential
from rollout.azure.paths import Paths
from rollout.errors import AzureError
from rollout.ports import Recording

if TYPE_CHECKING:
    from azure.storage.blob.aio import ContainerClient

_STORE: Final = re.compile(r"azureml://(?:.*/)?datastores/([^/]+)/paths/(.+)", re.IGNORECASE)
_WORKSPACE: Final = re.compile(r"/workspaces/([^/]+)/", re.IGNORECASE)
_HOSTS: Final = (".core.windows.net", ".core.usgovcloudapi.net", ".core.chinacloudapi.cn")
"""Microsoft's storage: no other host gets our token."""
_ENDINGS: Final = (".json", ".jsonl", ".ndjson")
_MOST_FILES: Final = 1000
_WHERE: Final = (
    "A data asset of type uri_file or uri_folder, in a blob datastore of this workspace or an Azure blob URL."
)


class _Place(msgspec.Struct, frozen=True):
    """Where an asset's files are. `store` "" : no datastore, the account is opened with our own token."""

    account: str
    container: str
    path: str
    store: str = ""


class BlobRecordings:
    """The data assets of one workspace. Nothing is kept between two calls."""

    def __init__(
        self, client: ArmClient, paths: Paths, credential: AsyncCredential, session: aiohttp.ClientSession
    ) -> None:
        self._client = client
        self._paths = paths
        self._credential = credential
        self._session = session

    async def files(self, name: str, version: str, most: int) -> tuple[Recording, ...]:
        """See `ports.Recordings`. Two or three reads of Resource Manager, one list, one download for each file."""
        what = f"read data asset {name}:{version}"
        answer = await self._client.find(self._paths.asset("data", name, version), what)
        if answer.status == 404:
            hint = f"Register it (az ml data create --name {name} --version {version} …), or name another."
            raise AzureError(f"the workspace has no data asset {name}:{version}", code="NoAsset", hint=hint)
        found = answer.body["properties"]
        if found.get("dataType") not in ("uri_file", "uri_folder"):
            raise AzureError(f"data asset {name}:{version} is a {found.get('dataType')}", code="NoFiles", hint=_WHERE)
        place = await self._place(str(found.get("dataUri", "")), what)
        try:
            async with self._container(place) as container:
                return await _download(container, place.path, found["dataType"] == "uri_folder", most, what)
        except ClientError as error:
            raise from_exception(error, what) from error

    async def _place(self, uri: str, what: str) -> _Place:
        if match := _STORE.fullmatch(uri):
            return await self._in_store(match[1], unquote(match[2]), uri, what)
        parts = urlsplit(uri)
        container, _, path = unquote(parts.path).lstrip("/").partition("/")
        host = parts.hostname or ""
        if parts.scheme != "https" or ".blob." not in host or not host.endswith(_HOSTS) or not container:
            raise AzureError(f"{what}: its files are in no blob storage that can be read", code="NoFiles", hint=_WHERE)
        return _Place(f"https://{host}", container, path)

    async def _in_store(self, store: str, path: str, uri: str, what: str) -> _Place:
        named = _WORKSPACE.search(uri)
        if named and unquote(named[1]).lower() != self._paths.workspace.lower():
            raise AzureError(f"{what}: its files are in another workspace's datastore", code="NoFiles", hint=_WHERE)
        body = (await self._client.get(self._paths.datastore(store), what)).body["properties"]
        if not body.get("accountName") or not body.get("containerName"):
            raise AzureError(f"{what}: its datastore {store} is no blob container", code="NoFiles", hint=_WHERE)
        host = f"https://{body['accountName']}.blob.{body.get('endpoint') or 'core.windows.net'}"
        return _Place(host, body["containerName"], path, store)

    @asynccontextmanager
    async def _container(self, place: _Place) -> AsyncIterator[ContainerClient]:
        from azure.core.pipeline.transport import AioHttpTransport
        from azure.storage.blob.aio import ContainerClient

        ours = self._credential
        async with ContainerClient(
            place.account,
            place.container,
            credential=await store_credential(self._client, self._paths, place.store, ours) if place.store else ours,
            transport=AioHttpTransport(session=self._session, session_owner=False),
            retry_total=2,
        ) as container:
            yield container


async def _download(container: ContainerClient, path: str, folder: bool, most: int, what: str) -> tuple[Recording, ...]:
    """The file, or those below the folder in the order of their names; sizes are added up before anything is read."""
    prefix = f"{path.rstrip('/')}/" if folder and path.strip("/") else path.strip("/")
    names: list[str] = []
    size = 0
    async for blob in container.list_blobs(name_starts_with=prefix):
        if not (blob.name.lower().endswith(_ENDINGS) if folder else blob.name == prefix):
            continue
        names.append(blob.name)
        size += blob.size
        if size > most or len(names) > _MOST_FILES:
            said = f"{what}: its files are more than {most} bytes, or more than {_MOST_FILES}"
            raise AzureError(said, code="TooLarge", hint="Register a smaller part of them, such as one hour's folder.")
    if not names:
        hint = f"Files that end in {', '.join(_ENDINGS)} below the folder, or the path of one file."
        raise AzureError(f"{what}: there are no files at its path", code="NoFiles", hint=hint)
    return tuple([Recording(name, await _whole(container, name, most, what)) for name in names])


async def _whole(container: ContainerClient, name: str, most: int, what: str) -> bytes:
    """One file; it may have grown since it was listed."""
    blob = await container.download_blob(name)
    if blob.size > most:
        raise AzureError(f"{what}: {name} is more than {most} bytes", code="TooLarge")
    return await blob.readall()
