"""What pydantic found → faults in our words. Nothing of pydantic's own text reaches the user."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rollout.errors import Fault
from rollout.plan.positions import MAX_FAULTS, Path, Pointer, present

_KINDS: Final = {
    "string_type": "text",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
}


def faults_of(error: ValidationError, model: type[BaseModel], data: Any, source: Pointer) -> list[Fault]:
    """One fault for each of pydantic's findings, in the order of the file."""
    known = _known_keys(model)
    found = [_fault(detail, known, data, source) for detail in error.errors(include_url=False)[: MAX_FAULTS + 1]]
    return sorted(dict.fromkeys(found), key=lambda fault: (fault.line, fault.column))


def _fault(detail: ErrorDetails, known: Mapping[str, frozenset[str]], data: Any, source: Pointer) -> Fault:
    kind = detail["type"]
    path = _path(detail["loc"], data, keep_last=kind == "missing")
    if kind.startswith("PLAN"):
        ctx = detail.get("ctx", {})
        key = kind == "PLAN108" and detail["loc"][-1:] == ("[key]",)
        return source.fault(kind, path, ctx["text"], expected=ctx["expected"], hint=ctx["hint"], key=key)
    if kind == "extra_forbidden":
        return unknown_key(source, path, _keys_at(path, known))
    if kind == "missing":
        return source.fault("PLAN102", path, f"`{path[-1]}` is missing")
    return _wrong_value(detail, path, source)


def unknown_key(source: Pointer, path: Path, known: Iterable[str]) -> Fault:
    """The fault for a key that nobody knows, with the nearest known one."""
    key = str(path[-1])
    names = sorted(known)
    close = difflib.get_close_matches(key[:80], names, 1)
    hint = f"did you mean `{close[0]}`?" if close else ""
    return source.fault(
        "PLAN101", path, f"unknown key `{key}`", expected="one of " + ", ".join(names), hint=hint, key=True
    )


def _wrong_value(detail: ErrorDetails, path: Path, source: Pointer) -> Fault:
    kind, value = detail["type"], detail["input"]
    if kind == "literal_error":
        allowed = str(detail["ctx"]["expected"]).replace("'", "`")
        return source.fault("PLAN110", path, f"`{value}` is not known here", expected=allowed)
    if kind in ("too_short", "too_long", "string_too_short"):
        low, high = detail["ctx"].get("min_length"), detail["ctx"].get("max_length")
        return source.fault(
            "PLAN103",
            path,
            f"expected {'at least ' + str(low) if low else 'at most ' + str(high)} entries here"
            if kind != "string_too_short"
            else "this must not be empty",
        )
    shown = f"`{value}`" if isinstance(value, (str, int, float)) else "this value"
    if kind not in _KINDS:
        return source.fault("PLAN103", path, f"{shown} is not accepted here")
    expected = _KINDS[kind]
    hint = "quote it" if kind == "string_type" and isinstance(value, (int, float)) else ""
    return source.fault("PLAN103", path, f"{shown} is not {expected}", expected=expected, hint=hint)


def _path(loc: tuple[int | str, ...], data: Any, *, keep_last: bool) -> Path:
    """pydantic's location without the names of union members and short forms, which are not in the file."""
    path = present(data, loc)
    return (*path, loc[-1]) if keep_last else path


def _keys_at(path: Path, known: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The keys that are accepted beside the last one of `path`: those of the nearest field that is a mapping."""
    return next((known[part] for part in reversed(path[:-1]) if isinstance(part, str) and part in known), known[""])


def _known_keys(model: type[BaseModel]) -> dict[str, frozenset[str]]:
    """For each field name, the keys that are accepted in what it holds (field names mean one thing everywhere)."""
    found: dict[str, set[str]] = {}
    for name, member in _walk(model, "", set()):
        found.setdefault(name, set()).update(field.alias or key for key, field in member.model_fields.items())
    return {name: frozenset(keys) for name, keys in found.items()}


def _walk(model: type[BaseModel], name: str, seen: set[tuple[str, type]]) -> Iterator[tuple[str, type[BaseModel]]]:
    if (name, model) in seen:
        return
    seen.add((name, model))
    yield name, model
    for key, field in model.model_fields.items():
        for member in _members(field.annotation):
            yield from _walk(member, field.alias or key, seen)


def _members(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for part in typing.get_args(annotation):
        yield from _members(part)
