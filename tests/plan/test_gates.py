"""Gates: their bodies as they are measured, their digests, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rollout.core.gate_bodies import Expectation, Golden, RequestFile, SmokeTest
from rollout.core.release import Gate, Role
from tests.plan.conftest import ROLES, Load

Refused = Callable[[str], list[str]]


def planned(gate: str) -> str:
    """The sample plan with that gate behind its deploy stage (line 7)."""
    return ROLES.replace("deploy: candidate\n", f"deploy: candidate\n  - {gate}\n")


def gate_of(load: Load, gate: str) -> Gate:
    """The lowered gate."""
    found = load(planned(gate)).release.stages[1]
    assert isinstance(found, Gate)
    return found


def test_everything_in_a_smoke_test(load: Load, project: Path) -> None:
    """Every parameter arrives; files are read; durations are seconds."""
    (project / "schema.json").write_text('{"type": "array"}')
    (project / "answer.json").write_text("[1.5, 2]")
    (project / "image.png").write_bytes(b"\x89PNG")
    found = gate_of(load, """\
smoke_test:
      requests:
        - house/request.json
        - {file: image.png, expect: {status: [400, 415]}}
        - {body: {data: []}, content_type: application/x-json, expect: {golden: {answer: 7}}}
        - {file: house/request.json, expect: {golden: answer.json, assertions: "length(@) == `2`"}}
      deployment: stable
      expect: {status: [200, 201], schema: schema.json, assertions: ["@[0]", "length(@)"]}
      time_limit: 500ms
      repetitions: 5
      concurrency: 2
      limit: 10m""")  # fmt: skip
    data = b'{"data": [[1, 2]]}'
    assert found.limit == 600.0
    assert found.body == SmokeTest(
        requests=(
            RequestFile(name="house/request.json", body=data),
            RequestFile(
                name="image.png", body=b"\x89PNG", content_type="image/png", expect=Expectation(status=(400, 415))
            ),
            RequestFile(
                name="inline",
                body=b'{"data": []}',
                content_type="application/x-json",
                expect=Expectation(golden=Golden(answer=7)),
            ),
            RequestFile(
                name="house/request.json",
                body=data,
                expect=Expectation(golden=Golden(answer=[1.5, 2]), assertions=("length(@) == `2`",)),
            ),
        ),
        deployment=Role.STABLE,
        expect=Expectation(status=(200, 201), schema={"type": "array"}, assertions=("@[0]", "length(@)")),
        time_limit=0.5,
        repetitions=5,
        concurrency=2,
    )


@pytest.mark.parametrize(
    ("golden", "expected"),
    [
        ("answer.json", Golden(answer=[1, 2])),
        ("[1, 2]", Golden(answer=[1, 2])),
        ("{answer: text, tolerance: 0.5}", Golden(answer="text", absolute=0.5)),
        ("{file: answer.json, relative_tolerance: 1}", Golden(answer=[1, 2], relative=1.0)),
        ("{answer: null}", Golden(answer=None)),
    ],
)
def test_golden_answers(load: Load, project: Path, golden: str, expected: Golden) -> None:
    """A path, a value, or an object with tolerances."""
    (project / "answer.json").write_text("[1, 2]")
    body = gate_of(load, f"smoke_test: {{requests: house/request.json, expect: {{golden: {golden}}}}}").body
    assert body.expect.golden == expected


SMOKE = "smoke_test: {requests: [house/request.json], expect: {status: 200}}"


@pytest.mark.parametrize(
    "other",
    [
        "{smoke_test: {requests: [house/request.json]}, name: smoke}",
        "smoke_test: house/request.json",
        "smoke_test: {requests: [{body: {data: [[1, 2]]}}], repetitions: 1}",
        "smoke_test: {requests: house/request.json, deployment: candidate, limit: 60m}",
    ],
)
def test_the_same_gate_written_otherwise(load: Load, other: str) -> None:
    """Names, short forms, declared defaults and file names are not what a gate asks."""
    assert gate_of(load, other).digest == gate_of(load, SMOKE).digest


@pytest.mark.parametrize(
    "other",
    [
        "smoke_test: {requests: [house/request.json, house/request.json]}",
        "smoke_test: {requests: [{body: {data: [[1, 3]]}}]}",
        "smoke_test: {requests: house/request.json, expect: {status: 201}}",
        "smoke_test: {requests: house/request.json, expect: {schema: {type: array}}}",
        "smoke_test: {requests: house/request.json, expect: {assertions: ['@']}}",
        "smoke_test: {requests: house/request.json, expect: {golden: [1]}}",
        "smoke_test: {requests: house/request.json, repetitions: 2}",
        "smoke_test: {requests: house/request.json, time_limit: 1s}",
        "smoke_test: {requests: house/request.json, deployment: stable}",
        "smoke_test: {requests: house/request.json, limit: 2h}",
        "bake: 1h",
        "approval: go?",
    ],
)
def test_another_question_is_another_gate(load: Load, other: str) -> None:
    """Every parameter is part of the digest."""
    assert gate_of(load, other).digest != gate_of(load, SMOKE).digest


def test_a_changed_request_file_is_another_gate(load: Load, project: Path) -> None:
    """The contents of the files that a gate names are part of its digest."""
    before = gate_of(load, SMOKE).digest
    (project / "house/request.json").write_text('{"data": [[1, 2 ]]}')
    assert gate_of(load, SMOKE).digest != before


def test_golden_digests(load: Load) -> None:
    """Passed keys live in endpoints' tags: an upgrade must not change a gate's digest."""
    assert [gate_of(load, gate).digest for gate in (SMOKE, "bake: 30m", "approval: go?")] == [
        "1a50801d3e5a7ed0b75c",
        "15b8f52fe703499b2680",
        "188f5e4c7e5a9fc06402",
    ]


def test_timeout_of_a_gate_is_its_limit(load: Load) -> None:
    """`timeout` beside a gate says how long it may stay without a verdict."""
    assert gate_of(load, "{bake: 1m, timeout: 5m}").limit == 300.0


@pytest.mark.parametrize(
    ("gate", "line"),
    [
        ("smoke_test: {requests: []}",
         "7:28: PLAN103: stages[1].smoke_test.requests: expected at least 1 entries here"),
        ("smoke_test: {requests: [house]}",
         "7:29: PLAN303: stages[1].smoke_test.requests[0]: `house` is a directory | a file, relative to ."),
        ("smoke_test: {requests: [bad.json]}",
         "7:29: PLAN401: stages[1].smoke_test.requests[0]: `bad.json` is not JSON (line 1) | a JSON file"),
        ("smoke_test: {requests: [{file: house/request.json, body: 1}]}",
         "7:29: PLAN401: stages[1].smoke_test.requests[0]: a request has a `file` or a `body` | one of them"),
        ("smoke_test: {requests: [{content_type: a/b}]}",
         "7:29: PLAN401: stages[1].smoke_test.requests[0]: a request has a `file` or a `body` | one of them"),
        ("smoke_test: {requests: house/request.json, expect: {status: 99}}",
         "7:65: PLAN105: stages[1].smoke_test.expect.status: 99 is out of range | a whole HTTP status from 100 to 599"),
        ("smoke_test: {requests: house/request.json, expect: {schema: {type: arry}}}",
         "7:65: PLAN402: stages[1].smoke_test.expect.schema: not a JSON Schema: 'arry' is not valid under any of the"
         " given schemas | a valid JSON Schema"),
        ("smoke_test: {requests: house/request.json, expect: {schema: [1]}}",
         "7:65: PLAN103: stages[1].smoke_test.expect.schema: this is not a JSON Schema"
         " | the path of a JSON file, or a schema inline"),
        ("smoke_test: {requests: house/request.json, expect: {schema: answer.json}}",
         "7:65: PLAN402: stages[1].smoke_test.expect.schema: not a JSON Schema: it is not a mapping"
         " | a valid JSON Schema"),
        ("smoke_test: {requests: house/request.json, expect: {assertions: ['length(@']}}",
         "7:70: PLAN403: stages[1].smoke_test.expect.assertions[0]: `length(@` is not a JMESPath expression"
         " | for example `length(@) == `2``"),
        ("smoke_test: {requests: house/request.json, expect: {golden: {tolerance: -1, answer: 1}}}",
         "7:77: PLAN103: stages[1].smoke_test.expect.golden.tolerance: `-1` is not a tolerance"
         " | a number that is not negative, such as 0.001"),
        ("smoke_test: {requests: house/request.json, expect: {golden: {tolerance: 1}}}",
         "7:65: PLAN404: stages[1].smoke_test.expect.golden: a golden answer is an `answer` or a `file` | one of them"),
        ("smoke_test: {requests: house/request.json, expect: {golden: nan.json}}",
         "7:65: PLAN404: stages[1].smoke_test.expect.golden: `nan.json` is not JSON | a JSON file"),
        ("smoke_test: {requests: [house/request.json, house/request.json], expect: {golden: [1]}}",
         "7:87: PLAN404: stages[1].smoke_test.expect.golden: one golden answer for several requests"
         " | `expect` beside each request's `file`"),
        ("smoke_test: {requests: house/request.json, deployment: candidat}",
         "7:60: PLAN205: stages[1].smoke_test.deployment: `candidat` is no deployment of this plan"
         " | one of candidate, stable | did you mean `candidate`?"),
        ("smoke_test: {requests: house/request.json, concurrency: 100}",
         "7:61: PLAN105: stages[1].smoke_test.concurrency: 100 is out of range | a whole number from 1 to 64"),
        ("approval: 7", "7:15: PLAN103: stages[1].approval: `7` is not text | text | quote it"),
    ],
)  # fmt: skip
def test_faults(refused: Refused, project: Path, gate: str, line: str) -> None:
    """What is wrong with a gate, verbatim."""
    (project / "bad.json").write_text("{")
    (project / "nan.json").write_text("[NaN]")
    (project / "answer.json").write_text("[1, 2]")
    assert refused(planned(gate)) == [f"plan.yml:{line}"]
