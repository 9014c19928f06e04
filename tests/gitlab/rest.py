"""The REST API of a local GitLab, in the documented shapes, over the repositories of `tests.github.world`.

https://docs.gitlab.com/api/rest (v4): projects, merge requests, discussions, statuses of commits, issues.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.github.world import Repo, Token, World

API = "/api/v4"
PER_PAGE = 2
"""The default of the real one is 20; small, so that every list has pages."""
STATES = ("pending", "running", "success", "failed", "canceled")
THEIRS = {"pending": "pending", "success": "success", "failure": "failed", "error": "failed"}
OURS = {"pending": "pending", "success": "success", "failed": "failure"}
SYSTEM = {"id": "0" * 40, "notes": [{"id": 1, "system": True, "body": "pushed", "author": {"id": 7}}]}


class Refused(Exception):
    """An error answer: its status, its message."""

    def __init__(self, status: int, message: Any) -> None:
        super().__init__(str(message))
        self.status = status
        self.body = {"message": message}


@dataclass
class Asked:
    """One request, after its token was read."""

    world: World
    repo: Repo
    token: Token
    request: Request
    body: Any

    def needs(self, permission: str) -> None:
        """Refuse unless it is granted, by GitHub's word for it."""
        if not self.token.may(permission):
            raise Refused(403, "403 Forbidden")

    @property
    def number(self) -> int:
        """The merge request or issue of the path."""
        return int(self.request.path_params["number"])


def identity(login: str) -> dict[str, Any]:
    """A user; its id is a number."""
    return {"id": sum(login.encode()), "username": login}


def routes(world: World) -> list[Route]:
    """All that the stand-in answers. A project is named by its path, quoted."""

    def route(path: str, answer: Callable[[Asked], Response], *methods: str) -> Route:
        async def called(request: Request) -> Response:
            return _called(world, request, answer, await request.body())

        return Route(f"{API}{path}", called, methods=[*methods])

    project = "/projects/{project:path}"
    merge = project + "/merge_requests/{number:int}"
    return [
        route("/user", user, "GET"),
        route(merge + "/discussions/{discussion}", discussion, "PUT"),
        route(merge + "/discussions", discussions, "GET", "POST"),
        route(merge + "/notes/{note:int}", note, "PUT"),
        route(merge + "/approvals", approvals, "GET"),
        route(merge, merge_request, "GET", "PUT"),
        route(project + "/repository/commits/{commit}/merge_requests", merge_requests_of, "GET"),
        route(project + "/repository/commits/{commit}/statuses", statuses, "GET"),
        route(project + "/statuses/{commit}", statuses, "POST"),
        route(project + "/merge_requests", merge_requests, "GET", "POST"),
        route(project + "/issues/{number:int}/notes", issue_note, "POST"),
        route(project + "/issues/{number:int}", issue, "PUT"),
        route(project + "/issues", issues, "GET", "POST"),
        route(project, the_project, "GET"),
    ]


def _called(world: World, request: Request, answer: Callable[[Asked], Response], raw: bytes) -> Response:
    world.calls.append((request.method, request.url.path))
    for script in world.scripted:
        if script.path in request.url.path:
            world.scripted.remove(script)
            return JSONResponse(script.body, script.status, headers=script.headers)
    token = world.tokens.get(request.headers.get("private-token", ""))
    if token is None:
        return JSONResponse({"message": "401 Unauthorized"}, 401)
    name = unquote(request.path_params.get("project", "")) or next(iter(world.repos))
    repo = world.repos.get(name)
    try:
        if repo is None:
            raise Refused(404, "404 Project Not Found")
        return answer(Asked(world, repo, token, request, json.loads(raw or b"{}")))
    except Refused as refused:
        return JSONResponse(refused.body, refused.status)


def listed(asked: Asked, entries: list[Any]) -> Response:
    """A page of a list, with the address of the next one."""
    page = int(asked.request.query_params.get("page", "1"))
    assert asked.request.query_params["per_page"] == "100", "the most that it gives"
    shown, rest = entries[(page - 1) * PER_PAGE : page * PER_PAGE], entries[page * PER_PAGE :]
    following = asked.request.url.include_query_params(page=page + 1)
    path = f"{asked.world.url}{quote(asked.request.scope['raw_path'].decode(), safe='/%')}?{following.query}"
    return JSONResponse(shown, headers={"link": f'<{path}>; rel="next"'} if rest else {})


