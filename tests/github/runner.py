"""A runner of workflows: events, jobs, permissions, environments with reviewers, steps, composite actions, artefacts.

What others' actions do is done here in their place (checkout, artefacts); everything of ours runs for real.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rollout.forge.workflows import PINS
from tests.github.expressions import condition, filled
from tests.github.steps import Log, run_script
from tests.github.world import READ, Repo, World


class Loader(yaml.SafeLoader):
    """YAML as GitHub reads it: `on` is a word."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:bool"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass
class Event:
    """What happened: its name, its payload, and the commit and ref that the workflow runs on."""

    name: str
    payload: dict[str, Any]
    commit: str
    ref: str
    fork: bool = False


@dataclass
class Job:
    """How a job ended: success, failure, skipped, or waiting for its reviewers."""

    result: str
    log: Log = field(default_factory=Log)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Runner:
    """A machine with `environment`, for one repository. `reviewed`: environments whose reviewers must say yes."""

    world: World
    repo: Repo
    folder: Path
    environment: dict[str, str]
    variables: dict[str, str]
    executable: str
    reviewed: tuple[str, ...] = ("production",)
    count: int = 0

    def run(self, workflow: str, event: Event) -> Run | None:
        """Run a workflow of the repository (its path), if the event starts it."""
        text = self.repo.git("show", f"{event.commit}:{workflow}")
        written = yaml.load(text, Loader=Loader)
        if not starts(written["on"], event):
            return None
        self.count += 1
        run = Run(self, written, event, self.folder / f"run-{self.count}")
        run.go_on()
        return run


def starts(on: Any, event: Event) -> bool:
    """Whether the event is one that the workflow waits for."""
    if event.name not in on:
        return False
    branches = (on[event.name] or {}).get("branches") if isinstance(on, Mapping) and event.name == "push" else None
    return branches is None or event.ref.removeprefix("refs/heads/") in branches


class Run:
    """One run of a workflow: its jobs as far as they came."""

    def __init__(self, runner: Runner, workflow: Mapping[str, Any], event: Event, folder: Path) -> None:
        self.runner, self.workflow, self.event, self.folder = runner, workflow, event, folder
        self.jobs: dict[str, Job] = {}
        self.approved: set[str] = set()

    def approve(self, environment: str) -> None:
        """A reviewer says yes; the jobs that waited for it run."""
        self.approved.add(environment)
        self.go_on()

    def go_on(self) -> None:
        """Run every job whose needs are met, in order."""
        for name, written in self.workflow["jobs"].items():
            if self.jobs.get(name, Job("waiting")).result == "waiting":
                self.jobs[name] = self._job(name, written)

    def _job(self, name: str, written: Mapping[str, Any]) -> Job:
        needs = written.get("needs", [])
        before = [self.jobs[need] for need in ([needs] if isinstance(needs, str) else needs)]
        if any(job.result == "waiting" for job in before):
            return Job("waiting")
        status = "success" if all(job.result == "success" for job in before) else "failure"
        contexts = {"github": self.github(""), "needs": {n: {"outputs": j.outputs} for n, j in self.jobs.items()}}
        if not condition(written.get("if", "true"), {**contexts, "vars": self.runner.variables}, status):
            return Job("skipped")
        environment = written.get("environment", "")
        if environment in self.runner.reviewed and environment not in self.approved:
            return Job("waiting")
        return JobRun(self, name, written, environment, contexts["needs"]).run()

    def github(self, token: str) -> dict[str, Any]:
        """The context of that name."""
        event = self.event
        return {
            "event": event.payload,
            "event_name": event.name,
            "repository": self.runner.repo.full_name,
            "ref": event.ref,
            "ref_name": event.ref.removeprefix("refs/heads/"),
            "sha": event.commit,
            "token": token,
        }


