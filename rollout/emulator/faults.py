"""Faults on demand: rules that match requests, each firing on its nth match, a number of times.

`PUT /_emulator/faults` replaces the list, `POST` adds to it. Example:

    [{"method": "PUT", "path": "/onlineEndpoints/", "nth": 2, "effect": {"kind": "status", "status": 429,
      "retry_after": 3}}, {"effect": {"kind": "fail", "operation": "deployment_create", "code": "ResourceNotReady"}}]
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec

from rollout.emulator.world import Kind, Ordered, World

HttpStatus = Annotated[int, msgspec.Meta(ge=100, le=599)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Status(msgspec.Struct, frozen=True, tag="status", tag_field="kind", forbid_unknown_fields=True):
    """Answer with an HTTP status instead of acting; `after_acting` acts first and hides the answer.

    The body is Resource Manager's error of `code` and `message`, or `text` as it is (as the data plane answers).
    """

    status: HttpStatus
    code: str = ""
    message: str = "A fault that was asked for."
    retry_after: int | None = None
    after_acting: bool = False
    text: str | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)


class Drop(msgspec.Struct, frozen=True, tag="drop", tag_field="kind", forbid_unknown_fields=True):
    """Close the connection without an answer, before or after acting."""

    after_acting: bool = False


class Delay(msgspec.Struct, frozen=True, tag="delay", tag_field="kind", forbid_unknown_fields=True):
    """Answer late, by real seconds."""

    seconds: Seconds


class Stale(msgspec.Struct, frozen=True, tag="stale", tag_field="kind", forbid_unknown_fields=True):
    """Answer a GET with the state before the last committed change (404 if there was none)."""


class Torn(msgspec.Struct, frozen=True, tag="torn", tag_field="kind", forbid_unknown_fields=True):
    """Act, then cut the connection in the middle of the answer's body."""


class Garbage(msgspec.Struct, frozen=True, tag="garbage", tag_field="kind", forbid_unknown_fields=True):
    """Act, then answer with a page of HTML in the place of the body, as a proxy in between does."""


class Skew(msgspec.Struct, frozen=True, tag="skew", tag_field="kind", forbid_unknown_fields=True):
    """Answer with a `Date` that is so many seconds off: one of the service's machines has a wrong clock."""

    seconds: float


class Fail(msgspec.Struct, frozen=True, tag="fail", tag_field="kind", forbid_unknown_fields=True):
    """Let the next operation of a kind end badly. Takes effect when it is put, not by matching.

    `log` is what the container's log says then (`getLogs`), as if the user's code had written it.
    """

    operation: Kind
    code: str = "InternalServerError"
    message: str = "An operation failure that was asked for."
    ending: Literal["Failed", "Canceled"] = "Failed"
    log: str = ""


class Slow(msgspec.Struct, frozen=True, tag="slow", tag_field="kind", forbid_unknown_fields=True):
    """Let the next operation of a kind take so many seconds (of the service's time) longer. Takes effect when put."""

    operation: Kind
    seconds: Seconds


class Quota(msgspec.Struct, frozen=True, tag="quota", tag_field="kind", forbid_unknown_fields=True):
    """Set the region's cores. Takes effect when it is put, not by matching."""

    cores: int


