"""Azure Monitor's own addresses, all at the emulator's: metrics of many resources, and Log Analytics.

POST /subscriptions/{id}/metrics:getBatch      azure-monitor-querymetrics
POST /v1/workspaces/{id}/query, /v1/{resource}/query, /v1/$batch      azure-monitor-query
"""

from __future__ import annotations

import re
import time
import uuid
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request

from rollout.emulator import access
from rollout.emulator.answers import Answer, JsonObject, Rejected, plain
from rollout.emulator.monitor.catalogue import METRICS
from rollout.emulator.monitor.reader import logs, lowered, metrics
from rollout.emulator.service import Service
from rollout.emulator.web_arm import arm_headers

BATCH: Final = re.compile(r"/subscriptions/([^/]+)/metrics:getBatch", re.IGNORECASE)
_WORKSPACE: Final = re.compile(r"/v1/workspaces/([^/]+)/query", re.IGNORECASE)
_RESOURCE: Final = re.compile(r"/v1(/subscriptions/.+)/query", re.IGNORECASE)
MOST_RESOURCES: Final = 50
_T = TypeVar("_T")
_READ_LOGS: Final = "Microsoft.OperationalInsights/workspaces/query/AmlOnlineEndpointTrafficLog/read"


class QueryBody(msgspec.Struct, frozen=True):
    """A log query."""

    query: str
    timespan: str | None = None


class ResourceIds(msgspec.Struct, frozen=True):
    """The resources of a batch of metrics."""

    resourceids: list[str]


def concerns(path: str) -> bool:
    """Whether a path is one of these."""
    return bool(BATCH.fullmatch(path)) or path.startswith("/v1/")


async def answer(service: Service, request: Request, path: str) -> Answer:
    """Answer a request; refusals are answers in the API's own shape."""
    headers = arm_headers(service.now(), request.headers.get("x-ms-client-request-id"))
    try:
        body = _act(service, request, path, await request.body())
    except Rejected as refusal:
        error = {**refusal.error, "correlationId": headers["x-ms-correlation-request-id"]}
        return Answer(refusal.status, {"error": error}, headers)
    return Answer(200, body, headers)


def _act(service: Service, request: Request, path: str, raw: bytes) -> JsonObject:
    authorization = request.headers.get("authorization")
    refusal = service.entra.check_monitor(authorization, time.time())
    if refusal is not None:
        raise refusal
    if request.method != "POST" and not (request.method == "GET" and path.endswith("/query")):
        raise plain(405, "MethodNotAllowed", f"{request.method} is not allowed here.")
    client = service.entra.client(authorization or "")
    if BATCH.fullmatch(path):
        return _metrics(service, client, dict(request.query_params), raw)
    _authorise(service, client, _READ_LOGS, service.scope.workspace_path)
    if path == "/v1/$batch":
        return {"responses": [_one_of_batch(service, each) for each in _decoded(raw, dict[str, Any])["requests"]]}
    if request.method == "GET":
        return _logs(service, path, QueryBody(request.query_params["query"], request.query_params.get("timespan")))
    return _logs(service, path, _decoded(raw, QueryBody))


def _metrics(service: Service, client: str, query: dict[str, str], raw: bytes) -> JsonObject:
    asked = lowered(query)
    namespace, ids = asked.get("metricnamespace", ""), _decoded(raw, ResourceIds).resourceids
    if namespace.lower() not in METRICS:
        raise plain(400, "BadRequest", f"The metric namespace '{namespace}' is not supported.")
    if not 0 < len(ids) <= MOST_RESOURCES:
        raise plain(400, "BadRequest", f"A batch must name from 1 to {MOST_RESOURCES} resources.")
    values = []
    for resource in ids:
        _authorise(service, client, "Microsoft.Insights/Metrics/Read", resource)
        service.exists(resource, service.now())
        found = metrics(service, resource, namespace, asked, service.now())
        start, _, end = found.pop("timespan").partition("/")
        values.append({"starttime": start, "endtime": end, "resourceid": resource, **found})
    return {"values": values}


def _logs(service: Service, path: str, body: QueryBody) -> JsonObject:
    if match := _WORKSPACE.fullmatch(path):
        if match[1].lower() != service.log_workspace_id:
            raise plain(404, "WorkspaceNotFoundError", f"The workspace could not be found: {match[1]}")
        return logs(service, body.query, body.timespan, service.now())
    if match := _RESOURCE.fullmatch(path):
        endpoint = match[1].lower().partition("/onlineendpoints/")[2].partition("/")[0]
        return logs(service, body.query, body.timespan, service.now(), endpoint)
    raise plain(404, "PathNotFoundError", "The requested path does not exist")


def _one_of_batch(service: Service, asked: JsonObject) -> JsonObject:
    """One answer of a batch: a refusal is the answer of that query alone."""
    try:
        query = msgspec.convert(asked["body"], QueryBody)
        body = _logs(service, f"/v1/workspaces/{asked['workspace']}/query", query)
    except Rejected as refusal:
        error = {**refusal.error, "correlationId": str(uuid.uuid4())}
        return {"id": asked["id"], "status": refusal.status, "headers": {}, "body": {"error": error}}
    return {"id": asked["id"], "status": 200, "headers": {}, "body": body}


def _authorise(service: Service, client: str, wanted: str, scope: str) -> None:
    who = service.directory.principal(client)
    if not access.allowed(who.roles, wanted):
        raise access.denied(who.client_id, who.object_id, wanted, scope)


def _decoded(raw: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError as error:
        raise plain(400, "BadRequest", f"The request content was invalid: {error}") from error
