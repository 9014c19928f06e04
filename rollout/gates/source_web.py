"""Sources behind HTTP: Prometheus, and any service that answers with counts as JSON.

Bounded in time and size. Redirects are not followed. A token is sent only to the host that the runner's own environment
names beside it: a plan alone cannot have it sent anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import aiohttp
import msgspec

from rollout.core.evidence.counts import Row
from rollout.core.evidence.grid import MINUTE, floor
from rollout.core.gate_bodies import Custom, ErrorRate, Latency
from rollout.errors import RolloutError
from rollout.gates.words import cut
from rollout.ports import Counted, CountQuery

TOKEN: Final = "ROLLOUT_METRICS_TOKEN"  # noqa: S105 - the name of a variable
HOST: Final = "ROLLOUT_METRICS_HOST"
MOST_BYTES: Final = 8_000_000
SECONDS: Final = 30.0


class Web(msgspec.Struct, frozen=True):
    """GET with limits. `environment` holds the token and the one host that may have it; it is never shown."""

    environment: Mapping[str, str] = msgspec.field(default_factory=lambda: os.environ)
    seconds: float = SECONDS

    def __repr__(self) -> str:
        return "Web()"

    async def get(self, url: str) -> bytes:
        """The body of a 200. Raises RolloutError for everything else."""
        host = urlsplit(url).netloc
        headers = {"Accept": "application/json"}
        if self.environment.get(HOST) == host and (token := self.environment.get(TOKEN)):
            headers["Authorization"] = f"Bearer {token}"
        limit = aiohttp.ClientTimeout(total=self.seconds)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit, headers=headers, cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.get(url, allow_redirects=False) as answer,
            ):
                body = await _read(answer, host)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            why = f"no answer within {self.seconds:g} s" if isinstance(error, TimeoutError) else type(error).__name__
            raise RolloutError(f"{host} cannot be asked: {why}") from error
        if answer.status != 200:
            said = cut(body[:500].decode(errors="replace"), 100)
            raise RolloutError(f"{host} answered {answer.status}" + (f": {said}" if said else ""))
        return body


async def _read(answer: aiohttp.ClientResponse, host: str) -> bytes:
    found = bytearray()
    async for chunk in answer.content.iter_chunked(65536):
        found += chunk
        if len(found) > MOST_BYTES:
            raise RolloutError(f"{host} answered with more than {MOST_BYTES} bytes")
    return bytes(found)


class _Result(msgspec.Struct, frozen=True):
    metric: dict[str, str]
    values: list[tuple[float, str]]


class _Data(msgspec.Struct, frozen=True):
    resultType: str  # noqa: N815 - Prometheus's own name
    result: list[_Result]


class _Matrix(msgspec.Struct, frozen=True):
    status: str
    data: _Data


class Prometheus(msgspec.Struct, frozen=True):
    """A Prometheus server at `address`. Each query must give one series at most, with the events of the last minute at
    each step: `sum(increase(requests_total{deployment="$deployment"}[1m]))`."""

    address: str
    web: Web = msgspec.field(default_factory=Web)

    async def count(self, query: CountQuery) -> Counted:
        """See `ports.MetricSource`."""
        question = query.question
        if not isinstance(question, Custom):
            raise RolloutError("prometheus needs a metric with the queries `bad` and `total`")
        rows: list[Row] = []
        for deployment in query.deployments:
            total = await self._series(question.total, deployment, query)
            bad = await self._series(question.bad, deployment, query)
            rows += [Row(minute, deployment, count, bad.get(minute, 0.0)) for minute, count in total.items()]
            if lost := sorted(minute for minute, count in bad.items() if count and minute not in total):
                raise RolloutError(f"bad events of {deployment} at {lost[0]:%H:%M}, and no events at all")
        return Counted(tuple(rows), f"bad: {question.bad}; total: {question.total}; step 60 s")

    async def _series(self, text: str, deployment: str, query: CountQuery) -> dict[datetime, float]:
        """Events by the start of their minute; what Prometheus says at an instant is about the minute before it."""
        parameters = {
            "query": text.replace("$deployment", deployment),
            "start": (query.start + MINUTE).timestamp(),
            "end": query.end.timestamp(),
            "step": "60",
        }
        body = await self.web.get(f"{self.address.rstrip('/')}/api/v1/query_range?{urlencode(parameters)}")
        try:
            found = msgspec.json.decode(body, type=_Matrix)
        except msgspec.MsgspecError as error:
            raise RolloutError(f"prometheus gave no matrix: {error}") from error
        if found.status != "success" or found.data.resultType != "matrix":
            raise RolloutError(f"prometheus gave a {found.data.resultType}, not a matrix")
        if len(found.data.result) > 1:
            raise RolloutError(
                f"the query gives {len(found.data.result)} series for {deployment}: put sum(…) around it"
            )
        return dict(_values(found.data.result, query))


def _values(series: list[_Result], query: CountQuery) -> Iterator[tuple[datetime, float]]:
    for one in series:
        for at, value in one.values:
            minute = floor(datetime.fromtimestamp(at, UTC)) - MINUTE
            number = float(value)
            if query.start <= minute < query.end and number == number:  # NaN: nothing is known of that minute
                yield minute, number


class _Answer(msgspec.Struct, frozen=True):
    rows: list[Row]


class HttpJson(msgspec.Struct, frozen=True):
    """A service at `address` that answers `{"rows": [{"minute": …, "deployment": …, "requests": …, "bad": …}]}`."""

    address: str
    web: Web = msgspec.field(default_factory=Web)

    async def count(self, query: CountQuery) -> Counted:
        """See `ports.MetricSource`."""
        text = urlencode(parameters(query))
        url = f"{self.address}{'&' if urlsplit(self.address).query else '?'}{text}"
        body = await self.web.get(url)
        try:
            found = msgspec.json.decode(body, type=_Answer)
        except msgspec.MsgspecError as error:
            raise RolloutError(f"the counts cannot be read: {error}") from error
        if naive := [row for row in found.rows if row.minute.tzinfo is None]:
            raise RolloutError(f"the minute {naive[0].minute} has no time zone")
        return Counted(tuple(found.rows), f"GET {urlsplit(self.address).path or '/'}?{text}")


def parameters(query: CountQuery) -> dict[str, Any]:
    """What such a service is asked."""
    asked: dict[str, Any] = {
        "endpoint": query.endpoint.name,
        "deployments": ",".join(query.deployments),
        "start": f"{query.start:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{query.end:%Y-%m-%dT%H:%M:%SZ}",
    }
    match query.question:
        case ErrorRate(statuses=statuses):
            return {**asked, "check": "error_rate", "statuses": ",".join(statuses)}
        case Latency(over=over):
            return {**asked, "check": "latency", "over_ms": f"{over * 1000:g}"}
        case Custom(bad=bad, total=total):
            return {**asked, "check": "metric", "bad": bad, "total": total}
