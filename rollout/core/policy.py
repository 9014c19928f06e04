"""A repository's policy as values: what a plan here must have, when what may be done, and what stops everything.

Policies only tighten: every rule of every file that applies counts, so the strictest one decides. Made by
`rollout.plan.policy_lowering`; nothing here knows YAML, files or the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, Protocol

import msgspec

from rollout.core.release import GateKind

BETWEEN: Final = 0
"""As `before`: in front of every traffic stage but the first."""
PROMOTION: Final = 101
"""As `before`: behind the last traffic stage, where a gate guards the promotion."""

Activity = Literal["start", "advance", "delete"]
ACTIVITIES: Final[tuple[Activity, ...]] = ("start", "advance", "delete")


class _Value(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every value here is."""


class BakeRule(_Value, frozen=True, kw_only=True):
    """At least `seconds` of bakes directly in front of the traffic stages that `before` names."""

    seconds: float
    before: int = BETWEEN


class GateRule(_Value, frozen=True, kw_only=True):
    """A gate of that kind stands somewhere before `before` percent are given; PROMOTION: behind the last stage."""

    kind: GateKind
    before: int = 1


class ApprovalRule(_Value, frozen=True, kw_only=True):
    """An approval stands before `before` percent, and only those in `by` may give it (empty: anybody). `other`: not
    the one who started the run, where both are known."""

    before: int = 100
    by: tuple[str, ...] = ()
    other: bool = True


class PromotedRule(_Value, frozen=True, kw_only=True):
    """The environment of that name must have promoted what is released here, for at least `seconds`."""

    environment: str
    seconds: float = 0.0


class Limits(_Value, frozen=True, kw_only=True):
    """What one rule asks for; None and empty: nothing. `delete_after` is in seconds."""

    first_weight: int | None = None
    step: int | None = None
    bakes: tuple[BakeRule, ...] = ()
    gates: tuple[GateRule, ...] = ()
    approvals: tuple[ApprovalRule, ...] = ()
    instance_types: tuple[str, ...] | None = None
    instances: int | None = None
    allowed_hazards: tuple[str, ...] | None = None
    refused_hazards: tuple[str, ...] = ()
    expressions: tuple[str, ...] = ()
    deletes: bool = True
    delete_after: float | None = None
    promoted_from: tuple[PromotedRule, ...] = ()


class Rule(_Value, frozen=True, kw_only=True):
    """One rule with its name, and where it is written (`file:line:column`; for people, no part of what is approved)."""

    name: str
    limits: Limits
    where: str = ""


class Window(_Value, frozen=True, kw_only=True):
    """When something may be done (`opens`), or may not. `layer` is the number of its file: windows that open count
    together within one file only. `whole`: a stage must end before it closes, not only begin. `says` is all that
    decides its times, for the digest; `where` as a rule's."""

    name: str
    opens: bool
    activities: tuple[Activity, ...]
    layer: int = 0
    whole: bool = True
    says: str = ""
    where: str = ""


class Span(_Value, frozen=True):
    """From `start` up to, and without, `end`."""

    start: datetime
    end: datetime


class Calendar(Protocol):
    """Says when windows are. The same answer for the same year, always: time zones and holidays are data."""

    def spans(self, index: int, year: int) -> tuple[Span, ...]:
        """The times of window `index` that touch that year of UTC, in order, in full."""
        ...


class Violation(_Value, frozen=True, kw_only=True):
    """A rule that a plan breaks. `stage`: the index of the stage it is about, None: `field` says where. `rule_path`:
    the keys of the limit within its rule."""

    code: str
    rule: int
    message: str
    expected: str
    stage: int | None = None
    field: str = ""
    limit: str = ""


class Shown(_Value, frozen=True, kw_only=True):
    """What a look at another environment says of a release: it has been promoted there for `seconds` at least, of the
    `least` that `rollout.yaml` requires there; or `why` it is not shown."""

    environment: str
    seconds: float = 0.0
    least: float = 0.0
    why: str = ""


class Policy(_Value, frozen=True, kw_only=True):
    """All that applies to one plan. `broken` is what the plan breaks, as sentences with the rules' places.

    `shown` is what other environments say of it (`core.promoted_from`), where somebody has looked.
    `stopped` is why the line is stopped, "" where it is not. `break_glass` is a person's reason to go on all the same,
    and `who` that is.
    """

    rules: tuple[Rule, ...] = ()
    windows: tuple[Window, ...] = ()
    broken: tuple[str, ...] = ()
    shown: tuple[Shown, ...] = ()
    stopped: str = ""
    break_glass: str = ""
    who: str = ""
    calendar: Calendar | None = None

    @property
    def bare(self) -> Policy:
        """Rules and windows alone: without places, switches of the moment, and what follows from the rest."""
        rules = tuple(msgspec.structs.replace(rule, where="") for rule in self.rules)
        windows = tuple(msgspec.structs.replace(window, where="") for window in self.windows)
        return Policy(rules=rules, windows=windows)

    @property
    def essence(self) -> Mapping[str, object]:
        """What of it is approved with a change set."""
        return {"rules": self.bare.rules, "windows": self.bare.windows}
