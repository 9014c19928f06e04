"""GitHub's REST API behind the port, and the two things that only its GraphQL API knows: who we are, and folding."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from rollout.bounded import BoundedResponse
from rollout.errors import RolloutError
from rollout.forge.dialect import Call
from rollout.forge.port import ChangeRequest, Comment, Draft, Issue, Limits, State, Status, Task
from rollout.forge.rights import github_refusal
from rollout.forge.wire import Wire
from rollout.proxies import Proxies

LIMITS: Final = Limits(body=65_536, request=65_536, title=256, context=255, description=140)
"""https://docs.github.com/rest: longer ones are refused with 422 (a description of a status is cut by us)."""
_VIEWER: Final = "query { viewer { login } }"
_FOLD: Final = (
    "mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) "
    "{ minimizedComment { isMinimized } } }"
)
_TALK: Final = "pull-requests: write"


class GitHub:
    """One repository (`owner/name`) on GitHub or a GitHub Enterprise Server."""

    def __init__(self, wire: Wire, repository: str) -> None:
        self._wire = wire
        self._repository = repository
        self._root = f"/repos/{repository}"
        self._login: str | None = None

    @property
    def limits(self) -> Limits:
        """GitHub's."""
        return LIMITS

    async def refusal(self, task: Task) -> str | None:
        """See the port."""
        return await github_refusal(self._wire, self._root, task)

    async def comments(self, number: int) -> Sequence[Comment]:
        """See the port."""
        call = self._call("GET", f"/issues/{number}/comments", "read comments", "pull-requests: read")
        me = await self._me()
        return [_comment(entry, me) async for entry in self._entries(call)]

    async def add_comment(self, number: int, body: str) -> Comment:
        """See the port."""
        call = self._call("POST", f"/issues/{number}/comments", "write a comment", _TALK)
        return _comment(await self._wire.json(call, {"body": body}), await self._me())

    async def edit_comment(self, comment: Comment, body: str) -> None:
        """See the port."""
        call = self._call("PATCH", f"/issues/comments/{comment.id}", "edit a comment", _TALK)
        await self._wire.json(call, {"body": body})

    async def fold_comment(self, comment: Comment) -> None:
        """See the port."""
        await self._graphql(_FOLD, {"id": comment.handle}, "fold a comment", _TALK)

    async def settle_comment(self, comment: Comment, *, settled: bool) -> None:
        """Nothing: GitHub's comments below a pull request cannot be resolved."""

    async def statuses(self, commit: str, number: int | None = None) -> Sequence[Status]:
        """See the port. A pull request shows those of its newest commit."""
        call = self._call("GET", f"/commits/{quote(commit)}/status", "read commit statuses", "statuses: read")
        return [_status(entry) async for page in self._wire.pages(call) for entry in page["statuses"]]

    async def set_status(self, commit: str, status: Status, number: int | None = None) -> None:
        """See the port."""
        call = self._call("POST", f"/statuses/{quote(commit)}", "set a commit status", "statuses: write")
        body = {"context": status.context, "state": status.state.value, "description": status.description}
        await self._wire.json(call, {**body, "target_url": status.url} if status.url else body)

    async def open_issues(self, label: str) -> Sequence[Issue]:
        """See the port. A label can be taken off by hand: without any hit, all our open issues are looked through."""
        me = await self._me()
        labelled = await self._issues({"labels": label}, me)
        return labelled or await self._issues({"creator": me}, me)

    async def open_issue(self, draft: Draft, label: str) -> Issue:
        """See the port."""
        call = self._call("POST", "/issues", "open an issue", "issues: write")
        body = {"title": draft.title, "body": draft.body, "labels": [label]}
        return _issue(await self._wire.json(call, body), await self._me())

    async def edit_issue(self, issue: Issue, draft: Draft) -> None:
        """See the port."""
        call = self._call("PATCH", f"/issues/{issue.number}", "edit an issue", "issues: write")
        await self._wire.json(call, {"title": draft.title, "body": draft.body})

    async def close_issue(self, issue: Issue, comment: str) -> None:
        """See the port."""
        say = self._call("POST", f"/issues/{issue.number}/comments", "write a comment", "issues: write")
        await self._wire.json(say, {"body": comment})
        call = self._call("PATCH", f"/issues/{issue.number}", "close an issue", "issues: write")
        await self._wire.json(call, {"state": "closed", "state_reason": "completed"})

    async def change_request(self, number: int) -> ChangeRequest:
        """See the port."""
        read = "pull-requests: read"
        call = self._call("GET", f"/pulls/{number}", "read a pull request", read)
        reviews = self._call("GET", f"/pulls/{number}/reviews", "read reviews", read)
        found = await self._wire.json(call)
        said = {review["user"]["login"]: review["state"] async for review in self._entries(reviews) if _counts(review)}
        approved = tuple(sorted(login for login, state in said.items() if state == "APPROVED"))
        return _pull(found, await self._me(), approved)

    async def change_requests_of(self, commit: str) -> Sequence[ChangeRequest]:
        """See the port."""
        call = self._call("GET", f"/commits/{quote(commit)}/pulls", "find a commit's pull request", "contents: read")
        me = await self._me()
        found = [_pull(entry, me) async for entry in self._entries(call)]
        return sorted(found, key=lambda pull: (not pull.merged, pull.number))

    async def change_requests_from(self, branch: str) -> Sequence[ChangeRequest]:
        """See the port."""
        call = self._call("GET", "/pulls", "read pull requests", "pull-requests: read")
        query = {"head": f"{self._repository.partition('/')[0]}:{branch}", "state": "all"}
        me = await self._me()
        found = [_pull(entry, me) async for entry in self._entries(call, query)]
        return sorted(found, key=lambda pull: -pull.number)

    async def open_change_request(self, draft: Draft, branch: str, base: str) -> ChangeRequest:
        """See the port."""
        call = self._call("POST", "/pulls", "open a pull request", _TALK)
        body = {"title": draft.title, "body": draft.body, "head": branch, "base": base}
        return _pull(await self._wire.json(call, body), await self._me())

    async def edit_change_request(self, request: ChangeRequest, draft: Draft) -> None:
        """See the port."""
        call = self._call("PATCH", f"/pulls/{request.number}", "edit a pull request", _TALK)
        await self._wire.json(call, {"title": draft.title, "body": draft.body})

    async def default_branch(self) -> str:
        """See the port."""
        call = self._call("GET", "", "read the repository", "contents: read")
        return str((await self._wire.json(call))["default_branch"])

    async def _issues(self, query: Mapping[str, str], me: str) -> list[Issue]:
        call = self._call("GET", "/issues", "read issues", "issues: read")
        entries = self._entries(call, {"state": "open", **query})
        found = [_issue(entry, me) async for entry in entries if "pull_request" not in entry]
        return [issue for issue in found if issue.mine]

    async def _entries(self, call: Call, query: Mapping[str, str] | None = None) -> AsyncIterator[Any]:
        async for page in self._wire.pages(call, query):
            for entry in page:
                yield entry

    async def _me(self) -> str:
        """Whom comments of ours are by, e.g. `github-actions[bot]`; REST tells it to people's tokens only."""
        if self._login is None:
            answer = await self._graphql(_VIEWER, {}, "ask who it belongs to", "contents: read")
            self._login = str(answer["viewer"]["login"])
        return self._login

    async def _graphql(self, query: str, variables: Mapping[str, str], what: str, needs: str) -> Any:
        call = Call(method="POST", path="", what=what, needs=needs)
        answer = await self._wire.graphql(call, {"query": query, "variables": variables})
        if answer.get("errors"):
            told = "; ".join(str(error.get("message", "")) for error in answer["errors"])
            raise RolloutError(f"GitHub refused to {what}: {told[:500]}", hint=f"the job needs `permissions: {needs}`")
        return answer["data"]

    def _call(self, method: str, path: str, what: str, needs: str) -> Call:
        return Call(method=method, path=self._root + path, what=what, needs=needs)