def user(asked: Asked) -> Response:
    """Whose token it is."""
    return JSONResponse(identity(asked.token.login))


def the_project(asked: Asked) -> Response:
    """The project."""
    asked.needs("contents: read")
    writes = asked.token.may("statuses: write")
    level = 30 if writes else 20 if asked.token.may("issues: write") else 10
    permissions = {"project_access": {"access_level": level}, "group_access": None}
    return JSONResponse({"id": 1, "default_branch": asked.repo.default_branch, "permissions": permissions})


def shown(asked: Asked, number: int) -> dict[str, Any]:
    """A merge request in GitLab's words."""
    if "head" not in asked.repo.items.get(number, {}):
        raise Refused(404, "404 Not found")
    item = asked.repo.pull(number)
    return {
        "iid": number,
        "state": "merged" if item["merged"] else {"open": "opened", "closed": "closed"}[item["state"]],
        "title": item["title"],
        "description": item["body"],
        "author": identity(item["user"]["login"]),
        "source_branch": item["head"]["ref"],
        "target_branch": item["base"]["ref"],
        "sha": item["head"]["sha"],
        "merge_commit_sha": item["merge_commit_sha"],
        "web_url": f"{asked.world.url}/{asked.repo.full_name}/-/merge_requests/{number}",
    }


def merge_requests(asked: Asked) -> Response:
    """List those of a source branch, or open one."""
    if asked.request.method == "GET":
        assert asked.request.query_params["state"] == "all"
        branch = asked.request.query_params["source_branch"]
        found = [shown(asked, item["number"]) for item in asked.repo.pulls()]
        return listed(asked, [entry for entry in found if entry["source_branch"] == branch])
    asked.needs("pull-requests: write")
    title, body = _text(asked, "title", 255), _text(asked, "description", 1_048_576)
    made = asked.world.open_pull(asked.repo, asked.body["source_branch"], title, asked.token.login, body)
    made["base"]["ref"] = asked.body["target_branch"]
    return JSONResponse(shown(asked, made["number"]), 201)


def merge_request(asked: Asked) -> Response:
    """GET or PUT of one."""
    told = shown(asked, asked.number)
    if asked.request.method == "GET":
        return JSONResponse(told)
    asked.needs("pull-requests: write")
    text = {"title": _text(asked, "title", 255), "body": _text(asked, "description", 1_048_576)}
    asked.repo.items[asked.number].update(text)
    return JSONResponse(shown(asked, asked.number))


def merge_requests_of(asked: Asked) -> Response:
    """Those that a commit is part of, or came from."""
    commit = asked.request.path_params["commit"]
    found = [shown(asked, item["number"]) for item in asked.repo.pulls()]
    return listed(asked, [entry for entry in found if commit in (entry["sha"], entry["merge_commit_sha"])])


def approvals(asked: Asked) -> Response:
    """Who approved."""
    shown(asked, asked.number)
    votes = asked.repo.reviews.get(asked.number, [])
    people = [{"user": identity(one["user"]["login"])} for one in votes if one["state"] == "APPROVED"]
    return JSONResponse({"approved_by": people})


def _text(asked: Asked, key: str, most: int) -> str:
    found = str(asked.body.get(key) or "")
    if len(found) > most:
        raise Refused(400, {key: [f"is too long (maximum is {most} characters)"]})
    return found


def _discussion(comment: dict[str, Any]) -> dict[str, Any]:
    told = {"id": comment["id"], "body": comment["body"], "author": identity(comment["user"]["login"])}
    resolved = comment["status"] == "closed"
    return {
        "id": f"{comment['id']:040x}",
        "notes": [{**told, "system": False, "resolvable": True, "resolved": resolved}],
    }


def discussions(asked: Asked) -> Response:
    """List the discussions of a merge request, or begin one."""
    shown(asked, asked.number)
    if asked.request.method == "GET":
        mine = [one for one in asked.repo.comments.values() if one["issue"] == asked.number]
        return listed(asked, [SYSTEM, *map(_discussion, mine)])
    asked.needs("pull-requests: write")
    made = _commented(asked, asked.number)
    return JSONResponse(_discussion(made), 201)


