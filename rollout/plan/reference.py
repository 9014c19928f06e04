"""The reference of the plan language, `docs/plan.md`, generated from the models as the editor's schema is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rollout.plan.codes import CODES
from rollout.plan.durations import PATTERN as DURATION
from rollout.plan.durations import show_duration
from rollout.plan.models import BESIDE, GATES, KINDS
from rollout.plan.schema import fleet_schema, plan_schema, policy_schema, repository_schema
from rollout.plan.shapes import NAME_PATTERN, STAGE_NAME_PATTERN

_NAMED: Final = {DURATION: "duration", NAME_PATTERN: "name", STAGE_NAME_PATTERN: "name"}
_PLAIN: Final = {"string": "text", "boolean": "true or false", "number": "number", "null": "", "object": "mapping"}
_INTRODUCTION: Final = """\
# The plan language, version 1

Generated from the models by `make schemas`; a test keeps it equal to them. Editors understand
[`schemas/rollout-plan.schema.json`](../schemas/rollout-plan.schema.json). What is wrong with a plan is told by
`rollout validate PLAN`, and what a code such as `PLAN203` means by `rollout explain PLAN203`.

A plan has one of two forms. **Roles**: `candidate` is one deployment file, and deployments alternate between two
`slots`. **Literal**: `deployments` names both deployments, and `bootstrap` says how an endpoint that serves nothing yet
gets the first.

Durations are written `90s`, `30m`, `1h30m`, `2d` or as ISO 8601 (`PT30M`); a bare number is refused. Paths start from
the folder of the file that names them. YAML is read as 1.2: `yes`, `no`, `on` and `off` are words.
"""
_STAGES: Final = """\
## Stages

Each stage has exactly one kind. Weights are whole percentages about the candidate and never fall from stage to stage;
the last traffic stage gives 100. A *gate* must pass before the stage behind it.
"""
_REPOSITORY: Final = """\
## `rollout.yaml`

The configuration of a repository: the nearest `rollout.yaml` from the plan's folder upwards, up to the folder with
`.git`. Editors understand [`schemas/repository.schema.json`](../schemas/repository.schema.json). Paths and links in
plans must not leave the repository.

In plans and overlays `${NAME}` stands for the value of a declared variable: only in scalar values, never in keys, never
in `az ml` files, and never silently empty. A value that is `${NAME}` alone keeps the variable's type. `$${` is a
literal `${`. `rollout validate` shows each value and where it comes from; an environment variable that is called like a
secret is refused.
"""
_POLICY: Final = """\
## `policy.yaml`

What every plan of the repository must be like, and when it may be carried on: each `policy.yaml` from the repository's
root down to the plan's folder counts, and so does what a plan says under `policy`. [policy.md](policy.md) tells how to
use it. Editors understand [`schemas/policy.schema.json`](../schemas/policy.schema.json).
"""
_OVERLAYS: Final = """\
## Overlays

One file for each environment changes a plan: `--overlay FILE`, or `--environment NAME` for `overlays/NAME.yml` beside
the plan (also `ROLLOUT_OVERLAY`, `ROLLOUT_ENVIRONMENT`), with every command that takes a plan.

```yaml
version: 1
kind: overlay
target: {subscription_id: 00000000-0000-0000-0000-000000000000, resource_group: ml, workspace: prod}
candidate: {set: {instance_count: 6}}   # where the plan says `candidate: FILE`
stages:
  watch: {bake: {for: 2h}}              # the stage with that name; `watch: null` removes it
```

Editors understand [`schemas/overlay.schema.json`](../schemas/overlay.schema.json).
Mappings are merged as RFC 7386 says (`null` removes a key), lists are replaced; `stages` and `bootstrap` as mappings
address stages by `name`. Relative paths start from the folder of the file that says them. Faults point into the file
that is wrong, and `rollout validate --show-origins` says for each value which file, line and variable it comes from.
"""
_FLEETS: Final = """\
## Fleets

Many plans, or one plan for many endpoints, released in waves; [fleets.md](fleets.md) tells how. Editors understand
[`schemas/fleet.schema.json`](../schemas/fleet.schema.json). Paths start from the folder of the fleet's file.
"""
_WARNINGS: Final = """\
## Warnings

`rollout validate` warns of what is allowed and probably not meant; `--strict` makes it exit 3.
"""


def reference() -> str:
    """The whole page, as Markdown."""
    schema = plan_schema()
    definitions: Mapping[str, Any] = schema["definitions"]
    parts = [_INTRODUCTION, "## The plan\n", _table(schema), _STAGES, _kinds(definitions), _beside(definitions)]
    for name, definition in definitions.items():
        if name.endswith("Model"):
            parts.extend(_part(name, definition))
    parts.extend(_repository(set(definitions)))
    parts.extend(_policy(set(definitions)))
    parts.append(_OVERLAYS)
    parts.append(_FLEETS)
    parts.extend(_file(fleet_schema(), set(definitions)))
    parts.extend([_WARNINGS, _rows(("code", "warning", "what to do"), list(_lints()))])
    return "\n".join(parts)


def _repository(told: set[str]) -> Iterator[str]:
    """`rollout.yaml`, with the parts that a plan has not."""
    yield _REPOSITORY
    yield from _file(repository_schema(), told)


def _policy(told: set[str]) -> Iterator[str]:
    """`policy.yaml`, with the parts that a plan's own policy has not."""
    yield _POLICY
    yield from _file(policy_schema(), told)


