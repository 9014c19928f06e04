"""Blob storage, as much of it as the SDKs use: HEAD, GET, PUT (whole or in blocks), metadata, listing, DELETE."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response

from rollout.emulator import web_lease
from rollout.emulator.blobs import Blob
from rollout.emulator.clock import http_date
from rollout.emulator.leases import LeaseRefusedError
from rollout.emulator.service import Service
from rollout.emulator.web_assets import opens

_META = "x-ms-meta-"


async def answer(service: Service, request: Request, path: str) -> Response:
    """Answer one request; `path` is `/{account}/{container}/{blob}`."""
    _, _, container, *rest = path.split("/", 3)
    name = rest[0] if rest else ""
    query = request.query_params
    if not opens(service, container, query.get("sig", "")):
        return _error(403, "AuthenticationFailed", "Server failed to authenticate the request.")
    if not name:
        return _container(service, request.method, container, query)
    try:
        if request.method == "PUT":
            return await _put(service, request, container, name)
        return _existing(service, request, container, name)
    except LeaseRefusedError as refused:
        return _error(refused.status, refused.code, refused.message)


def _container(service: Service, method: str, container: str, query: Mapping[str, str]) -> Response:
    if query.get("comp") == "list":
        blobs = service.blobs.listing(container, query.get("prefix", ""))
        entries = "".join(_entry(blob) for blob in blobs)
        text = f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="{escape(container)}">'
        text += f"<Blobs>{entries}</Blobs><NextMarker/></EnumerationResults>"
        return Response(text, media_type="application/xml")
    return Response(status_code=201 if method == "PUT" else 200, headers=_headers(service.now()))


def _entry(blob: Blob) -> str:
    size = blob.path.stat().st_size
    metadata = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in blob.metadata.items())
    details = (
        f"<Last-Modified>{_modified(blob)}</Last-Modified><Etag>{escape(blob.etag)}</Etag>"
        f"<Content-Length>{size}</Content-Length><Content-Type>application/octet-stream</Content-Type>"
        "<BlobType>BlockBlob</BlobType>"
    )
    return (
        f"<Blob><Name>{escape(blob.name)}</Name><Properties>{details}</Properties>"
        f"<Metadata>{metadata}</Metadata></Blob>"
    )


async def _put(service: Service, request: Request, container: str, name: str) -> Response:
    query, blobs = request.query_params, service.blobs
    metadata = _metadata(request.headers)
    body = await request.body()
    if query.get("comp") == "lease":
        found = blobs.find(container, name)
        if found is None:
            return _error(404, "BlobNotFound", "The specified blob does not exist.")
        return web_lease.answer(service.leases, (container, name), request.headers, _headers(service.now(), found))
    if blobs.find(container, name):
        service.leases.check_write((container, name), request.headers.get("x-ms-lease-id", ""), time.monotonic())
    match query.get("comp"):
        case "metadata":
            blob = blobs.find(container, name)
            if blob is None:
                return _error(404, "BlobNotFound", "The specified blob does not exist.")
            blobs.set_metadata(container, name, metadata)
            return Response(status_code=200, headers=_headers(service.now(), blobs.find(container, name)))
        case "block":
            blobs.put_block(container, name, query.get("blockid", ""), body)
            return Response(status_code=201, headers=_headers(service.now()))
        case "blocklist":
            done = blobs.commit_blocks(container, name, _block_ids(body), metadata)
            if done is None:
                return _error(400, "InvalidBlockList", "The specified block list is invalid.")
            return Response(status_code=201, headers=_headers(service.now(), done))
    if request.headers.get("if-none-match") == "*" and blobs.find(container, name):
        return _error(409, "BlobAlreadyExists", "The specified blob already exists.")
    wanted, there = request.headers.get("if-match", ""), blobs.find(container, name)
    if wanted not in ("", "*", there.etag if there else ""):
        return _error(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
    return Response(status_code=201, headers=_headers(service.now(), blobs.put(container, name, body, metadata)))


def _existing(service: Service, request: Request, container: str, name: str) -> Response:
    blob = service.blobs.find(container, name)
    if blob is None:
        return _error(404, "BlobNotFound", "The specified blob does not exist.")
    headers = _headers(service.now(), blob) | {f"{_META}{key}": value for key, value in blob.metadata.items()}
    state = service.leases.state((container, name), time.monotonic())
    headers |= {"x-ms-blob-type": "BlockBlob", "Accept-Ranges": "bytes", "x-ms-lease-state": state}
    headers["x-ms-lease-status"] = "locked" if state in ("leased", "breaking") else "unlocked"
    if request.method == "HEAD":
        return _Head(headers | {"Content-Length": str(blob.path.stat().st_size)})
    return _content(blob, headers, request.headers)


class _Head(Response):
    """An answer to HEAD: the length of a body that is not sent."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(b"", 200, headers, "application/octet-stream")


def _content(blob: Blob, headers: dict[str, str], asked: Mapping[str, str]) -> Response:
    content = blob.path.read_bytes()
    span = asked.get("x-ms-range") or asked.get("range")
    if not span or not content:
        return Response(content, 200, headers, "application/octet-stream")
    first, _, last = span.removeprefix("bytes=").partition("-")
    start, end = int(first), min(int(last or len(content)), len(content) - 1)
    if start > end:
        return _error(416, "InvalidRange", "The range specified is invalid for the current size of the resource.")
    headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
    return Response(content[start : end + 1], 206, headers, "application/octet-stream")


def _block_ids(body: bytes) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(body)]  # noqa: S314 - a client's own upload


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    return {key[len(_META) :]: value for key, value in headers.items() if key.startswith(_META)}


def _modified(blob: Blob) -> str:
    return http_date(datetime.fromtimestamp(blob.path.stat().st_mtime, UTC))


def _headers(now: datetime, blob: Blob | None = None) -> dict[str, str]:
    headers = {"x-ms-version": "2021-08-06", "x-ms-request-server-encrypted": "true"}
    if blob is None:
        return headers | {"Last-Modified": http_date(now)}
    return headers | {"ETag": blob.etag, "Last-Modified": _modified(blob)}


def _error(status: int, code: str, message: str) -> Response:
    text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Response(text, status, {"x-ms-error-code": code}, "application/xml")
