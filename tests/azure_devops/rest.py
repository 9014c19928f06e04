"""The REST API of a local Azure DevOps, in the documented shapes, over the repositories of `tests.github.world`.

https://learn.microsoft.com/rest/api/azure/devops (api-version 7.1): threads, iterations, statuses, pull requests,
queries, work items. The organisation is `acme-org`; a project is what stands before the slash of a repository's name.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from tests.github.world import Repo, Token, World

ORGANISATION = "acme-org"
MOST_COMMENT, MOST_DESCRIPTION = 150_000, 4_000
THREADS = ("unknown", "active", "fixed", "wontFix", "closed", "byDesign", "pending")
STATES = ("notSet", "notApplicable", "pending", "succeeded", "failed", "error")
OURS = {"pending": "pending", "succeeded": "success", "failed": "failure", "error": "error"}
THEIRS = {ours: word for word, ours in OURS.items()}


class Refused(Exception):
    """An error answer: its status, Microsoft's type of it, its sentence."""

    def __init__(self, status: int, key: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"$id": "1", "innerException": None, "message": message, "typeKey": key, "errorCode": 0}


@dataclass
class Asked:
    """One request, after its token was read."""

    world: World
    repo: Repo
    token: Token
    request: Request
    body: Any

    def needs(self, permission: str, name: str) -> None:
        """Refuse unless it is granted; GitHub's word for it, and Git's."""
        if not self.token.may(permission):
            message = f"TF401027: You need the Git '{name}' permission to perform this action."
            raise Refused(403, "GitNeedsPermissionException", message)

    @property
    def author(self) -> dict[str, str]:
        """Who is asking."""
        return person(self.token.login)


def person(login: str) -> dict[str, str]:
    """An identity reference."""
    return {"id": f"id-of-{login}", "displayName": login, "uniqueName": login}


def routes(world: World) -> list[Route]:
    """All that the stand-in answers."""

    def route(path: str, answer: Callable[[Asked], Response], *methods: str) -> Route:
        async def called(request: Request) -> Response:
            return _called(world, request, answer, await request.body())

        return Route(f"/{ORGANISATION}{path}", called, methods=[*methods])

    git, boards = "/{project}/_apis/git/repositories/{name}", "/{project}/_apis/wit"
    pull = git + "/pullRequests/{number:int}"
    return [
        route("/_apis/connectionData", connection, "GET"),
        route("/_apis/permissions/2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87/{bit}", permissions, "GET"),
        route(git, repository, "GET"),
        route(git + "/pullrequests", pulls, "GET", "POST"),
        route(git + "/pullrequestquery", queried, "POST"),
        route(pull, one_pull, "GET", "PATCH"),
        route(pull + "/threads", threads, "GET", "POST"),
        route(pull + "/threads/{thread:int}", one_thread, "PATCH"),
        route(pull + "/threads/{thread:int}/comments/{comment:int}", one_comment, "PATCH"),
        route(pull + "/iterations", iterations, "GET"),
        route(pull + "/statuses", pull_statuses, "GET", "POST"),
        route(git + "/commits/{commit}/statuses", commit_statuses, "GET", "POST"),
        route(boards + "/wiql", wiql, "POST"),
        route(boards + "/workitems", work_items, "GET"),
        route(boards + "/workitems/{what}", work_item, "GET", "POST", "PATCH"),
        route(boards + "/workitemtypes", types, "GET"),
        route(boards + "/workitemtypes/{kind}/states", states, "GET"),
    ]


def _called(world: World, request: Request, answer: Callable[[Asked], Response], raw: bytes) -> Response:
    world.calls.append((request.method, request.url.path))
    for script in world.scripted:
        if script.path in request.url.path:
            world.scripted.remove(script)
            return JSONResponse(script.body, script.status, headers=script.headers)
    secret = (
        base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode().partition(":")[2]
    )
    if secret not in world.tokens:
        return HTMLResponse("<html>Azure DevOps Services | Sign In</html>", 203)
    if not request.query_params.get("api-version", "").startswith("7.1"):
        return JSONResponse({"message": "No api-version was supplied."}, 400)
    project, name = (request.path_params.get(key, "") for key in ("project", "name"))
    found = [repo for full, repo in world.repos.items() if full == f"{project}/{name}" or not name]
    try:
        if not found:
            message = f"TF401019: The Git repository with name or identifier {name} does not exist"
            raise Refused(404, "GitRepositoryNotFoundException", message)
        return answer(Asked(world, found[0], world.tokens[secret], request, json.loads(raw or b"{}")))
    except Refused as refused:
        return JSONResponse(refused.body, refused.status)


