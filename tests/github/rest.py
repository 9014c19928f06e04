"""The REST API of the local GitHub: the documented shapes, limits, permissions and refusals of what we use of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.github.world import Repo, Token, World

MOST_BODY, MOST_TITLE, MOST_DESCRIPTION, MOST_CONTEXT, MOST_STATUSES = 65_536, 256, 140, 255, 1_000


class Refused(Exception):
    """An error answer."""

    def __init__(self, status: int, message: str, errors: list[Any] | None = None, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
        self.errors = errors
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass
class Asked:
    """One request, after its token was read."""

    world: World
    repo: Repo
    token: Token
    request: Request
    body: dict[str, Any]

    def needs(self, *accepted: str) -> None:
        """Refuse unless one of the permissions is granted."""
        if not any(self.token.may(needed) for needed in accepted):
            names = "; ".join(needed.replace(": ", "=").replace("-", "_") for needed in accepted)
            raise Refused(403, "Resource not accessible by integration", x_accepted_github_permissions=names)

    def text(self, name: str, most: int, resource: str) -> str:
        """A text of the body within its limit."""
        found = str(self.body.get(name) or "")
        if len(found) > most:
            message = f"{name} is too long (maximum is {most} characters)"
            error = {"resource": resource, "code": "unprocessable", "field": "data", "message": message}
            raise Refused(422, "Validation Failed", [error])
        return found

    def required(self, name: str, resource: str) -> None:
        """Refuse a body without that member, once it is clear that it would be allowed."""
        if not self.body.get(name):
            raise Refused(422, "Validation Failed", [{"resource": resource, "code": "missing_field", "field": name}])

    @property
    def author(self) -> dict[str, Any]:
        """Who is asking, as a user."""
        return {"login": self.token.login, "type": "Bot" if self.token.login.endswith("[bot]") else "User"}


def listed(asked: Asked, entries: list[Any], wrap: Callable[[list[Any]], Any] = list) -> Response:
    """A page of a list, with its Link header."""
    query = dict(asked.request.query_params)
    size, page = min(100, int(query.get("per_page", 30))), int(query.get("page", 1))
    headers = {}
    if page * size < len(entries):
        following = urlencode({**query, "page": page + 1})
        headers["Link"] = f'<{asked.world.url}{asked.request.url.path}?{following}>; rel="next"'
    return JSONResponse(wrap(entries[(page - 1) * size : page * size]), headers=headers)


def repository(asked: Asked) -> Response:
    """GET of the repository."""
    asked.needs("contents: read")
    return JSONResponse({"full_name": asked.repo.full_name, "default_branch": asked.repo.default_branch})


def comments(asked: Asked, number: int) -> Response:
    """The comments of an issue or a pull request: list them, add one."""
    if number not in asked.repo.items:
        raise Refused(404, "Not Found")
    if asked.request.method == "GET":
        asked.needs("issues: read", "pull-requests: read")
        return listed(asked, [found for found in asked.repo.comments.values() if found["issue"] == number])
    kind = "pull-requests: write" if "head" in asked.repo.items[number] else "issues: write"
    asked.needs(kind)
    text = asked.text("body", MOST_BODY, "IssueComment")
    identity = len(asked.repo.comments) + 1001
    asked.repo.comments[identity] = {
        "id": identity,
        "node_id": f"IC_{identity}",
        "issue": number,
        "body": text,
        "user": asked.author,
        "html_url": f"{asked.repo.items[number]['html_url']}#issuecomment-{identity}",
    }
    return JSONResponse(asked.repo.comments[identity], 201)


def comment(asked: Asked, identity: int) -> Response:
    """PATCH of one comment; a token edits its own only, as far as we are concerned."""
    asked.needs("issues: write", "pull-requests: write")
    found = asked.repo.comments.get(identity)
    if found is None:
        raise Refused(404, "Not Found")
    found["body"] = asked.text("body", MOST_BODY, "IssueComment")
    return JSONResponse(found)


def combined(asked: Asked, commit: str) -> Response:
    """The latest status of each context of a commit."""
    asked.needs("statuses: read")
    latest = {found["context"]: found for found in asked.repo.statuses.get(commit, [])}
    return listed(asked, list(latest.values()), lambda page: {"state": "pending", "statuses": page, "sha": commit})


def add_status(asked: Asked, commit: str) -> Response:
    """POST of a status."""
    asked.needs("statuses: write")
    context = asked.text("context", MOST_CONTEXT, "Status")
    description = asked.text("description", MOST_DESCRIPTION, "Status")
    if asked.body.get("state") not in ("error", "failure", "pending", "success"):
        raise Refused(422, "Validation Failed", [{"resource": "Status", "code": "custom", "field": "state"}])
    there = asked.repo.statuses.setdefault(commit, [])
    if sum(found["context"] == context for found in there) >= MOST_STATUSES:
        message = "This SHA and context has reached the maximum number of statuses."
        raise Refused(422, "Validation Failed", [{"resource": "Status", "message": message}])
    url = asked.body.get("target_url")
    there.append({"context": context, "state": asked.body["state"], "description": description, "target_url": url})
    return JSONResponse(there[-1], 201)


def issues(asked: Asked) -> Response:
    """List issues (pull requests are among them, as on the real one), or open one."""
    if not asked.repo.issues_enabled:
        raise Refused(410, "Issues has been disabled in this repository.")
    if asked.request.method == "GET":
        asked.needs("issues: read")
        return listed(asked, [item for item in asked.repo.items.values() if _matches(asked, item)])
    asked.needs("issues: write")
    asked.required("title", "Issue")
    number = asked.repo.next_number()
    asked.repo.items[number] = {
        "number": number,
        "state": "open",
        "title": asked.text("title", MOST_TITLE, "Issue"),
        "body": asked.text("body", MOST_BODY, "Issue"),
        "labels": [{"name": name} for name in asked.body.get("labels", [])],
        "user": asked.author,
        "html_url": f"{asked.world.url}/{asked.repo.full_name}/issues/{number}",
    }
    return JSONResponse(asked.repo.items[number], 201)


def _matches(asked: Asked, item: dict[str, Any]) -> bool:
    query = asked.request.query_params
    labels = {label["name"] for label in item.get("labels", [])}
    return (
        query.get("state", "open") in ("all", item["state"])
        and query.get("labels", "") in {"", *labels}
        and query.get("creator", "") in ("", item["user"]["login"])
    )


def item(asked: Asked, number: int, kind: str) -> Response:
    """GET or PATCH of an issue or a pull request."""
    found = asked.repo.items.get(number)
    if found is None or ("head" in found) != (kind == "pulls"):
        raise Refused(404, "Not Found")
    name = "pull-requests" if kind == "pulls" else "issues"
    if asked.request.method == "GET":
        asked.needs(f"{name}: read")
        return JSONResponse(asked.repo.pull(number) if kind == "pulls" else found)
    asked.needs(f"{name}: write")
    for key, most in (("title", MOST_TITLE), ("body", MOST_BODY)):
        if key in asked.body:
            found[key] = asked.text(key, most, "Issue")
    found.update({key: asked.body[key] for key in ("state", "state_reason") if key in asked.body})
    return JSONResponse(found)


def pulls(asked: Asked) -> Response:
    """List pull requests of a head, or open one."""
    if asked.request.method == "GET":
        asked.needs("pull-requests: read")
        head, state = asked.request.query_params.get("head", ""), asked.request.query_params.get("state", "open")
        owner = asked.repo.full_name.partition("/")[0]
        entries = [p for p in asked.repo.pulls() if state in ("all", p["state"])]
        return listed(asked, [p for p in entries if not head or head == f"{owner}:{p['head']['ref']}"])
    asked.needs("pull-requests: write")
    if not asked.token.opens_pulls:
        raise Refused(403, "GitHub Actions is not permitted to create or approve pull requests.")
    asked.required("head", "PullRequest")
    title, body = asked.text("title", MOST_TITLE, "PullRequest"), asked.text("body", MOST_BODY, "PullRequest")
    if asked.repo.git("for-each-ref", f"refs/heads/{asked.body['head']}") == "":
        raise Refused(422, "Validation Failed", [{"resource": "PullRequest", "field": "head", "code": "invalid"}])
    made = asked.world.open_pull(asked.repo, asked.body["head"], title, asked.token.login, body)
    made["base"]["ref"] = asked.body["base"]
    return JSONResponse(made, 201)


def reviews(asked: Asked, number: int) -> Response:
    """The reviews of a pull request, oldest first."""
    asked.needs("pull-requests: read")
    return listed(asked, asked.repo.reviews.get(number, []))


def pulls_of(asked: Asked, commit: str) -> Response:
    """The pull requests that a commit came from or belongs to."""
    asked.needs("contents: read", "pull-requests: read")
    found = [pull for pull in asked.repo.pulls() if commit in (pull["merge_commit_sha"], pull["head"]["sha"])]
    return listed(asked, found)
