"""What a decision was made from, as plain JSON that it can be derived from again; and without anything secret.

The values of environment variables, and texts under names that secrets have, are replaced by digests with a key that is
made for one entry and thrown away: equal values stay equal, which is all that a decision asks of them, and nobody can
try values out. Left out is what no decision reads: the document that a create sends, and the bodies of gates (their
digests cover them).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from rollout.core.actions import Action, DeployRevision
from rollout.core.decide import decide
from rollout.core.decision import Decision
from rollout.core.hidden import is_secret
from rollout.core.observed import Observation
from rollout.core.policy import Policy, Span
from rollout.core.release import AnyStage, DeploymentSpec, Gate, LiteralForm, Release
from rollout.core.verdict import Verdict

_VALUES: Final = frozenset({"fields", "settings", "tags"})
"""Where values stand that people wrote; a member of another name is the tool's own."""
_CHANGE: Final = frozenset({"path", "before", "after"})
_VARIABLES: Final = "environment_variables"
_PROSE: Final = frozenset({"evidence", "note", "notes", "reason", "what", "why"})
"""Where sentences and samples stand, into which a value may have found its way."""
_TELLING: Final = 8
"""A shorter value is not looked for in sentences: it would be found in ordinary words."""
_YEARS: Final = 3
"""A window is asked about this year and the two behind it (`core.policy_windows`)."""


class KeptYear(msgspec.Struct, frozen=True):
    """The times of one window in one year."""

    window: int
    year: int
    spans: tuple[Span, ...]


class KeptCalendar(msgspec.Struct, frozen=True):
    """`core.policy.Calendar` as data, for the years that a decision asks about."""

    years: tuple[KeptYear, ...] = ()

    def spans(self, index: int, year: int) -> tuple[Span, ...]:
        """The times of window `index` in that year."""
        return next((each.spans for each in self.years if (each.window, each.year) == (index, year)), ())


class KeptPolicy(Policy, frozen=True, kw_only=True):
    """A policy whose calendar is data."""

    calendar: KeptCalendar | None = None


class KeptRelease(Release, frozen=True, kw_only=True, dict=True):
    """A release whose policy is data."""

    policy: KeptPolicy | None = None


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """All that `decide` reads."""

    release: KeptRelease
    observation: Observation
    verdicts: Mapping[str, Verdict] = {}
    allowed: frozenset[str] = frozenset()


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with its inputs, both as JSON and without secrets. `derivable`: the one follows from the other again;
    it does not where a hidden value was compared by its code, a secret in a tag or the endpoint's fields."""

    inputs: Mapping[str, Any]
    decision: Mapping[str, Any]
    derivable: bool


def kept(
    release: Release,
    observation: Observation,
    verdicts: Mapping[str, Verdict],
    allowed: frozenset[str],
    decision: Decision,
    *,
    key: bytes,
) -> Kept:
    """What is written down of that decision. `key`: random, for this one call."""
    inputs = Inputs(release=_release(release, observation), observation=observation, verdicts=verdicts, allowed=allowed)
    hiding = _Hiding(key)
    plain, said = _plain((inputs, told(decision)))
    plain, said = hiding.values(plain), hiding.values(said)
    plain, said = hiding.sentences(plain), hiding.sentences(said)
    return Kept(inputs=plain, decision=said, derivable=derived(plain) == said)


def derived(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is decided from recorded inputs by this version. Raises msgspec.ValidationError for what it cannot read."""
    found = msgspec.convert(inputs, Inputs)
    decision = decide(found.release, found.observation, found.verdicts, found.allowed)
    plain: Mapping[str, Any] = _plain(told(decision))
    return plain


def _plain(value: Any) -> Any:
    """As it is after it was written and read."""
    return msgspec.json.decode(msgspec.json.encode(value, order="sorted"))


def without_secrets(value: Any, *, key: bytes) -> Any:
    """Any value as JSON, hidden in the same way."""
    hiding = _Hiding(key)
    return hiding.sentences(hiding.values(_plain(value)))


def told(decision: Decision) -> dict[str, Any]:
    """A decision as it is recorded: all of it, but for what is never written down; stages by their names."""
    gate = decision.measure
    return {
        "status": decision.status,
        "phase": decision.phase,
        "reason": decision.reason,
        "actions": told_actions(decision.actions),
        "measure": gate.name if gate else "",
        "measure_key": decision.measure_key,
        "next_after": decision.next_after,
        "roles": decision.roles,
        "stages": [[view.stage.name, view.state, view.key, view.note] for view in decision.stages],
        "drift": decision.drift,
        "notes": decision.notes,
    }


def told_actions(actions: Iterable[Action]) -> list[Action]:
    """Actions as they are recorded: a create without its document."""
    return [replace(each, spec=_bare(each.spec)) if isinstance(each, DeployRevision) else each for each in actions]


def _release(release: Release, seen: Observation) -> KeptRelease:
    members = {name: getattr(release, name) for name in release.__struct_fields__}
    members |= {
        "candidate": _bare(release.candidate),
        "stages": tuple(map(_bodiless, release.stages)),
        "literal": _literal(release.literal),
        "policy": None if release.policy is None else _policy(release.policy, seen),
    }
    return KeptRelease(**members)


def _bare(spec: DeploymentSpec) -> DeploymentSpec:
    return replace(spec, document="{}", origin="")


def _bodiless(stage: AnyStage) -> AnyStage:
    return replace(stage, body=None) if isinstance(stage, Gate) else stage


def _literal(form: LiteralForm | None) -> LiteralForm | None:
    if form is None:
        return None
    spec = None if form.stable_spec is None else _bare(form.stable_spec)
    return replace(form, stable_spec=spec, bootstrap=tuple(map(_bodiless, form.bootstrap)))


def _policy(policy: Policy, seen: Observation) -> KeptPolicy:
    members = {name: getattr(policy, name) for name in policy.__struct_fields__}
    calendar = policy.calendar
    if calendar is not None:
        years = range(seen.now.year, seen.now.year + _YEARS)
        spans = (
            KeptYear(index, year, calendar.spans(index, year)) for index in range(len(policy.windows)) for year in years
        )
        members["calendar"] = KeptCalendar(tuple(spans))
    return KeptPolicy(**members)


class _Hiding:
    """Replaces secret values of one entry, and knows them again in sentences."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[str, str] = {}

    def values(self, value: Any, path: str = "", *, people: bool = False) -> Any:
        """With every secret value replaced. `people`: `value` is under a member in which people's values stand."""
        if isinstance(value, dict):
            if value.keys() == _CHANGE:
                sides = {name: self.values(value[name], value["path"], people=True) for name in ("before", "after")}
                return {**value, **sides}
            return {
                name: self.values(inner, f"{path}.{name}" if people else name, people=people or name in _VALUES)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self.values(inner, path, people=people) for inner in value]
        variable = _VARIABLES in path.split(".")
        return self._hidden(value) if people and value is not None and (variable or is_secret(path, value)) else value

    def sentences(self, value: Any, *, prose: bool = False) -> Any:
        """With every sentence in which one of them stands made harmless. `prose`: `value` is one."""
        if isinstance(value, dict):
            return {name: self.sentences(inner, prose=prose or name in _PROSE) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.sentences(inner, prose=prose) for inner in value]
        if prose and isinstance(value, str):
            for secret in sorted(self._known, key=len, reverse=True):
                value = value.replace(secret, self._known[secret])
        return value

    def _hidden(self, value: Any) -> str:
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        digest = "hidden:" + hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:20]
        if len(text) >= _TELLING:
            self._known[text] = digest
        return digest