def listed(entries: list[Any]) -> Response:
    """A list as the API wraps it."""
    return JSONResponse({"value": entries, "count": len(entries)})


def connection(asked: Asked) -> Response:
    """Whose token it is."""
    return JSONResponse({"authenticatedUser": asked.author, "authorizedUser": asked.author})


def repository(asked: Asked) -> Response:
    """The repository."""
    asked.needs("contents: read", "GenericRead")
    name = asked.repo.full_name.partition("/")[2]
    branch = f"refs/heads/{asked.repo.default_branch}"
    return JSONResponse({"id": name, "name": name, "project": {"id": "p-1"}, "defaultBranch": branch})


def permissions(asked: Asked) -> Response:
    """Whether whoever asks has a permission of Git on a repository, by its bit."""
    bit = {"16": "contents: write", "16384": "pull-requests: write"}[asked.request.path_params["bit"]]
    token = asked.request.query_params["tokens"]
    assert token == f"repoV2/p-1/{asked.repo.full_name.partition('/')[2]}", token
    return JSONResponse({"value": [asked.token.may(bit)], "count": 1})


def number_of(asked: Asked) -> int:
    """The pull request of the path."""
    number = int(asked.request.path_params["number"])
    if "head" not in asked.repo.items.get(number, {}):
        message = f"TF401180: The requested pull request was not found. {number}"
        raise Refused(404, "GitPullRequestNotFoundException", message)
    return number


def shown(asked: Asked, number: int) -> dict[str, Any]:
    """A pull request in Azure DevOps' words."""
    item = asked.repo.pull(number)
    votes = asked.repo.reviews.get(number, [])
    return {
        "pullRequestId": number,
        "status": "completed" if item["merged"] else {"open": "active", "closed": "abandoned"}[item["state"]],
        "title": item["title"],
        "description": item["body"],
        "createdBy": person(item["user"]["login"]),
        "sourceRefName": f"refs/heads/{item['head']['ref']}",
        "targetRefName": f"refs/heads/{item['base']['ref']}",
        "lastMergeSourceCommit": {"commitId": item["head"]["sha"]},
        "lastMergeCommit": {"commitId": item["merge_commit_sha"]},
        "reviewers": [
            {**person(one["user"]["login"]), "vote": 10 if one["state"] == "APPROVED" else -10} for one in votes
        ],
    }


def text(asked: Asked, key: str, most: int) -> str:
    """A text of the body within its limit."""
    found = str(asked.body.get(key) or "")
    if len(found) > most:
        message = f"The {key} is too long: at most {most} characters."
        raise Refused(400, "InvalidArgumentValueException", message)
    return found


def pulls(asked: Asked) -> Response:
    """List pull requests of a source branch, or open one."""
    if asked.request.method == "GET":
        query = asked.request.query_params
        wanted, status = query.get("searchCriteria.sourceRefName"), query.get("searchCriteria.status", "active")
        entries = [shown(asked, item["number"]) for item in asked.repo.pulls()]
        return listed([e for e in entries if e["sourceRefName"] == wanted and status in ("all", e["status"])])
    asked.needs("pull-requests: write", "PullRequestContribute")
    branch, base = (asked.body[key].removeprefix("refs/heads/") for key in ("sourceRefName", "targetRefName"))
    title, told = text(asked, "title", 400), text(asked, "description", MOST_DESCRIPTION)
    made = asked.world.open_pull(asked.repo, branch, title, asked.token.login, told)
    made["base"]["ref"] = base
    return JSONResponse(shown(asked, made["number"]), 201)


