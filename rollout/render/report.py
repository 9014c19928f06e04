"""What a command has to tell about one release: values only; the forms (text, JSON) are made from it."""

from __future__ import annotations

import msgspec

from rollout.core.change_set import ChangeSet
from rollout.core.observed import Observation
from rollout.core.progress import Damaged, Progress, from_tags
from rollout.core.release import Release
from rollout.ports import RequestCount


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an `apply` ended."""

    exit_code: int
    writes: int
    failure: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A release, what is live, and what is still to do. `file` is the plan's path as the user gave it."""

    release: Release
    file: str
    observation: Observation
    changes: ChangeSet
    requests: RequestCount
    outcome: Outcome | None = None

    @property
    def progress(self) -> Progress | Damaged | None:
        """The record in the endpoint's tags."""
        endpoint = self.observation.endpoint
        return from_tags(endpoint.tags) if endpoint else None
