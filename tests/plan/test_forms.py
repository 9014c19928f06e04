"""Both forms of a plan, lowered to the same two roles."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from rollout.core.gate_bodies import Approval, Bake, RequestFile, SmokeTest
from rollout.core.release import (
    AnyStage,
    Delete,
    Deploy,
    EndpointSpec,
    Gate,
    GateKind,
    Mirror,
    OnFailure,
    Role,
    Scale,
    Traffic,
)
from rollout.plan.load import Target, find_plans
from tests.plan.conftest import ROLES, Load

FULL = """\
version: 1
kind: plan
name: house-prices
target: {subscription_id: "0000", resource_group: ml, workspace: prod}
endpoint: house/endpoint.yml
candidate: {file: house/deployment.yml, set: {instance_count: 3, tags: {release: r2}}}
slots: [one, two]
stages:
  - deploy: candidate
    on_failure: delete
  - name: smoke
    smoke_test: house/request.json
  - mirror: 10
  - bake: 10m
  - mirror: none
  - traffic: 10
  - bake: 10m
  - scale: {candidate: 3}
  - approval: Ship it?
  - traffic: {stable: 50, candidate: 50}
  - traffic: 100
  - bake: {for: PT1H, deployment: candidate}
  - delete: {deployment: stable, after: 1d}
on_failure: {candidate: scale_to_one, for: 1h}
on_revert: full
drift: report
capacity: declared
"""
LITERAL = """\
version: 1
name: house-prices
endpoint: house/endpoint.yml
deployments:
  blue: house/deployment.yml
  green: {file: house/deployment.yml, set: {instance_type: Standard_F4s_v2}}
stages:
  - deploy: blue
  - traffic: {blue: 100}
  - scale: {blue: 2}
  - deploy: green
  - smoke_test: {deployment: green, requests: [house/request.json]}
  - mirror: {green: 10}
  - traffic: {blue: 90, green: 10}
  - traffic: {blue: 0, green: 100}
  - delete: blue
"""


def shown(stages: tuple[AnyStage, ...]) -> list[AnyStage]:
    """The stages with the digests of their gates left out, which have tests of their own."""
    return [msgspec.structs.replace(stage, digest="") if isinstance(stage, Gate) else stage for stage in stages]


def bake(name: str, seconds: float, *, role: Role = Role.CANDIDATE) -> Gate:
    """A bake as it is lowered."""
    return Gate(name=name, kind=GateKind.BAKE, digest="", seconds=seconds, body=Bake(seconds=seconds, deployment=role))


REQUEST = RequestFile(name="house/request.json", body=b'{"data": [[1, 2]]}', content_type="application/json")


def test_roles_form(load: Load) -> None:
    """Every key of the roles form arrives in the release."""
    loaded = load(FULL)
    release = loaded.release
    assert loaded.target == Target(subscription_id="0000", resource_group="ml", workspace="prod")
    assert shown(release.stages) == [
        Deploy(name="deploy", on_failure=OnFailure(candidate="delete")),
        Gate(name="smoke", named=True, kind=GateKind.SMOKE_TEST, digest="", body=SmokeTest(requests=(REQUEST,))),
        Mirror(name="mirror-10", weight=10),
        bake("bake-10m", 600.0),
        Mirror(name="mirror-none", weight=0),
        Traffic(name="traffic-10", weight=10),
        bake("bake-10m-2", 600.0),
        Scale(name="scale-candidate-3", role=Role.CANDIDATE, count=3),
        Gate(name="approval", kind=GateKind.APPROVAL, digest="", limit=604800.0, body=Approval(message="Ship it?")),
        Traffic(name="traffic-50", weight=50),
        Traffic(name="traffic-100", weight=100),
        bake("bake-1h", 3600.0),
        Delete(name="delete-stable", after=86400.0),
    ]
    assert (release.name, release.slots, release.literal) == ("house-prices", ("one", "two"), None)
    assert release.on_failure == OnFailure(candidate="scale_to_one", after=3600.0)
    assert (release.on_revert, release.drift, release.capacity) == ("full", "report", "declared")
    assert release.endpoint == EndpointSpec(name="house-prices", fields={"auth_mode": "key", "tags": {"team": "ml"}})


def test_the_candidate(load: Load) -> None:
    """The candidate's spec: the overlay applied, names left out, settings apart from what it is."""
    candidate = load(FULL).release.candidate
    document = json.loads(candidate.document)
    assert (candidate.count, candidate.instance_type) == (3, "Standard_DS3_v2")
    assert candidate.settings == {"tags": {"release": "r2"}}
    assert candidate.origin == "house/deployment.yml"
    assert document["code_configuration"] == {"code": "code/", "scoring_script": "score.py"}
    assert (document["instance_count"], document["tags"]) == (3, {"release": "r2"})
    assert "endpoint_name" not in document


