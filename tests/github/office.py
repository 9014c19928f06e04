"""A team at work: a repository that `rollout init` made, its workflows on a runner, GitHub and Azure on loopback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rollout.cli.main import main
from rollout.emulator import process
from tests.github.bench import Bench, bench, git
from tests.github.runner import Event, Run, Runner

PROJECT = Path(__file__).parents[2]
PULL, APPLY, RECONCILE = (f".github/workflows/rollout-{name}.yml" for name in ("pull-request", "apply", "reconcile"))
PLAN = """\
version: 1
name: {name}
endpoint: {name}/endpoint.yml
candidate: {name}/deployment.yml
stages:
  - deploy: candidate
  - name: smoke
    smoke_test:
      requests: [{name}/sample-request.json]
      expect: {{assertions: ["length(predictions) == `2`"]}}
  - traffic: 10
  - {{name: watch, bake: 20m}}
  - traffic: 100
  - delete: stable
"""


@dataclass(frozen=True)
class Office:
    """Everything in its place; `name` is the plan's and the endpoint's."""

    bench: Bench
    runner: Runner
    name: str

    @property
    def checkout(self) -> Path:
        """Ann's checkout."""
        return self.bench.checkout

    def release(self, version: str, branch: str, *, broken: bool = False) -> str:
        """On a branch from main: another model, in one line of the deployment's file; the commit."""
        git(self.checkout, "fetch", "--quiet", "origin")
        git(self.checkout, "checkout", "--quiet", "-B", branch, "origin/main")
        self.write(version, broken=broken)
        return self.bench.push(f"Release {version}", branch)

    def write(self, version: str, *, broken: bool = False) -> None:
        """The files of a release; a broken model gives no predictions."""
        folder = self.checkout / "plans" / self.name
        model = (folder / "models/v1/model.json").read_text().replace('"v1"', f'"{version}"')
        (folder / f"models/{version}").mkdir(exist_ok=True)
        (folder / f"models/{version}/model.json").write_text(model.replace('"x": 2.0', '"z": 2.0') if broken else model)
        file = folder / "deployment.yml"
        lines = [
            f"  path: models/{version}" if "path: models/" in line else line for line in file.read_text().split("\n")
        ]
        file.write_text("\n".join(lines))

    def pull_request(self, number: int, fork: bool = False) -> Run:
        """The event of an opened or pushed pull request."""
        pull = self.bench.repo.pull(number)
        repo = self.bench.repo
        tree = repo.git("merge-tree", "--write-tree", "refs/heads/main", pull["head"]["sha"]).splitlines()[0]
        parents = ("-p", repo.git("rev-parse", "main"), "-p", pull["head"]["sha"])
        trial = repo.git("commit-tree", tree, *parents, stdin="trial merge")
        repo.git("update-ref", f"refs/pull/{number}/merge", trial)
        return self._run(PULL, Event("pull_request", {"pull_request": pull}, trial, f"refs/pull/{number}/merge", fork))

    def merge(self, number: int) -> Run:
        """Merge a pull request, and run what that starts."""
        before = self.bench.repo.git("rev-parse", "main")
        commit = self.bench.repo.merge(number)
        return self._run(APPLY, Event("push", {"before": before}, commit, "refs/heads/main"))

    def scheduled(self, name: str = "schedule") -> Run:
        """The next turn of the schedule, or somebody who does not want to wait for it."""
        payload = {"repository": {"default_branch": "main"}}
        return self._run(RECONCILE, Event(name, payload, self.bench.repo.git("rev-parse", "main"), "refs/heads/main"))

    def _run(self, workflow: str, event: Event) -> Run:
        run = self.runner.run(workflow, event)
        assert run is not None, "the event starts the workflow"
        return run

    def comments(self, number: int) -> list[str]:
        """What is visible below a pull request."""
        return [comment["body"] for comment in self.bench.repo.visible(number)]

    def statuses(self, commit: str) -> dict[str, tuple[str, str]]:
        """The latest status of each context."""
        posted = self.bench.repo.statuses.get(commit, [])
        return {found["context"]: (found["state"], found["description"]) for found in posted}


@contextmanager
def office(folder: Path, emulator: Path, name: str) -> Iterator[Office]:
    """Made by `rollout init`, first release under way to nothing yet; everything is pushed."""
    known = process.env(emulator)
    target = "/".join(known[key] for key in ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP", "AZUREML_WORKSPACE_NAME"))
    with bench(folder) as made:
        arguments = ["init", str(made.checkout), "--name", name, "--ci", "github", "--target", target]
        assert main(arguments) == 0
        (made.checkout / f"plans/{name}.rollout.yml").write_text(PLAN.format(name=name))
        made.push("rollout init", "main")
        runner = Runner(
            world=made.world,
            repo=made.repo,
            folder=folder / "runner",
            environment=machine(known),
            variables={
                "AZURE_TENANT_ID": known["AZURE_TENANT_ID"],
                "AZURE_CLIENT_ID": known["AZURE_CLIENT_ID"],
                "AZURE_CLIENT_ID_READ": known["AZURE_CLIENT_ID"],
            },
            executable=str(executable(folder)),
        )
        yield Office(made, runner, name)


def machine(known: dict[str, str]) -> dict[str, str]:
    """The runner's variables: where Azure is, but nobody's secret."""
    public = (
        "AZUREML_DEV_URL_MFE",
        "ARM_CLOUD_METADATA_URL",
        "REGISTRY_DISCOVERY_ENDPOINT_URL",
        "AZURE_AUTHORITY_HOST",
    )
    bundles = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "ROLLOUT_ARM_URL": known["ROLLOUT_EMULATOR_URL"],
        "ROLLOUT_CA_BUNDLE": known["SSL_CERT_FILE"],
        **{name: known[name] for name in (*public, *bundles)},
    }


def executable(folder: Path) -> Path:
    """This checkout's rollout as a program."""
    path = folder / "bin" / "rollout"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{PROJECT}" exec "{sys.executable}" -m rollout "$@"\n')
    path.chmod(0o755)
    return path


def shown(job: Any) -> str:
    """A job's log, for messages."""
    return f"{job.result}\n{job.log.text}"
