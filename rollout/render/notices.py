"""A notice in words, for chat and mail, and as the data of an event, for programs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from string import Template
from types import MappingProxyType
from typing import Final

import msgspec

from rollout.core.notices import Notice
from rollout.render.words import moment

SUBJECT: Final = "$plan: $title"
BODY: Final = "$reason\n$details"
TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "started": "a rollout has started",
        "advanced": "a stage has passed",
        "approved": "approved",
        "failed": "a gate has failed",
        "rolled_back": "ROLLED BACK",
        "held": "HELD: somebody must look",
        "resumed": "resumed",
        "promoted": "promoted, complete",
        "superseded": "superseded by a newer goal",
        "other": "news",
        "drift": "the live endpoint has drifted",
        "orphaned": "a run whose plan is gone",
    }
)
"""What each event is called."""
_CONTROL: Final = dict.fromkeys((*range(9), *range(11, 32), 127), " ")


class Fields(msgspec.Struct, frozen=True, kw_only=True):
    """What a template may name, all of them texts. Fixed: adding one is an addition to the format."""

    plan: str
    endpoint: str
    endpoint_id: str
    event: str
    title: str
    at: str
    reason: str
    actor: str
    commit: str
    run: str
    split: str
    evidence: str
    details: str
    missed: str


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What the pass that tells it knows besides: its CI run's address, the split now, what its gates said."""

    run: str = ""
    split: str = ""
    evidence: str = ""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The `data` of an event: one transition of a rollout. Later minor versions may add keys."""

    format_version: int
    event: str
    at: datetime
    plan: str
    endpoint: str
    reason: str
    actor: str
    commit: str
    number: int
    missed: int
    run: str
    split: str
    evidence: str


def written(template: str, fields: Fields) -> str:
    """The template with the fields in their places; nothing in a value is read as a template."""
    text = Template(template).safe_substitute(msgspec.structs.asdict(fields))
    return text.translate(_CONTROL).strip()


def fields_of(notice: Notice, around: Surroundings, *, again: bool = False) -> Fields:
    """What there is to say. `again`: it may have been told before."""
    name = notice.endpoint.rsplit("/", 1)[-1]
    lines = {
        "endpoint": name,
        "when": moment(notice.at),
        "by": notice.actor,
        "commit": notice.commit,
        "traffic now": around.split,
        "evidence": around.evidence,
        "run": around.run,
        "before that": f"{notice.missed} more, not told" if notice.missed else "",
        "note": "may have been told before" if again else "",
    }
    return Fields(
        plan=notice.plan,
        endpoint=name,
        endpoint_id=notice.endpoint,
        event=notice.event,
        title=TITLES[notice.event],
        at=moment(notice.at),
        reason=notice.reason,
        actor=notice.actor,
        commit=notice.commit,
        run=around.run,
        split=around.split,
        evidence=around.evidence,
        details="\n".join(f"{key}: {value}" for key, value in lines.items() if value),
        missed=str(notice.missed),
    )


def data_of(notice: Notice, around: Surroundings) -> Told:
    """The same for programs."""
    return Told(
        format_version=1,
        event=notice.event,
        at=notice.at,
        plan=notice.plan,
        endpoint=notice.endpoint,
        reason=notice.reason,
        actor=notice.actor,
        commit=notice.commit,
        number=notice.number,
        missed=notice.missed,
        run=around.run,
        split=around.split,
        evidence=around.evidence,
    )
