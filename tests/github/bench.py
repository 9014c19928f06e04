"""A repository on the local GitHub with a checkout, for tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.github.server import github
from tests.github.world import Repo, World

NAME = "acme/models"
TOKEN = "ghs_canary_1f0e9d8c7b6a5f4e3d2c"
WHO = {f"GIT_{a}_{b}": v for a in ("AUTHOR", "COMMITTER") for b, v in (("NAME", "ann"), ("EMAIL", "ann@example.com"))}


def git(folder: Path, *arguments: str) -> str:
    """One git command as `ann`."""
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **WHO})
    return done.stdout.strip()


@dataclass(frozen=True)
class Bench:
    """The world, one repository in it, and ann's checkout of it."""

    world: World
    repo: Repo
    checkout: Path

    def commit(self, message: str, branch: str = "main", **files: str) -> str:
        """Write files (`__` for `/`, `_dot_` for `.`), commit and push them."""
        git(self.checkout, "checkout", "--quiet", "-B", branch)
        for name, text in files.items():
            path = self.checkout / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return self.push(message, branch)

    def push(self, message: str, branch: str) -> str:
        """Commit all that there is, and push it."""
        git(self.checkout, "add", "--all")
        git(self.checkout, "commit", "--quiet", "--allow-empty", "-m", message)
        git(self.checkout, "push", "--quiet", "origin", branch)
        return git(self.checkout, "rev-parse", "HEAD")

    def pull(self, branch: str, title: str, author: str = "ann") -> int:
        """Open a pull request; its number."""
        return int(self.world.open_pull(self.repo, branch, title, author)["number"])


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """A world with `acme/models`, which has one commit, and the token of a job that may do everything."""
    with github(folder / "github") as world:
        repo = world.add_repo(NAME)
        world.add_token(TOKEN)
        checkout = folder / "checkout"
        subprocess.run(["git", "clone", "--quiet", str(repo.bare), str(checkout)], check=True, capture_output=True)
        made = Bench(world, repo, checkout)
        made.commit("begin", README_dot_md="models\n")
        yield made
