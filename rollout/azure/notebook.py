"""`ports.Notebook`: one small blob in the workspace's own storage, written only over the version that was read."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import aiohttp
from azure.core import MatchConditions
from azure.core.exceptions import AzureError as ClientError
from azure.core.exceptions import HttpResponseError

from rollout.azure.client import ArmClient
from rollout.azure.credentials import AsyncCredential
from rollout.azure.errors import from_exception
from rollout.azure.leasing import open_blob
from rollout.azure.paths import Paths
from rollout.errors import Stale

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobClient

MOST: Final = 1024 * 1024
"""Bytes that are read of it."""
_LOST: Final = frozenset({"ConditionNotMet", "BlobAlreadyExists", "TargetConditionNotMet"})


class BlobNotebook:
    """One blob; the version is its ETag."""

    def __init__(self, blob: BlobClient) -> None:
        self._blob = blob

    async def read(self) -> tuple[bytes, str]:
        """See `ports.Notebook`. One request."""
        try:
            found = await self._blob.download_blob(0, MOST)
            return await found.readall(), str(found.properties.etag)
        except ClientError as error:
            if isinstance(error, HttpResponseError) and error.status_code == 404:
                return b"", ""
            raise from_exception(error, f"read {self._blob.blob_name}") from error

    async def write(self, content: bytes, version: str) -> None:
        """See `ports.Notebook`. One request."""
        try:
            if version:
                await self._blob.upload_blob(
                    content, overwrite=True, etag=version, match_condition=MatchConditions.IfNotModified
                )
            else:
                await self._blob.upload_blob(content, overwrite=False)
        except ClientError as error:
            if getattr(error, "error_code", "") in _LOST:
                raise Stale(f"somebody else wrote {self._blob.blob_name}") from error
            raise from_exception(error, f"write {self._blob.blob_name}") from error


@contextlib.asynccontextmanager
async def open_notebook(
    client: ArmClient, paths: Paths, credential: AsyncCredential, session: aiohttp.ClientSession, name: str
) -> AsyncIterator[BlobNotebook]:
    """The notes of that name; two reads to find the storage. Raises our faults."""
    async with open_blob(client, paths, credential, session, f"rollout/{name}") as blob:
        yield BlobNotebook(blob)
