"""What the local GitHub knows: repositories with a real bare git behind each, tokens, and what was published."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BOT = "github-actions[bot]"
READ, WRITE = "read", "write"
ALL = dict.fromkeys(("contents", "issues", "pull-requests", "statuses", "id-token"), WRITE)


@dataclass
class Token:
    """Whose it is, and what it may; `opens_pulls` is the repository's setting for GitHub Actions."""

    login: str = BOT
    permissions: Mapping[str, str] = field(default_factory=lambda: dict(ALL))
    opens_pulls: bool = True

    def may(self, needed: str) -> bool:
        """Whether `name: level` is granted."""
        name, _, level = needed.partition(": ")
        granted = self.permissions.get(name, "none")
        return granted == WRITE or (granted == READ and level == READ)


@dataclass
class Scripted:
    """An answer that the next request to `path` gets instead of the real one."""

    path: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass
class Repo:
    """One repository. Lists hold GitHub's own JSON shapes."""

    full_name: str
    bare: Path
    default_branch: str = "main"
    issues_enabled: bool = True
    items: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    reviews: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    folded: set[str] = field(default_factory=set)
    variables: dict[str, str] = field(default_factory=dict)

    def git(self, *arguments: str, stdin: str | None = None, **environment: str) -> str:
        """One git command in the bare repository."""
        who = {f"GIT_{a}_{b}": "merge@example.com" for a in ("AUTHOR", "COMMITTER") for b in ("NAME", "EMAIL")}
        command = ["git", "-C", str(self.bare), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, input=stdin, check=True, env={**who, **environment}
        )
        return done.stdout.strip()

    def next_number(self) -> int:
        """Issues and pull requests share their numbers."""
        return max(self.items, default=0) + 1

    def pull(self, number: int) -> dict[str, Any]:
        """A pull request as the API shows it now: its head is where the branch is."""
        item = self.items[number]
        if item["state"] == "open" and item["head"]["repo"]["full_name"] == self.full_name:
            item["head"]["sha"] = self.git("rev-parse", f"refs/heads/{item['head']['ref']}")
        return item

    def issues(self) -> list[dict[str, Any]]:
        """Issues proper."""
        return [item for item in self.items.values() if "head" not in item]

    def pulls(self) -> list[dict[str, Any]]:
        """Pull requests."""
        return [self.pull(number) for number, item in self.items.items() if "head" in item]

    def visible(self, number: int) -> list[dict[str, Any]]:
        """The comments of an issue or pull request that nobody folded, oldest first."""
        return [c for c in self.comments.values() if c["issue"] == number and c["node_id"] not in self.folded]

    def merge(self, number: int) -> str:
        """Merge a pull request as people do; the merge commit."""
        item = self.pull(number)
        main = f"refs/heads/{item['base']['ref']}"
        tree = self.git("merge-tree", "--write-tree", main, item["head"]["sha"]).splitlines()[0]
        message = f"Merge pull request #{number} from {item['head']['ref']}\n\n{item['title']}\n"
        parents = ("-p", self.git("rev-parse", main), "-p", item["head"]["sha"])
        commit = self.git("commit-tree", tree, *parents, stdin=message)
        self.git("update-ref", main, commit)
        item.update(state="closed", merged=True, merged_at="2026-09-01T10:00:00Z", merge_commit_sha=commit)
        return commit


class World:
    """All repositories and tokens. `calls` are the requests that came, `scripted` the answers that were asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repos: dict[str, Repo] = {}
        self.tokens: dict[str, Token] = {}
        self.calls: list[tuple[str, str]] = []
        self.scripted: list[Scripted] = []
        self.assertions: list[str] = []
        self.url = ""

    def add_repo(self, full_name: str) -> Repo:
        """An empty repository with a bare git."""
        bare = self.folder / f"{full_name}.git"
        bare.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(bare)], check=True)
        subprocess.run(["git", "-C", str(bare), "config", "uploadpack.allowAnySHA1InWant", "true"], check=True)
        self.repos[full_name] = Repo(full_name, bare)
        return self.repos[full_name]

    def add_token(self, secret: str, **settings: Any) -> str:
        """Make a token known; returns it."""
        self.tokens[secret] = Token(**settings)
        return secret

    def open_pull(
        self, repo: Repo, branch: str, title: str, author: str, body: str = "", fork: str = ""
    ) -> dict[str, Any]:
        """Open a pull request from a branch of the repository, or of a fork of it (whose objects are there already)."""
        number = repo.next_number()
        repo.items[number] = {
            "number": number,
            "state": "open",
            "merged": False,
            "merged_at": None,
            "merge_commit_sha": None,
            "title": title,
            "body": body,
            "user": {"login": author},
            "html_url": f"{self.url}/{repo.full_name}/pull/{number}",
            "head": {
                "ref": branch,
                "sha": repo.git("rev-parse", f"refs/heads/{branch}"),
                "repo": {"full_name": fork or repo.full_name},
            },
            "base": {"ref": repo.default_branch, "repo": {"full_name": repo.full_name}},
        }
        return repo.items[number]

    def writes(self) -> list[tuple[str, str]]:
        """The requests that change something; GraphQL's questions are none."""
        return [call for call in self.calls if call[0] != "GET" and call[1] != "/graphql viewer"]
