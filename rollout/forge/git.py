"""Plain git, without touching anybody's work tree: look into history, make a commit beside it, push it to a branch."""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rollout.errors import RolloutError, UsageError

_SECONDS: Final = 300
_AUTHOR: Final = "azureml-rollout"
_MAIL: Final = "azureml-rollout@users.noreply.github.com"
_QUIET: Final = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
_NO_HOOKS: Final = ("-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false", "-c", "commit.gpgSign=false")


class Git:
    """The repository around a folder. Raises UsageError where there is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self.root = Path(self.run("rev-parse", "--show-toplevel").strip())
        except RolloutError as error:
            raise UsageError(f"{folder} is in no git repository", hint="run it in a checkout") from error

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None, stdin: bytes | None = None) -> str:
        """The output of one git command. Raises RolloutError with what git said; never with the environment."""
        command = ["git", *_NO_HOOKS, *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - git itself, no shell
                command,
                cwd=self._folder,
                input=stdin,
                capture_output=True,
                timeout=_SECONDS,
                env={**os.environ, **_QUIET, **(environment or {})},
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise RolloutError(f"git {arguments[0]} did not run ({type(error).__name__})") from error
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise RolloutError(f"git {arguments[0]} failed: {said[-1][:300] if said else done.returncode}")
        return done.stdout.decode("utf-8", "replace")

    def commit_of(self, name: str) -> str:
        """The full id of a commit. Raises RolloutError if there is none of that name."""
        return self.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").strip()

    @property
    def shallow(self) -> bool:
        """Whether history is cut off, as `actions/checkout` leaves it by default."""
        return self.run("rev-parse", "--is-shallow-repository").strip() == "true"

    def history(self, paths: Sequence[str], most: int) -> list[str]:
        """The last commits of the first-parent line that touched any of the paths, newest first."""
        found = self.run("log", "--first-parent", "--format=%H", f"-n{most}", "HEAD", "--", *_literal(paths))
        return found.split()

    def parent(self, commit: str) -> str:
        """Its first parent; "" for a root."""
        return self.run("log", "-1", "--format=%P", commit).strip().partition(" ")[0]

    def changed(self, before: str, after: str) -> list[str]:
        """The files that differ, from the root of the repository."""
        return [
            name for name in self.run("diff", "--name-only", "--no-renames", "-z", before, after).split("\0") if name
        ]

    def subject(self, commit: str) -> str:
        """The first line of its message."""
        return self.run("log", "-1", "--format=%s", commit).strip()

    @contextmanager
    def checkout(self, commit: str) -> Iterator[Path]:
        """A work tree of its own at that commit, gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="rollout-worktree-") as folder:
            place = Path(folder).resolve() / "tree"
            self.run("worktree", "add", "--quiet", "--detach", str(place), commit)
            try:
                yield place
            finally:
                self.run("worktree", "remove", "--force", str(place))

    def restored(self, base: str, source: str, files: Sequence[str], message: str) -> str:
        """A commit on top of `base` in which `files` are as in `source` (gone, if they are not there).

        Its date is that of `base`, so that the same restoration is the same commit whoever makes it.
        """
        return self._committed(base, "".join(self._entry(source, name) for name in files), message)

    def written(self, base: str, name: str, content: bytes, message: str) -> str:
        """A commit on top of `base` in which one of its files has that content; the same commit whoever makes it."""
        blob = self.run("hash-object", "-w", "--stdin", stdin=content).strip()
        mode = self._entry(base, name).partition(" ")[0]
        return self._committed(base, f"{mode if mode != '0' else '100644'} blob {blob}\t{name}\0", message)

    def _committed(self, base: str, entries: str, message: str) -> str:
        with tempfile.TemporaryDirectory(prefix="rollout-index-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self.run("read-tree", base, environment=index)
            self.run("update-index", "-z", "--index-info", environment=index, stdin=entries.encode("utf-8"))
            tree = self.run("write-tree", environment=index).strip()
        date = self.run("log", "-1", "--format=%cI", base).strip()
        who = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", _AUTHOR), ("EMAIL", _MAIL), ("DATE", date))
        }
        return self.run("commit-tree", tree, "-p", base, stdin=message.encode("utf-8"), environment=who).strip()

    def _entry(self, source: str, name: str) -> str:
        """A line for `update-index --index-info`: mode 0 takes the file out."""
        found = self.run("ls-tree", "-z", source, "--", f":(top,literal){name}").rstrip("\0")
        if not found:
            return f"0 {'0' * 40}\t{name}\0"
        mode, _, rest = found.partition(" ")
        return f"{mode} {rest.partition(' ')[2].partition(chr(9))[0]}\t{name}\0"

    def patch(self, commit: str) -> str:
        """The commit as `git am` takes it."""
        return self.run("format-patch", "--stdout", "--binary", "--no-signature", "-1", commit)

    def push(self, commit: str, branch: str, remote: str, token: str = "", server: str = "") -> bool:
        """Push to a new branch; False where the branch is there already (people may have worked on it).

        The token goes by the environment, never by an argument that other processes see.
        """
        signed = _signed(token, server)
        reference = f"refs/heads/{branch}"
        if self.run("ls-remote", remote, reference, environment=signed).strip():
            return False
        self.run("push", "--quiet", remote, f"{commit}:{reference}", environment=signed)
        return True


def _literal(paths: Sequence[str]) -> list[str]:
    return [f":(top,literal){path}" for path in paths]


def _signed(token: str, server: str) -> dict[str, str]:
    """Git's configuration for one process: the header, after those that a checkout may have left behind are dropped."""
    if not token or not server:
        return {}
    secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    key = f"http.{server.rstrip('/')}/.extraheader"
    return {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": key,
        "GIT_CONFIG_VALUE_0": "",
        "GIT_CONFIG_KEY_1": key,
        "GIT_CONFIG_VALUE_1": f"AUTHORIZATION: basic {secret}",
    }


def branch_name(plan: str, goal: str, why: str = "revert") -> str:
    """A branch for taking a goal back, or for another reason: only what no git and no forge objects to."""
    words = "".join(char if char.isascii() and (char.isalnum() or char in "-") else "-" for char in plan.lower())
    return f"rollout/{why}/{words.strip('-')[:60] or 'plan'}-{goal[:10]}"