@asynccontextmanager
async def connected(api_url: str, repository: str, token: str) -> AsyncIterator[GitHub]:
    """A repository; the connection is closed at the end. Proxies are those of the environment."""
    async with aiohttp.ClientSession(middlewares=(Proxies(),), response_class=BoundedResponse) as session:
        yield GitHub(Wire(session, api_url, token), repository)


def _counts(review: Mapping[str, Any]) -> bool:
    """Whether a review decides: a mere comment takes no approval back."""
    return review["state"] in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED") and bool(review.get("user"))


def _login(entry: Mapping[str, Any]) -> str:
    """The author; a deleted account has none."""
    return str((entry.get("user") or {}).get("login", ""))


def _comment(entry: Mapping[str, Any], me: str) -> Comment:
    return Comment(
        id=str(entry["id"]),
        body=str(entry.get("body") or ""),
        mine=_login(entry) == me,
        url=str(entry.get("html_url", "")),
        handle=str(entry.get("node_id", "")),
    )


def _status(entry: Mapping[str, Any]) -> Status:
    return Status(
        context=str(entry["context"]),
        state=State(entry["state"]),
        description=str(entry.get("description") or ""),
        url=str(entry.get("target_url") or ""),
    )


def _issue(entry: Mapping[str, Any], me: str) -> Issue:
    return Issue(
        number=int(entry["number"]),
        title=str(entry["title"]),
        body=str(entry.get("body") or ""),
        mine=_login(entry) == me,
        url=str(entry.get("html_url", "")),
    )


def _pull(entry: Mapping[str, Any], me: str, approved: tuple[str, ...] = ()) -> ChangeRequest:
    return ChangeRequest(
        number=int(entry["number"]),
        title=str(entry["title"]),
        body=str(entry.get("body") or ""),
        branch=str(entry["head"]["ref"]),
        commit=str(entry["head"]["sha"]),
        open=entry["state"] == "open",
        merged=bool(entry.get("merged_at")),
        mine=_login(entry) == me,
        url=str(entry.get("html_url", "")),
        approved_by=approved,
    )
