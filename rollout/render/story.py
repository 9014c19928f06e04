"""What happened to one rollout, when and why: the document, with what was served, judged and written meanwhile.

The dashboard's page of a rollout, `rollout report` and `status --watch` are made of it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from rollout.core.history import Event
from rollout.ports import Reading
from rollout.render.document import FORMAT_VERSION, Document, Instant, Measurement, Part, Shares, Version


class Split(Part, frozen=True, kw_only=True):
    """From `at` on the endpoint was told to split its requests so."""

    at: Instant
    what: str
    traffic: Shares


class Story(Part, frozen=True, kw_only=True, tag_field="kind", tag="report"):
    """One rollout until now. Unknown keys must be passed over."""

    format_version: Version = FORMAT_VERSION
    document: Document
    place: str = ""
    events: tuple[Event, ...] = ()
    weights: Annotated[tuple[int | None, ...], Meta(description="Of each stage, if it is about traffic.")] = ()
    splits: tuple[Split, ...] = ()
    readings: tuple[Reading, ...] = ()
    grain: Annotated[float, Meta(description="Seconds of one reading.")] = 60.0
    start: Annotated[Instant | None, Meta(description="From when on the readings are.")] = None
    measurements: Annotated[tuple[Measurement, ...], Meta(description="What gates showed, the newest last.")] = ()
    untold: Annotated[str, Meta(description="Why there are no readings.")] = ""

    @property
    def now(self) -> datetime | None:
        """The service's time of the look."""
        return self.document.observed_at
