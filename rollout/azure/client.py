"""Requests to Azure Resource Manager: azure-core's async pipeline on one aiohttp session.

Reads are retried by azure-core (429, 5xx and lost connections, with `Retry-After`). Writes are not: whoever writes
must read again first, because the request that got no answer may have been carried out.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal

import aiohttp
import msgspec
from azure.core import AsyncPipelineClient
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import (
    AsyncRetryPolicy,
    HeadersPolicy,
    RequestIdPolicy,
    SansIOHTTPPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy

from rollout.azure.errors import NETWORK_HINT, Transient, from_answer, from_exception, from_problem
from rollout.azure.paths import same_service, with_version
from rollout.azure.problem import Problem, read_problem
from rollout.errors import AzureError
from rollout.ports import RequestCount

_NUMBER: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
Kind = Literal["reads", "writes", "polls"]
_READ_RETRIES: Final = 4
_CONNECT_SECONDS: Final = 20
_ANSWER_SECONDS: Final = 120
_EXCHANGE_SECONDS: Final = 1200
"""A request with all its repetitions; after a `100 Continue` nothing else would bound the wait for the answer."""
_LONGEST_PAUSE: Final = 120.0
"""Seconds that a read waits at most before it is tried again, whatever `Retry-After` says."""
_MOST_PAGES: Final = 1_000
_AFTER: Final = {"retry-after-ms": 0.001, "x-ms-retry-after-ms": 0.001, "retry-after": 1.0}


class Answer(msgspec.Struct, frozen=True):
    """What came back: status, decoded JSON (None if there was no body), headers with lower-case names."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def date(self) -> datetime:
        """The service's own time of the answer. Raises AzureError where it does not say it."""
        try:
            return parsedate_to_datetime(self.headers.get("date", "")).astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            sentence = "the answer does not say when it was given, as if a proxy had taken its Date out"
            raise AzureError(sentence, code="UnreadableAnswer", hint=NETWORK_HINT) from None

    @property
    def after(self) -> float | None:
        """How many seconds the service asks us to wait, if it says so (Azure has a header in milliseconds too)."""
        for name, unit in _AFTER.items():
            if _NUMBER.fullmatch(value := self.headers.get(name, "")):
                return float(value) * unit
        return None


class _Page(msgspec.Struct, frozen=True):
    """One page of a list: its entries, each a JSON object, and where the next one is."""

    value: list[dict[str, Any]] | None = None
    next: str | None = msgspec.field(name="nextLink", default=None)


class Counting(SansIOHTTPPolicy[Any, Any]):
    """Counts what really goes over the wire, retries included."""

    def __init__(self, requests: RequestCount) -> None:
        self._requests = requests

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Count one attempt under the kind that the caller named."""
        kind = request.context.setdefault("rollout.kind", request.context.options.pop("kind", "reads"))
        setattr(self._requests, kind, getattr(self._requests, kind) + 1)


class ReadRetry(AsyncRetryPolicy[HttpRequest, AsyncHttpResponse]):
    """azure-core's retries, bounded: `Retry-After: inf`, or a date next year, must not hold a job up."""

    def get_retry_after(self, response: PipelineResponse[Any, Any]) -> float | None:
        """Seconds, if the service has a wish that can be read."""
        try:
            wish = super().get_retry_after(response)
        except (ValueError, TypeError, OverflowError):
            return None
        return min(wish, _LONGEST_PAUSE) if wish is not None and wish >= 0 else None


