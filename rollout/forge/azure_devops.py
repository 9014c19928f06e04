"""Azure DevOps' REST API behind the port: threads of pull requests, statuses of commits and pull requests.

https://learn.microsoft.com/rest/api/azure/devops/git (api-version 7.1)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from rollout.bounded import BoundedResponse
from rollout.forge.azure_boards import Boards
from rollout.forge.azure_faults import AZURE_DEVOPS
from rollout.forge.azure_shapes import (
    ACTIVE,
    CLOSED,
    comment_of,
    key_of,
    latest,
    reference,
    request_of,
    status_body,
    status_of,
)
from rollout.forge.dialect import Call
from rollout.forge.port import ChangeRequest, Comment, Draft, Issue, Limits, Status, Task
from rollout.forge.rights import azure_refusal
from rollout.forge.wire import Wire
from rollout.proxies import Proxies

LIMITS: Final = Limits(body=150_000, request=4_000, title=255, context=255, description=140)
"""A comment 150,000, a pull request's description 4,000, a work item's title 255 characters; statuses as on GitHub."""
VERSION: Final = "7.1"
_TALK: Final = "Contribute to pull requests"
_READ: Final = "Read"


class AzureDevOps:
    """One repository (`project/name`) of an organisation."""

    def __init__(self, wire: Wire, repository: str) -> None:
        self._wire = wire
        project, _, name = repository.partition("/")
        self._project = f"/{quote(project)}"
        self._root = f"{self._project}/_apis/git/repositories/{quote(name)}"
        self._page = f"{wire.base_url}/{quote(project)}/_git/{quote(name)}"
        self._boards = Boards(wire, self._project)
        self._identity = ""

    @property
    def limits(self) -> Limits:
        """Azure DevOps'."""
        return LIMITS

    async def refusal(self, task: Task) -> str | None:
        """See the port."""
        return await azure_refusal(self._wire, self._root, task, VERSION)

    async def comments(self, number: int) -> Sequence[Comment]:
        """See the port: the first comment of each thread."""
        me = await self._me()
        found = await self._list(f"{self._threads(number)}", "read the threads of a pull request", _READ)
        return [comment_of(thread, me, self._url(number)) for thread in found if not thread.get("isDeleted")]

    async def add_comment(self, number: int, body: str) -> Comment:
        """See the port."""
        said = {"parentCommentId": 0, "content": body, "commentType": "text"}
        thread = await self._ask(
            "POST", self._threads(number), "write a comment", _TALK, {"comments": [said], "status": ACTIVE}
        )
        return comment_of(thread, await self._me(), self._url(number))

    async def edit_comment(self, comment: Comment, body: str) -> None:
        """See the port."""
        path = f"/{key_of(comment)}/comments/{comment.handle}"
        await self._ask("PATCH", self._root + path, "edit a comment", _TALK, {"content": body})

    async def settle_comment(self, comment: Comment, *, settled: bool) -> None:
        """See the port: the status of its thread."""
        status = CLOSED if settled else ACTIVE
        path = f"{self._root}/{key_of(comment)}"
        await self._ask("PATCH", path, "resolve a comment", _TALK, {"status": status})

    async def fold_comment(self, comment: Comment) -> None:
        """See the port: a closed thread is folded."""
        await self.settle_comment(comment, settled=True)

    async def statuses(self, commit: str, number: int | None = None) -> Sequence[Status]:
        """See the port. A pull request has statuses of its own, for each of its iterations."""
        if number is None:
            path = f"{self._root}/commits/{quote(commit)}/statuses"
            found = await self._list(path, "read statuses of a commit", _READ, latestOnly="true", top="1000")
            return [status_of(entry) for entry in latest(found)]
        path, iteration = f"{self._pull(number)}/statuses", await self._iteration(number, commit)
        found = await self._list(path, "read statuses of a pull request", _READ)
        return [status_of(entry) for entry in latest(found) if entry.get("iterationId") in (None, iteration)]

    async def set_status(self, commit: str, status: Status, number: int | None = None) -> None:
        """See the port. On a pull request it is what a branch policy can require; on an iteration, for that push."""
        body = status_body(status)
        if number is None:
            path, what = f"{self._root}/commits/{quote(commit)}/statuses", "set a status of a commit"
        else:
            path, what = f"{self._pull(number)}/statuses", "set a status of a pull request"
            iteration = await self._iteration(number, commit)
            body = {**body, "iterationId": iteration} if iteration else body
        await self._ask("POST", path, what, "Contribute to pull requests", body)

    async def open_issues(self, label: str) -> Sequence[Issue]:
        """See the port: work items."""
        return await self._boards.open_issues(label, await self._me())

    async def open_issue(self, draft: Draft, label: str) -> Issue:
        """See the port."""
        return await self._boards.open_issue(draft, label, await self._me())

    async def edit_issue(self, issue: Issue, draft: Draft) -> None:
        """See the port."""
        await self._boards.edit_issue(issue, draft)

    async def close_issue(self, issue: Issue, comment: str) -> None:
        """See the port."""
        await self._boards.close_issue(issue, comment)

    async def change_request(self, number: int) -> ChangeRequest:
        """See the port. Its votes are part of it."""
        found = await self._ask("GET", self._pull(number), "read a pull request", _READ)
        return request_of(found, await self._me(), self._page)

    async def change_requests_of(self, commit: str) -> Sequence[ChangeRequest]:
        """See the port."""
        queries = [{"type": kind, "items": [commit]} for kind in ("lastMergeCommit", "commit")]
        path = f"{self._root}/pullrequestquery"
        answer = await self._ask("POST", path, "find a commit's pull request", _READ, {"queries": queries})
        me = await self._me()
        told = [entry for result in answer["results"] for entries in result.values() for entry in entries]
        by_number = {entry["pullRequestId"]: request_of(entry, me, self._page) for entry in told}
        return sorted(by_number.values(), key=lambda request: (not request.merged, request.number))

    async def change_requests_from(self, branch: str) -> Sequence[ChangeRequest]:
        """See the port."""
        wanted = {"searchCriteria.sourceRefName": reference(branch), "searchCriteria.status": "all", "$top": "100"}
        found = await self._list(f"{self._root}/pullrequests", "read pull requests", _READ, **wanted)
        me = await self._me()
        return sorted((request_of(entry, me, self._page) for entry in found), key=lambda request: -request.number)

    async def open_change_request(self, draft: Draft, branch: str, base: str) -> ChangeRequest:
        """See the port."""
        names = {"sourceRefName": reference(branch), "targetRefName": reference(base)}
        body = {**names, "title": draft.title, "description": draft.body}
        found = await self._ask("POST", f"{self._root}/pullrequests", "open a pull request", _TALK, body)
        return request_of(found, await self._me(), self._page)

    async def edit_change_request(self, request: ChangeRequest, draft: Draft) -> None:
        """See the port."""
        body = {"title": draft.title, "description": draft.body}
        await self._ask("PATCH", self._pull(request.number), "edit a pull request", _TALK, body)

    async def default_branch(self) -> str:
        """See the port."""
        found = await self._ask("GET", self._root, "read the repository", _READ)
        return str(found["defaultBranch"]).removeprefix("refs/heads/")

    def _pull(self, number: int) -> str:
        return f"{self._root}/pullRequests/{number}"

    def _threads(self, number: int) -> str:
        return f"{self._pull(number)}/threads"

    def _url(self, number: int) -> str:
        return f"{self._page}/pullrequest/{number}"

    async def _iteration(self, number: int, commit: str) -> int | None:
        """The newest push of a pull request whose head is that commit."""
        found = await self._list(f"{self._pull(number)}/iterations", "read the pushes of a pull request", _READ)
        known = [entry["id"] for entry in found if (entry.get("sourceRefCommit") or {}).get("commitId") == commit]
        return max(known, default=None)

    async def _me(self) -> str:
        """The identity behind the token."""
        if not self._identity:
            call = Call(method="GET", path="/_apis/connectionData", what="ask who it belongs to", needs=_READ)
            answer = await self._wire.json(call, query={"api-version": f"{VERSION}-preview"})
            self._identity = str(answer["authenticatedUser"]["id"])
        return self._identity

    async def _list(self, path: str, what: str, needs: str, **query: str) -> list[Any]:
        call = Call(method="GET", path=path, what=what, needs=needs)
        return list((await self._wire.json(call, query={"api-version": VERSION, **query}))["value"])

    async def _ask(self, method: str, path: str, what: str, needs: str, body: Mapping[str, Any] | None = None) -> Any:
        call = Call(method=method, path=path, what=what, needs=needs)
        return await self._wire.json(call, body, {"api-version": VERSION})


@asynccontextmanager
async def connected(api_url: str, repository: str, token: str) -> AsyncIterator[AzureDevOps]:
    """A repository; the connection is closed at the end. Proxies are those of the environment."""
    async with aiohttp.ClientSession(middlewares=(Proxies(),), response_class=BoundedResponse) as session:
        yield AzureDevOps(Wire(session, api_url, token, dialect=AZURE_DEVOPS), repository)
