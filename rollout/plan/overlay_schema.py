"""The JSON Schema of overlays, made from the plan's: every key may be there, changed, or `null`; nothing is required.

A mapping changes a mapping, so its keys are optional all the way down; a list replaces a list, so its entries are
whole; `stages` and `bootstrap` may also be mappings from a stage's name to what changes in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from rollout.plan.schema import DRAFT, plan_schema

_STAGES: Final = ("stages", "bootstrap")
_REF: Final = "#/definitions/"
_NULL: Final = {"type": "null"}
_DOCUMENT: Final = {"anyOf": [{"type": "string"}, {"type": "object"}, _NULL]}
_DOCUMENTS: Final = ("endpoint", "candidate")

Schema = dict[str, Any]


def overlay_schema() -> Schema:
    """The schema as JSON data."""
    plan = plan_schema()
    patches = {_patch(name): _loosened(found) for name, found in plan["definitions"].items()}
    properties = {name: _changed(name, found, plan["definitions"]) for name, found in plan["properties"].items()}
    head = {"version": plan["properties"]["version"], "kind": {"const": "overlay", "description": "`overlay`."}}
    return {
        "$schema": DRAFT,
        "title": "Overlay of a rollout plan",
        "description": "What one environment changes in a plan.",
        "type": "object",
        "additionalProperties": False,
        "required": ["version", "kind"],
        "properties": {**properties, **head},
        "definitions": {**plan["definitions"], **patches},
    }


def overlay_schema_text() -> str:
    """The committed form: indented JSON with a final newline."""
    return json.dumps(overlay_schema(), indent=2, ensure_ascii=False) + "\n"


def _changed(name: str, found: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """One key of the plan in an overlay."""
    described = {"description": found["description"]} if "description" in found else {}
    if name in _DOCUMENTS:
        return {**_DOCUMENT, **described}
    if name in _STAGES:
        whole = next(each for each in (found, *found.get("anyOf", ())) if each.get("type") == "array")
        stages = {"type": "object", "additionalProperties": {"anyOf": [_stage(whole["items"], definitions), _NULL]}}
        return {"anyOf": [whole, stages, _NULL], **described}
    return {"anyOf": [_loosened(found), _NULL], **described}


def _stage(items: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """What may change in a stage: the keys of every kind, for one kind may take the place of another."""
    kinds = [definitions[each["$ref"].removeprefix(_REF)] for each in items.get("oneOf") or items["anyOf"]]
    properties = {key: _nullable(found) for kind in kinds for key, found in kind["properties"].items()}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _loosened(schema: Schema) -> Schema:
    """The schema of a change: no key is required, any may be null, one of several forms is enough."""
    if "$ref" in schema:
        return {"$ref": _REF + _patch(schema["$ref"].removeprefix(_REF))}
    found = {key: item for key, item in schema.items() if key not in ("required", "default", "oneOf", "minProperties")}
    if "properties" in schema:
        found["properties"] = {key: _nullable(item) for key, item in schema["properties"].items()}
    if "patternProperties" in schema:
        found["patternProperties"] = {key: _nullable(item) for key, item in schema["patternProperties"].items()}
    if isinstance(schema.get("additionalProperties"), Mapping):
        found["additionalProperties"] = _nullable(schema["additionalProperties"])
    for word in ("oneOf", "anyOf"):
        if word in schema:
            found["anyOf"] = [_loosened(each) for each in schema[word]]
    if "allOf" in schema:
        found["allOf"] = [_loosened(each) for each in schema["allOf"]]
    return found


def _nullable(schema: Schema) -> Schema:
    described = {"description": schema["description"]} if "description" in schema else {}
    return {"anyOf": [_loosened(schema), _NULL], **described}


def _patch(name: str) -> str:
    return f"{name}Change"
