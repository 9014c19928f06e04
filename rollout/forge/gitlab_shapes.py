"""The JSON of GitLab, and what of it the port knows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from rollout.forge.port import ChangeRequest, Comment, Issue, State, Status

_STATES: Final[Mapping[State, str]] = MappingProxyType(
    {State.PENDING: "pending", State.SUCCESS: "success", State.FAILURE: "failed", State.ERROR: "failed"}
)
"""A commit has no other state for what went wrong on our side; what it is about says the description."""
_READ: Final[Mapping[str, State]] = MappingProxyType(
    {"pending": State.PENDING, "running": State.PENDING, "success": State.SUCCESS, "failed": State.FAILURE}
)


def comment_of(discussion: Mapping[str, Any], me: int, page: str) -> Comment:
    """A discussion by its first note: `id` is the discussion's, `handle` the note's."""
    note: Mapping[str, Any] = next(iter(discussion.get("notes") or ()), {})
    return Comment(
        id=str(discussion["id"]),
        body=str(note.get("body") or ""),
        mine=not note.get("system") and (note.get("author") or {}).get("id") == me,
        url=f"{page}#note_{note.get('id', '')}",
        handle=str(note.get("id", "")),
        settled=bool(note["resolved"]) if note.get("resolvable") else None,
    )


def status_body(status: Status) -> dict[str, Any]:
    """What sets it."""
    body = {"name": status.context, "state": _STATES[status.state], "description": status.description}
    return {**body, "target_url": status.url} if status.url else body


def status_of(entry: Mapping[str, Any]) -> Status:
    """States that we never set count as an error, so that ours replaces them."""
    return Status(
        context=str(entry["name"]),
        state=_READ.get(str(entry.get("status", "")), State.ERROR),
        description=str(entry.get("description") or ""),
        url=str(entry.get("target_url") or ""),
    )


def request_of(entry: Mapping[str, Any], me: int, approved_by: tuple[str, ...] = ()) -> ChangeRequest:
    """A merge request."""
    return ChangeRequest(
        number=int(entry["iid"]),
        title=str(entry["title"]),
        body=str(entry.get("description") or ""),
        branch=str(entry["source_branch"]),
        commit=str(entry.get("sha") or ""),
        open=entry["state"] in ("opened", "locked"),
        merged=entry["state"] == "merged",
        mine=(entry.get("author") or {}).get("id") == me,
        url=str(entry.get("web_url") or ""),
        approved_by=approved_by,
    )


def issue_of(entry: Mapping[str, Any], me: int) -> Issue:
    """An issue."""
    return Issue(
        number=int(entry["iid"]),
        title=str(entry["title"]),
        body=str(entry.get("description") or ""),
        mine=(entry.get("author") or {}).get("id") == me,
        url=str(entry.get("web_url") or ""),
    )
