"""The JSON Schemas of plans, of `rollout.yaml` and of `policy.yaml`, from the models, in draft-07 (for editors)."""

from __future__ import annotations

import json
from typing import Any, Final

from rollout.plan.fleet_models import FleetModel
from rollout.plan.models import PlanModel
from rollout.plan.policy_models import PlanPolicyModel, PolicyModel
from rollout.plan.repository_model import RepositoryModel
from rollout.plan.shapes import Strict

DRAFT: Final = "http://json-schema.org/draft-07/schema#"


def plan_schema() -> dict[str, Any]:
    """The schema as JSON data."""
    _build(Strict)
    schema = PlanModel.model_json_schema(by_alias=True)
    definitions = schema.pop("$defs")
    own = PlanPolicyModel.model_json_schema(by_alias=True)
    definitions |= own.pop("$defs") | {PlanPolicyModel.__name__: own}
    said = schema["properties"]["policy"]["description"]
    schema["properties"]["policy"] = {"$ref": f"#/$defs/{PlanPolicyModel.__name__}", "description": said}
    described = {
        "$schema": DRAFT,
        "title": "Rollout plan",
        **{key: value for key, value in schema.items() if key != "title"},
        "anyOf": [{"required": ["candidate"]}, {"required": ["deployments"]}],
        "definitions": definitions,
    }
    tidied = _draft07(described)
    assert isinstance(tidied, dict)
    return tidied


def repository_schema() -> dict[str, Any]:
    """The schema of `rollout.yaml`."""
    return _whole_file(RepositoryModel)


def policy_schema() -> dict[str, Any]:
    """The schema of `policy.yaml`."""
    return _whole_file(PolicyModel)


def fleet_schema() -> dict[str, Any]:
    """The schema of fleet files."""
    return _whole_file(FleetModel)


def _whole_file(model: type[Strict]) -> dict[str, Any]:
    _build(Strict)
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.pop("$defs")
    tidied = _draft07({"$schema": DRAFT, **schema, "definitions": definitions})
    assert isinstance(tidied, dict)
    return tidied


def plan_schema_text() -> str:
    """The committed form: indented JSON with a final newline."""
    return json.dumps(plan_schema(), indent=2, ensure_ascii=False) + "\n"


def repository_schema_text() -> str:
    """The committed form of the schema of `rollout.yaml`."""
    return json.dumps(repository_schema(), indent=2, ensure_ascii=False) + "\n"


def policy_schema_text() -> str:
    """The committed form of the schema of `policy.yaml`."""
    return json.dumps(policy_schema(), indent=2, ensure_ascii=False) + "\n"


def fleet_schema_text() -> str:
    """The committed form of the schema of fleet files."""
    return json.dumps(fleet_schema(), indent=2, ensure_ascii=False) + "\n"


def _build(model: type[Strict]) -> None:
    """Models are built when they are first used, for a fast start; the defaults in a schema need all of them."""
    for inner in model.__subclasses__():
        inner.model_rebuild()
        _build(inner)


def _draft07(value: Any, *, names: bool = False) -> Any:
    """Draft 2020's words in those of draft-07, and no titles that only repeat a key. `names`: the keys of this mapping
    are names of properties or definitions, not words of the schema language."""
    if isinstance(value, list):
        return [_draft07(item) for item in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, item in value.items():
        if not names and key in ("title", "discriminator") and item != "Rollout plan":
            continue
        if not names and key == "$ref":
            found[key] = str(item).replace("#/$defs/", "#/definitions/")
        else:
            found[key] = _draft07(item, names=not names and key in ("properties", "definitions"))
    return found
