"""Every warning, verbatim, with its place; and that a careful plan has none."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from rollout.emulator.settings import Scope
from rollout.plan.lint import EMULATOR, lint
from rollout.plan.load import inspect_plan
from tests.plan.conftest import DEPLOYMENT, ROLES

NOW: Final = datetime(2026, 1, 5, tzinfo=UTC)
CAREFUL = ROLES.replace("  - traffic: 10\n", "  - traffic: 10\n  - bake: 30m\n  - traffic: 50\n  - bake: 30m\n")
PINNED = "name: house\ndependencies: [python=3.11, pip, {pip: [numpy==1.26, '-r more.txt', 'a @ https://x/a.whl']}]\n"


@pytest.fixture
def tidy(project: Path) -> Path:
    """The project with an environment that can be made again."""
    (project / "house/deployment.yml").write_text(DEPLOYMENT.replace(":latest\n", ":20250101.v1\n"))
    (project / "house/conda.yml").write_text(PINNED)
    return project


def warnings(text: str) -> list[str]:
    """The warnings about that plan."""
    Path("plan.yml").write_text(text)
    found = lint(inspect_plan(Path("plan.yml"), environment={}), NOW)
    assert {fault.severity for fault in found} <= {"warning"}
    return [" | ".join(filter(None, (str(f), f.expected, f.hint))) for f in found]


def test_a_careful_plan_has_none(tidy: Path) -> None:
    """Small steps, watched; a pinned environment; the deletion of stable comes later."""
    assert warnings(CAREFUL) == []
    assert warnings(CAREFUL + "  - delete: {deployment: stable, after: 24h}\n") == []


def test_weights_that_nothing_watches(tidy: Path) -> None:
    """Between two steps, and before stable is deleted; a mirror stage or a scale stage watches nothing."""
    text = CAREFUL.replace("  - bake: 30m\n  - traffic: 50\n", "  - scale: 3\n  - traffic: 50\n")
    assert warnings(text + "  - delete: stable\n") == [
        "plan.yml:7:5: LINT001: warning: stages[1]: nothing watches the candidate at 10 % before it gets 50 %"
        " | a gate behind it | for example `- bake: 30m`",
        "plan.yml:11:5: LINT001: warning: stages[5]: nothing watches the candidate at 100 % before stable is deleted"
        " | a gate behind it | for example `- bake: 30m`",
    ]


def test_a_short_bake(tidy: Path) -> None:
    """Shorter than two passes of the scheduled job."""
    text = CAREFUL.replace("bake: 30m", "bake: {for: 9m}", 1)
    line = "plan.yml:8:17: LINT002: warning: stages[2].bake.for: a bake of 9m with a reconcile interval of "
    assert warnings(text) == [line + "5m | at least 10m"]
    (tidy / "rollout.yaml").write_text("reconcile: {interval: 4m}\n")
    assert warnings(text) == []
    (tidy / "rollout.yaml").write_text("reconcile: {interval: 15m}\n")
    assert warnings(text) == [line + "15m | at least 30m"]


def test_a_large_step(tidy: Path) -> None:
    """More than 50 points at once, from nothing or from a first step."""
    assert warnings(ROLES.replace("  - traffic: 10\n", "")) == [
        "plan.yml:7:14: LINT003: warning: stages[1].traffic: the candidate's weight rises from 0 to 100 at once"
        " | steps of at most 50"
    ]
    text = CAREFUL.replace("  - traffic: 50\n  - bake: 30m\n", "")
    assert warnings(text)[0].startswith(
        "plan.yml:9:14: LINT003: warning: stages[3].traffic: the candidate's weight rises from 10 to 100"
    )


@pytest.mark.parametrize(
    ("field", "label"),
    [
        ("model: azureml:house@latest", "@latest"),
        ("model: {path: 'azureml://registries/r/models/m/labels/prod'}", "labels/prod"),
        ("environment: azureml:env@latest", "@latest"),
    ],
)
def test_a_label(tidy: Path, field: str, label: str) -> None:
    """In the deployment's file, at its line."""
    key = field.partition(":")[0]
    lines = [line for line in DEPLOYMENT.splitlines() if not line.startswith((key, "  path"))]
    if key == "environment":
        lines = [line for line in lines if "conda_file" not in line and "image" not in line]
    text = "\n".join([field, *lines, ""]).replace(":latest\n", ":1\n")
    Path("house/deployment.yml").write_text(text if key == "environment" else text.replace("model:\n", ""))
    (found,) = warnings(CAREFUL)
    assert found.startswith("house/deployment.yml:1:")
    assert found.endswith(f": `{label}` is a label, which moves | a version")