Effect = Status | Drop | Delay | Stale | Torn | Garbage | Skew | Fail | Slow | Quota


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule. `path` is a regular expression searched in path and query; `times` None: for good.

    With `deployment` (a regular expression) it waits behind the split of the data plane: for scoring requests that were
    routed to such a deployment, mirrored ones too; its answer (`status`, `delay`) then counts in metrics and logs.
    `name` is what the rule is called in lists.
    """

    effect: Effect
    method: str = ".*"
    path: str = ""
    nth: Positive = 1
    times: Positive | None = 1
    area: Literal["arm", "data", "any"] = "arm"
    deployment: str | None = None
    name: str = ""

    def in_force(self) -> InForce:
        """Ready to match. Raises `re.error` for a bad expression."""
        method, path, deployment = (re.compile(text, re.I) for text in (self.method, self.path, self.deployment or ""))
        return InForce(self, method, path, deployment)


class InForce(msgspec.Struct):
    """A rule that is in force, and how often it has matched."""

    rule: Fault
    method: re.Pattern[str]
    path: re.Pattern[str]
    deployment: re.Pattern[str]
    seen: int = 0

    @property
    def left(self) -> int | None:
        """How often it will still fire; None: for good."""
        fired = max(0, self.seen - self.rule.nth + 1)
        return None if self.rule.times is None else max(0, self.rule.times - fired)

    def fires(self) -> bool:
        """Count one match; whether the rule fires on it."""
        self.seen += 1
        over = self.seen - self.rule.nth
        return over >= 0 and (self.rule.times is None or over < self.rule.times)


class Faults:
    """The rules in force and how often each has matched."""

    def __init__(self) -> None:
        self._rules: list[InForce] = []

    def replace(self, rules: list[Fault], world: World) -> None:
        """Take over a new list; `fail`, `slow` and `quota` act at once. Raises `re.error` for a bad expression."""
        fresh = _in_force(rules)
        world.ordered.clear()
        world.quota_cores = None
        self._rules = []
        self._take(fresh, world)

    def add(self, rules: list[Fault], world: World) -> None:
        """Take over more; those in force keep their counts. Raises `re.error` for a bad expression."""
        self._take(_in_force(rules), world)

    def _take(self, fresh: list[InForce], world: World) -> None:
        for each in fresh:
            effect = each.rule.effect
            if isinstance(effect, Fail | Slow):
                world.ordered += [_order(effect)] * (each.rule.times or 1)
            elif isinstance(effect, Quota):
                world.quota_cores = effect.cores
        self._rules += [each for each in fresh if not isinstance(each.rule.effect, Fail | Slow | Quota)]

    def match(self, area: str, method: str, target: str) -> list[Effect]:
        """The effects on this request, in the order of the rules."""
        return [
            each.rule.effect
            for each in self._rules
            if each.rule.deployment is None
            and each.rule.area in (area, "any")
            and each.method.fullmatch(method)
            and each.path.search(target)
            and each.fires()
        ]

    def behind(self, endpoint: str, deployment: str) -> list[Effect]:
        """The effects on a scoring request that was routed to a deployment."""
        return [
            each.rule.effect
            for each in self._rules
            if each.rule.deployment is not None
            and each.path.search(f"/endpoints/{endpoint}/score")
            and each.deployment.fullmatch(deployment)
            and each.fires()
        ]

    def listing(self) -> list[Fault]:
        """The rules in force."""
        return [each.rule for each in self._rules]

    def report(self, world: World) -> list[dict[str, Any]]:
        """Everything that still waits: rules with how often they matched and will fire, then orders and the quota."""
        waiting: list[dict[str, Any]] = [
            {"fault": msgspec.to_builtins(each.rule), "seen": each.seen, "left": each.left}
            for each in self._rules
            if each.left != 0
        ]
        waiting += [{"fault": {"effect": _effect(order)}, "seen": 0, "left": 1} for order in world.ordered]
        if world.quota_cores is not None:
            effect = {"kind": "quota", "cores": world.quota_cores}
            waiting.append({"fault": {"effect": effect}, "seen": 0, "left": None})
        return waiting


def _in_force(rules: list[Fault]) -> list[InForce]:
    return [rule.in_force() for rule in rules]


def _order(effect: Fail | Slow) -> Ordered:
    if isinstance(effect, Slow):
        return Ordered(effect.operation, seconds=effect.seconds)
    return Ordered(effect.operation, effect.code, effect.message, effect.ending, log=effect.log)


def _effect(order: Ordered) -> dict[str, Any]:
    """An order as the effect that gave it."""
    if order.code:
        return {"kind": "fail", "operation": order.kind.value, "code": order.code, "message": order.message}
    return {"kind": "slow", "operation": order.kind.value, "seconds": order.seconds}
