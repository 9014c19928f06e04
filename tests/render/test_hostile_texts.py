"""Any document, every text of it foreign and meaning ill: each form stays what it is, and does nothing else."""

from __future__ import annotations

import json
import os
import re
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as Xml

import jsonschema
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from prometheus_client.parser import text_string_to_metric_families

from rollout.render.annotations import PER_LEVEL
from rollout.render.document import AnyDocument
from rollout.render.forms import RENDERERS, rendered
from rollout.render.github_output import KEYS
from rollout.render.saved import decode, encode
from rollout.render.schema import OUTPUTS, output_schema
from tests.render import nasty, worlds

MANY = settings(
    max_examples=int(os.environ.get("ROLLOUT_NASTY", "60")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
VALIDATORS = {made: jsonschema.Draft202012Validator(output_schema(name)) for name, (made, _) in OUTPUTS.items()}
_LINE = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


@MANY
@given(nasty.ANY)
def test_text_moves_no_cursor_and_gives_no_command(document: AnyDocument) -> None:
    """Nothing unseen is in it, and no line is a workflow command."""
    text = rendered(document, "text")
    assert nasty.unseen(text) == set()
    assert list(nasty.commands(text)) == []


@MANY
@given(nasty.ANY)
def test_json_is_valid_whole_and_harmless(document: AnyDocument) -> None:
    """It fits its schema, it is read back as the same, and printing it does nothing."""
    text = encode(document)
    VALIDATORS[type(document)].validate(json.loads(text))
    assert encode(decode(text)) == text
    assert nasty.unseen(text) == set()
    assert list(nasty.commands(text)) == []


@MANY
@given(nasty.ANY)
def test_annotations_are_ours_alone(document: AnyDocument) -> None:
    """Every line is one of ours, with known properties, and no level has more than GitHub shows."""
    text = rendered(document, "github-annotations")
    assert nasty.unseen(text) == set()
    levels = []
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        assert found is not None, line
        levels.append(found[1])
        assert {pair.partition("=")[0] for pair in found[2].split(",")} <= {"file", "line", "col", "title"}
        assert "##[" not in line
    assert all(levels.count(level) <= PER_LEVEL for level in ("error", "warning", "notice"))


def read_output(text: str) -> list[tuple[str, str]]:
    """As the runner reads `$GITHUB_OUTPUT` (actions/runner, `FileCommandManager.cs`)."""
    lines = text.split("\n")
    assert lines.pop() == ""
    found = []
    at = 0
    while at < len(lines):
        equals, arrow = lines[at].find("="), lines[at].find("<<")
        assert arrow > 0
        assert equals < 0 or arrow < equals
        key, delimiter = lines[at].split("<<", 1)
        end = lines.index(delimiter, at + 1)
        found.append((key, "\n".join(lines[at + 1 : end])))
        at = end + 1
    return found


@MANY
@given(nasty.ANY)
def test_output_keys_are_ours_alone(document: AnyDocument) -> None:
    """Each key once, in order, whatever the values are."""
    text = rendered(document, "github-output")
    assert [key for key, _ in read_output(text)] == list(KEYS)
    assert nasty.unseen(text) == set()
    assert dict(read_output(text))["exit-code"] == str(document.exit_code)


_ISSUE = re.compile(r"##vso\[task\.logissue type=(error|warning)((?:;[a-z]+=[^;\]]*)*)\](.*)|##\[section\].*")
_VARIABLE = re.compile(r"##vso\[task\.setvariable variable=([a-z_]+);isOutput=true\](.*)")
_ESCAPE = re.compile("%(?!AZP25|0A|0D|3B|5D)")


@MANY
@given(nasty.ANY)
def test_issues_of_azure_pipelines_are_ours_alone(document: AnyDocument) -> None:
    """Every line is one command with known properties; no text begins another, nor ends its own."""
    text = rendered(document, "azure-devops-annotations")
    assert nasty.unseen(text) == set()
    for line in text.splitlines():
        found = _ISSUE.fullmatch(line)
        assert found is not None, line
        assert list(nasty.commands(line[2:])) == []
        assert line.startswith("##[section]") or _ESCAPE.search(line) is None, (
            "the agent reads escapes in commands alone"
        )
        names = {pair.partition("=")[0] for pair in (found[2] or "").split(";") if pair}
        assert names <= {"sourcepath", "linenumber", "columnnumber", "code"}


@MANY
@given(nasty.ANY)
def test_variables_of_azure_pipelines_are_ours_alone(document: AnyDocument) -> None:
    """Each key once, in order; no value is a command, or is filled in where it is used."""
    text = rendered(document, "azure-devops-output")
    assert nasty.unseen(text) == set()
    found = [_VARIABLE.fullmatch(line) for line in text.splitlines()]
    told = {match[1]: match[2] for match in found if match is not None}
    assert None not in found
    assert list(told) == [key.replace("-", "_") for key in KEYS]
    assert [value for value in told.values() if "$(" in value or list(nasty.commands(value))] == []


@MANY
@given(nasty.ANY)
def test_prometheus_reads_what_is_written(document: AnyDocument) -> None:
    """Its own parser finds every sample, no two with the same labels, and nothing that is not a gauge of ours."""
    text = rendered(document, "prometheus")
    families = list(text_string_to_metric_families(text))
    assert {family.type for family in families} <= {"gauge"}
    samples = [sample for family in families for sample in family.samples]
    assert len(samples) == sum(not line.startswith("#") for line in text.splitlines())
    assert len({(sample.name, tuple(sorted(sample.labels.items()))) for sample in samples}) == len(samples)
    assert all(sample.name.startswith("rollout_") for sample in samples)
    assert nasty.unseen(text) == set()


@MANY
@given(nasty.ANY)
def test_junit_is_xml_that_counts_right(document: AnyDocument) -> None:
    """The counts of every suite are those of its cases."""
    text = rendered(document, "junit")
    root = Xml.fromstring(text)
    for suite in root:
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases))
        for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(key) == str(sum(case.find(tag) is not None for case in cases))
        assert {child.tag for case in cases for child in case} <= {"failure", "error", "skipped", "system-out"}
    assert nasty.unseen(text) == set()
    assert list(nasty.commands(text)) == []