class ArmClient:
    """One connection pool to Resource Manager. Create it inside the event loop; close it at the end."""

    def __init__(
        self,
        base_url: str,
        credential: AsyncTokenCredential,
        scope: str,
        requests: RequestCount,
        session: aiohttp.ClientSession,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.requests = requests
        self._client: AsyncPipelineClient[HttpRequest, AsyncHttpResponse] = AsyncPipelineClient(
            self.base_url,
            policies=[
                RequestIdPolicy(),
                HeadersPolicy({"Accept": "application/json"}),
                UserAgentPolicy(base_user_agent="azureml-rollout"),
                ReadRetry(retry_total=_READ_RETRIES, retry_backoff_factor=0.3, retry_backoff_max=20),
                AsyncARMChallengeAuthenticationPolicy(credential, scope),
                Counting(requests),
            ],
            # The session brings its own TLS context: azure-core would build one for every request.
            transport=AioHttpTransport(
                session=session,
                session_owner=False,
                connection_timeout=_CONNECT_SECONDS,
                read_timeout=_ANSWER_SECONDS,
            ),
        )

    async def get(self, path: str, what: str, *, kind: Kind = "reads") -> Answer:
        """GET a path or an absolute URL of the service; raises our faults for 400 and above."""
        return await self.send("GET", path, what, kind=kind)

    async def find(self, path: str, what: str, *, kind: Kind = "reads") -> Answer:
        """GET what may not exist: a 404 for the resource itself is an answer, for its workspace a fault."""
        answer = await self._exchange("GET", path, what, None, kind)
        if answer.status != 404:
            return _accepted(answer, what)
        if _parent_is_missing(answer.body):
            said = read_problem(answer.body).message
            raise from_problem(Problem(codes=("ParentResourceNotFound",), message=said, status=404), what)
        return answer

    async def pages(self, path: str, what: str) -> list[Any]:
        """All entries of a list, following `nextLink`; [] where its parent is gone. Raises AzureError for what is no
        list, or has no end."""
        found: list[Any] = []
        seen = {path}
        while len(seen) <= _MOST_PAGES:
            answer = await self.find(path, what)
            page = _page(answer.body, what) if answer.status < 400 else _Page()
            found += page.value or ()
            if not page.next:
                return found
            if page.next in seen:
                break
            path = page.next
            seen.add(path)
        raise AzureError(f"{what}: the list has no end", code="UnreadableAnswer")

    async def send(self, method: str, path: str, what: str, body: Any = None, *, kind: Kind) -> Answer:
        """One request; raises our faults for 400 and above."""
        return _accepted(await self._exchange(method, path, what, body, kind), what)

    async def _exchange(self, method: str, path: str, what: str, body: Any, kind: Kind) -> Answer:
        request = HttpRequest(method, self._address(path, what), **({} if body is None else {"json": body}))
        once: dict[str, Any] = {"retry_total": 0} if kind == "writes" else {}
        try:
            for _ in range(1 if kind == "writes" else _READ_RETRIES):
                async with asyncio.timeout(_EXCHANGE_SECONDS):
                    answer = _answer(await self._client.send_request(request, kind=kind, **once))
                if answer.status >= 400 or not isinstance(answer.body, str):
                    return answer
        except Exception as error:
            raise from_exception(error, what) from error
        raise Transient(f"{what}: the answer is no JSON, as if a proxy had given it", hint=NETWORK_HINT)

    def _address(self, path: str, what: str) -> str:
        if path.startswith("/"):
            return self.base_url + with_version(path)
        if not same_service(path, self.base_url):
            raise AzureError(f"{what}: the service names another host, which gets no token", code="ForeignHost")
        return with_version(path)


def tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    """The system's authorities, and those of `ca_bundle`. Raises AzureError if the file cannot be used."""
    context = ssl.create_default_context()
    if ca_bundle:
        try:
            context.load_verify_locations(cafile=ca_bundle)
        except (OSError, ssl.SSLError) as error:
            raise AzureError(
                f"the CA bundle {ca_bundle} cannot be read ({error.strerror or error})", code="BadCaBundle"
            ) from error
    return context


def _page(body: Any, what: str) -> _Page:
    try:
        return msgspec.convert(body, _Page)
    except msgspec.ValidationError as error:
        raise AzureError(f"{what}: the answer is no list ({error})", code="UnreadableAnswer") from error


def _accepted(answer: Answer, what: str) -> Answer:
    if answer.status >= 400:
        raise from_answer(answer.status, answer.body, what, after=answer.after)
    return answer


def _answer(response: AsyncHttpResponse) -> Answer:
    content = response.content
    headers = {name.lower(): value for name, value in response.headers.items()}
    try:
        body = msgspec.json.decode(content) if content.strip() else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = content.decode(errors="replace")
    return Answer(response.status_code, body, headers)


def _parent_is_missing(body: Any) -> bool:
    """Whether a 404 is about the subscription, the group or the workspace: a wrong target, not a new endpoint."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return False
    message = str(error.get("message", "")).lower()
    if error.get("code") in ("SubscriptionNotFound", "ResourceGroupNotFound", "ParentResourceNotFound"):
        return True
    return error.get("code") == "ResourceNotFound" and "workspaces/" in message and "onlineendpoints" not in message
