"""What a command has to tell about one release, in values of the core; `from_report` makes the document of it."""

from __future__ import annotations

import msgspec

from rollout.core.approval import Approved
from rollout.core.change_set import ChangeSet
from rollout.core.observed import Observation
from rollout.core.progress import Damaged, Progress, from_tags
from rollout.core.release import Release
from rollout.core.verdict import Verdict
from rollout.ports import RequestCount


class Measured(msgspec.Struct, frozen=True):
    """What a gate said while this command ran."""

    gate: str
    verdict: Verdict


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an `apply` ended."""

    exit_code: int
    writes: int
    failure: str = ""
    measured: tuple[Measured, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A release, what is live, and what is still to do. `file` is the plan's path as the user gave it.

    `approval` is what is to be approved of the change set, for saving. `exit_code` is the one that
    `--detailed-exitcode` gives; an `outcome` has the one that the command ended with.
    """

    release: Release
    file: str
    observation: Observation
    changes: ChangeSet
    requests: RequestCount
    command: str = "diff"
    exit_code: int = 0
    outcome: Outcome | None = None
    approval: Approved | None = None

    @property
    def progress(self) -> Progress | Damaged | None:
        """The record in the endpoint's tags."""
        endpoint = self.observation.endpoint
        return from_tags(endpoint.tags) if endpoint else None
