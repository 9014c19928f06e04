"""The activity log: who wrote what, when, and how it ended. Events are values in Azure's own shape. Pure."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

import msgspec

from rollout.emulator.answers import JsonObject, Rejected, plain
from rollout.emulator.monitor.moments import BadMoment, moment

RETENTION: Final = timedelta(days=90)
PAGE: Final = 200
_TERM: Final = re.compile(r"\s*(\w+)\s+(ge|le|eq)\s+(?:'([^']*)'|([^\s']+))\s*", re.IGNORECASE)
_FIELDS: Final = {
    "resourceuri": "resourceId",
    "resourceid": "resourceId",
    "resourcegroupname": "resourceGroupName",
    "resourceprovider": "resourceProviderName",
    "resourcetype": "resourceType",
    "correlationid": "correlationId",
    "caller": "caller",
    "status": "status",
}


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """One request that was to change something, and what became of it. `status` is the HTTP status of the answer."""

    at: datetime
    subscription: str
    tenant: str
    caller: str
    client: str
    action: str
    resource: str
    method: str
    correlation: str
    status: int
    client_request: str = ""


def event(deed: Deed, status: str, at: datetime, number: int) -> JsonObject:
    """The event of a deed: `status` is Accepted, Succeeded or Failed."""
    known = HTTPStatus(deed.status)
    sub = {
        "value": known.name.title().replace("_", ""),
        "localizedValue": f"{known.phrase} (HTTP Status Code: {known})",
    }
    parts = deed.resource.strip("/").split("/")
    group = parts[3] if len(parts) > 3 else ""
    provider, _, kind = deed.action.rpartition("/")[0].partition("/")
    name = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{deed.correlation} {number}"))
    return {
        "authorization": {"action": deed.action, "scope": deed.resource},
        "caller": deed.caller,
        "channels": "Operation",
        "claims": {"appid": deed.client, "oid": deed.caller},
        "correlationId": deed.correlation,
        "description": "",
        "eventDataId": name,
        "eventName": _localised("EndRequest"),
        "category": _localised("Administrative"),
        "eventTimestamp": at.isoformat(),
        "id": f"{deed.resource}/events/{name}/ticks/{int(at.timestamp() * 1e7)}",
        "level": "Error" if status == "Failed" else "Informational",
        "operationId": deed.correlation,
        "operationName": _localised(deed.action),
        "resourceGroupName": group,
        "resourceProviderName": _localised(provider),
        "resourceType": _localised(f"{provider}/{kind}"),
        "resourceId": deed.resource,
        "status": _localised(status),
        "subStatus": sub,
        "submissionTimestamp": at.isoformat(),
        "subscriptionId": deed.subscription,
        "tenantId": deed.tenant,
        "httpRequest": {
            "clientRequestId": deed.client_request,
            "clientIpAddress": "127.0.0.1",
            "method": deed.method,
        },
        "properties": {"statusCode": sub["value"], "entity": deed.resource, "message": deed.action},
    }


def _localised(value: str) -> JsonObject:
    return {"value": value, "localizedValue": value}


def first_status(http_status: int) -> str:
    """How a deed stands when it was answered: an operation that began is Accepted."""
    if http_status >= 400:
        return "Failed"
    return "Accepted" if http_status in (201, 202) else "Succeeded"


class Wanted(msgspec.Struct, frozen=True):
    """What a query asks for: a span of time, and fields with their values."""

    start: datetime
    end: datetime
    fields: Mapping[str, str]

    def holds(self, one: JsonObject) -> bool:
        """Whether that event is wanted."""
        if not self.start <= moment(one["eventTimestamp"]) <= self.end:
            return False
        return all(_plain(one[field]).lower() == value.lower() for field, value in self.fields.items())


def wanted(text: str, now: datetime) -> Wanted:
    """The query of a `$filter`. It must say a start. Raises `Rejected` (400)."""
    start, end, fields = None, now, {}
    for name, operator, value in _terms(text):
        if name.lower() == "eventtimestamp":
            at = _moment(value)
            start, end = (at, end) if operator == "ge" else (start, at)
        elif name.lower() in _FIELDS and operator == "eq":
            fields[_FIELDS[name.lower()]] = value
        elif name.lower() not in ("eventchannels", "levels"):
            raise _bad(f"The field '{name}' is not supported in the filter.")
    if start is None:
        raise _bad("The filter must say the start of the time range: eventTimestamp ge '…'.")
    if start < now - RETENTION:
        raise _bad("The start time cannot be more than 90 days in the past.")
    return Wanted(start, end, fields)


def _terms(text: str) -> Iterator[tuple[str, str, str]]:
    for part in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE):
        match = _TERM.fullmatch(part)
        if match is None:
            raise _bad(f"The filter is not valid at: {part or 'its beginning'}")
        yield match[1], match[2].lower(), match[4] if match[3] is None else match[3]


def _moment(text: str) -> datetime:
    try:
        return moment(text)
    except BadMoment as error:
        raise _bad(f"'{text}' is not a time.") from error


def _plain(value: object) -> str:
    return str(value["value"] if isinstance(value, dict) else value)


def _bad(message: str) -> Rejected:
    return plain(400, "BadRequest", message)


def selected(events: Iterable[JsonObject], fields: str) -> list[JsonObject]:
    """Only the fields that `$select` names; all of them if it names none."""
    names = {name.strip().lower() for name in fields.split(",") if name.strip()}
    return [{key: value for key, value in one.items() if not names or key.lower() in names} for one in events]
