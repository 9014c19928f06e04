"""The JSON of Azure DevOps, and what of it the port knows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from rollout.forge.port import ChangeRequest, Comment, State, Status

ACTIVE: Final = "active"
CLOSED: Final = "closed"
_OPEN: Final = ("active", "pending")
"""What the branch policy `Check for comment resolution` counts as not resolved."""
_APPROVES: Final = 5
"""A vote of 10 is `approved`, of 5 `approved with suggestions`; the others are none."""
_STATES: Final[Mapping[State, str]] = MappingProxyType(
    {State.PENDING: "pending", State.SUCCESS: "succeeded", State.FAILURE: "failed", State.ERROR: "error"}
)
_READ: Final[Mapping[str, State]] = MappingProxyType({word: state for state, word in _STATES.items()})


def comment_of(thread: Mapping[str, Any], me: str, page: str) -> Comment:
    """A thread by its first comment: `id` is its path below the repository, `handle` the comment's number."""
    said: Mapping[str, Any] = next(iter(thread.get("comments") or ()), {})
    kind, number = str(said.get("commentType", "")), page.rpartition("/")[2]
    return Comment(
        id=f"pullRequests/{number}/threads/{thread['id']}",
        body="" if said.get("isDeleted") else str(said.get("content") or ""),
        mine=kind != "system" and not said.get("isDeleted") and (said.get("author") or {}).get("id") == me,
        url=f"{page}?discussionId={thread['id']}",
        handle=str(said.get("id", "")),
        settled=thread.get("status", ACTIVE) not in _OPEN,
    )


def key_of(comment: Comment) -> str:
    """The path of its thread below the repository."""
    return comment.id


def status_body(status: Status) -> dict[str, Any]:
    """The genre is what stands before the first slash of the context, the name what stands behind it."""
    genre, _, name = status.context.partition("/")
    context = {"genre": genre, "name": name} if name else {"name": genre}
    body = {"context": context, "state": _STATES[status.state], "description": status.description}
    return {**body, "targetUrl": status.url} if status.url else body


def status_of(entry: Mapping[str, Any]) -> Status:
    """States that we never set count as an error, so that ours replaces them."""
    context = entry["context"]
    return Status(
        context="/".join(part for part in (context.get("genre"), context["name"]) if part),
        state=_READ.get(str(entry.get("state", "")), State.ERROR),
        description=str(entry.get("description") or ""),
        url=str(entry.get("targetUrl") or ""),
    )


def latest(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The newest of each genre and name: all that were ever posted are listed."""
    found = {}
    for entry in sorted(entries, key=lambda one: one["id"]):
        found[entry["context"].get("genre"), entry["context"]["name"]] = entry
    return list(found.values())


def request_of(entry: Mapping[str, Any], me: str, page: str) -> ChangeRequest:
    """A pull request; groups vote through their members, so they do not count."""
    voters = [one for one in entry.get("reviewers") or () if one.get("vote", 0) >= _APPROVES]
    people = [str(one.get("uniqueName") or one.get("displayName")) for one in voters if not one.get("isContainer")]
    number = int(entry["pullRequestId"])
    return ChangeRequest(
        number=number,
        title=str(entry["title"]),
        body=str(entry.get("description") or ""),
        branch=str(entry["sourceRefName"]).removeprefix("refs/heads/"),
        commit=str((entry.get("lastMergeSourceCommit") or {}).get("commitId", "")),
        open=entry["status"] == "active",
        merged=entry["status"] == "completed",
        mine=(entry.get("createdBy") or {}).get("id") == me,
        url=f"{page}/pullrequest/{number}",
        approved_by=tuple(sorted(people)),
    )


def reference(branch: str) -> str:
    """A branch by its full name."""
    return f"refs/heads/{branch}"
