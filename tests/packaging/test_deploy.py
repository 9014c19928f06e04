"""The examples in deploy/: read as who is to take them reads them, and every command in them exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from rollout.cli.main import cli

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy"
MANIFESTS = sorted(FOLDER.glob("*.yaml"))
DOCKERFILE = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
ENVIRONMENT = {"ROLLOUT_QUEUE", "ROLLOUT_QUEUE_NAME", "ROLLOUT_ONLY_BEGUN"}


def documents(path: Path) -> list[dict[str, Any]]:
    """All documents of one file."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def containers(value: object) -> Iterator[dict[str, Any]]:
    """Everything with an image, at any depth."""
    if isinstance(value, dict):
        if "image" in value:
            yield value
        for inner in value.values():
            yield from containers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from containers(inner)


def ours(path: Path) -> list[list[str]]:
    """The arguments of every container that runs rollout."""
    found = [one for one in containers(documents(path)) if "/rollout-worker:" in one["image"]]
    return [one["args"] for one in found if one.get("command", ["rollout"]) == ["rollout"]]


def command_of(arguments: list[str]) -> tuple[click.Command, list[str]]:
    """The command that they name, and the rest of them."""
    group: click.Command = cli
    rest = list(arguments)
    with click.Context(cli) as context:
        while isinstance(group, click.Group):
            found = group.get_command(context, rest.pop(0))
            assert found is not None, arguments
            group = found
    return group, rest


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_commands_and_flags_exist(path: Path) -> None:
    """Each container's arguments are read by the command itself; only the folders are not here."""
    assert ours(path)
    for arguments in ours(path):
        command, rest = command_of(arguments)
        read = command.make_context(command.name, [one for one in rest if not one.startswith("--repository")])
        assert read.params
        assert "--repository=/git/repository" in rest or command.name == "setup"


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_no_secret_is_in_them(path: Path) -> None:
    """What is to be filled in says so, and an address carries no password."""
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"postgresql://[^@\s]*:[^@\s]*@", text) == []
    assert "REPLACE-" in text


def test_kubernetes_is_whole() -> None:
    """Every object has its kind, name and namespace; what a container refers to is there; the grace fits."""
    objects = documents(FOLDER / "kubernetes.yaml")
    names = {(one["kind"], one["metadata"]["name"]) for one in objects}
    assert len(names) == len(objects)
    assert all(one["kind"] == "Namespace" or one["metadata"]["namespace"] == "rollout" for one in objects)
    for container in containers(objects):
        for source in container.get("envFrom", ()):
            kind = "ConfigMap" if "configMapRef" in source else "Secret"
            assert (kind, next(iter(source.values()))["name"]) in names
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
    (deployment,) = (one for one in objects if one["kind"] == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    volumes = {one["name"] for one in pod["volumes"]}
    mounts = {mount["name"] for one in containers(pod) for mount in one["volumeMounts"]}
    assert mounts == volumes
    assert pod["terminationGracePeriodSeconds"] > 25
    assert ("ServiceAccount", pod["serviceAccountName"]) in names
    assert deployment["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"] == "true"


def test_every_variable_is_one_of_a_flag() -> None:
    """A misspelt variable would be silently nothing."""
    command, _ = command_of(["worker"])
    known = {str(one.envvar) for one in command.params if isinstance(one, click.Option)}
    assert known >= ENVIRONMENT
    (settings,) = (one for one in documents(FOLDER / "kubernetes.yaml") if one["kind"] == "ConfigMap")
    assert {name for name in settings["data"] if name.startswith("ROLLOUT_")} == ENVIRONMENT


@pytest.mark.parametrize("name", ["container-apps-schedule.yaml", "container-apps-event.yaml"])
def test_container_apps_jobs_are_whole(name: str) -> None:
    """The trigger has its configuration; each secret that is referred to exists; volumes are mounted."""
    (job,) = documents(FOLDER / name)
    configuration, template = job["properties"]["configuration"], job["properties"]["template"]
    trigger = configuration["triggerType"]
    assert {"Schedule": "scheduleTriggerConfig", "Event": "eventTriggerConfig"}[trigger] in configuration
    secrets = {one["name"] for one in configuration["secrets"]}
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert set(re.findall(r"secretRef: ([\w-]+)", text)) == secrets
    volumes = {one["name"] for one in template["volumes"]}
    assert {mount["volumeName"] for one in containers(template) for mount in one["volumeMounts"]} == volumes
    (identity,) = job["identity"]["userAssignedIdentities"]
    assert {one["identity"] for one in [*configuration["registries"], *configuration["secrets"]]} == {identity}
    assert "--once" in ours(FOLDER / name)[0], "a job's execution ends"


def test_the_image_is_made_of_what_is_there() -> None:
    """Each file that is copied exists; packages come by hash; nobody is root at the end."""
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert [name for line in copied for name in line.split() if not (ROOT / name).exists()] == []
    installs = re.findall(r"pip install (.+?)(?: &&|$)", DOCKERFILE, re.MULTILINE)
    assert all("--no-deps" in one and ("--require-hashes" in one or "/tmp/dist/" in one) for one in installs)
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)[-1:] == ["65532:65532"]
    assert DOCKERFILE.rstrip().endswith('ENTRYPOINT ["rollout"]')