class JobRun:
    """One job on the machine: a workspace, a token with the job's permissions, perhaps an identity."""

    def __init__(
        self, run: Run, name: str, written: Mapping[str, Any], environment: str, needs: Mapping[str, Any]
    ) -> None:
        self.run_, self.written = run, written
        self.runner, self.event = run.runner, run.event
        self.folder = run.folder / name
        self.workspace = self.folder / "workspace"
        self.workspace.mkdir(parents=True)
        permissions = written.get("permissions", run.workflow.get("permissions", {}))
        if run.event.fork:
            permissions = {key: READ for key in permissions if key != "id-token"}
        self.token = f"ghs_{run.runner.count:04}{name}{'x' * 20}"
        run.runner.world.add_token(self.token, permissions=permissions)
        self.contexts: dict[str, Any] = {
            "github": run.github(self.token),
            "needs": needs,
            "vars": run.runner.variables if not run.event.fork else {},
            "secrets": {"GITHUB_TOKEN": self.token},
            "runner": {"temp": str(self.folder / "temp")},
        }
        self.job = Job("success", Log(masks=[self.token]))
        self.status = "success"
        self.number = 0
        self.base = self._environment(permissions, environment)

    def _environment(self, permissions: Mapping[str, str], environment: str) -> dict[str, str]:
        """The variables that every step has."""
        (self.folder / "temp").mkdir()
        (self.folder / "event.json").write_text(json.dumps(self.event.payload))
        github = {
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "GITHUB_API_URL": self.runner.world.url,
            "GITHUB_SERVER_URL": self.runner.world.url,
            "GITHUB_REPOSITORY": self.runner.repo.full_name,
            "GITHUB_SHA": self.event.commit,
            "GITHUB_REF": self.event.ref,
            "GITHUB_ACTOR": "ann",
            "GITHUB_RUN_ID": str(self.runner.count),
            "GITHUB_EVENT_NAME": self.event.name,
            "GITHUB_EVENT_PATH": str(self.folder / "event.json"),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.folder / "temp"),
        }
        if permissions.get("id-token") == "write":
            where = (
                f"environment:{environment}"
                if environment
                else self.event.ref.replace("refs/heads/", "ref:refs/heads/")
            )
            where = "pull_request" if self.event.name == "pull_request" else where
            github["ACTIONS_ID_TOKEN_REQUEST_URL"] = f"{self.runner.world.url}/_oidc?api-version=2"
            github["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = f"job:repo:{self.runner.repo.full_name}:{where}"
        return {**self.runner.environment, **github}

    def run(self) -> Job:
        """All steps."""
        env = {key: filled(text, self.contexts) for key, text in self.written.get("env", {}).items()}
        self._steps(self.written["steps"], {**self.contexts, "env": env, "steps": self.job.steps}, env)
        self.job.result = self.status
        for key, text in self.written.get("outputs", {}).items():
            self.job.outputs[key] = filled(text, {**self.contexts, "steps": self.job.steps})
        return self.job

    def _steps(self, steps: list[Any], contexts: dict[str, Any], env: Mapping[str, str]) -> None:
        """One after the other; after a failure only those that ask for it."""
        for step in steps:
            identity = step.get("id", f"_{self.number}")
            if not condition(step.get("if", "true"), contexts, self.status):
                contexts["steps"][identity] = {"outcome": "skipped", "outputs": {}}
                continue
            inner = {**env, **{key: filled(text, contexts, self.status) for key, text in step.get("env", {}).items()}}
            good, outputs = self._uses(step, contexts, inner) if "uses" in step else self._runs(step, inner)
            contexts["steps"][identity] = {"outcome": "success" if good else "failure", "outputs": outputs}
            self.status = self.status if good else "failure"

    def _runs(self, step: Mapping[str, Any], env: Mapping[str, str]) -> tuple[bool, dict[str, str]]:
        assert step["shell"] == "bash", "ours are scripts for bash"
        assert "${{" not in step["run"], "an expression in a script is an injection"
        self.number += 1
        place = self.folder / f"step-{self.number}"
        ran = run_script(step["run"], self.workspace, place, {**self.base, **env}, self.job.log)
        self.base.update(ran.environment)
        self.base["PATH"] = ":".join([*ran.paths, self.base["PATH"]])
        self.job.summary += ran.summary
        return ran.code == 0, ran.outputs

    def _uses(
        self, step: Mapping[str, Any], contexts: dict[str, Any], env: Mapping[str, str]
    ) -> tuple[bool, dict[str, str]]:
        name = step["uses"]
        given = {key: filled(text, contexts, self.status) for key, text in step.get("with", {}).items()}
        if name.startswith(("./", "/")):
            return self._composite((self.workspace / name).resolve(), given, env)
        action, _, commit = name.partition("@")
        assert commit in {pin.split(" ")[0] for pin in PINS.values()}, f"{name} is not pinned"
        {
            "actions/checkout": self._checkout,
            "actions/upload-artifact": self._upload,
            "actions/download-artifact": self._download,
        }[action](given)
        return True, {}

    def _composite(self, folder: Path, given: Mapping[str, str], env: Mapping[str, str]) -> tuple[bool, dict[str, str]]:
        """Our action, step by step, with contexts of its own."""
        action = yaml.load((folder / "action.yml").read_text(), Loader=Loader)
        assert set(given) <= set(action["inputs"]), "an input that the action does not know"
        missing = [key for key, told in action["inputs"].items() if told.get("required") == "true" and key not in given]
        assert not missing, f"inputs are missing: {missing}"
        inputs = {key: given.get(key, told.get("default", "")) for key, told in action["inputs"].items()}
        inputs["executable"] = inputs["executable"] or self.runner.executable
        github = {**self.contexts["github"], "action_path": str(folder)}
        contexts: dict[str, Any] = {"github": github, "inputs": inputs, "steps": {}, "runner": self.contexts["runner"]}
        before, self.status = self.status, "success"
        self._steps(action["runs"]["steps"], contexts, env)
        good, self.status = self.status == "success", before
        return good, {key: filled(told["value"], contexts) for key, told in action["outputs"].items()}

    def _checkout(self, given: Mapping[str, str]) -> None:
        assert given.get("persist-credentials") == "false", "a token in .git/config is there for everybody"
        depth = int(given.get("fetch-depth", "1"))
        url = f"file://{self.runner.repo.bare}"
        git = ["git", "-C", str(self.workspace)]
        deep = [f"--depth={depth}"] if depth else []
        for command in (
            ["init", "--quiet"],
            ["remote", "add", "origin", f"{self.runner.world.url}/{self.runner.repo.full_name}"],
            ["-c", "protocol.file.allow=always", "fetch", "--quiet", "--no-tags", *deep, url, self.event.commit],
            ["checkout", "--quiet", "--detach", "FETCH_HEAD"],
        ):
            subprocess.run([*git, *command], check=True, capture_output=True)

    def _upload(self, given: Mapping[str, str]) -> None:
        source, target = self.workspace / given["path"], self.run_.folder / "artifacts" / given["name"]
        if not source.exists() and given.get("if-no-files-found") == "ignore":
            return
        shutil.copytree(source, target)

    def _download(self, given: Mapping[str, str]) -> None:
        source = self.run_.folder / "artifacts" / given["name"]
        shutil.copytree(source, self.workspace / given["path"], dirs_exist_ok=True)
