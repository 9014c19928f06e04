"""What the runner and the gates need from the outside world. Types only; `cli` wires the real things in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

import msgspec

from rollout.core.actions import Action
from rollout.core.audit import Entry, Record
from rollout.core.capacity import Usage
from rollout.core.evidence.alerts import Rule
from rollout.core.evidence.counts import Row
from rollout.core.gate_bodies import Question, Source
from rollout.core.moves import Move
from rollout.core.observed import Endpoint, Observation


class RequestCount(msgspec.Struct):
    """How many requests were made to the control plane. Polls of operations are counted apart."""

    reads: int = 0
    writes: int = 0
    polls: int = 0


class ControlPlane(Protocol):
    """Azure Resource Manager for one workspace: look, write one thing, wait for what is under way.

    All methods raise `rollout.errors`: `SignInError`, `Retryable`, `Stale`, `AzureError`, `Refused`.
    """

    requests: RequestCount

    async def observe(self, endpoint: str) -> Observation:
        """Look: one GET of the endpoint and one of its deployments; `now` is the service's Date."""

    async def apply(self, action: Action, before: Endpoint | None) -> None:
        """Do one action and return when the service has finished it.

        `before` is the endpoint that the decision was made on. The resource is read right before a write, unless
        that look was a moment ago; if its weights or our tags are not those of `before`, `Stale` is raised and nothing
        is written. After an endpoint write the record and the weights are read back.
        """

    async def settle(self, endpoint: Endpoint) -> None:
        """Wait until the operations in flight on `endpoint` have ended, however they end."""

    async def logs(self, endpoint: str, deployment: str, lines: int = 40) -> str:
        """The last lines of the container's log ("" if there is none)."""


class Census(Protocol):
    """All endpoints of one workspace."""

    async def endpoints(self) -> Sequence[Endpoint]:
        """Each with its tags and weights, without its deployments; one read (a page)."""


class ActivityLog(Protocol):
    """Who wrote to a resource."""

    async def moves(self, resource: str, since: datetime) -> Sequence[Move]:
        """Every write to that ARM id since then that succeeded. Raises SignInError without the permission."""


class Notebook(Protocol):
    """A few bytes that all runners share; what somebody else wrote meanwhile is never lost."""

    async def read(self) -> tuple[bytes, str]:
        """The content and its version; b"" and "" if there is none yet. Raises our faults."""

    async def write(self, content: bytes, version: str) -> None:
        """Replace that version. Raises Stale if it is another one by now, our faults otherwise."""


class Quota(Protocol):
    """How much of the region's quota is in use."""

    async def usages(self, location: str) -> Sequence[Usage]:
        """All that the service lists; location "" asks the workspace for its own (one read more)."""

    async def home(self) -> str:
        """The workspace's own region; one read."""


class ScoringRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request to the data plane. `deployment` None lets the endpoint's weights decide; seconds for `timeout`."""

    body: bytes
    deployment: str | None = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}
    timeout: float = 60.0


class ScoringAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. `status` 0: no answer at all, `error` says why (time-out, connection refused, ...)."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}
    seconds: float = 0.0
    error: str = ""


class Scoring(Protocol):
    """The data plane of one endpoint. Keys and tokens are fetched when first needed and never leave the adapter."""

    async def send(self, endpoint: Endpoint, request: ScoringRequest) -> ScoringAnswer:
        """POST to the scoring URI. An HTTP error status is an answer; raises `SignInError` for 401 and 403."""

    async def probe(self, endpoint: Endpoint, deployment: str) -> ScoringAnswer:
        """GET the swagger URI from one deployment: is its server up? 200 or 404 mean yes."""


class Recording(msgspec.Struct, frozen=True):
    """One file of a data asset: its path in the storage, and what it holds."""

    name: str
    content: bytes


class Recordings(Protocol):
    """The data assets of the workspace."""

    async def files(self, name: str, version: str, most: int) -> Sequence[Recording]:
        """The file of a `uri_file`, or the JSON files below a `uri_folder` in the order of their names; at most `most`
        bytes. Raises `rollout.errors` where the asset is missing, is something else, is larger, or may not be read."""


class CountQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Count, minute by minute from `start` up to `end` (whole minutes), the requests of these deployments of an
    endpoint, and those of them that `question` calls bad."""

    endpoint: Endpoint
    deployments: tuple[str, ...]
    question: Question
    start: datetime
    end: datetime


class Counted(msgspec.Struct, frozen=True):
    """What a source counted. A minute without requests may be missing. `query` is what was asked, in the source's own
    words, for the record: it holds no secret."""

    rows: tuple[Row, ...]
    query: str


class MetricSource(Protocol):
    """Counts of requests, whose history can be asked again at any time and is then the same."""

    async def count(self, query: CountQuery) -> Counted:
        """Ask. Raises `rollout.errors` where there is no usable answer: that is never taken for "no requests"."""


class AlertRules(Protocol):
    """The alert rules of Azure Monitor."""

    async def look(self, rule: str) -> Rule:
        """The rule as it is now, with its alerts of the last 30 days. `rule` is an ARM id, or a metric alert's name in
        the workspace's resource group. Raises `rollout.errors` where there is no usable answer."""


class MetricSources(Protocol):
    """The sources that plans can name."""

    def of(self, source: Source) -> MetricSource:
        """That source. No request is made before it is asked."""

    @property
    def alerts(self) -> AlertRules:
        """The alert rules of the workspace's cloud."""


class Reading(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a deployment served in the span that begins at `at`: how many requests, how many of them were `bad`, and
    within how many seconds half of them and 95 % were answered (None: nobody measured it)."""

    at: datetime
    deployment: str
    requests: float = 0.0
    bad: float = 0.0
    p50: float | None = None
    p95: float | None = None


class Telemetry(Protocol):
    """What an endpoint's deployments served, to be looked at; verdicts are made of `MetricSource`'s counts alone."""

    async def readings(self, endpoint: Endpoint, start: datetime, end: datetime, grain: float) -> Sequence[Reading]:
        """Spans of `grain` seconds of all deployments from `start` up to `end`, in order of time. Raises
        `rollout.errors` where there is no usable answer."""


class Lock(Protocol):
    """One endpoint's lock. It keeps reconcilers apart; docs/locking.md says what it does not exclude."""

    def held(self, wait: float) -> AbstractAsyncContextManager[None]:
        """Hold it while the block runs, waiting at most `wait` seconds for it. Raises Locked."""

    def check(self) -> None:
        """Raises Locked when it has been lost."""

    async def end(self, lock_id: str) -> str:
        """Take it away from the holder with that id; who that was. Raises Locked for another id."""


class Ledger(Protocol):
    """Where decisions are written down, one behind the other, and nothing is ever changed (`core.audit`)."""

    def append(self, record: Record) -> Entry:
        """Give it the next place in the chain, and return when it is safe: what it says is only then done. Appending is
        one at a time, whoever appends. Raises Refused where the chain's end is damaged, or cannot be written."""

    def entries(self) -> Iterator[Entry]:
        """All of them, in order. Raises Refused at the first that is not as it was written, or of another format."""


class Clock(Protocol):
    """Waiting. The time itself comes from the service (`Observation.now`)."""

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds of the service's time."""
