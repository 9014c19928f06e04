"""`ports.Scoring`: our own HTTP to the data plane.

The SDK's `invoke` keeps the deployment header of one call for the next, and its retries would spoil a measurement.
Here each request is sent exactly once; an HTTP error is an answer, and its latency counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from rollout.azure.client import ArmClient
from rollout.azure.credentials import AsyncCredential
from rollout.azure.errors import KEY_HINT, SCORE_HINT, from_exception
from rollout.azure.paths import Paths
from rollout.azure.secret import Secret, scrub
from rollout.bounded import TooLong
from rollout.core.observed import Endpoint
from rollout.errors import AzureError, SignInError
from rollout.ports import ScoringAnswer, ScoringRequest

DEPLOYMENT_HEADER: Final = "azureml-model-deployment"
_EARLY: Final = 300.0
"""Seconds before its end at which a token is replaced."""


class _Key:
    """One endpoint's credential for scoring, and until when it is good (seconds since 1970; None: for ever)."""

    __slots__ = ("secret", "until")

    def __init__(self, secret: Secret, until: float | None) -> None:
        self.secret = secret
        self.until = until

    def good(self) -> bool:
        """Whether it will last for the next minutes."""
        return self.until is None or self.until - _EARLY > time.time()


class HttpScoring:
    """The data plane of the endpoints of one workspace; keys are kept in memory only."""

    def __init__(
        self,
        client: ArmClient,
        paths: Paths,
        credential: AsyncCredential,
        scope: str,
        session: aiohttp.ClientSession,
    ) -> None:
        self._client = client
        self._paths = paths
        self._credential = credential
        self._scope = scope
        self._session = session
        self._keys: dict[str, _Key] = {}
        self._fetching = asyncio.Lock()

    async def send(self, endpoint: Endpoint, request: ScoringRequest) -> ScoringAnswer:
        """See `ports.Scoring`."""
        headers = {"Content-Type": request.content_type, **request.headers}
        if request.deployment is not None:
            headers[DEPLOYMENT_HEADER] = request.deployment
        uri = endpoint.scoring_uri
        return await self._signed("POST", uri, endpoint, headers, request.body, request.timeout)

    async def probe(self, endpoint: Endpoint, deployment: str) -> ScoringAnswer:
        """See `ports.Scoring`."""
        headers = {DEPLOYMENT_HEADER: deployment}
        return await self._signed("GET", endpoint.swagger_uri, endpoint, headers, None, 30.0)

    async def _signed(
        self,
        method: str,
        uri: str,
        endpoint: Endpoint,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float,  # noqa: ASYNC109 - it belongs to the answer, whose latency is measured
    ) -> ScoringAnswer:
        """Send once; once more with a fresh key if the first was refused (keys are rotated, tokens expire)."""
        if urlsplit(uri).scheme != "https":
            raise AzureError(f"{endpoint.name} has no https address for scoring", code="NoScoringUri")
        for key in (await self._key(endpoint), None):
            key = key or await self._key(endpoint, fresh=True)
            signed = {**headers, "Authorization": f"Bearer {key.secret.reveal()}"}
            answer = await self._once(method, uri, signed, body, timeout)
            if answer.status != 401:
                break
        if answer.status in (401, 403):
            reason = scrub(answer.body[:200].decode(errors="replace"))
            hint = KEY_HINT if answer.status == 401 and endpoint.auth_mode == "key" else SCORE_HINT
            raise SignInError(f"{endpoint.name} refuses our {endpoint.auth_mode}: {reason}", hint=hint)
        return answer

    async def _once(
        self,
        method: str,
        uri: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float,  # noqa: ASYNC109
    ) -> ScoringAnswer:
        limit = aiohttp.ClientTimeout(total=timeout)
        start = time.perf_counter()
        try:
            async with self._session.request(
                method, uri, data=body, headers=headers, timeout=limit, allow_redirects=False
            ) as answer:
                content = await answer.read()
                seconds = time.perf_counter() - start
                found = {name.lower(): value for name, value in answer.headers.items()}
                return ScoringAnswer(status=answer.status, body=content, headers=found, seconds=seconds)
        except TooLong as error:
            return ScoringAnswer(status=0, seconds=time.perf_counter() - start, error=str(error))
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            fault = f"no answer within {timeout:g} s" if isinstance(error, TimeoutError) else _why(error)
            return ScoringAnswer(status=0, seconds=time.perf_counter() - start, error=fault)

    async def credential(self, endpoint: Endpoint) -> Secret:
        """What callers put behind `Bearer`: for handing to a process that calls the endpoint (the demo's load)."""
        return (await self._key(endpoint)).secret

    async def _key(self, endpoint: Endpoint, *, fresh: bool = False) -> _Key:
        async with self._fetching:
            known = self._keys.get(endpoint.name)
            if known is None or fresh or not known.good():
                known = self._keys[endpoint.name] = await self._fetch(endpoint)
            return known

    async def _fetch(self, endpoint: Endpoint) -> _Key:
        what = f"get the scoring credential of {endpoint.name}"
        path = self._paths.endpoint(endpoint.name)
        match endpoint.auth_mode:
            case "aad_token":
                return await self._entra(what)
            case "aml_token":
                body = (await self._client.send("POST", f"{path}/token", what, kind="reads")).body
                return _Key(Secret(_member(body, "accessToken", what)), float(body.get("expiryTimeUtc") or 0))
            case _:
                body = (await self._client.send("POST", f"{path}/listKeys", what, kind="reads")).body
                return _Key(Secret(_member(body, "primaryKey", what)), None)

    async def _entra(self, what: str) -> _Key:
        try:
            token = await self._credential.get_token(self._scope)
        except Exception as error:
            raise from_exception(error, what) from error
        return _Key(Secret(token.token), float(token.expires_on))


def _member(body: Any, name: str, what: str) -> str:
    value = body.get(name) if isinstance(body, Mapping) else None
    if not value:
        raise AzureError(f"{what}: the service gave none", code="NoCredential")
    return str(value)


def _why(error: BaseException) -> str:
    return scrub(f"{type(error).__name__}: {error}")