def _commented(asked: Asked, number: int) -> dict[str, Any]:
    key = len(asked.repo.comments) + 1001
    body = _text(asked, "body", 1_000_000)
    asked.repo.comments[key] = {
        "id": key, "node_id": f"note_{key}", "issue": number, "user": {"login": asked.token.login}, "body": body,
        "status": "active", "html_url": "",
    }  # fmt: skip
    return asked.repo.comments[key]


def discussion(asked: Asked) -> Response:
    """Resolve one, or open it again."""
    asked.needs("pull-requests: write")
    found = asked.repo.comments[int(asked.request.path_params["discussion"], 16)]
    assert found["issue"] == asked.number
    found["status"] = "closed" if asked.body["resolved"] else "active"
    return JSONResponse(_discussion(found))


def note(asked: Asked) -> Response:
    """Another text for a note."""
    found = asked.repo.comments[int(asked.request.path_params["note"])]
    assert found["issue"] == asked.number
    if found["user"]["login"] != asked.token.login:
        raise Refused(403, "403 Forbidden")
    found["body"] = _text(asked, "body", 1_000_000)
    return JSONResponse(_discussion(found)["notes"][0])


def statuses(asked: Asked) -> Response:
    """The latest status of each name of a commit, or a new one; kept in GitHub's words."""
    there = asked.repo.statuses.setdefault(str(asked.request.path_params["commit"]), [])
    if asked.request.method == "GET":
        latest = {entry["context"]: entry for entry in there}
        return listed(asked, [_status(entry) for entry in latest.values()])
    asked.needs("statuses: write")
    name, state = asked.body["name"], asked.body["state"]
    assert state in STATES
    before = [entry["state"] for entry in there if entry["context"] == name][-1:]
    if state == "pending" and before == ["pending"]:
        reason = 'Status cannot transition via "enqueue"'
        raise Refused(400, f"Cannot transition status via :enqueue from :pending (Reason(s): {reason})")
    told = {"context": name, "state": OURS[state], "description": _text(asked, "description", 255)}
    there.append({**told, "id": len(there) + 1, "target_url": asked.body.get("target_url")})
    return JSONResponse(_status(there[-1]), 201)


def _status(entry: dict[str, Any]) -> dict[str, Any]:
    told = {"name": entry["context"], "status": THEIRS[entry["state"]], "description": entry["description"]}
    return {**told, "id": entry["id"], "target_url": entry["target_url"]}


def _issue(asked: Asked, item: dict[str, Any]) -> dict[str, Any]:
    return {
        "iid": item["number"],
        "title": item["title"],
        "description": item["body"],
        "state": {"open": "opened", "closed": "closed"}[item["state"]],
        "author": identity(item["user"]["login"]),
        "web_url": f"{asked.world.url}/{asked.repo.full_name}/-/issues/{item['number']}",
    }


def issues(asked: Asked) -> Response:
    """List the open ones with a label, or open one."""
    if asked.request.method == "GET":
        query = asked.request.query_params
        assert query["state"] == "opened"
        found = [i for i in asked.repo.issues() if i["state"] == "open"]
        return listed(asked, [_issue(asked, i) for i in found if {"name": query["labels"]} in i["labels"]])
    asked.needs("issues: write")
    number = asked.repo.next_number()
    asked.repo.items[number] = {
        "number": number, "state": "open", "title": _text(asked, "title", 255), "html_url": "",
        "body": _text(asked, "description", 1_048_576), "user": {"login": asked.token.login},
        "labels": [{"name": asked.body["labels"]}],
    }  # fmt: skip
    return JSONResponse(_issue(asked, asked.repo.items[number]), 201)


def issue(asked: Asked) -> Response:
    """Change one, or close it."""
    asked.needs("issues: write")
    item = asked.repo.items[asked.number]
    item["title"], item["body"] = asked.body.get("title", item["title"]), asked.body.get("description", item["body"])
    item["state"] = "closed" if asked.body.get("state_event") == "close" else item["state"]
    return JSONResponse(_issue(asked, item))


def issue_note(asked: Asked) -> Response:
    """Say something below one."""
    asked.needs("issues: write")
    return JSONResponse({"id": _commented(asked, asked.number)["id"]}, 201)