def one_pull(asked: Asked) -> Response:
    """GET or PATCH of a pull request."""
    number = number_of(asked)
    if asked.request.method == "PATCH":
        asked.needs("pull-requests: write", "PullRequestContribute")
        told = {"title": text(asked, "title", 400), "body": text(asked, "description", MOST_DESCRIPTION)}
        asked.repo.items[number].update(told)
    return JSONResponse(shown(asked, number))


def queried(asked: Asked) -> Response:
    """The pull requests of commits."""
    results = []
    for query in asked.body["queries"]:
        key = {"lastMergeCommit": "lastMergeCommit", "commit": "lastMergeSourceCommit"}[query["type"]]
        entries = [shown(asked, item["number"]) for item in asked.repo.pulls()]
        told = {commit: [e for e in entries if e[key]["commitId"] == commit] for commit in query["items"]}
        results.append({commit: found for commit, found in told.items() if found})
    return JSONResponse({"queries": asked.body["queries"], "results": results})


def thread_of(comment: dict[str, Any]) -> dict[str, Any]:
    """A thread of one comment."""
    said = {"id": 1, "parentCommentId": 0, "content": comment["body"], "commentType": "text"}
    return {
        "id": comment["id"],
        "status": comment["status"],
        "isDeleted": False,
        "comments": [{**said, "author": person(comment["user"]["login"])}],
    }


def threads(asked: Asked) -> Response:
    """List the threads of a pull request, or begin one."""
    number = number_of(asked)
    if asked.request.method == "GET":
        system = {"id": 1, "isDeleted": False, "comments": [{"id": 1, "content": "pushed", "commentType": "system"}]}
        return listed([system, *(thread_of(c) for c in asked.repo.comments.values() if c["issue"] == number)])
    asked.needs("pull-requests: write", "PullRequestContribute")
    (said,) = asked.body["comments"]
    assert said["parentCommentId"] == 0
    assert asked.body["status"] in THREADS
    identity = len(asked.repo.comments) + 1001
    body = text(Asked(asked.world, asked.repo, asked.token, asked.request, said), "content", MOST_COMMENT)
    told = {"issue": number, "user": {"login": asked.token.login}, "html_url": ""}
    asked.repo.comments[identity] = {
        "id": identity, "node_id": f"IC_{identity}", "body": body, "status": asked.body["status"], **told,
    }  # fmt: skip
    return JSONResponse(thread_of(asked.repo.comments[identity]))


def _thread(asked: Asked) -> dict[str, Any]:
    found = asked.repo.comments.get(int(asked.request.path_params["thread"]))
    if found is None or found["issue"] != number_of(asked):
        raise Refused(404, "GitPullRequestCommentThreadNotFoundException", "The thread was not found.")
    asked.needs("pull-requests: write", "PullRequestContribute")
    return found


def one_thread(asked: Asked) -> Response:
    """PATCH of a thread's status."""
    found = _thread(asked)
    assert asked.body["status"] in THREADS
    found["status"] = asked.body["status"]
    return JSONResponse(thread_of(found))


def one_comment(asked: Asked) -> Response:
    """PATCH of a comment's text."""
    found = _thread(asked)
    assert asked.request.path_params["comment"] == 1
    if found["user"]["login"] != asked.token.login:
        raise Refused(403, "CommentCannotBeUpdatedException", "Only the author may edit a comment.")
    found["body"] = text(asked, "content", MOST_COMMENT)
    return JSONResponse(thread_of(found)["comments"][0])


def iterations(asked: Asked) -> Response:
    """The pushes of a pull request: one for each commit of its branch that is not in the other."""
    item = asked.repo.pull(number_of(asked))
    commits = asked.repo.git("rev-list", "--reverse", f"{item['base']['ref']}..{item['head']['sha']}").split()
    return listed([{"id": at, "sourceRefCommit": {"commitId": commit}} for at, commit in enumerate(commits, 1)])


def pull_statuses(asked: Asked) -> Response:
    """The statuses of a pull request: list all that there ever were, add one."""
    return _statuses(asked, f"pull {number_of(asked)}", "PullRequestContribute")


