"""Every request that the command line sends, numbered, in this process: the place where crashes and faults are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import pytest
import requests

Hook = Callable[[int], None]


class Killed(BaseException):
    """The process died here: nothing of ours catches it."""


def nobody(number: int) -> None:
    """Nobody interferes."""


class Wire:
    """Numbers the requests and calls `before` and `after` for each; lets none out after its death.

    A poll that repeats the request before it has that one's number: how often is polled depends on the machine.
    """

    def __init__(self, before: Hook = nobody, after: Hook = nobody) -> None:
        self.sent: list[str] = []
        self._hooks = before, after
        self._dead = False
        self._hooked = False

    def leave(self, method: str, url: str) -> None:
        """A request is about to leave. What a hook sends itself does not count."""
        if self._hooked:
            return
        if self._dead:
            raise Killed
        line = f"{method} {url.partition('?')[0]}"
        if self.sent[-1:] != [line]:
            self.sent.append(line)
            self._call(0)

    def arrive(self) -> None:
        """Its answer has arrived, and nobody has read it yet."""
        if self._hooked:
            return
        if self._dead:
            raise Killed
        self._call(1)

    def _call(self, which: int) -> None:
        self._hooked = True
        try:
            self._hooks[which](len(self.sent) - 1)
        except Killed:
            self._dead = True
            raise
        finally:
            self._hooked = False


def dying(at: int) -> Hook:
    """A hook that kills at that number."""

    def hook(number: int) -> None:
        if number == at:
            raise Killed

    return hook


@contextmanager
def tapped(wire: Wire) -> Iterator[Wire]:
    """Both clients that a rollout uses (aiohttp, and the SDK's requests) go through `wire`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aiohttp.ClientSession, "_request", _asynchronous(wire, aiohttp.ClientSession._request))
        patch.setattr(requests.Session, "request", _synchronous(wire, requests.Session.request))
        yield wire


def _asynchronous(wire: Wire, send: Callable[..., Any]) -> Callable[..., Any]:
    async def request(session: aiohttp.ClientSession, method: str, url: Any, **options: Any) -> Any:
        wire.leave(method, str(url))
        answer = await send(session, method, url, **options)
        try:
            wire.arrive()
        except Killed:
            answer.close()
            raise
        return answer

    return request


def _synchronous(wire: Wire, send: Callable[..., Any]) -> Callable[..., Any]:
    def request(session: requests.Session, method: str, url: Any, *rest: Any, **options: Any) -> Any:
        wire.leave(method, str(url))
        answer = send(session, method, url, *rest, **options)
        wire.arrive()
        return answer

    return request
