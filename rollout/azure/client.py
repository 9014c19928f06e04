"""Requests to Azure Resource Manager: addresses, lists and faults, over whatever wire carries them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from rollout.azure.answer import Answer, Kind
from rollout.azure.errors import NETWORK_HINT, Transient, from_answer, from_exception, from_problem
from rollout.azure.paths import same_service, with_version
from rollout.azure.problem import Problem, read_problem
from rollout.azure.wire import READ_RETRIES, Asked, TooLate, Wire
from rollout.errors import AzureError
from rollout.ports import RequestCount

__all__ = ["Answer", "ArmClient"]
_MOST_PAGES: Final = 1_000
_STOOD_STILL: Final = "This machine stood still, or signing in took long: run the same command again."
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class _Page(msgspec.Struct, frozen=True):
    """One page of a list: its entries, each a JSON object, and where the next one is."""

    value: list[Any] | None = None
    next: str | None = msgspec.field(name="nextLink", default=None)


_NO_PAGE: Final = _Page()


class ArmClient:
    """Resource Manager at one address. It counts its own requests; the wire may be shared with others."""

    def __init__(self, base_url: str, wire: Wire, requests: RequestCount) -> None:
        self.base_url = base_url.rstrip("/")
        self.requests = requests
        self._wire = wire

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
        return (await self.dated_pages(path, what, dated=False))[0]

    async def dated_pages(self, path: str, what: str, *, dated: bool = True) -> tuple[list[Any], datetime]:
        """The same with the service's time of the latest page (that of nobody, unless `dated`)."""
        page, answer = await self._turn(path, what)
        found: list[Any] = page.value or []
        now = answer.date if dated else _NEVER
        if page.next:
            async for entries, at in self.turn_pages(page.next, what, dated=dated, seen=(path,)):
                found += entries
                now = max(now, at)
        return found, now

    async def turn_pages(
        self, path: str, what: str, *, dated: bool = True, seen: Iterable[str] = ()
    ) -> AsyncIterator[tuple[list[dict[str, Any]], datetime]]:
        """The same, page by page, each with the service's time of it (that of nobody, unless `dated`); pages that were
        `seen` before count."""
        known = {path, *seen}
        while len(known) <= _MOST_PAGES:
            page, answer = await self._turn(path, what)
            yield page.value or [], answer.date if dated else _NEVER
            if not page.next:
                return
            if page.next in known:
                break
            path = page.next
            known.add(path)
        raise AzureError(f"{what}: the list has no end", code="UnreadableAnswer")

    async def send(
        self, method: str, path: str, what: str, body: Any = None, *, kind: Kind, until: float | None = None
    ) -> Answer:
        """One request; raises our faults for 400 and above, Transient where it could not leave `until` that moment."""
        return _accepted(await self._exchange(method, path, what, body, kind, until), what)

    async def _turn(self, path: str, what: str) -> tuple[_Page, Answer]:
        answer = await self.find(path, what)
        return (_page(answer.body, what) if answer.status < 400 else _NO_PAGE), answer

    async def _exchange(
        self, method: str, path: str, what: str, body: Any, kind: Kind, until: float | None = None
    ) -> Answer:
        asked = Asked(method, self._address(path, what), body, kind, self.requests, until=until)
        try:
            for _ in range(1 if kind == "writes" else READ_RETRIES):
                answer = await self._wire.exchange(asked)
                if answer.status >= 400 or not isinstance(answer.body, str):
                    return answer
        except TooLate:
            raise Transient(f"{what}: too long after the last look, nothing was sent", hint=_STOOD_STILL) from None
        except Exception as error:
            raise from_exception(error, what) from error
        raise Transient(f"{what}: the answer is no JSON, as if a proxy had given it", hint=NETWORK_HINT)

    def _address(self, path: str, what: str) -> str:
        if path.startswith("/"):
            return self.base_url + with_version(path)
        if not same_service(path, self.base_url):
            raise AzureError(f"{what}: the service names another host, which gets no token", code="ForeignHost")
        return with_version(path)


def _page(body: Any, what: str) -> _Page:
    try:
        page = msgspec.convert(body, _Page)
        for entry in page.value or ():
            if type(entry) is not dict:
                msgspec.convert(entry, dict[str, Any])
        return page
    except msgspec.ValidationError as error:
        raise AzureError(f"{what}: the answer is no list ({error})", code="UnreadableAnswer") from error


def _accepted(answer: Answer, what: str) -> Answer:
    if answer.status >= 400:
        raise from_answer(answer.status, answer.body, what, after=answer.after)
    return answer


def _parent_is_missing(body: Any) -> bool:
    """Whether a 404 is about the subscription, the group or the workspace: a wrong target, not a new endpoint."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return False
    message = str(error.get("message", "")).lower()
    if error.get("code") in ("SubscriptionNotFound", "ResourceGroupNotFound", "ParentResourceNotFound"):
        return True
    return error.get("code") == "ResourceNotFound" and "workspaces/" in message and "onlineendpoints" not in message
