"""Faults on demand: rules that match requests, each firing on its nth match, a number of times.

`PUT /_emulator/faults` replaces the list. Example:

    [{"method": "PUT", "path": "/onlineEndpoints/", "nth": 2, "effect": {"kind": "status", "status": 429,
      "retry_after": 3}}, {"effect": {"kind": "fail", "operation": "deployment_create", "code": "ResourceNotReady"}}]
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from rollout.emulator.world import Kind, Ordered, World


class Status(msgspec.Struct, frozen=True, tag="status", tag_field="kind"):
    """Answer with an HTTP status instead of acting; `after_acting` acts first and hides the answer.

    The body is Resource Manager's error of `code` and `message`, or `text` as it is (as the data plane answers).
    """

    status: int
    code: str = ""
    message: str = "A fault that was asked for."
    retry_after: int | None = None
    after_acting: bool = False
    text: str | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)


class Drop(msgspec.Struct, frozen=True, tag="drop", tag_field="kind"):
    """Close the connection without an answer, before or after acting."""

    after_acting: bool = False


class Delay(msgspec.Struct, frozen=True, tag="delay", tag_field="kind"):
    """Answer late, by real seconds."""

    seconds: float


class Stale(msgspec.Struct, frozen=True, tag="stale", tag_field="kind"):
    """Answer a GET with the state before the last committed change (404 if there was none)."""


class Torn(msgspec.Struct, frozen=True, tag="torn", tag_field="kind"):
    """Act, then cut the connection in the middle of the answer's body."""


class Garbage(msgspec.Struct, frozen=True, tag="garbage", tag_field="kind"):
    """Act, then answer with a page of HTML in the place of the body, as a proxy in between does."""


class Skew(msgspec.Struct, frozen=True, tag="skew", tag_field="kind"):
    """Answer with a `Date` that is so many seconds off: one of the service's machines has a wrong clock."""

    seconds: float


class Fail(msgspec.Struct, frozen=True, tag="fail", tag_field="kind"):
    """Let the next operation of a kind end badly. Takes effect when it is put, not by matching."""

    operation: Kind
    code: str = "InternalServerError"
    message: str = "An operation failure that was asked for."
    ending: Literal["Failed", "Canceled"] = "Failed"


class Slow(msgspec.Struct, frozen=True, tag="slow", tag_field="kind"):
    """Let the next operation of a kind take so many seconds (of the service's time) longer. Takes effect when put."""

    operation: Kind
    seconds: float


class Quota(msgspec.Struct, frozen=True, tag="quota", tag_field="kind"):
    """Set the region's cores. Takes effect when it is put, not by matching."""

    cores: int


Effect = Status | Drop | Delay | Stale | Torn | Garbage | Skew | Fail | Slow | Quota


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. `path` is a regular expression searched in path and query; `times` None: for good."""

    effect: Effect
    method: str = ".*"
    path: str = ""
    nth: int = 1
    times: int | None = 1
    area: Literal["arm", "data", "any"] = "arm"


class Faults:
    """The rules in force and how often each has matched."""

    def __init__(self) -> None:
        self._rules: list[tuple[Fault, re.Pattern[str], re.Pattern[str]]] = []
        self._seen: list[int] = []

    def replace(self, rules: list[Fault], world: World) -> None:
        """Take over a new list; `fail`, `slow` and `quota` act at once. Raises `re.error` for a bad expression."""
        compiled = [(rule, re.compile(rule.method, re.I), re.compile(rule.path, re.I)) for rule in rules]
        world.ordered.clear()
        world.quota_cores = None
        for rule in rules:
            if isinstance(rule.effect, Fail | Slow):
                world.ordered += [_order(rule.effect)] * (rule.times or 1)
            elif isinstance(rule.effect, Quota):
                world.quota_cores = rule.effect.cores
        self._rules = [entry for entry in compiled if not isinstance(entry[0].effect, Fail | Slow | Quota)]
        self._seen = [0] * len(self._rules)

    def match(self, area: str, method: str, target: str) -> list[Effect]:
        """The effects on this request, in the order of the rules."""
        effects: list[Effect] = []
        for index, (rule, methods, paths) in enumerate(self._rules):
            if rule.area not in (area, "any") or not methods.fullmatch(method) or not paths.search(target):
                continue
            self._seen[index] += 1
            over = self._seen[index] - rule.nth
            if over >= 0 and (rule.times is None or over < rule.times):
                effects.append(rule.effect)
        return effects

    def listing(self) -> list[Fault]:
        """The rules in force."""
        return [rule for rule, _, _ in self._rules]


def _order(effect: Fail | Slow) -> Ordered:
    if isinstance(effect, Slow):
        return Ordered(effect.operation, seconds=effect.seconds)
    return Ordered(effect.operation, effect.code, effect.message, effect.ending)
