"""What the service takes without a word and does not do: on demand (`Settings.ignores`), for what is seen of it in the
wild (an instance type on Kubernetes). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rollout.emulator.answers import JsonObject


def taken(ignores: tuple[str, ...], kind: str, body: JsonObject, before: JsonObject | None) -> JsonObject:
    """The body of a PUT as it is taken: ignored members are as they were; a new resource does without them.

    `kind` is `endpoint` or `deployment`; a member is one of `properties`, or `sku` beside it.
    """
    names = {path.partition(".")[2] for path in ignores if path.partition(".")[0] == kind}
    if not names:
        return body
    inner = _as_before(body["properties"], names, before["properties"] if before else {})
    return {**_as_before(body, names & {"sku"}, before or {}), "properties": inner}


def _as_before(asked: Mapping[str, Any], names: set[str], before: Mapping[str, Any]) -> JsonObject:
    kept = {name: value for name, value in asked.items() if name not in names}
    return kept | {name: before[name] for name in names if name in before}
