"""What is different between a recorded answer and the emulator's: statuses, headers, fields, kinds, values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import requests

from tests.replay.exchange import Exchange, translated

CHANCE: Final = frozenset({
    "startTime", "endTime", "createdAt", "createdBy", "lastModifiedAt", "principalId", "tenantId", "accessToken",
    "expiryTimeUtc", "refreshAfterTimeUtc", "AzureAsyncOperationUri", "pendingUploadId", "blobUri", "sasUri",
    "sasToken", "primaryKey", "secondaryKey", "content", "workspaceId", "codeUri",
})  # fmt: skip
"""Fields whose values are made anew each time; their kinds are compared all the same."""
STATES: Final = frozenset({"status", "percentComplete", "provisioningState"})
"""Fields whose values a mock has right, too: it was made after the recording."""
_BODILESS: Final = frozenset({"content-length"})


def differences(exchange: Exchange, answer: requests.Response, scope: str, *, mock: bool) -> Iterator[str]:
    """Each in words that do not depend on the run.

    Of a mock's answers neither the headers that it does not send nor its values (but for states) are compared.
    """
    if answer.status_code != exchange.status:
        yield f"status {exchange.status} → {answer.status_code}"
        return
    yield from _headers(exchange.headers, answer.headers, mock=mock)
    found = _body("", translated(exchange.answer, scope), _content(answer, exchange))
    yield from (what for what in found if not mock or not _of_value(what))


def _of_value(what: str) -> bool:
    field = what.removesuffix(" has another value")
    return field != what and field.rpartition(".")[2] not in STATES


def _content(answer: requests.Response, exchange: Exchange) -> Any:
    if exchange.operation == "POST score":
        return answer.text if isinstance(exchange.answer, str) else exchange.answer
    if isinstance(exchange.answer, str):
        return answer.text
    return answer.json() if answer.content else None


def _headers(theirs: Mapping[str, str], ours: Mapping[str, str], *, mock: bool) -> Iterator[str]:
    here = {name.lower() for name in ours}
    there = {name.lower() for name in theirs}
    yield from (f"header {name} is missing" for name in sorted(there - here))
    if not mock:
        yield from (f"header {name} is added" for name in sorted(here - there - _BODILESS))
    for name, value in theirs.items():
        if not mock and name.lower() in SAME and ours.get(name, value) != value:
            yield f"header {name.lower()} has another value"


SAME: Final = frozenset({
    "cache-control", "content-type", "expires", "pragma", "strict-transport-security", "x-content-type-options",
    "x-ms-response-type", "x-ms-async-operation-timeout", "server", "azureml-model-deployment",
    "x-ms-run-function-failed", "x-ms-error-code", "x-ms-blob-type",
})  # fmt: skip
"""Headers whose values are compared too."""


def _body(at: str, theirs: Any, ours: Any) -> Iterator[str]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        yield from _objects(at, theirs, ours)
    elif isinstance(theirs, list) and isinstance(ours, list):
        if len(theirs) != len(ours):
            yield f"{at}: {len(theirs)} → {len(ours)} entries"
        for one, other in zip(theirs, ours, strict=False):
            yield from _body(f"{at}[]", one, other)
    elif _kind(theirs) != _kind(ours):
        yield f"{at}: {_kind(theirs)} → {_kind(ours)}"
    elif theirs != ours and at.rpartition(".")[2] not in CHANCE:
        yield f"{at} has another value"


def _objects(at: str, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[str]:
    dot = f"{at}." if at else ""
    yield from (f"{dot}{name} is missing" for name in theirs if name not in ours)
    yield from (f"{dot}{name} is added" for name in ours if name not in theirs)
    for name in theirs:
        if name in ours:
            yield from _body(f"{dot}{name}", theirs[name], ours[name])


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, int | float):
        return "number"
    return {"str": "text", "dict": "object", "list": "list"}[type(value).__name__]
