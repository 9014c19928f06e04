"""Made-up traffic: deterministic, by weight, with the errors and latencies that were asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.emulator.monitor.generator import Generator
from rollout.emulator.monitor.records import Scored
from rollout.emulator.monitor.synthetic import Behaviour, Outage, Traffic, Weights, minute_of

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
HALVES = Weights({"blue": 50, "green": 50})


def traffic(**changed: object) -> Traffic:
    """600 requests a minute to `house`; green fails every fifth time and is slow."""
    wish: dict[str, object] = {
        "endpoint": "house",
        "requests_per_minute": 600,
        "deployments": {"green": Behaviour(error_share=0.2, p50_ms=100, p95_ms=400)},
    }
    return Traffic(**{**wish, **changed})  # type: ignore[arg-type]


def hour(wish: Traffic, weights: Weights) -> list[Scored]:
    """An hour of it."""
    minutes = (START + timedelta(minutes=number) for number in range(60))
    return [line for minute in minutes for line in minute_of(wish, minute, weights)]


@settings(deadline=None)
@given(seed=st.integers(0, 10**9), rate=st.floats(0, 900), blue=st.integers(0, 100), minute=st.integers(0, 10**6))
def test_the_same_again(seed: int, rate: float, blue: int, minute: int) -> None:
    """Seed, minute and weights decide everything; all requests lie in their minute, in order."""
    start = START + timedelta(minutes=minute)
    wish, weights = traffic(seed=seed, requests_per_minute=rate), Weights({"blue": blue, "green": 100 - blue})
    lines = minute_of(wish, start, weights)
    assert lines == minute_of(wish, start, Weights({"green": 100 - blue, "blue": blue}))
    times = [line.at for line in lines]
    assert times == sorted(times)
    assert all(start <= at < start + timedelta(minutes=1) for at in times)


def test_another_seed_or_minute_is_another_traffic() -> None:
    """Nothing repeats from minute to minute."""
    first = minute_of(traffic(), START, HALVES)
    assert first != minute_of(traffic(seed=1), START, HALVES)
    later = minute_of(traffic(), START + timedelta(minutes=1), HALVES)
    assert [line.at - START for line in first] != [line.at - START - timedelta(minutes=1) for line in later]


def test_shares_and_latencies() -> None:
    """36,000 requests: numbers within five standard deviations of what was asked for."""
    lines = hour(traffic(), Weights({"blue": 75, "green": 25}))
    by_name = Counter(line.deployment for line in lines)
    assert abs(len(lines) - 36_000) < 5 * 190
    assert abs(by_name["green"] / len(lines) - 0.25) < 5 * 0.0023
    green = [line for line in lines if line.deployment == "green"]
    failed = [line for line in green if line.status == 424]
    assert abs(len(failed) / len(green) - 0.2) < 5 * 0.0042
    assert {(line.model_status, line.reason) for line in failed} == {("500", "model_error")}
    took = sorted(line.duration_ms for line in green)
    assert took[len(took) // 2] == pytest.approx(100, rel=0.1)
    assert took[int(0.95 * len(took))] == pytest.approx(400, rel=0.1)
    assert {line.status for line in lines if line.deployment == "blue"} == {200}


def test_mirrored_copies() -> None:
    """A tenth of the requests goes to green too, at the same moment, apart from the live ones."""
    lines = hour(traffic(), Weights({"blue": 100}, {"green": 10}))
    live, shadow = ([line for line in lines if line.mirrored is mirrored] for mirrored in (False, True))
    assert {line.deployment for line in live} == {"blue"}
    assert {line.deployment for line in shadow} == {"green"}
    assert abs(len(shadow) / len(live) - 0.1) < 5 * 0.0016
    assert {line.at for line in shadow} <= {line.at for line in live}


def test_nobody_to_route_to() -> None:
    """Without weights every request is 404."""
    lines = minute_of(traffic(), START, Weights())
    assert {(line.deployment, line.status) for line in lines} == {("", 404)}


def test_what_the_front_end_says_itself() -> None:
    """408 has no status of the model."""
    behaviour = Behaviour(error_share=1, error_status=408)
    lines = minute_of(traffic(deployments={}, otherwise=behaviour), START, HALVES)
    assert {(line.status, line.model_status, line.reason) for line in lines} == {(408, "", "")}


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "share": (lambda: Behaviour(error_share=1.1), "error_share must be from 0 to 1"),
    "status": (lambda: Behaviour(error_status=200), "error_status must be from 400 to 599"),
    "latency": (lambda: Behaviour(p50_ms=50, p95_ms=40), "p50_ms must be more than 0 and at most p95_ms"),
    "rate": (lambda: traffic(requests_per_minute=-1), "requests_per_minute must be from 0 to 60000"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be(case: str) -> None:
    """Wrong wishes are refused in words."""
    make, words = WRONG[case]
    with pytest.raises(ValueError, match=words):
        make()


def test_minutes_follow_the_weights() -> None:
    """Each minute has the weights of its beginning; a jump in time fills the minutes that it skipped."""
    lines: list[Scored] = []
    generator = Generator(lines.append)
    generator.route("house", Weights({"blue": 100}), START)
    generator.set(traffic(), START)
    generator.route("house", Weights({"green": 100}), START + timedelta(minutes=3, seconds=30))
    generator.fill(START + timedelta(minutes=5, seconds=59))
    by_minute = {line.at.minute: line.deployment for line in lines}
    assert by_minute == {1: "blue", 2: "blue", 3: "blue", 4: "green"}
    before = list(lines)
    generator.fill(START + timedelta(minutes=5, seconds=59))
    assert lines == before
    generator.clear("house")
    generator.fill(START + timedelta(minutes=30))
    assert lines == before
    assert generator.listing() == []


def test_an_endpoint_that_is_not_there_yet() -> None:
    """Nobody can ask it; from its creation on, without weights, every request is 404."""
    lines: list[Scored] = []
    generator = Generator(lines.append)
    generator.set(traffic(requests_per_minute=60), START)
    generator.fill(START + timedelta(minutes=3))
    assert lines == []
    generator.route("house", Weights(), START + timedelta(minutes=3))
    generator.fill(START + timedelta(minutes=5))
    assert {(line.at.minute, line.status) for line in lines} == {(3, 404), (4, 404)}
    generator.gone("house")
    before = list(lines)
    generator.set(traffic(requests_per_minute=60), START + timedelta(minutes=5))
    generator.fill(START + timedelta(minutes=9))
    assert lines == before


def test_a_new_wish_begins_with_the_next_minute() -> None:
    """What was asked for before is made up until then."""
    lines: list[Scored] = []
    generator = Generator(lines.append)
    generator.route("house", Weights({"blue": 100}), START)
    generator.set(traffic(requests_per_minute=60), START)
    generator.set(traffic(requests_per_minute=0), START + timedelta(minutes=3))
    generator.fill(START + timedelta(minutes=9))
    assert {line.at.minute for line in lines} == {1, 2}


def test_bursts_and_outages() -> None:
    """With a correlation most minutes have no failures and some have many; in an outage everybody fails; the share of
    all requests is as asked for otherwise."""
    burst = traffic(deployments={"green": Behaviour(error_share=0.1, error_correlation=0.5)})
    shares = [burst.share_of("green", START + timedelta(minutes=number)) for number in range(2000)]
    assert 0.08 < sum(shares) / len(shares) < 0.12
    assert sum(share < 0.01 for share in shares) > 1000
    assert max(shares) > 0.9
    outage = traffic(outages=(Outage(START, START + timedelta(minutes=2), 1.0),))
    assert {line.status for line in minute_of(outage, START, HALVES)} == {424}
    assert 200 in {line.status for line in minute_of(outage, START + timedelta(minutes=2), HALVES)}
    with pytest.raises(ValueError, match="error_correlation must be from 0 to less than 1"):
        Behaviour(error_correlation=1.0)
