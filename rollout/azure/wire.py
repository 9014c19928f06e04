"""How requests travel to Resource Manager: azure-core's async pipeline on one aiohttp session.

Reads are retried by azure-core (429, 5xx and lost connections, with `Retry-After`). Writes are not: whoever writes
must read again first, because the request that got no answer may have been carried out.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import Any, Final, Protocol

import aiohttp
import msgspec
from azure.core import AsyncPipelineClient
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import (
    AsyncHTTPPolicy,
    AsyncRetryPolicy,
    HeadersPolicy,
    RequestIdPolicy,
    SansIOHTTPPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy

from rollout.azure.allowance import Admission
from rollout.azure.answer import Answer, Kind, decoded
from rollout.errors import AzureError
from rollout.ports import RequestCount

READ_RETRIES: Final = 4
"""How often a read is tried again."""
AGENT: Final = "azureml-rollout"
CONNECT_SECONDS: Final = 20
ANSWER_SECONDS: Final = 120
LONGEST_PAUSE: Final = 120.0
"""Seconds that a read waits at most before it is tried again, whatever `Retry-After` says."""
_EXCHANGE_SECONDS: Final = 1200
"""A request with all its repetitions; after a `100 Continue` nothing else would bound the wait for the answer."""


class Asked(msgspec.Struct, frozen=True):
    """One request. `url` is absolute. Every attempt is counted in `requests`. `retries`: of a read, instead of the
    usual. `until`: the moment (of `clock`) after which it must not leave any more."""

    method: str
    url: str
    body: Any
    kind: Kind
    requests: RequestCount
    retries: int | None = None
    until: float | None = None


class Wire(Protocol):
    """Sends one request to Resource Manager and brings its answer, whatever its status; shared by many."""

    async def exchange(self, asked: Asked) -> Answer:
        """Bring its answer. Raises TooLate where it could not leave in time, and what azure-core, aiohttp or
        azure-identity raise, too: `rollout.azure.errors.from_exception` knows them."""


class TooLate(Exception):
    """The request has not been sent."""


class Punctual(SansIOHTTPPolicy[Any, Any]):
    """The last thing before the wire: a request that may leave until some moment leaves by then or not at all, however
    long the machine stood still, the sign-in took, or the request waited for its turn."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Raises TooLate."""
        until = request.context.setdefault("rollout.until", request.context.options.pop("until", None))
        if until is not None and clock() > until:
            raise TooLate


class Counting(SansIOHTTPPolicy[Any, Any]):
    """Counts what really goes over the wire, retries included."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Count one attempt under the kind that the caller named."""
        options, context = request.context.options, request.context
        kind = context.setdefault("rollout.kind", options.pop("kind", "reads"))
        requests = context.setdefault("rollout.requests", options.pop("requests", None))
        setattr(requests, kind, getattr(requests, kind) + 1)


class Admitting(AsyncHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Each attempt waits until it will be taken."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    async def send(self, request: PipelineRequest[HttpRequest]) -> PipelineResponse[HttpRequest, AsyncHttpResponse]:
        """Wait, send, tell what came of it."""
        admitted = await self._admission.admit(request.http_request.method, request.http_request.url)
        try:
            response = await self.next.send(request)
        except BaseException:
            admitted.answered(0, {})
            raise
        admitted.answered(response.http_response.status_code, response.http_response.headers)
        return response


class ReadRetry(AsyncRetryPolicy[HttpRequest, AsyncHttpResponse]):
    """azure-core's retries, bounded: `Retry-After: inf`, or a date next year, must not hold a job up."""

    def get_retry_after(self, response: PipelineResponse[Any, Any]) -> float | None:
        """Seconds, if the service has a wish that can be read."""
        try:
            wish = super().get_retry_after(response)
        except (ValueError, TypeError, OverflowError):
            return None
        return min(wish, LONGEST_PAUSE) if wish is not None and wish >= 0 else None


class CoreWire:
    """azure-core's pipeline. Create it inside the event loop; whoever brings the session closes it."""

    def __init__(
        self,
        base_url: str,
        credential: AsyncTokenCredential,
        scope: str,
        session: aiohttp.ClientSession,
        admission: Admission,
    ) -> None:
        self._client: AsyncPipelineClient[HttpRequest, AsyncHttpResponse] = AsyncPipelineClient(
            base_url,
            policies=[
                RequestIdPolicy(),
                HeadersPolicy({"Accept": "application/json"}),
                UserAgentPolicy(base_user_agent=AGENT),
                ReadRetry(retry_total=READ_RETRIES, retry_backoff_factor=0.3, retry_backoff_max=20),
                AsyncARMChallengeAuthenticationPolicy(credential, scope),
                Admitting(admission),
                Punctual(),
                Counting(),
            ],
            # The session brings its own TLS context: azure-core would build one for every request.
            transport=AioHttpTransport(
                session=session,
                session_owner=False,
                connection_timeout=CONNECT_SECONDS,
                read_timeout=ANSWER_SECONDS,
            ),
        )

    async def exchange(self, asked: Asked) -> Answer:
        """See `Wire`."""
        request = HttpRequest(asked.method, asked.url, **({} if asked.body is None else {"json": asked.body}))
        total = 0 if asked.kind == "writes" else asked.retries
        once: dict[str, Any] = {} if total is None else {"retry_total": total}
        async with asyncio.timeout(_EXCHANGE_SECONDS):
            response = await self._client.send_request(
                request, kind=asked.kind, requests=asked.requests, until=asked.until, **once
            )
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, decoded(response.content), headers)


def clock() -> float:
    """Seconds that also pass while this machine sleeps, where its system counts those."""
    with_sleep = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if with_sleep is None else time.clock_gettime(with_sleep)


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