def commit_statuses(asked: Asked) -> Response:
    """The statuses of a commit."""
    return _statuses(asked, str(asked.request.path_params["commit"]), "GenericContribute")


def _statuses(asked: Asked, key: str, permission: str) -> Response:
    """Kept in GitHub's words, so that tests of both can read them."""
    there = asked.repo.statuses.setdefault(key, [])
    if asked.request.method == "GET":
        return listed([_status(entry) for entry in there])
    asked.needs("statuses: write", permission)
    assert asked.body["state"] in STATES
    context = f"{asked.body['context']['genre']}/{asked.body['context']['name']}"
    told = {"context": context, "state": OURS[asked.body["state"]], "description": asked.body["description"]}
    extra = {
        "id": len(there) + 1,
        "target_url": asked.body.get("targetUrl"),
        "iteration": asked.body.get("iterationId"),
    }
    there.append({**told, **extra})
    return JSONResponse(_status(there[-1]))


def _status(entry: dict[str, Any]) -> dict[str, Any]:
    genre, _, name = entry["context"].partition("/")
    found = {"id": entry["id"], "state": THEIRS[entry["state"]], "description": entry["description"]}
    told = {**found, "targetUrl": entry["target_url"], "context": {"genre": genre, "name": name}}
    return {**told, "iterationId": entry["iteration"]} if entry["iteration"] else told


def wiql(asked: Asked) -> Response:
    """Only the one question that we ask."""
    label = asked.body["query"].partition("CONTAINS '")[2].rstrip("'")
    found = [i for i in asked.repo.issues() if label in [tag["name"] for tag in i["labels"]]]
    return JSONResponse({"workItems": [{"id": item["number"]} for item in found]})


def work_items(asked: Asked) -> Response:
    """Several by their numbers."""
    numbers = asked.request.query_params["ids"].split(",")
    return listed([_item(asked.repo.items[int(number)]) for number in numbers])


def _item(item: dict[str, Any]) -> dict[str, Any]:
    fields = {
        "System.Title": item["title"],
        "System.Description": item["body"],
        "System.State": {"open": "New", "closed": "Done"}[item["state"]],
        "System.WorkItemType": "Bug",
        "System.CreatedBy": person(item["user"]["login"]),
    }
    return {"id": item["number"], "fields": fields}


def work_item(asked: Asked) -> Response:
    """Create one of a type, read or change one."""
    what = asked.request.path_params["what"]
    if asked.request.method == "GET":
        return JSONResponse(_item(asked.repo.items[int(what)]))
    asked.needs("issues: write", "WorkItemWrite")
    if asked.request.headers["content-type"] != "application/json-patch+json":
        raise Refused(415, "VssRequestContentTypeNotSupportedException", "The request indicated a Content-Type")
    values = {
        change["path"].rpartition("/")[2]: change["value"] for change in asked.body if "/fields/" in change["path"]
    }
    if what.startswith("$"):
        number = asked.repo.next_number()
        base = {"number": number, "state": "open", "title": "", "body": "", "user": {"login": asked.token.login}}
        url = f"{asked.world.url}/{ORGANISATION}/acme/_workitems/edit/{number}"
        asked.repo.items[number] = {**base, "labels": [{"name": values.get("System.Tags", "")}], "html_url": url}
        assert what == "$Bug"
        assert {"op": "add", "path": "/multilineFieldsFormat/System.Description", "value": "Markdown"} in asked.body
    else:
        number = int(what)
    item = asked.repo.items[number]
    item["title"] = values.get("System.Title", item["title"])
    item["body"] = values.get("System.Description", item["body"])
    item["state"] = "closed" if values.get("System.State") == "Done" else item["state"]
    return JSONResponse(_item(item))


def types(asked: Asked) -> Response:
    """Those of the process Scrum."""
    return listed([{"name": name, "isDisabled": False} for name in ("Bug", "Epic", "Task", "Test Case")])


def states(asked: Asked) -> Response:
    """Those of a bug in Scrum."""
    known = (("New", "Proposed"), ("Committed", "InProgress"), ("Done", "Completed"), ("Removed", "Removed"))
    return listed([{"name": name, "category": category} for name, category in known])
