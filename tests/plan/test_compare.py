"""The gate `compare`: its body as it is measured, what its digest covers, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rollout.core.gate_bodies import Compare, RequestFile
from rollout.core.journey import expedited, first, normal
from rollout.core.release import Gate, GateKind
from tests.plan.conftest import Load
from tests.plan.test_gates import gate_of, planned

Refused = Callable[[str], list[str]]


def test_everything_in_a_comparison(load: Load, project: Path) -> None:
    """Every parameter arrives; a file of JSON lines is a request a line; durations are seconds."""
    (project / "rows.jsonl").write_text('{"a": 1}\n\n {"a": 2}\r\n')
    found = gate_of(load, """\
compare:
      requests:
        - rows.jsonl
        - house/request.json
        - {body: [1]}
      rows: predictions
      ignore: [version, items.*.id]
      numeric: {absolute: 0.5, relative: 0.01}
      at_most: 1%
      distribution: 10%
      time_limit: 500ms
      concurrency: 2
      limit: 10m""")  # fmt: skip
    assert (found.kind, found.limit) == (GateKind.COMPARE, 600.0)
    assert found.body == Compare(
        requests=(
            RequestFile(name="rows.jsonl:1", body=b'{"a": 1}'),
            RequestFile(name="rows.jsonl:3", body=b'{"a": 2}'),
            RequestFile(name="house/request.json", body=b'{"data": [[1, 2]]}'),
            RequestFile(name="inline", body=b"[1]"),
        ),
        part="predictions",
        unit="row",
        ignore=("version", "items.*.id"),
        absolute=0.5,
        relative=0.01,
        at_most=0.01,
        distribution=0.1,
        time_limit=0.5,
        concurrency=2,
    )


def test_the_short_form(load: Load) -> None:
    """A file alone: the whole answers are equal."""
    found = gate_of(load, "compare: house/request.json").body
    assert found == Compare(requests=(RequestFile(name="house/request.json", body=b'{"data": [[1, 2]]}'),))


def test_what_is_asked_is_in_the_digest(load: Load, project: Path) -> None:
    """The contents of the files and every parameter; not what a file is called."""
    for name, text in (("a.jsonl", "1\n2\n"), ("b.jsonl", "1\n2\n"), ("c.jsonl", "1\n3\n")):
        (project / name).write_text(text)
    gates = ["a.jsonl", "b.jsonl", "c.jsonl", "{requests: a.jsonl, at_most: 1%}", "{requests: a.jsonl, labels: l}"]
    one, same, *others = [gate_of(load, f"compare: {gate}").digest for gate in gates]
    assert one == same
    assert len({one, *others}) == 4


def test_only_a_run_has_it(load: Load) -> None:
    """A first release has no stable; the way back was compared before."""
    release = load(planned("compare: house/request.json")).release

    def compares(steps: object) -> bool:
        return any(isinstance(step.stage, Gate) and step.stage.kind is GateKind.COMPARE for step in steps)  # type: ignore[attr-defined]

    journeys = [made(release, "green") for made in (normal, first, expedited)]
    assert [compares(journey.steps) for journey in journeys] == [True, False, False]


@pytest.mark.parametrize(
    ("gate", "line"),
    [
        ("compare: bad.jsonl", "7:14: PLAN401: stages[1].compare: `bad.jsonl` is not JSON in line 2"
         " | a JSON value a line"),
        ("compare: empty.jsonl", "7:14: PLAN401: stages[1].compare: `empty.jsonl` has no lines | a JSON value a line"),
        ("compare: many.jsonl", "7:14: PLAN401: stages[1].compare: these are too many requests"
         " | at most 1000 requests and 20000000 bytes in one comparison"),
        ("compare: {requests: house/request.json, select: '(('}",
         "7:53: PLAN403: stages[1].compare.select: `((` is not a JMESPath expression | for example `predictions[0]`"),
        ("compare: {requests: house/request.json, select: a, rows: b}",
         "7:62: PLAN405: stages[1].compare.rows: `select` and `rows` each say what is compared | one of them"),
        ("compare: {requests: house/request.json, labels: a, numeric: {absolute: 1}}",
         "7:65: PLAN405: stages[1].compare.numeric: labels are equal or not"
         " | `rows` with a tolerance, or `labels` without"),
        ("compare: {requests: house/request.json, latency_ratio: 2}",
         "7:60: PLAN405: stages[1].compare.latency_ratio: the latency of 1 requests says nothing"
         " | at least 20 requests"),
        ("compare: {requests: house/request.json, latency_ratio: 0.5}",
         "7:60: PLAN105: stages[1].compare.latency_ratio: `0.5` is not a ratio"
         " | a number from 1 to 1000, such as 1.5"),
        ("compare: {requests: house/request.json, ignore: a..b}",
         "7:53: PLAN405: stages[1].compare.ignore: `a..b` is not a path | keys with dots between: `items.*.id`"),
        ("compare: {requests: house/request.json, at_most: 0.01}",
         "7:54: PLAN506: stages[1].compare.at_most: `0.01` is not a share of the answers"
         " | a percentage such as `1%`, or `0%`"),
        ("compare: {requests: house/request.json, at_most: 101%}",
         "7:54: PLAN506: stages[1].compare.at_most: `101%` is not a share of the answers"
         " | a percentage such as `1%`, or `0%`"),
    ],
)  # fmt: skip
def test_faults(refused: Refused, project: Path, gate: str, line: str) -> None:
    """What is wrong with a comparison, verbatim."""
    (project / "bad.jsonl").write_text("1\n{\n")
    (project / "empty.jsonl").write_text("\n")
    (project / "many.jsonl").write_text("1\n" * 1001)
    assert refused(planned(gate)) == [f"plan.yml:{line}"]


def test_data_assets(load: Load) -> None:
    """Beside files, without a network; name and version are in the digest, and a ratio of latencies waits for them."""
    text = "compare: {requests: [house/request.json, 'azureml:recorded:%s'], latency_ratio: 2}"
    found = gate_of(load, text % 3)
    assert found.body == Compare(
        requests=(RequestFile(name="house/request.json", body=b'{"data": [[1, 2]]}'),),
        assets=("recorded:3",),
        latency_ratio=2.0,
    )
    assert found.digest != gate_of(load, text % 4).digest
