"""The editor's schema and the table of codes say what the models and the code say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from rollout.plan.codes import CODES
from rollout.plan.overlay_schema import overlay_schema, overlay_schema_text
from rollout.plan.schema import plan_schema, plan_schema_text, repository_schema, repository_schema_text
from tests.plan.conftest import ROLES
from tests.plan.test_forms import FULL, LITERAL
from tests.plan.test_variables import CONFIG

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "schemas/rollout-plan.schema.json"


def test_committed_schema_is_the_generated_one() -> None:
    """Generate it again with `rollout schema > schemas/rollout-plan.schema.json`."""
    assert COMMITTED.read_text() == plan_schema_text()


def test_committed_repository_schema_is_the_generated_one() -> None:
    """Generate it again with `make schemas`; what loads is valid in an editor too."""
    assert (ROOT / "schemas/repository.schema.json").read_text() == repository_schema_text()
    validator = jsonschema.Draft7Validator(repository_schema())
    assert list(validator.iter_errors(yaml.safe_load(CONFIG))) == []
    assert [error.json_path for error in validator.iter_errors({"varables": {}})] == ["$"]


def test_committed_overlay_schema_is_the_generated_one() -> None:
    """Generate it again with `make schemas`."""
    assert (ROOT / "schemas/overlay.schema.json").read_text() == overlay_schema_text()
    jsonschema.Draft7Validator.check_schema(overlay_schema())


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", ""),
        ("target: {workspace: prod}", ""),
        ("candidate: {set: {instance_count: 7, tags: {env: prod}}}", ""),
        ("candidate: other.yml", ""),
        ("deployments: {blue: {set: {instance_count: 2}}, green: null}", ""),
        ("stages: {watch: {bake: {for: 2h}}, first: {traffic: 5}, third: null, ask: {timeout: 1h}}", ""),
        ("stages: {watch: {bake: null, approval: 'ok?'}}", ""),
        ("stages: [{deploy: candidate}, {traffic: 100}]", ""),
        ("{on_failure: {for: 1h}, on_revert: null, slots: [a-b, c-d]}", ""),
        ("stages: [{deploy: candidate}, {timeout: 1h}]", "$.stages"),
        ("stages: {watch: 1h}", "$.stages"),
        ("stages: {watch: {bake: {fro: 2h}}}", "$.stages"),
        ("stages: {first: {traffic: 500}}", "$.stages"),
        ("drift: heel", "$.drift"),
        ("on_failure: {candidate: kept}", "$.on_failure"),
        ("stags: {}", "$"),
        ("target: {workspaces: prod}", "$.target"),
    ],
)
def test_overlays(text: str, where: str) -> None:
    """What the loader takes is valid in an editor too; common mistakes are underlined."""
    document = {"version": 1, "kind": "overlay", **(yaml.safe_load(text) or {})}
    errors = [error.json_path for error in jsonschema.Draft7Validator(overlay_schema()).iter_errors(document)]
    assert errors == ([where] if where else [])


def test_an_overlay_says_what_it_is() -> None:
    """Its two lines at the top."""
    errors = jsonschema.Draft7Validator(overlay_schema()).iter_errors({"version": 1, "kind": "plan"})
    assert [error.json_path for error in errors] == ["$.kind"]
    assert len(list(jsonschema.Draft7Validator(overlay_schema()).iter_errors({}))) == 2


def test_it_is_draft_07() -> None:
    """Editors understand draft-07 and nothing newer."""
    jsonschema.Draft7Validator.check_schema(plan_schema())
    assert "$defs" not in plan_schema_text()


def test_everything_is_described() -> None:
    """Hovering over any key in an editor says what it is."""
    schema = plan_schema()
    models = [schema, *schema["definitions"].values()]
    objects = [form for model in models for form in (model, *model.get("anyOf", ())) if "properties" in form]
    missing = [
        (key, field) for form in objects for key, field in form["properties"].items() if "description" not in field
    ]
    assert len(objects) > 15
    assert missing == []


@pytest.mark.parametrize("plan", [ROLES, FULL, LITERAL])
def test_good_plans_are_valid(plan: str) -> None:
    """What loads is valid in an editor too."""
    assert list(jsonschema.Draft7Validator(plan_schema()).iter_errors(yaml.safe_load(plan))) == []


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("version: 1", "version: 2", "$.version"),
        ("traffic: 10\n", "traffic: 101\n", "$.stages[1]"),
        ("traffic: 10\n", "trafic: 10\n", "$.stages[1]"),
        ("traffic: 10\n", "bake: 10\n", "$.stages[1]"),
        ("name: house-prices", "name: House", "$.name"),
        ("candidate: ", "candidat: ", "$"),
    ],
)
def test_bad_plans_are_not(old: str, new: str, where: str) -> None:
    """An editor underlines the common mistakes."""
    errors = jsonschema.Draft7Validator(plan_schema()).iter_errors(yaml.safe_load(ROLES.replace(old, new)))
    assert where in {error.json_path for error in errors}


def test_codes_and_code_agree() -> None:
    """Every code that can be reported is explained, and every explanation belongs to a code that can be reported."""
    used = {
        code
        for path in (*(ROOT / "rollout/plan").glob("*.py"), ROOT / "rollout/core/policy_check.py")
        if path.name != "codes.py"
        for code in re.findall(r"(?:PLAN|LINT|POLICY)\d{3}", path.read_text())
    }
    assert used == set(CODES)
    assert list(CODES) == sorted(CODES, key=lambda code: (code.startswith("LINT"), code))


def test_loading_a_plan_loads_no_heavy_module(project: Path) -> None:
    """`validate` must start fast: no Azure, HTTP, terminal, schema or expression library unless a plan needs it."""
    (project / "plan.yml").write_text(ROLES)
    script = (
        "import sys; from pathlib import Path; from rollout.plan.load import load_release; "
        "load_release(Path('plan.yml')); "
        "print(sorted({'azure', 'aiohttp', 'rich', 'jsonschema', 'jmespath', 'pathspec', 'click'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)}
    )
    assert ran.stdout == "[]\n"
