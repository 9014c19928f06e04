"""`rollout validate`: warnings, overlays, variables and origins, for people and for programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command, write_plan

STEEP = "{plan}:16:14: LINT003: warning: stages[2].traffic: the candidate's weight rises from 10 to 100 at once\n"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A good plan with one warning: a large step."""
    path = write_plan(tmp_path, "good")
    text = path.read_text().replace("  - traffic: 50\n  - {name: settle, bake: 1h}\n", "")
    path.write_text(text)
    return path


def test_warnings_do_not_fail_unless_asked_to(rollout: Command, plan: Path) -> None:
    """Exit 0, the plan is valid, the warning stands on stderr; --strict makes it 3."""
    ended = rollout("validate", plan)
    assert (ended.code, ended.out) == (0, f"{plan}: valid (good: 5 stages for endpoint good)\n")
    assert "LINT003: warning: stages[3].traffic: the candidate's weight rises from 10 to 100 at once" in ended.err
    assert ended.err.endswith("warning: 2 warnings\n")
    assert rollout("validate", "--strict", plan).code == 3


def test_warnings_for_programs(rollout: Command, plan: Path) -> None:
    """Beside the faults, with their severity."""
    ended = rollout("validate", plan, "-o", "json")
    (found,) = ended.json["plans"]
    assert (ended.code, ended.err, found["valid"], found["faults"]) == (0, "", True, [])
    assert [(warning["code"], warning["severity"]) for warning in found["warnings"]] == [
        ("LINT001", "warning"),
        ("LINT003", "warning"),
    ]


def test_an_environment(rollout: Command, plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its overlay is found beside the plan; variables are shown with their values and origins."""
    (plan.parent / "rollout.yaml").write_text("variables: {COUNT: {default: 2, from_env: THE_COUNT}}\n")
    (plan.parent / "overlays").mkdir()
    overlay = plan.parent / "overlays/prod.yml"
    overlay.write_text("version: 1\nkind: overlay\ncandidate: {instance_count: '${COUNT}'}\n")
    monkeypatch.setenv("THE_COUNT", "5")
    ended = rollout("validate", "--environment", "prod", "--show-origins", plan)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[1] == "  ${COUNT} = 5  (environment variable THE_COUNT)"
    assert f"  candidate.instance_count = 5  ({overlay}:3, ${{COUNT}} from environment variable THE_COUNT)" in lines
    assert f'  candidate.instance_type = "Standard_DS3_v2"  ({plan}:8)' in lines
    assert rollout("validate", "--overlay", overlay, plan).out.splitlines() == lines[:2]
    told = rollout("validate", "--environment", "prod", "-o", "json", plan).json["plans"][0]
    assert told["variables"] == [{"name": "COUNT", "value": 5, "origin": "environment variable THE_COUNT"}]


def test_an_environment_that_there_is_not(rollout: Command, plan: Path) -> None:
    """A fault of the input; and only one overlay at a time."""
    ended = rollout("validate", "--environment", "prod", plan)
    assert ended.code == 3
    assert "PLAN001: there is no overlay for the environment `prod`" in ended.err
    ended = rollout("validate", "--environment", "prod", "--overlay", "x.yml", plan)
    assert (ended.code, ended.err.splitlines()[0]) == (3, "error: --overlay and --environment name two overlays")
