"""Whether an `az ml` endpoint or deployment file says what the service can do. Generous where the CLI is generous."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from rollout.errors import Fault
from rollout.plan import positions
from rollout.plan.az_rules import check_content, check_identity, check_references
from rollout.plan.az_shapes import COLLECTION, DEPLOYMENT, ENDPOINT, Shape, chosen
from rollout.plan.contents import local_files
from rollout.plan.documents import LOCAL_PATHS, Document, is_local, leaves, value_at, what_is
from rollout.plan.positions import MAX_FAULTS

_WORDS: Final = {
    "text": "text",
    "scalar": "text or a number",
    "whole": "a whole number",
    "number": "a number",
    "truth": "true or false",
    "map": "a mapping",
    "texts": "a list of texts",
    "maps": "a list of mappings",
    "collections": "a mapping of collections",
}
MOST_FILES: Final = 20_000
"""Of one model or code folder."""
_LONGEST_NUMBER: Final = 15
_UNSAFE: Final = ("yes", "no", "on", "off")


def check_endpoint(document: Document, expected_name: str = "") -> Iterator[Fault]:
    """Everything wrong with an endpoint file."""
    yield from islice(_check(document, ENDPOINT, (), document.data), MAX_FAULTS + 1)
    yield from check_identity(document)
    for key in ("traffic", "mirror_traffic"):
        if document.data.get(key):
            yield document.fault(
                "PLAN305",
                (key,),
                f"`{key}` in the endpoint's file contradicts the plan: its stages decide the weights",
                hint=f"remove `{key}` here",
                key=True,
            )


def check_deployment(document: Document, endpoint: str, name: str | None) -> Iterator[Fault]:
    """Everything wrong with a deployment file. `endpoint` is the endpoint's name; `name` the deployment's in the
    literal form (None: a slot gives the name, whatever the file says)."""
    yield from islice(_check(document, DEPLOYMENT, (), document.data), MAX_FAULTS + 1)
    yield from _same_name(document, "endpoint_name", endpoint)
    if name is not None:
        yield from _same_name(document, "name", name)
    if not document.data.get("instance_type") and document.data.get("type") != "kubernetes":
        yield document.fault(
            "PLAN102",
            ("instance_type",),
            "`instance_type` is missing",
            hint="for example `instance_type: Standard_DS3_v2`",
        )
    if isinstance(document.data.get("instance_count"), int) and document.data["instance_count"] < 1:
        yield document.fault(
            "PLAN103", ("instance_count",), "a deployment has at least one instance", expected="1 or more"
        )
    yield from check_content(document)
    yield from check_references(document)
    yield from _missing_files(document)


def _same_name(document: Document, key: str, expected: str) -> Iterator[Fault]:
    said = document.data.get(key)
    if isinstance(said, str) and expected and said.lower() != expected.lower():
        yield document.fault(
            "PLAN304",
            (key,),
            f"the file says `{said}`, the plan says `{expected}`",
            expected=f"`{expected}`, or no `{key}`",
            hint="the plan supplies the name: the line may be left out",
        )


def _missing_files(document: Document) -> Iterator[Fault]:
    for path in LOCAL_PATHS:
        value = value_at(document.data, path)
        if not is_local(value):
            continue
        kind = what_is(document.folder / value)
        if kind == "nothing":
            yield document.fault(
                "PLAN303", path, f"`{value}` does not exist", expected=f"a path relative to {document.folder}"
            )
        elif not document.repository.holds(document.folder / value):
            yield document.fault("PLAN308", path, leaves(value), expected="a path inside the repository")
        elif kind == "special":
            yield document.fault("PLAN309", path, f"`{value}` is a pipe or a device", expected="a plain file")
        elif kind == "folder":
            yield from _uploadable(document, path, value)
    model = document.data.get("model")
    if is_local(model):
        yield document.fault(
            "PLAN103",
            ("model",),
            f"`{model}` is not a reference to a model",
            expected="`azureml:NAME:VERSION`",
            hint=f"for local files write `model: {{path: {model}}}`",
        )
    yield from _missing_script(document)


def _uploadable(document: Document, path: positions.Path, value: str) -> Iterator[Fault]:
    """What is wrong with the files of a folder: links that leave the repository, pipes, too many, none."""
    count = 0
    try:
        for relative, real in local_files(document.folder / value, document.repository.holds):
            count += 1
            if not document.repository.holds(real):
                yield document.fault(
                    "PLAN308", path, leaves(f"{value.rstrip('/')}/{relative}"), expected="links inside the repository"
                )
            elif real.exists() and not real.is_file():
                message = f"`{relative}` in `{value}` is a pipe or a device"
                yield document.fault("PLAN309", path, message, expected="plain files")
            if count > MOST_FILES:
                message = f"`{value}` holds more than {MOST_FILES} files"
                yield document.fault("PLAN310", path, message, expected="fewer files", hint="`.amlignore` leaves out")
                return
    except (OSError, RuntimeError):
        return  # reported when its content is read
    if not count:
        yield document.fault("PLAN307", path, f"`{value}` holds no file to upload", expected="a folder with files")


def _missing_script(document: Document) -> Iterator[Fault]:
    code = value_at(document.data, ("code_configuration", "code"))
    script = value_at(document.data, ("code_configuration", "scoring_script"))
    if not is_local(code) or not isinstance(script, str) or what_is(document.folder / code) != "folder":
        return
    if what_is(document.folder / code / script) != "file":
        there = sorted(entry.name for entry in (document.folder / code).glob("*.py"))
        close = difflib.get_close_matches(script[:80], there, 1)
        yield document.fault(
            "PLAN303",
            ("code_configuration", "scoring_script"),
            f"`{script}` does not exist in `{code}`",
            hint=f"did you mean `{close[0]}`?" if close else "",
        )


def _check(document: Document, shape: Shape, path: positions.Path, value: Any) -> Iterator[Fault]:
    if value is None:
        return
    if isinstance(shape, Mapping):
        yield from _check_mapping(document, shape, path, value)
    elif isinstance(shape, frozenset):
        yield from _check_word(document, shape, path, value)
    elif isinstance(shape, tuple):
        simple = isinstance(value, bool) if shape[0] == "truth" else not isinstance(value, Mapping)
        yield from _check(document, shape[0] if simple else shape[-1], path, value)
    elif shape == "collections" and isinstance(value, Mapping):
        for key, item in value.items():
            yield from _check(document, COLLECTION, (*path, key), item)
    elif not _fits(shape, value):
        yield _wrong(document, shape, path, value)


def _check_mapping(document: Document, shape: Mapping[str, Any], path: positions.Path, value: Any) -> Iterator[Fault]:
    if not isinstance(value, Mapping):
        yield _wrong(document, "map", path, value)
        return
    for key, item in value.items():
        if key in shape:
            yield from _check(document, shape[key], (*path, key), item)
        else:
            close = difflib.get_close_matches(key[:80], shape, 1)
            yield document.fault(
                "PLAN101",
                (*path, key),
                f"unknown key `{key}`",
                expected="one of " + ", ".join(sorted(shape)),
                hint=f"did you mean `{close[0]}`?" if close else "",
                key=True,
            )


def _check_word(document: Document, words: frozenset[str], path: positions.Path, value: Any) -> Iterator[Fault]:
    if chosen(value, words) is None:
        listed = sorted(words)
        close = difflib.get_close_matches(str(value)[:80], listed, 1)
        yield document.fault(
            "PLAN110",
            path,
            f"`{value}` is not known here",
            expected="one of " + ", ".join(listed),
            hint=f"did you mean `{close[0]}`?" if close else "",
        )


def _fits(shape: str, value: Any) -> bool:
    if shape == "truth":
        return isinstance(value, bool)
    if shape == "map":
        return isinstance(value, Mapping)
    if shape == "texts":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if shape == "maps":
        return isinstance(value, list) and all(isinstance(item, (str, Mapping)) for item in value)
    if shape == "text":
        return isinstance(value, str)
    if shape == "any":
        return True
    digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER
    if shape == "whole":
        return (isinstance(value, int) and not isinstance(value, bool)) or digits
    if shape == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return shape == "scalar" and isinstance(value, (str, int, float)) and not isinstance(value, bool)


def _wrong(document: Document, shape: str, path: positions.Path, value: Any) -> Fault:
    shown = f"`{value}`" if isinstance(value, (str, int, float)) else "this value"
    hint = "quote it" if shape == "text" and isinstance(value, (int, float)) else ""
    if shape in ("text", "scalar") and isinstance(value, Mapping):
        hint = "quote it: `{{…}}` is a mapping in YAML"
    if shape == "truth" and str(value).lower() in _UNSAFE:
        hint = "only `true` and `false` are read as booleans here"
    return document.fault("PLAN103", path, f"{shown} is not {_WORDS[shape]}", expected=_WORDS[shape], hint=hint)
