"""The JSON Schema (draft 2020-12) of what `diff`, `status` and `apply` give as JSON. Committed below `schemas/`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from rollout.core.decision import Phase, StageState, Status
from rollout.core.release import GateKind

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT}
_ANY: Final[Schema] = {}
_SHARES: Final[Schema] = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 100}}
_MOMENT: Final[Schema] = {"type": ["string", "null"], "format": "date-time"}
ACTIONS: Final = (
    "create_endpoint",
    "set_traffic",
    "update_endpoint",
    "record",
    "deploy",
    "scale",
    "update_deployment",
    "delete",
    "delete_endpoint",
)
KINDS: Final = ("deploy", "mirror", "traffic", "scale", "delete", *(kind.value for kind in GateKind))


def change_set_schema() -> Schema:
    """The schema as JSON values. Later minor versions may add keys: unknown ones must be ignored."""
    described = "What a plan would still do, and how its rollout stands. Unknown keys must be ignored."
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Change set",
        "description": described,
        **_object(_top(), optional=("commit", "file")),
    }


def change_set_schema_text() -> str:
    """The committed form."""
    return json.dumps(change_set_schema(), indent=2, ensure_ascii=False) + "\n"


def _top() -> Mapping[str, Schema]:
    return {
        "format_version": {"type": "string", "pattern": r"^1\.[0-9]+$"},
        "plan": _described(_TEXT, "The plan's name."),
        "file": _described(_TEXT, "The plan's path as it was given."),
        "commit": _described(_TEXT, "The commit that the plan comes from; empty if unknown."),
        "digest": {"type": "string", "pattern": "^[0-9a-f]{16}$", "description": "What is approved: apply --expect."},
        "complete": _described({"type": "boolean"}, "Whether it ends converged if every gate passes."),
        "decision": _decision(),
        "roles": _object(dict.fromkeys(("stable", "stable_revision", "candidate", "goal"), _TEXT)),
        "endpoint": _endpoint(),
        "actions": {"type": "array", "items": _action(), "description": "All that would still be done, in order."},
        "stages": {"type": "array", "items": _stage()},
        "progress": _described({"type": ["object", "null"]}, "The record in the endpoint's tags."),
        "drift": {"type": "array", "items": _object({"path": _TEXT, "before": _ANY, "after": _ANY})},
        "notes": _TEXTS,
        "requests": _object(dict.fromkeys(("reads", "writes", "polls"), _COUNT)),
        "result": {"anyOf": [{"type": "null"}, _result()], "description": "Of an apply: how it ended."},
    }


def _decision() -> Schema:
    return _object(
        {
            "status": {"enum": [status.value for status in Status]},
            "phase": {"enum": [phase.value for phase in Phase]},
            "reason": _TEXT,
            "next_after": _described(_MOMENT, "The earliest time at which the answer can change by time alone."),
        }
    )


def _endpoint() -> Schema:
    deployment = {
        "name": _TEXT,
        "state": _TEXT,
        "instance_count": _COUNT,
        "revision": {"type": ["string", "null"]},
        "weight": _COUNT,
        "mirror": _COUNT,
    }
    return _object(
        {
            "name": _TEXT,
            "exists": {"type": "boolean"},
            "state": {"type": ["string", "null"]},
            "traffic": _SHARES,
            "mirror": _SHARES,
            "deployments": {"type": "array", "items": _object(deployment)},
        }
    )


def _action() -> Schema:
    side: Schema = {"type": ["object", "null"]}
    return _object(
        {
            "kind": {"enum": list(ACTIONS)},
            "target": _described(_TEXT, "The endpoint or deployment that is written."),
            "reason": _TEXT,
            "before": side,
            "after": side,
            "hazards": _TEXTS,
        }
    )


def _stage() -> Schema:
    return _object(
        {
            "name": _TEXT,
            "kind": {"enum": list(KINDS)},
            "state": {"enum": [state.value for state in StageState]},
            "key": _described(_TEXT, "Of a gate: what is among the passed keys once it has passed."),
            "note": _TEXT,
        }
    )


def _result() -> Schema:
    return _object({"exit_code": _COUNT, "writes": _COUNT, "failure": _TEXT})


def _object(properties: Mapping[str, Schema], optional: tuple[str, ...] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": dict(properties)}


def _described(schema: Schema, text: str) -> Schema:
    return {**schema, "description": text}
