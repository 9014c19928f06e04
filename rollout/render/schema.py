"""The JSON Schemas (draft 2020-12) of what commands give as JSON, made from the structs. Committed below `schemas/`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from rollout.render.document import AnyDocument, Document, Failure, Fleet, Reconciliation, Validation
from rollout.render.notices import Told
from rollout.render.story import Story

OUTPUTS: Final[Mapping[str, tuple[type[AnyDocument | Story], str]]] = MappingProxyType(
    {
        "change-set": (Document, "Change set"),
        "validation": (Validation, "Validation"),
        "reconciliation": (Reconciliation, "Reconciliation"),
        "failure": (Failure, "Failure"),
        "fleet-report": (Fleet, "Fleet report"),
        "report": (Story, "Report"),
    }
)
"""Name of each schema: the struct that it is made from, and its title."""
DATA: Final[Mapping[str, tuple[type[msgspec.Struct], str]]] = MappingProxyType({"notification": (Told, "Notification")})
"""The same for what others are sent."""


def output_schema(name: str) -> dict[str, Any]:
    """The schema of that name. Later minor versions may add keys: unknown ones must be passed over."""
    found, title = {**OUTPUTS, **DATA}[name]
    made = msgspec.json.schema(found)
    reference = made.pop("$ref").rsplit("/", 1)[-1]
    parts = made.pop("$defs")
    body = parts[reference] if _mentions(parts, reference) else parts.pop(reference)
    named = {"$schema": "https://json-schema.org/draft/2020-12/schema", **body, "title": title}
    for each in (named, *parts.values()):
        _says_all(each)
    return {**named, "$defs": dict(sorted(parts.items()))} if parts else named


def output_schema_text(name: str) -> str:
    """The committed form."""
    return json.dumps(output_schema(name), indent=2, ensure_ascii=False) + "\n"


def _mentions(parts: Mapping[str, Any], name: str) -> bool:
    return f"#/$defs/{name}" in json.dumps(parts)


def _says_all(schema: dict[str, Any]) -> None:
    """What is written is whole: every key is there, defaults too; the reader alone may do without."""
    if schema.get("type") == "object" and "properties" in schema:
        schema["required"] = list(schema["properties"])
        for each in schema["properties"].values():
            each.pop("default", None)
