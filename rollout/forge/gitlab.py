"""GitLab's REST API behind the port: discussions of merge requests, statuses of commits, issues.

https://docs.gitlab.com/api/rest (v4)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from rollout.bounded import BoundedResponse
from rollout.errors import RolloutError
from rollout.forge.dialect import Call
from rollout.forge.gitlab_faults import GITLAB
from rollout.forge.gitlab_shapes import comment_of, issue_of, request_of, status_body, status_of
from rollout.forge.port import ChangeRequest, Comment, Draft, Issue, Limits, Status, Task
from rollout.forge.rights import gitlab_refusal
from rollout.forge.wire import Wire
from rollout.proxies import Proxies

LIMITS: Final = Limits(body=1_000_000, request=1_000_000, title=255, context=255, description=255)
"""https://docs.gitlab.com/administration/instance_limits"""
_SAME_STATE: Final = "Cannot transition status"
"""The answer to a status in the state that it has already; a pending one cannot be given other words."""
_TALK: Final = "Reporter"
_WRITE: Final = "Developer"


class GitLab:
    """One project, by its path (`group/project`)."""

    def __init__(self, wire: Wire, repository: str) -> None:
        self._wire = wire
        self._root = f"/projects/{quote(repository, safe='')}"
        self._identity: int | None = None

    @property
    def limits(self) -> Limits:
        """GitLab's."""
        return LIMITS

    async def refusal(self, task: Task) -> str | None:
        """See the port."""
        return await gitlab_refusal(self._wire, self._root, task)

    async def comments(self, number: int) -> Sequence[Comment]:
        """See the port: the first note of each discussion."""
        me, page = await self._me(), (await self._request(number))["web_url"]
        found = await self._list(self._discussions(number), "read the discussions of a merge request", _TALK)
        return [comment_of(one, me, page) for one in found]

    async def add_comment(self, number: int, body: str) -> Comment:
        """See the port: a discussion, which can be resolved; a plain note cannot."""
        made = await self._ask("POST", self._discussions(number), "write a comment", _TALK, {"body": body})
        return comment_of(made, await self._me(), (await self._request(number))["web_url"])

    async def edit_comment(self, comment: Comment, body: str) -> None:
        """See the port."""
        path = f"{self._merge(_number(comment))}/notes/{comment.handle}"
        await self._ask("PUT", path, "edit a comment", _TALK, {"body": body})

    async def settle_comment(self, comment: Comment, *, settled: bool) -> None:
        """See the port."""
        path = f"{self._discussions(_number(comment))}/{comment.id}"
        await self._ask("PUT", path, "resolve a comment", _WRITE, {"resolved": settled})

    async def fold_comment(self, comment: Comment) -> None:
        """See the port: a resolved discussion is folded."""
        await self.settle_comment(comment, settled=True)

    async def statuses(self, commit: str, number: int | None = None) -> Sequence[Status]:
        """See the port. Those of a merge request are those of its newest commit."""
        path = f"{self._root}/repository/commits/{quote(commit)}/statuses"
        return [status_of(entry) for entry in await self._list(path, "read statuses of a commit", _TALK)]

    async def set_status(self, commit: str, status: Status, number: int | None = None) -> None:
        """See the port. What is pending already stays in its words until it moves."""
        path = f"{self._root}/statuses/{quote(commit)}"
        try:
            await self._ask("POST", path, "set a status of a commit", _WRITE, status_body(status))
        except RolloutError as error:
            if _SAME_STATE not in str(error):
                raise

    async def open_issues(self, label: str) -> Sequence[Issue]:
        """See the port."""
        me = await self._me()
        found = await self._list(f"{self._root}/issues", "read issues", _TALK, state="opened", labels=label)
        return [issue_of(entry, me) for entry in found]

    async def open_issue(self, draft: Draft, label: str) -> Issue:
        """See the port."""
        body = {"title": draft.title, "description": draft.body, "labels": label}
        return issue_of(await self._ask("POST", f"{self._root}/issues", "open an issue", _TALK, body), await self._me())

    async def edit_issue(self, issue: Issue, draft: Draft) -> None:
        """See the port."""
        body = {"title": draft.title, "description": draft.body}
        await self._ask("PUT", f"{self._root}/issues/{issue.number}", "edit an issue", _TALK, body)

    async def close_issue(self, issue: Issue, comment: str) -> None:
        """See the port."""
        path = f"{self._root}/issues/{issue.number}"
        await self._ask("POST", f"{path}/notes", "comment on an issue", _TALK, {"body": comment})
        await self._ask("PUT", path, "close an issue", _TALK, {"state_event": "close"})

    async def change_request(self, number: int) -> ChangeRequest:
        """See the port."""
        said = await self._ask("GET", f"{self._merge(number)}/approvals", "read approvals", _TALK)
        names = tuple(sorted(str(one["user"]["username"]) for one in said.get("approved_by") or ()))
        return request_of(await self._request(number), await self._me(), names)

    async def change_requests_of(self, commit: str) -> Sequence[ChangeRequest]:
        """See the port."""
        path = f"{self._root}/repository/commits/{quote(commit)}/merge_requests"
        found = await self._list(path, "find a commit's merge request", _TALK)
        numbers = sorted({int(entry["iid"]) for entry in found})
        requests = [await self.change_request(number) for number in numbers]
        return sorted(requests, key=lambda request: (not request.merged, request.number))

    async def change_requests_from(self, branch: str) -> Sequence[ChangeRequest]:
        """See the port."""
        me, path = await self._me(), f"{self._root}/merge_requests"
        found = await self._list(path, "read merge requests", _TALK, source_branch=branch, state="all")
        return sorted((request_of(entry, me) for entry in found), key=lambda request: -request.number)

    async def open_change_request(self, draft: Draft, branch: str, base: str) -> ChangeRequest:
        """See the port."""
        names = {"source_branch": branch, "target_branch": base, "remove_source_branch": True}
        body = {**names, "title": draft.title, "description": draft.body}
        made = await self._ask("POST", f"{self._root}/merge_requests", "open a merge request", _WRITE, body)
        return request_of(made, await self._me())

    async def edit_change_request(self, request: ChangeRequest, draft: Draft) -> None:
        """See the port."""
        body = {"title": draft.title, "description": draft.body}
        await self._ask("PUT", self._merge(request.number), "edit a merge request", _WRITE, body)

    async def default_branch(self) -> str:
        """See the port."""
        return str((await self._ask("GET", self._root, "read the project", _TALK))["default_branch"])

    def _merge(self, number: int) -> str:
        return f"{self._root}/merge_requests/{number}"

    def _discussions(self, number: int) -> str:
        return f"{self._merge(number)}/discussions"

    async def _request(self, number: int) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self._ask("GET", self._merge(number), "read a merge request", _TALK)
        return found

    async def _me(self) -> int:
        """The user behind the token."""
        if self._identity is None:
            self._identity = int((await self._ask("GET", "/user", "ask who it belongs to", _TALK))["id"])
        return self._identity

    async def _list(self, path: str, what: str, needs: str, **query: str) -> list[Any]:
        call = Call(method="GET", path=path, what=what, needs=needs)
        return [entry async for page in self._wire.pages(call, query) for entry in page]

    async def _ask(self, method: str, path: str, what: str, needs: str, body: Mapping[str, Any] | None = None) -> Any:
        return await self._wire.json(Call(method=method, path=path, what=what, needs=needs), body)


def _number(comment: Comment) -> int:
    """The merge request that a comment of ours belongs to: its address says it."""
    return int(comment.url.partition("#")[0].rpartition("/")[2])


@asynccontextmanager
async def connected(api_url: str, repository: str, token: str) -> AsyncIterator[GitLab]:
    """A project; the connection is closed at the end. Proxies are those of the environment."""
    async with aiohttp.ClientSession(middlewares=(Proxies(),), response_class=BoundedResponse) as session:
        yield GitLab(Wire(session, api_url, token, dialect=GITLAB), repository)