def test_literal_form(load: Load) -> None:
    """The walk-through of Microsoft's article: stable's own stages are the bootstrap."""
    release = load(LITERAL).release
    literal = release.literal
    assert literal is not None
    assert (literal.stable, literal.candidate, release.slots) == ("blue", "green", ("blue", "green"))
    assert literal.bootstrap == (
        Deploy(name="deploy"),
        Traffic(name="traffic-100", weight=100),
        Scale(name="scale-stable-2", role=Role.STABLE, count=2),
    )
    assert shown(release.stages) == [
        Deploy(name="deploy"),
        Gate(name="smoke-test", kind=GateKind.SMOKE_TEST, digest="", body=SmokeTest(requests=(REQUEST,))),
        Mirror(name="mirror-10", weight=10),
        Traffic(name="traffic-10", weight=10),
        Traffic(name="traffic-100", weight=100),
        Delete(name="delete-stable"),
    ]
    assert literal.stable_spec is not None
    assert literal.stable_spec.revision != release.candidate.revision
    assert release.candidate.instance_type == "Standard_F4s_v2"


def test_explicit_bootstrap(load: Load) -> None:
    """`bootstrap` beside the stages gives the same release as the stages in one list."""
    head, tail = LITERAL.split("stages:\n")
    blue, green = tail.split("  - deploy: green")
    explicit = f"{head}bootstrap:\n{blue}stages:\n  - deploy: green{green}"
    assert load(explicit).release == load(LITERAL).release


def test_a_bootstrap_is_about_stable(load: Load) -> None:
    """A gate and a bare weight in a bootstrap are about what will serve."""
    head, tail = LITERAL.split("stages:\n")
    green = tail[tail.index("  - deploy: green") :]
    bootstrap = "bootstrap:\n  - deploy: blue\n  - smoke_test: house/request.json\n  - traffic: 100\n"
    literal = load(f"{head}{bootstrap}stages:\n{green}").release.literal
    assert literal is not None
    gate = SmokeTest(requests=(REQUEST,), deployment=Role.STABLE)
    assert shown(literal.bootstrap) == [
        Deploy(name="deploy"),
        Gate(name="smoke-test", kind=GateKind.SMOKE_TEST, digest="", body=gate),
        Traffic(name="traffic-100", weight=100),
    ]


def test_stable_may_be_scaled_first_without_a_bootstrap(load: Load) -> None:
    """A scale stage of stable before the candidate's first is an ordinary stage."""
    release = load(LITERAL.replace("  - deploy: blue\n  - traffic: {blue: 100}\n", "")).release
    assert release.literal is not None
    assert (release.literal.bootstrap, release.stages[0]) == (
        (),
        Scale(name="scale-stable-2", role=Role.STABLE, count=2),
    )


def test_inline_documents(load: Load) -> None:
    """Endpoint and candidate may stand in the plan; then paths start from the plan's folder."""
    text = ROLES.replace("house/endpoint.yml", "{auth_mode: AADToken}").replace(
        "house/deployment.yml",
        "{model: 'azureml:house:3', environment: 'azureml:env@latest', instance_type: Standard_DS3_v2}",
    )
    release = load(text).release
    assert release.endpoint == EndpointSpec(name="house-prices", fields={"auth_mode": "aad_token"})
    assert release.candidate.fields == {
        "environment": "azureml:env@latest",
        "instance_type": "standard_ds3_v2",
        "model": "azureml:house:3",
    }
    assert release.candidate.origin == "plan.yml"


def test_paths_in_an_overlay_start_from_the_plan(load: Load, project: Path) -> None:
    """`set` stands in the plan, so its paths start there; in the document they start from the file's folder."""
    (project / "other").mkdir()
    (project / "other" / "model.json").write_text("{}")
    text = ROLES.replace("house/deployment.yml", "{file: house/deployment.yml, set: {model: {path: other}}}")
    candidate = load(text).release.candidate
    assert json.loads(candidate.document)["model"] == {"path": "../other"}
    assert candidate.fields["model.path"] == "other"


def test_null_in_an_overlay_removes(load: Load) -> None:
    """RFC 7386: null removes a key of the file."""
    text = ROLES.replace("house/deployment.yml", "{file: house/deployment.yml, set: {instance_count: null}}")
    assert "instance_count" not in json.loads(load(text).release.candidate.document)


@pytest.mark.parametrize("name", ["plan.yml", "deep/er/plan.yaml"])
def test_find_plans(project: Path, name: str) -> None:
    """Folders are searched for plans; other YAML and hidden folders are left alone; files are taken as they are."""
    for path in (name, ".hidden/plan.yml"):
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(ROLES)
    (project / "broken.yml").write_text("version: 1\nstages: [\n")
    assert find_plans([project]) == sorted([project / "broken.yml", project / name])
    assert find_plans([Path("missing.yml"), Path("missing.yml")]) == [Path("missing.yml")]