@MANY
@given(nasty.ANY)
def test_sarif_is_what_github_reads(document: AnyDocument) -> None:
    """Rules and results agree, every place is a valid reference, every fingerprint is there."""
    text = rendered(document, "sarif")
    run = json.loads(text)["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert urlsplit(place["artifactLocation"]["uri"]).scheme in ("", "file")
        assert re.fullmatch(r"[!-~]+", place["artifactLocation"]["uri"])
        assert place["region"]["startLine"] >= 1
        assert re.fullmatch("[0-9a-f]{32}", result["partialFingerprints"]["rollout/v1"])
    assert nasty.unseen(text) == set()
    assert list(nasty.commands(text)) == []


@pytest.mark.skipif("ROLLOUT_SARIF_SCHEMA" not in os.environ, reason="ROLLOUT_SARIF_SCHEMA names no schema file")
def test_sarif_fits_the_official_schema() -> None:
    """The one of OASIS, which is not ours to keep; in every situation."""
    with open(os.environ["ROLLOUT_SARIF_SCHEMA"], encoding="utf-8") as file:
        schema = json.load(file)
    validator = jsonschema.validators.validator_for(schema)(schema)
    for document in worlds.documents().values():
        validator.validate(json.loads(rendered(document, "sarif")))


def huge(piece: str) -> AnyDocument:
    """A failed run all of whose texts are ten megabytes of that."""
    text = piece * (10_000_000 // len(piece))
    base = worlds.gate_failed()
    assert base.result is not None
    said = msgspec.structs.replace(base.result.measurements[0], reason=text, log=(text,))
    ended = msgspec.structs.replace(base.result, measurements=(said,), failure=f"{text}\n{text}")
    decision = msgspec.structs.replace(base.decision, reason=text)
    return msgspec.structs.replace(base, result=ended, decision=decision, notes=(text,))


@pytest.mark.parametrize("piece", ["x", "`", "\x1b[31m", "::error::a\n", "\u202e\x00", " ", "é a ", "a `b` "])
def test_ten_megabytes_are_shown_in_a_moment(piece: str) -> None:
    """Every form but JSON, which keeps all of it, is cut before it is cleaned."""
    document = huge(piece)
    for form in RENDERERS:
        if form != "json":
            start = time.process_time()
            text = rendered(document, form)
            assert time.process_time() - start < 1, form
            assert len(text.encode()) < 1_048_576, form
            assert nasty.unseen(text) == set()


def test_a_document_of_a_long_log_is_not_long() -> None:
    """What is saved has the end of it: a log of ten megabytes is never in a document that we make."""
    from rollout.render.saved import shortened

    kept = shortened("first\n" + "x" * 10_000_000 + "\nlast")
    assert len(kept) < 200_100
    assert kept.startswith("first\n")
    assert kept.endswith("x\nlast")
    assert shortened("short") == "short"


def test_times_are_those_of_the_service() -> None:
    """A moment in a document has its zone: a naive one is no document."""
    saved: dict[str, Any] = json.loads(encode(worlds.documents()["at_ten_percent"]))
    saved["observed_at"] = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None).isoformat()
    with pytest.raises(Exception, match="timezone"):
        decode(json.dumps(saved))
