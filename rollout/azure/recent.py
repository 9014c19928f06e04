"""What was read a moment ago and is not read once more: the last look at an endpoint, and what a write read back.

A write is decided on a fresh read. A look that is younger than `RECENT` when its decision is carried out *is* that
read; after a measurement, an upload or a person's answer it is older, and the write reads again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from rollout.azure.wire import clock
from rollout.core.observed import Endpoint

RECENT: Final = 1.0
"""Seconds for which what was read counts as fresh. An operation on an endpoint takes twenty times as long: none of
somebody else begins and ends in between (docs/locking.md)."""

Body = Mapping[str, Any]


class Bodies(msgspec.Struct, frozen=True):
    """ARM's JSON of an endpoint (None: there is none) and of its deployments, the service's time of the answer, and
    ours (`wire.clock`; None: it comes from a list, which is no fresh read)."""

    endpoint: Body | None
    deployments: Sequence[Body]
    now: datetime
    at: float | None


class ReadBack(msgspec.Struct, frozen=True):
    """ARM's JSON of an endpoint as it was read after a write, the service's time of that, and ours."""

    body: Body
    now: datetime
    at: float


class _Look(msgspec.Struct, frozen=True):
    """What was made of a look, and of what."""

    endpoint: Endpoint
    bodies: Bodies


class Recent:
    """The memory of one control plane: one look, one answer. Nothing in it is believed for longer than `RECENT`."""

    def __init__(self) -> None:
        self._look: _Look | None = None
        self._back: tuple[str, ReadBack] | None = None

    def looked(self, endpoint: Endpoint | None, bodies: Bodies) -> None:
        """A look gave this value, of these bodies. That there is nothing is never believed: what would be written then
        takes the place of whatever is there, so it is asked once more."""
        self._look = None if endpoint is None else _Look(endpoint, bodies)

    def wrote(self, name: str, back: ReadBack) -> None:
        """That endpoint was written to, and shows what was written."""
        self._back = (name, back)

    def forget(self) -> None:
        """Something was written, or may have been: the look before it is over."""
        self._look = None

    def endpoint(self, before: Endpoint) -> Body | None:
        """The body of which `before`, the very value, was made a moment ago."""
        look = self._young()
        return look.bodies.endpoint if look is not None and look.endpoint is before else None

    def deployments(self, before: Endpoint) -> dict[str, Body] | None:
        """The bodies of its deployments by name, if `before` was made a moment ago."""
        look = self._young()
        if look is None or look.endpoint is not before:
            return None
        return {str(body.get("name")): body for body in look.bodies.deployments}

    def read_back(self, name: str) -> ReadBack | None:
        """What a write to that endpoint read back a moment ago; told once."""
        found, self._back = self._back, None
        return found[1] if found is not None and found[0] == name and young(found[1].at) else None

    def _young(self) -> _Look | None:
        look = self._look
        return look if look is not None and look.bodies.at is not None and young(look.bodies.at) else None


def young(at: float) -> bool:
    """Whether that moment of `wire.clock` is not longer ago than `RECENT`."""
    return clock() - at <= RECENT
