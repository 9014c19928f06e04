"""The document: it fits its published schema, is read back as it was, names its values, and shows no secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from rollout.errors import UsageError
from rollout.ports import Reading
from rollout.render.document import AnyDocument, Document
from rollout.render.saved import decode, encode, to_json
from rollout.render.schema import OUTPUTS, output_schema, output_schema_text
from rollout.render.story import Split, Story
from tests.render import worlds

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SCHEMAS = Path(__file__).parents[2] / "schemas"
DOCUMENTS = worlds.documents()
NAMES = {made: name for name, (made, _) in OUTPUTS.items()}


def plain(document: AnyDocument) -> Any:
    """What a program reads."""
    return json.loads(encode(document))


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_committed_schema_is_the_generated_one(name: str) -> None:
    """Made anew by `make schemas`, and a schema by the metaschema that it names."""
    assert (SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8") == output_schema_text(name)
    jsonschema.Draft202012Validator.check_schema(output_schema(name))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_fits_its_schema(name: str) -> None:
    """In every situation; and the schema asks for every key that is written."""
    document = DOCUMENTS[name]
    schema = output_schema(NAMES[type(document)])
    jsonschema.Draft202012Validator(schema).validate(plain(document))
    assert set(plain(document)) == set(schema["required"]) == set(schema["properties"])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_saved_document_is_read_back_as_it_was(name: str) -> None:
    """Byte for byte, whatever kind it is."""
    saved = encode(DOCUMENTS[name])
    assert encode(decode(saved)) == saved
    assert type(decode(saved)) is type(DOCUMENTS[name])


def test_a_later_minor_version_is_read() -> None:
    """Its new keys are passed over, at every depth."""
    later = plain(DOCUMENTS["at_ten_percent"]) | {"format_version": "1.99", "mood": "good"}
    later["decision"]["colour"] = "green"
    found = decode(json.dumps(later))
    assert isinstance(found, Document)
    assert found.format_version == "1.99"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"kind": "change_set", "format_version": "2.0"}', "Expected `str` matching regex"),
        ('{"kind": "poem", "format_version": "1.0"}', "Invalid value 'poem' - at `$.kind`"),
        ('{"format_version": "1.0"}', "Object missing required field `kind`"),
        ("[1, 2]", "Expected `object`, got `array`"),
        ("{", "Input data was truncated"),
        (b"\xff\xfe", "JSON is malformed"),
    ],
)
def test_what_is_no_document_is_refused(text: str | bytes, why: str) -> None:
    """In a sentence that names the file, with the way to get one."""
    with pytest.raises(UsageError, match=r"x\.json is not a document of this version of rollout") as caught:
        decode(text, "x.json")
    assert why in str(caught.value)
    assert caught.value.hint == "it is what `--output json=FILE` or `diff --out FILE` writes"


def test_texts_need_not_be_unicode() -> None:
    """A lone surrogate, as JSON of a service may hold, does not stop anything."""
    document = msgspec.structs.replace(DOCUMENTS["at_ten_percent"], notes=("odd \ud800 text",))
    assert plain(document)["notes"] == ["odd ? text"]


def test_saved_text_is_harmless_where_it_is_printed() -> None:
    """Controls and workflow commands are written as escapes: the value is the same, the bytes do nothing."""
    nasty = "\x1b[2J \x9b31m \u202eabc ##[add-mask]x\n::error::y"
    saved = encode(msgspec.structs.replace(DOCUMENTS["at_ten_percent"], notes=(nasty,)))
    assert all(character.isprintable() or character == "\n" for character in saved)
    assert "##[" not in saved
    assert not any(line.strip().startswith("::") for line in saved.splitlines())
    assert json.loads(saved)["notes"] == [nasty]


def test_a_run_halfway() -> None:
    """The decision, the stages, the actions that are left, the split as it is."""
    found = plain(DOCUMENTS["at_ten_percent"])
    assert (found["plan"], found["complete"], found["command"]) == ("plan", True, "diff")
    assert found["endpoint"]["traffic"] == {"blue": 90, "green": 10}
    assert [(stage["kind"], stage["state"], stage["label"]) for stage in found["stages"]] == [
        ("deploy", "satisfied", "deploy"),
        ("smoke_test", "satisfied", "smoke test"),
        ("mirror", "satisfied", "mirror 10"),
        ("bake", "satisfied", "bake 10m"),
        ("traffic", "satisfied", "traffic 10"),
        ("bake", "active", "bake 30m"),
        ("traffic", "pending", "traffic 100"),
        ("delete", "pending", "delete stable"),
    ]
    assert [(action["kind"], action["target"], action["sign"], action["hazards"]) for action in found["actions"]] == [
        ("set_traffic", "house", "~", ["traffic-jump"]),
        ("delete", "blue", "-", ["deletes-deployment", "blocks-rollback"]),
    ]
    assert found["actions"][0]["before"] == {"traffic": {"blue": 90, "green": 10}, "mirror": {}}
    assert found["actions"][0]["after"] == {"traffic": {"green": 100}, "mirror": {}}
    assert found["progress"]["written"] == {"traffic": {"blue": 90, "green": 10}, "mirror": {}}
    assert found["requests"] == {"reads": 2, "writes": 0, "polls": 0}
    assert found["way_back"]["traffic"] == {"blue": 100}
    assert found["digest"] == worlds.DIGEST
    assert [action["kind"] for action in found["approval"]["actions"]] == ["SetTraffic", "DeleteDeployment"]


def test_hazards_say_what_allows_them() -> None:
    """Those that the plan itself declares are shown, the one that nobody allowed is refused."""
    found = {hazard["name"]: hazard for hazard in plain(DOCUMENTS["hazardous"])["hazards"]}
    assert {name: hazard["state"] for name, hazard in found.items()} == {
        "auth-change": "refused",
        "traffic-jump": "shown",
        "deletes-deployment": "shown",
        "blocks-rollback": "shown",
    }
    assert found["auth-change"]["flag"] == "--allow-hazard auth-change"


@pytest.mark.parametrize(
    ("name", "part", "field"),
    [
        ("drifted", "drift", ("blue", "instance_count", 1, 2)),
        ("pending", "pending", ("blue", "description", "", "as declared")),
    ],
)
def test_drift_is_named_apart_from_what_is_pending(name: str, part: str, field: tuple[Any, ...]) -> None:
    """The field, the live value, the declared one; never in both lists."""
    found = plain(DOCUMENTS[name])
    told = [(one["target"], one["path"], one["before"], one["after"]) for one in found[part]]
    assert told == [field]
    assert found["pending" if part == "drift" else "drift"] == []


def test_what_its_name_calls_a_secret_is_not_shown() -> None:
    """In no part of the document."""
    saved = encode(DOCUMENTS["nothing_yet"])
    assert "hunter2" not in saved
    deploy = next(action for action in json.loads(saved)["actions"] if action["kind"] == "deploy")
    assert deploy["after"]["environment_variables.API_KEY"] == "(not shown)"


def test_a_failed_gate_brings_its_evidence() -> None:
    """The verdict in words, and the log as it was."""
    found = plain(DOCUMENTS["gate_failed"])["result"]
    assert found["measurements"] == [
        {
            "gate": "5-bake-30",
            "outcome": "FAIL",
            "reason": "green answers 12 of 40 requests with 500",
            "log": list(worlds.LOG),
            "evidence": None,
        }
    ]


def test_worlds_are_told_by_their_commands() -> None:
    """The helper itself: a document of `status` says so."""
    made: Callable[..., Document] = worlds.told
    assert made(worlds.converged(), "status").command == "status"


def test_a_report_fits_its_schema() -> None:
    """What `rollout report --output json` writes, with every part of it there."""
    readings = (Reading(at=NOON, deployment="green", requests=600.0, bad=3.0),)
    split = Split(at=NOON, what="traffic", traffic={"blue": 90, "green": 10})
    found = Story(
        document=worlds.told(worlds.at_ten_percent()),
        splits=(split,),
        readings=readings,
        start=NOON,
        weights=(None, 10),
    )
    shown = json.loads(to_json(found))
    schema = output_schema("report")
    jsonschema.Draft202012Validator(schema).validate(shown)
    assert set(shown) == set(schema["required"]) == set(schema["properties"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate({**shown, "grain": "a minute"})