def _file(schema: Mapping[str, Any], told: set[str]) -> Iterator[str]:
    yield _table(schema)
    for name, definition in schema["definitions"].items():
        if name.endswith("Model") and name not in told:
            yield from _part(name, definition)


def _lints() -> Iterator[tuple[str, ...]]:
    for code, explanation in CODES.items():
        if code.startswith("LINT"):
            yield f"`{code}`", explanation.title, explanation.text


def _kinds(definitions: Mapping[str, Any]) -> str:
    rows: list[tuple[str, ...]] = []
    for kind in KINDS:
        stage = next(found for found in definitions.values() if kind in found.get("required", ()))
        given = type_of(stage["properties"][kind], definitions)
        sort = "gate" if kind in GATES else "mutation"
        rows.append((f"`{kind}`", sort, stage["description"], given))
    return _rows(("kind", "", "what it asks for", "written as"), rows)


def _beside(definitions: Mapping[str, Any]) -> str:
    properties = definitions["DeployStage"]["properties"]
    rows = [(f"`{key}`", type_of(properties[key], definitions), properties[key]["description"]) for key in BESIDE]
    return "Beside its kind a stage may have:\n\n" + _rows(("key", "value", "meaning"), rows)


def _part(name: str, definition: Mapping[str, Any]) -> Iterator[str]:
    """A mapping that other parts refer to; its short form, where it has one, is a scalar."""
    forms = definition.get("anyOf", [definition])
    full = next(form for form in forms if "properties" in form)
    yield f"## `{section(name)}`\n"
    yield full["description"] + "\n"
    short = next((form for form in forms if form is not full), None)
    if short is not None and "const" in short:
        yield f"Short form: the word `{short['const']}`.\n"
    elif short is not None:
        key = next(key for key, value in full["properties"].items() if value["description"] == short["description"])
        yield f"Short form: the value of `{key}` alone.\n"
    yield _table(full)


def _table(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        (f"`{key}`", type_of(value), "required" if key in required else default_of(value), value["description"])
        for key, value in sorted(schema["properties"].items(), key=lambda pair: pair[0] not in required)
    ]
    return _rows(("key", "value", "by default", "meaning"), rows)


def default_of(schema: Mapping[str, Any]) -> str:
    """The default as it is written, "" if there is none to speak of."""
    value = schema.get("default")
    if isinstance(value, dict):
        value = {key: inner for key, inner in value.items() if inner}
    if value in (None, [], {}):
        return ""
    if isinstance(value, float):
        return _code(show_duration(value) if schema.get("pattern") == DURATION else round(value))
    return _code(value)


def _code(value: Any) -> str:
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def type_of(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None) -> str:
    """What may stand there, in a few words. With `definitions` the short form of a reference is told, too."""
    if "$ref" in schema:
        return _reference(str(schema["$ref"]).rsplit("/", 1)[-1], definitions)
    if forms := schema.get("anyOf") or schema.get("oneOf"):
        told = [type_of(form, definitions) for form in forms]
        return " or ".join(dict.fromkeys(filter(None, told)))
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if "const" in schema:
        return _code(schema["const"])
    kind = schema.get("type")
    if kind == "array":
        items = schema["items"]
        return "list of stages" if "oneOf" in items else f"list of {type_of(items, definitions)}s".replace(")s", ")")
    if kind == "integer":
        return _whole(schema)
    if kind == "object":
        return _mapping(schema, definitions)
    return _NAMED.get(schema.get("pattern", "")) or _PLAIN.get(str(kind), "any value")


def _reference(name: str, definitions: Mapping[str, Any] | None) -> str:
    link = f"[`{section(name)}`](#{section(name)})"
    forms = definitions[name].get("anyOf", ()) if definitions else ()
    short = next((type_of(form) for form in forms if "properties" not in form), "")
    return f"{short} or {link}" if short and link not in short else link


def _mapping(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None) -> str:
    inner = schema.get("additionalProperties") or next(iter(schema.get("patternProperties", {}).values()), None)
    if inner:
        return f"mapping of names to {type_of(inner, definitions)}"
    if "properties" in schema:
        return "`{" + ", ".join(schema["properties"]) + "}`"
    return "mapping"


def _whole(schema: Mapping[str, Any]) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    return "whole number"


def _rows(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def section(name: str) -> str:
    """`SmokeTestModel` → `smoke_test`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.removesuffix("Model")).lower()
