"""The generated pipelines: the published schema of Azure Pipelines, and what must hold of them whatever that says."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from rollout.cli.main import main
from rollout.forge.pipelines import azure_files
from rollout.forge.workflows import Wanted

SCHEMA = os.environ.get("ROLLOUT_PIPELINE_SCHEMA", "")
FILES = azure_files(Wanted(requirement="azureml-rollout==0.1.0", overlay="prod"))
READ = {path.removeprefix(".azure-pipelines/rollout-"): yaml.safe_load(text) for path, text in FILES.items()}
SCRIPTS = ("bash", "inlineScript")


def walked(found: Any) -> list[dict[str, Any]]:
    """Every mapping in it."""
    inner = list(found.values()) if isinstance(found, dict) else found if isinstance(found, list) else []
    return [*([found] if isinstance(found, dict) else []), *(one for value in inner for one in walked(value))]


def expanded(found: Any) -> Any:
    """Without template conditions: their steps stand where they do. The schema has numbers as words."""
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    if isinstance(found, list):
        return [one for value in found for one in _inserted(value)]
    return {key: expanded(value) for key, value in found.items()} if isinstance(found, dict) else found


def _inserted(value: Any) -> list[Any]:
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith("${{"):
        return list(expanded(next(iter(value.values()))))
    return [expanded(value)]


@pytest.mark.skipif(not SCHEMA, reason="ROLLOUT_PIPELINE_SCHEMA names no service-schema.json of azure-pipelines-vscode")
@pytest.mark.parametrize("name", READ)
def test_they_follow_the_published_schema(name: str) -> None:
    """The one that editors use; it knows tasks and their inputs, too."""
    schema = json.loads(Path(SCHEMA).read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message[:300] for error in validator.iter_errors(expanded(READ[name]))] == []


@pytest.mark.skipif(not SCHEMA, reason="ROLLOUT_PIPELINE_SCHEMA names no service-schema.json of azure-pipelines-vscode")
def test_the_schema_would_find_a_fault() -> None:
    """A key that Azure Pipelines does not know."""
    schema = json.loads(Path(SCHEMA).read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert list(validator.iter_errors({**READ["apply.yml"], "lockBehaviour": "sequential"}))


def test_nothing_of_a_template_is_left() -> None:
    """Every place is filled in."""
    assert [found for text in FILES.values() for found in re.findall(r"@[A-Z_]+@", text)] == []


def test_parameters_reach_scripts_by_the_environment_alone() -> None:
    """No expression or macro stands in a script, where it would be an injection."""
    scripts = [str(one[key]) for file in READ.values() for one in walked(file) for key in SCRIPTS if key in one]
    assert len(scripts) == 5
    assert [text for text in scripts if "${{" in text or re.search(r"\$\([A-Za-z]+\.", text)] == []


def test_every_use_of_the_steps_gives_parameters_that_they_have() -> None:
    """And those without a default are given."""
    known = {one["name"]: "default" in one for one in READ["steps.yml"]["parameters"]}
    used = [one["parameters"] for file in READ.values() for one in walked(file) if one.get("template")]
    assert len(used) == 5
    for given in used:
        assert set(given) <= set(known)
        assert {name for name, optional in known.items() if not optional} <= set(given)


def test_who_signs_in_where() -> None:
    """The writer only in jobs of an environment; validation nobody; the token only where it is used."""
    for name, file in READ.items():
        for job in (one for one in walked(file) if "job" in one or "deployment" in one):
            used = {one["parameters"].get("connection") for one in walked(job) if one.get("template")}
            assert ("rollout-writer" in used) == ("deployment" in job), name
    (validate, diff) = READ["pull-request.yml"]["jobs"]
    assert "connection" not in validate["steps"][1]["parameters"]
    assert diff["condition"] == "and(succeeded(), ne(variables['System.PullRequest.IsFork'], 'True'))"
    tokens = [one for one in walked(READ["steps.yml"]) if "SYSTEM_ACCESSTOKEN" in one.get("env", {})]
    assert [one["displayName"] for one in tokens] == ["Run rollout", "Tell people"]


def test_one_after_the_other() -> None:
    """Apply and reconcile wait for the exclusive lock of their environments."""
    for name, environment in (("apply.yml", "production"), ("reconcile.yml", "production-scheduled")):
        assert READ[name]["lockBehavior"] == "sequential"
        (job,) = (one for one in walked(READ[name]) if "deployment" in one)
        assert job["environment"] == environment
    assert READ["reconcile.yml"]["schedules"][0]["always"] == "true"


def test_init_writes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With names of one's own; a second time there is nothing to write."""
    arguments = ["init", str(tmp_path), "--name", "churn", "--ci", "azure-devops", "--environment", "live"]
    assert main([*arguments, "--branch", "trunk"]) == 0
    assert "docs/azure-devops.md of rollout tells which identities" in capsys.readouterr().err
    written = {path.name: path.read_text() for path in (tmp_path / ".azure-pipelines").iterdir()}
    assert sorted(written) == [f"rollout-{name}.yml" for name in ("apply", "pull-request", "reconcile", "steps")]
    assert "      - trunk\n" in written["rollout-apply.yml"]
    assert "environment: live-scheduled #" in written["rollout-reconcile.yml"]
    assert not (tmp_path / ".github").exists()
    assert main(arguments) == 0
    assert "nothing to write" in capsys.readouterr().err
