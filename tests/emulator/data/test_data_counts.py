"""The pure parts: the split, the metrics, the front end's own answers, and the load generator's tally."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.emulator.data_plane_answers import from_model, request_headers, response_headers
from rollout.emulator.data_plane_split import choose, mirror_target
from rollout.emulator.load_tally import MAX_FAILURES, Tally
from rollout.emulator.metrics import SAMPLES, Metrics, Row

RECORDED = Path(__file__).parents[3].parent / "shared/corpus/rest/recordings/data-plane-responses.json"
NOON = datetime(2026, 1, 2, 12, 0, 30, tzinfo=UTC)


class Hands:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 100)), st.integers())
def test_choice_has_weight(traffic: dict[str, int], seed: int) -> None:
    """Only a deployment with weight is ever chosen, and one is always chosen if any has weight."""
    chosen = choose(traffic, Random(seed))
    assert (chosen is None) == (sum(traffic.values()) == 0)
    assert chosen is None or traffic[chosen] > 0


def test_all_of_the_traffic_goes_where_it_should() -> None:
    """At 100 and 0 there is no luck; names come back in lower case."""
    dice = Random(1)
    assert {choose({"Blue": 100, "green": 0}, dice) for _ in range(100)} == {"blue"}
    assert Counter(choose({"a": 1, "b": 1, "c": 2}, dice) for _ in range(4000)) == {
        "a": pytest.approx(1000, abs=120),
        "b": pytest.approx(1000, abs=120),
        "c": pytest.approx(2000, abs=140),
    }


def test_mirror_takes_its_percent() -> None:
    """A mirror of 10 % is asked about one time in ten, one of 0 % never."""
    dice = Random(2)
    copied = Counter(mirror_target({"green": 10}, dice) for _ in range(5000))
    assert copied == {"green": pytest.approx(500, abs=85), None: pytest.approx(4500, abs=85)}
    assert {mirror_target({}, dice), mirror_target({"green": 0}, dice)} == {None}


def test_metrics_are_kept_by_minute_and_kind() -> None:
    """Each minute, deployment, status, model status and kind of traffic has a count of its own."""
    clock = Hands()
    metrics = Metrics(clock)
    metrics.record("e", "blue", 200, 0.010, model_status="200")
    metrics.record("e", "blue", 200, 0.020, model_status="200")
    metrics.record("e", "green", 200, 0.5, model_status="200", mirrored=True)
    clock.now += timedelta(minutes=1)
    metrics.record("e", "blue", 424, 0.030, model_status="500")
    metrics.record("other", "blue", 200, 9.0)
    minute = NOON.replace(second=0)
    assert list(metrics.rows("e")) == [
        Row(minute=minute, deployment="blue", status=200, model_status="200", mirrored=False, count=2),
        Row(minute=minute, deployment="green", status=200, model_status="200", mirrored=True, count=1),
        Row(minute=minute + timedelta(minutes=1), deployment="blue", status=424, model_status="500", mirrored=False,
            count=1),
    ]  # fmt: skip
    assert [row.count for row in metrics.rows("e", since=minute + timedelta(minutes=1))] == [1]
    assert [row.count for row in metrics.rows("e", until=minute + timedelta(minutes=1))] == [2, 1]
    assert metrics.counts("e") == {"blue": {"2xx": 2, "4xx": 1}}
    assert metrics.counts("e", mirrored=True) == {"green": {"2xx": 1}}
    assert [metrics.latency("e", "blue", q) for q in (0.5, 0.95)] == [0.020, 0.030]
    assert metrics.latency("e", "green", 0.5) is None
    metrics.drop("e")
    assert (metrics.counts("e"), metrics.latency("e", "blue", 0.5)) == ({}, None)
    assert metrics.counts("other") == {"blue": {"2xx": 1}}


def test_metrics_forget_what_is_old() -> None:
    """After two days of service time a minute is gone, so that a long-lived emulator does not grow."""
    clock = Hands()
    metrics = Metrics(clock)
    for _ in range(SAMPLES + 5):
        metrics.record("e", "blue", 200, 1.0)
    clock.now += timedelta(days=3)
    metrics.record("e", "blue", 200, 0.1)
    assert metrics.counts("e") == {"blue": {"2xx": 1}}
    assert metrics.latency("e", "blue", 0.99) == 0.1


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded answers of the service are not here")
def test_headers_are_those_that_the_service_was_seen_with() -> None:
    """Of the headers of a recorded answer, ours lacks none but those of the connection."""
    for entry in json.loads(RECORDED.read_text(encoding="utf-8"))["entries"][:2]:
        recorded = {name.lower(): value for name, value in entry["headers"].items()}
        inner = {name: value for name, value in recorded.items() if name.startswith("x-ms") or name == "content-type"}
        answer = from_model(200, entry["body"].encode(), {**inner, "server": "gunicorn", "connection": "close"})
        sent = response_headers(answer, recorded["azureml-model-deployment"], recorded["x-request-id"])
        assert {**recorded, **sent} == {**recorded, "azureml-model-session": recorded["azureml-model-deployment"]}
        assert set(recorded) - set(sent) <= {"content-length", "connection"}


def test_key_and_routing_header_stay_at_the_front_end() -> None:
    """The model's server gets the client's headers, but neither the key nor what belongs to the connection."""
    received = {
        "authorization": "Bearer secret",
        "azureml-model-deployment": "green",
        "host": "localhost",
        "content-length": "2",
        "content-type": "application/json",
        "x-ms-client-request-id": "me & you " + "x" * 60,
    }
    assert request_headers(received, "an-id") == {
        "content-type": "application/json",
        "x-ms-client-request-id": ("meyou" + "x" * 60)[:40],
        "x-request-id": "an-id",
    }


def test_tally_reports_what_was_seen() -> None:
    """Counts by status, deployment and second; failures in words; no failure is attributed to a deployment."""
    tally = Tally()
    tally.add(0.2, 200, "blue", 0.010)
    tally.add(1.1, 200, "green", 0.010)
    tally.add(1.9, 424, "green", 0.100, "crashed" * 100)
    tally.add(1.95, 0, "", 0.010, "TimeoutError: ")
    assert tally.report(done=True) == {
        "done": True,
        "sent": 4,
        "failed": 2,
        "statuses": {"0": 1, "200": 2, "424": 1},
        "deployments": {"blue": 1, "green": 1},
        "latency_ms": {"p50": pytest.approx(10, rel=0.06), "p95": pytest.approx(100, rel=0.06),
                       "p99": pytest.approx(100, rel=0.06)},
        "timeline": [{"second": 0, "blue": 1}, {"second": 1, "green": 1, "failed": 2}],
        "failures": [
            {"at": 1.9, "status": 424, "deployment": "green", "text": ("crashed" * 100)[:200]},
            {"at": 1.95, "status": 0, "deployment": "", "text": "TimeoutError: "},
        ],
    }  # fmt: skip


def test_tally_stays_small() -> None:
    """However many requests fail, only the first ones are kept in words."""
    tally = Tally()
    for number in range(1000):
        tally.add(number / 1000, 500, "blue", 0.001 * number)
    assert (tally.sent, tally.failed, len(tally.failures)) == (1000, 1000, MAX_FAILURES)
    assert Tally().report(done=False)["latency_ms"] == {"p50": None, "p95": None, "p99": None}
