"""Saved change sets: from file to what was approved, and the guard that holds a run to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from rollout.cli.switches import must_not_be_stopped
from rollout.core.allowance import must_be_allowed
from rollout.core.approval import Approved, must_be_about, must_fit
from rollout.core.decision import Decision
from rollout.core.observed import Observation
from rollout.core.release import Release
from rollout.errors import Unapproved, UsageError

if TYPE_CHECKING:  # every start pays for what is imported here
    from rollout.render.document import AnyDocument

TOOL: Final = "0"
"""The major version of rollout: a change set that another one looked at must be looked at again."""
SUFFIX: Final = ".json"


class Guarding(msgspec.Struct, frozen=True):
    """`runner.Guard`: no hazard that nobody allowed, nothing once the line is stopped in the repository of `plan`, and
    where a change set was approved nothing but that."""

    release: Release
    allowed: frozenset[str]
    approved: Approved | None = None
    plan: Path | None = None

    @property
    def exact(self) -> bool:
        """Whether everything is read again before each write."""
        return self.approved is not None

    def __call__(self, seen: Observation, decision: Decision) -> None:
        """Raises Unapproved (what changed since, in which field) and Refused."""
        if self.plan is not None:
            must_not_be_stopped(self.plan, decision)
        if self.approved is not None:
            must_fit(self.approved, self.release, seen, decision, self.allowed)
        must_be_allowed(self.release, seen, decision, self.allowed)


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A change set in a file, with the plan (and the overlay) that it is about."""

    approved: Approved
    plan: Path
    overlay: Path | None


def is_saved(path: Path) -> bool:
    """Whether that argument is a saved change set instead of a plan."""
    return path.suffix.lower() == SUFFIX


def document_in(path: Path) -> AnyDocument:
    """What a command has saved there. Raises UsageError where it cannot be read."""
    from rollout.render.saved import decode

    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    return decode(text, str(path))


def read_saved(path: Path) -> Saved:
    """The change set that `rollout diff --out` wrote. Raises UsageError where there is none in the file."""
    from rollout.render.document import Document

    document = document_in(path)
    if not isinstance(document, Document) or document.approval is None:
        raise UsageError(f"{path} holds no change set to apply", hint="write one: rollout diff PLAN --out FILE")
    approved = document.approval
    overlay = beside(path, approved.overlay) if approved.overlay else None
    return Saved(approved=approved, plan=beside(path, approved.file), overlay=overlay)


def must_concern(approved: Approved, release: Release, endpoint: str, expect: str = "") -> None:
    """Raise Unapproved unless it was approved for this plan and endpoint, and is the one that `expect` names."""
    if expect and expect != approved.digest:
        raise Unapproved(f"the saved change set is {approved.digest}, not {expect}")
    must_be_about(approved, release, endpoint, TOOL)


def beside(saved: Path, name: str) -> Path:
    """The file as it was named: from here, else from where the change set lies."""
    found = Path(name)
    if not name:
        raise UsageError(f"{saved} does not name its plan", hint="write it again: rollout diff PLAN --out FILE")
    here = found.is_absolute() or found.exists() or not (saved.parent / found).exists()
    return found if here else saved.parent / found
