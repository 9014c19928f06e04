"""What is asked of a code forge, whichever it is. Answers: `github.py`, `azure_devops.py`, `gitlab.py`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long texts may be, in characters. `body`: of comments and issues; `request`: of a change request."""

    body: int
    request: int
    title: int
    context: int
    description: int


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """One comment below a change request. `mine`: written by the identity that we speak as.

    `settled`: whether it is marked as resolved; None where the forge's comments know no such thing.
    """

    id: str
    body: str
    mine: bool
    url: str = ""
    handle: str = ""
    """The forge's second name for it, where it has one."""
    settled: bool | None = None


class State(StrEnum):
    """What a commit status says."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A line beside a commit: whose (`context`), how it stands, in a few words, and where to read more."""

    context: str
    state: State
    description: str
    url: str = ""


class Task(StrEnum):
    """What a token is needed for."""

    COMMENT = "comment"
    STATUS = "status"
    ISSUE = "issue"
    REQUEST = "change request"


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """An issue. `number` is what people call it by."""

    number: int
    title: str
    body: str
    mine: bool
    url: str = ""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A title and a body that are to be published."""

    title: str
    body: str


class ChangeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A pull or merge request. `approved_by`: those whose last review says yes (empty where it was not asked for)."""

    number: int
    title: str
    body: str
    branch: str
    commit: str
    open: bool
    merged: bool
    mine: bool = False
    url: str = ""
    approved_by: tuple[str, ...] = ()


class Forge(Protocol):
    """One repository on a forge. Everything raises SignInError where the token may not, RolloutError otherwise."""

    @property
    def limits(self) -> Limits:
        """How long texts may be."""

    async def refusal(self, task: Task) -> str | None:
        """Why the token may not do that, and the remedy; "" where it may, None: nobody can tell. Changes nothing."""

    async def comments(self, number: int) -> Sequence[Comment]:
        """All comments of a change request or an issue, oldest first."""

    async def add_comment(self, number: int, body: str) -> Comment:
        """A new comment at the end."""

    async def edit_comment(self, comment: Comment, body: str) -> None:
        """Another text for a comment of ours."""

    async def fold_comment(self, comment: Comment) -> None:
        """Hide a comment of ours as outdated; people can still open it."""

    async def settle_comment(self, comment: Comment, *, settled: bool) -> None:
        """Mark a comment of ours as resolved, or take that back."""

    async def statuses(self, commit: str, number: int | None = None) -> Sequence[Status]:
        """The latest status of each context of a commit; with `number` those that its open change request shows."""

    async def set_status(self, commit: str, status: Status, number: int | None = None) -> None:
        """A new status for its context, where `statuses` finds it."""

    async def open_issues(self, label: str) -> Sequence[Issue]:
        """Our open issues with that label."""

    async def open_issue(self, draft: Draft, label: str) -> Issue:
        """A new issue."""

    async def edit_issue(self, issue: Issue, draft: Draft) -> None:
        """Another title and body for an issue of ours."""

    async def close_issue(self, issue: Issue, comment: str) -> None:
        """Say why, and close it as completed."""

    async def change_request(self, number: int) -> ChangeRequest:
        """One change request, with its approvals."""

    async def change_requests_of(self, commit: str) -> Sequence[ChangeRequest]:
        """Those that a commit came from or belongs to; merged ones first."""

    async def change_requests_from(self, branch: str) -> Sequence[ChangeRequest]:
        """Those that were ever opened from a branch of this repository, newest first."""

    async def open_change_request(self, draft: Draft, branch: str, base: str) -> ChangeRequest:
        """A new one, from `branch` into `base`."""

    async def edit_change_request(self, request: ChangeRequest, draft: Draft) -> None:
        """Another title and body for one of ours."""

    async def default_branch(self) -> str:
        """The branch that people merge into."""
