"""What one field of the language is, from the models: `rollout explain stages.bake.for`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rollout.plan.policy_files import FILE as POLICY_FILE
from rollout.plan.reference import default_of, section, type_of
from rollout.plan.repository import FILE
from rollout.plan.schema import plan_schema, policy_schema, repository_schema

_LINK: Final = re.compile(r"\[(`[a-z_]+`)\]\(#[a-z_]+\)")
_DEEPEST: Final = 8

Schema = Mapping[str, Any]


def field_help(path: str) -> str | None:
    """The field in words, with the keys that it has in turn; None if there is none of that name.

    A path starts at the top of a plan, of `rollout.yaml` or of `policy.yaml`, or at any part (`bake.for`); indexes may
    be left out.
    """
    parts = [part for part in re.split(r"[.\[\]]", path) if part and not part.isdigit()]
    for schema, file in ((plan_schema(), ""), (repository_schema(), FILE), (policy_schema(), POLICY_FILE)):
        found = _find(schema, parts)
        if found is not None:
            return _told(path, schema, found[0], required=found[1], file=file)
    return None


def field_names() -> list[str]:
    """Paths that `field_help` knows, for suggestions."""
    return [
        path
        for schema in (plan_schema(), repository_schema(), policy_schema())
        for path in _paths(schema, schema, "", _DEEPEST)
    ]


def _told(path: str, root: Schema, found: Schema, *, required: bool, file: str) -> str:
    kind = _LINK.sub(r"\1", type_of(found, root["definitions"]))
    lines = [f"{path}: {kind}" + (f"  (in {file})" if file else "")]
    lines += ["", found.get("description") or next((inner["description"] for inner in _forms(root, found)), "")]
    if required:
        lines.append("Required.")
    elif default_of(found):
        lines.append(f"By default {default_of(found)}.")
    keys = [
        f"  {key}: {item.get('description', '')}" for inner in _forms(root, found) for key, item in _properties(inner)
    ]
    return "\n".join([*lines, *(["", "It has:", *dict.fromkeys(keys)] if keys else [])]) + "\n"


def _find(root: Schema, parts: list[str]) -> tuple[Schema, bool] | None:
    """The field's schema, and whether it is required. From the top, else from a part of that name."""
    starts = [root, *(found for name, found in root["definitions"].items() if section(name) == parts[0])]
    for start in starts if parts else []:
        rest = parts if start is root else parts[1:]
        found = _walk(root, start, rest)
        if found is not None:
            return found
    return None


def _walk(root: Schema, schema: Schema, parts: list[str]) -> tuple[Schema, bool] | None:
    found: tuple[Schema, bool] | None = (schema, False)
    for part in parts:
        if found is None:
            return None
        found = _step(root, found[0], part)
    return found


def _step(root: Schema, schema: Schema, part: str) -> tuple[Schema, bool] | None:
    for inner in _forms(root, schema):
        if part in inner.get("properties", ()):
            return inner["properties"][part], part in inner.get("required", ())
    names = (inner.get("additionalProperties") for inner in _forms(root, schema))
    return next(((inner, False) for inner in names if isinstance(inner, Mapping)), None)


def _forms(root: Schema, schema: Schema, depth: int = _DEEPEST) -> Iterator[Schema]:
    """The mappings that a value may be: references followed, lists and alternatives opened."""
    if not depth:
        return
    if "$ref" in schema:
        yield from _forms(root, root["definitions"][schema["$ref"].rsplit("/", 1)[-1]], depth - 1)
    for inner in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from _forms(root, inner, depth - 1)
    if isinstance(schema.get("items"), Mapping):
        yield from _forms(root, schema["items"], depth - 1)
    if "properties" in schema or isinstance(schema.get("additionalProperties"), Mapping):
        yield schema


def _properties(schema: Schema) -> list[tuple[str, Schema]]:
    return list(schema.get("properties", {}).items())


def _paths(root: Schema, schema: Schema, prefix: str, depth: int) -> Iterator[str]:
    for inner in _forms(root, schema) if depth else ():
        for key, item in _properties(inner):
            yield prefix + key
            yield from _paths(root, item, f"{prefix}{key}.", depth - 2)
