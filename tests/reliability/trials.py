"""What the service may do to a request: each fault of the matrix, and where it can happen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

_EXPIRED: Final = {"code": "ExpiredAuthenticationToken", "message": "The access token expiry UTC time is earlier."}
_GONE: Final = {"kind": "status", "status": 404, "code": "ResourceNotFound"}
NEVER: Final = 366 * 86400.0
"""Seconds: nobody waits so long."""
WRITES: Final = ("PUT", "PATCH", "DELETE")
ENDPOINT: Final = re.compile(r"/onlineEndpoints/([^/]+)(?:/deployments/([^/]+))?$")


def _status(status: int, **more: Any) -> dict[str, Any]:
    return {"kind": "status", "status": status, **more}


FAULTS: Final[Mapping[str, dict[str, Any]]] = {
    "408": _status(408),
    "409": _status(409),
    "412": _status(412),
    "429": _status(429),
    "429, Retry-After": _status(429, retry_after=1),
    "500": _status(500),
    "502": _status(502),
    "503": _status(503),
    "504": _status(504),
    "500 after acting": _status(500, after_acting=True),
    "reset before acting": {"kind": "drop"},
    "reset after acting": {"kind": "drop", "after_acting": True},
    "half a body": {"kind": "torn"},
    "wrong JSON": {"kind": "garbage"},
    "stale read": {"kind": "stale"},
    "404": _GONE,
    "expired token": _status(401, **_EXPIRED),
    "clock an hour fast": {"kind": "skew", "seconds": 3600.0},
    "clock an hour slow": {"kind": "skew", "seconds": -3600.0},
}
"""Faults of one request, as the emulator's rules have them."""
TIMED_OUT: Final = {"kind": "delay", "seconds": NEVER}
AFTER_PUT: Final = "404 after a successful PUT"
LATE: Final = "time-out after acting"
OPERATIONS: Final[Mapping[str, dict[str, Any]]] = {
    "operation Failed": {"kind": "fail", "code": "InternalServerError", "ending": "Failed"},
    "operation Canceled": {"kind": "fail", "code": "InternalServerError", "ending": "Canceled"},
    "operation never ending": {"kind": "slow", "seconds": NEVER},
}
"""What becomes of the operation that a write has started."""


FAILED_PROBES: Final = 3
"""So often in a row a bake asks a server that answers with errors, before it calls it down."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One fault at one request. `rules` for the emulator; `late`: that many answers are given and never arrive.

    `person`: a person may have to say that it shall be tried again: an operation failed, or a scoring request was
    answered wrong or too late, which the smoke test takes for the candidate's own fault; so does a bake, where the
    candidate's server answers with an error as often in a row as it asks.
    """

    fault: str
    rules: tuple[Mapping[str, Any], ...] = ()
    late: int = 0
    person: bool = False


def trials(method: str, path: str, times: int, exists: bool) -> Iterator[Trial]:
    """All that can happen to that request, `times` times in a row. `exists`: what it writes to is there already."""
    scoring = path.endswith("/score") or (path.endswith("/swagger.json") and times >= FAILED_PROBES)
    for fault, effect in {**FAULTS, "time-out before acting": TIMED_OUT}.items():
        yield Trial(fault=fault, rules=({"effect": effect, "times": times, "area": "any"},), person=scoring)
    yield Trial(fault=LATE, late=times, person=scoring)
    if method in ("PUT", "PATCH"):
        later = {"method": "GET", "path": f"{re.escape(path)}(\\?|$)", "effect": _GONE, "times": times}
        yield Trial(fault=AFTER_PUT, rules=(later,))
    kind = operation(method, path, exists)
    if kind:
        for fault, effect in OPERATIONS.items():
            yield Trial(fault=fault, rules=({"effect": {**effect, "operation": kind}, "times": times},), person=True)


def operation(method: str, path: str, exists: bool) -> str:
    """The kind of the operation that such a request starts; "" for none."""
    found = ENDPOINT.search(path)
    if found is None or method not in WRITES:
        return ""
    thing = "deployment" if found[2] else "endpoint"
    verbs = {"PUT": "update" if exists else "create", "PATCH": "scale" if found[2] else "patch", "DELETE": "delete"}
    return f"{thing}_{verbs[method]}"