def test_an_environment_that_cannot_be_made_again(tidy: Path) -> None:
    """A moving image, and packages without versions, in the file where they are named."""
    Path("house/deployment.yml").write_text(DEPLOYMENT)
    Path("house/conda.yml").write_text("dependencies: [python, numpy>=1, pip, {pip: [scikit-learn, pandas==2]}]\n")
    assert warnings(CAREFUL) == [
        "house/deployment.yml:9:15: LINT005: warning: environment.conda_file: packages without a version: `python`,"
        " `scikit-learn` | `name=1.2` (conda), `name==1.2` (pip)",
        "house/deployment.yml:10:10: LINT005: warning: environment.image: the image has the tag `latest`: the next"
        " build may be another | a version, or `@sha256:…`",
    ]


@pytest.mark.parametrize(
    ("image", "count"),
    [("r.io:5000/a/b", 1), ("a", 1), ("r.io/a:1.2", 0), ("r.io/a@sha256:" + "0" * 64, 0), ("r.io/a:latest", 1)],
)
def test_images(tidy: Path, image: str, count: int) -> None:
    """A registry's port is no tag; a digest needs none."""
    text = DEPLOYMENT.replace("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest", f"'{image}'")
    Path("house/deployment.yml").write_text(text)
    assert len(warnings(CAREFUL)) == count


def test_the_emulator_as_target(tidy: Path) -> None:
    """In the plan, or in the repository's defaults."""
    target = f"target: {{subscription_id: {EMULATOR}, resource_group: g, workspace: w}}\n"
    assert warnings(CAREFUL + target) == [
        "plan.yml:12:9: LINT006: warning: target: the target is the local emulator"
        " | give it on the command line: `--target emulator`"
    ]
    Path("rollout.yaml").write_text("defaults:\n  " + target)
    assert warnings(CAREFUL) == [
        "rollout.yaml:2:11: LINT006: warning: defaults.target: the target is the local emulator"
        " | give it on the command line: `--target emulator`"
    ]


def test_the_emulators_subscription_is_the_emulators() -> None:
    """The plan language may not import the emulator; this keeps the two equal."""
    assert Scope().subscription_id == EMULATOR


def test_a_variable_in_an_az_file(tidy: Path) -> None:
    """It would reach the service as it is."""
    Path("rollout.yaml").write_text("variables: {TAG: '1'}\n")
    file = tidy / "house/deployment.yml"
    file.write_text(file.read_text() + "description: version ${TAG}, ${OTHER}\n")
    assert warnings(CAREFUL) == [
        "house/deployment.yml:13:14: LINT007: warning: description: `${TAG}` is not replaced in an `az ml` file"
        " | write it below `set` in the plan: {file: …, set: {…}}"
    ]


OFFICE: Final = """\
version: 1
kind: policy
windows:
  - {name: office, allow: [start, advance], from: 2026-01-05T09:00, for: 8h, every: FREQ=DAILY, zone: UTC}
"""


def test_a_stage_that_no_window_lets_begin(tidy: Path) -> None:
    """Eight hours are not enough for nine of baking; what begins inside and may end outside is enough."""
    (tidy / "policy.yaml").write_text(OFFICE)
    assert warnings(CAREFUL) == []
    long = CAREFUL.replace("  - bake: 30m\n", "  - {name: watch, bake: 5h}\n  - {name: on, bake: 4h}\n", 1)
    assert warnings(long) == [
        "plan.yml:7:5: LINT008: warning: stages[1]: no window lets this stage, which takes 9h with the bakes behind it,"
        " begin within a year: advance: outside of `office` | a shorter bake, or `fit: begin` at the window",
    ]
    (tidy / "policy.yaml").write_text(OFFICE.replace("zone: UTC", "zone: UTC, fit: begin"))
    assert warnings(long) == []


def test_a_window_that_is_over(tidy: Path) -> None:
    """Without a repetition it opens once; nothing is left for a run of next year, the deployment first of all."""
    (tidy / "policy.yaml").write_text(OFFICE.replace("every: FREQ=DAILY, ", "").replace("2026", "2025"))
    found = warnings(CAREFUL)
    assert [text.partition(": LINT008")[0] for text in found] == [f"plan.yml:{line}:5" for line in (6, 7, 9, 11)]
    assert found[0].endswith(
        "stages[0]: no window lets this stage begin within a year: start: outside of `office`"
        " | a shorter bake, or `fit: begin` at the window"
    )
