"""The comparison: what is sent to whom, which rows differ, and whose fault a missing answer is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.core.decision import Roles
from rollout.core.gate_bodies import Compare, RequestFile
from rollout.core.verdict import Outcome, Verdict
from rollout.gates import compare
from rollout.gates.differing import differing
from rollout.gates.distances import kolmogorov_smirnov as distance
from rollout.gates.side_by_side import quantile
from rollout.ports import ScoringAnswer, ScoringRequest
from tests.gates.scripted import ScriptedScoring, Slept, answer, endpoint, not_ready, nothing

ROLES = Roles(stable="blue", candidate="green")


def requests(count: int = 1) -> tuple[RequestFile, ...]:
    """Lines of one file; the body is the line's number."""
    return tuple(RequestFile(name=f"r.jsonl:{n}", body=str(n).encode()) for n in range(1, count + 1))


async def asked(
    reply: Callable[[str, int], ScoringAnswer], test: Compare, roles: Roles = ROLES
) -> tuple[Verdict, list[ScoringRequest], float]:
    """The verdict, what was sent, and how long it was waited. `reply` knows the deployment and the line."""
    scoring = ScriptedScoring(lambda request: reply(request.deployment or "", int(request.body)))
    clock = Slept()
    return await compare.measure(scoring, clock, endpoint(), roles, test), scoring.sent, clock.seconds


def said(value: Any) -> ScoringAnswer:
    """An answer of 200 with that JSON."""
    return answer(200, json.dumps(value).encode())


async def judged(stable: ScoringAnswer, candidate: ScoringAnswer, **parameters: Any) -> str:
    """Outcome and reason for one request."""
    test = Compare(requests=requests(), **parameters)
    verdict, *_ = await asked(lambda name, _: stable if name == "blue" else candidate, test)
    return f"{verdict.outcome} {verdict.reason}"


async def test_two_per_cent_of_the_rows_are_found() -> None:
    """Which, how many, and by how much: the worst first, ten in the evidence."""
    test = Compare(requests=requests(600), at_most=0.01)
    verdict, sent, _ = await asked(lambda name, n: said(n if name == "blue" or n % 50 else n + 1), test)
    assert (verdict.outcome, verdict.reason) == (
        Outcome.FAIL,
        "12 of 600 answers differ (2 %), at most 1 % may: row 50 (r.jsonl:50): blue 50, green 51; "
        "row 100 (r.jsonl:100): blue 100, green 101; row 150 (r.jsonl:150): blue 150, green 151 (and 9 more)",
    )
    worst = verdict.evidence["worst"]
    assert [row["row"] for row in worst] == [50 * n for n in range(1, 11)]
    assert worst[0] == {
        "row": 50,
        "request": "r.jsonl:50",
        "of_request": 0,
        "at": "",
        "apart": round(1 / 51, 6),
        "stable": "50",
        "candidate": "51",
    }
    assert {key: verdict.evidence[key] for key in ("requests", "failed", "compared", "differing", "at_most")} == {
        "requests": 600,
        "failed": 0,
        "compared": 600,
        "differing": 12,
        "at_most": 0.01,
    }
    assert len(sent) == 1200


async def test_exactly_what_is_accepted_passes() -> None:
    """Two per cent are not more than two per cent."""
    test = Compare(requests=requests(600), at_most=0.02)
    verdict, *_ = await asked(lambda name, n: said(n if name == "blue" or n % 50 else n + 1), test)
    assert (verdict.outcome, verdict.reason) == (
        Outcome.PASS,
        "12 of 600 answers differ (2 %), at most 2 % may; green took 10.0 ms (median), blue 10.0 ms",
    )


async def test_each_is_asked_by_name_and_in_turns_first() -> None:
    """Neither of the two always finds what the other has warmed up."""
    _, sent, waited = await asked(lambda name, n: said(n), Compare(requests=requests(2), time_limit=2.0))
    assert [(one.deployment, one.body, one.timeout) for one in sent] == [
        ("blue", b"1", 3.0),
        ("green", b"1", 3.0),
        ("green", b"2", 3.0),
        ("blue", b"2", 3.0),
    ]
    assert waited == 0


SAME = "PASS green answers like blue (1 answer); green took 10.0 ms (median), blue 10.0 ms"


@pytest.mark.parametrize(
    ("stable", "candidate", "parameters", "verdict"),
    [
        (said({"a": 1, "b": 2}), answer(200, b'{"b": 2.0, "a": 1}'), {}, SAME),
        (answer(200, b"[NaN]"), answer(200, b"[NaN]"), {}, SAME),
        (answer(200, b"yes\n"), answer(200, b"yes\n"), {}, SAME),
        (said([1.0]), said([1.05]), {"relative": 0.1}, SAME),
        (said([1.0]), said([1.05]), {"absolute": 0.1}, SAME),
        (said({"v": 1, "p": [2]}), said({"v": 2, "p": [2]}), {"part": "p"}, SAME),
        (said({"v": 1, "p": [{"id": 7, "x": 2}]}), said({"p": [{"x": 2}]}), {"ignore": ("v", "p.*.id")}, SAME),
        (said({"p": [1]}), said({"p": [2]}), {}, "row 1 (r.jsonl:1) at $.p[0]: blue 1, green 2"),
        (said({"p": 1}), said({}), {}, "row 1 (r.jsonl:1) at $.p: blue 1, green nothing"),
        (said({"p": 1}), said({}), {"part": "p"}, "row 1 (r.jsonl:1): blue 1, green `p` gives nothing for {}"),
        (said(True), said(1), {}, "row 1 (r.jsonl:1): blue true, green 1"),
        (said(1), answer(200, b"oh"), {}, "row 1 (r.jsonl:1): blue 1, green it is no JSON: oh"),
        (answer(200, b"yes"), answer(200, b"no"), {}, 'row 1 (r.jsonl:1): blue "yes", green "no"'),
        (said(1), answer(424, b"boom"), {}, "row 1 (r.jsonl:1): blue 1, green status 424: boom"),
        (said(1), answer(503, b"x"), {}, "row 1 (r.jsonl:1): blue 1, green status 503: x"),
        (said(1), nothing(2.0), {"time_limit": 1.0}, "row 1 (r.jsonl:1): blue 1, green no answer within 1 s"),
    ],
)
async def test_what_is_the_same(
    stable: ScoringAnswer, candidate: ScoringAnswer, parameters: dict[str, Any], verdict: str
) -> None:
    """As JSON, not as text; numbers within the tolerance; the candidate's own errors differ."""
    found = await judged(stable, candidate, **parameters)
    assert found == verdict or found == f"FAIL 1 of 1 answer differs (100 %), at most 0 % may: {verdict}"


@pytest.mark.parametrize(
    ("stable", "candidate", "parameters", "verdict"),
    [
        (nothing(), said(1), {}, "ERROR r.jsonl:1: blue: the scoring host gave no answer: connection refused"),
        (nothing(9.0), said(1), {"time_limit": 1.0}, "ERROR r.jsonl:1: blue: the scoring host gave no answer: "
         "connection refused"),
        (said(1), nothing(), {}, "ERROR r.jsonl:1: green: the scoring host gave no answer: connection refused"),
        (answer(424, b"x"), said(1), {}, "NO_DATA r.jsonl:1: blue answered 424, there is nothing to compare with: x"),
        (answer(424, b"x"), answer(424, b"x"), {}, "NO_DATA r.jsonl:1: blue answered 424, there is nothing to compare "
         "with: x"),
        (answer(502, b"x"), said(1), {}, "ERROR r.jsonl:1: blue: the service answered 502: x"),
        (answer(503, b"x"), answer(503, b"x"), {}, "ERROR r.jsonl:1: blue: the service answered 503: x"),
        (said(1), not_ready(), {}, "NO_DATA r.jsonl:1: green is not ready (model_not_ready)"),
        (not_ready(), said(1), {}, "NO_DATA r.jsonl:1: blue is not ready (model_not_ready)"),
        (said({}), said({}), {"part": "p"}, "ERROR r.jsonl:1: blue's answer cannot be compared: `p` gives nothing for "
         "{}"),
        (said({"p": 1}), said({"p": 1}), {"part": "p", "unit": "row"}, "ERROR r.jsonl:1: blue's answer cannot be "
         "compared: `p` gives 1, which is no list"),
        (answer(200, b"oh"), said(1), {"part": "p"}, "ERROR r.jsonl:1: blue's answer cannot be compared: it is no JSON:"
         " oh"),
        (answer(200, b"[" * 99999), said(1), {"ignore": ("x",)}, "ERROR r.jsonl:1: blue's answer cannot be compared: "
         f"it is no JSON: {'[' * 159}…"),
        (said([]), said([]), {"part": "@", "unit": "row"}, "NO_DATA blue's answers hold no rows, there is nothing to "
         "compare"),
        (said("a"), said("a"), {"distribution": 0.1}, "NO_DATA there are no numbers in the answers whose distributions "
         "could be compared"),
    ],
)  # fmt: skip
async def test_what_stable_does_not_answer_is_no_evidence(
    stable: ScoringAnswer, candidate: ScoringAnswer, parameters: dict[str, Any], verdict: str
) -> None:
    """Neither against the candidate nor for it."""
    assert await judged(stable, candidate, **parameters) == verdict


async def test_rows_and_labels_count_each() -> None:
    """One request may hold many; rows that nobody can match all differ; a label alone is one."""
    assert (
        await judged(said([1, 2, 3]), said([1, 5, 3]), part="@", unit="row", at_most=0.1)
        == "FAIL 1 of 3 rows differs (33.3 %), at most 10 % may: row 2 (r.jsonl:1, row 2 of it): blue 2, green 5"
    )
    assert (
        await judged(said([1, 2]), said([1]), part="@", unit="row")
        == "FAIL 2 of 2 rows differ (100 %), at most 0 % may: row 1 (r.jsonl:1, row 1 of it): blue 1, green 1 "
        "(1 rows instead of 2); row 2 (r.jsonl:1, row 2 of it): blue 2, green nothing (1 rows instead of 2)"
    )
    assert (
        await judged(said({"l": "cat"}), said({"l": "dog"}), part="l", unit="label")
        == 'FAIL 1 of 1 label differs (100 %), at most 0 % may: row 1 (r.jsonl:1, row 1 of it): blue "cat", green "dog"'
    )


async def test_the_greatest_difference_comes_first() -> None:
    """An error before any number, a large step before a small one."""
    replies = {1: said(100), 2: said(101), 3: said(150), 4: answer(424, b"")}
    verdict, *_ = await asked(
        lambda name, n: said(100) if name == "blue" else replies[n], Compare(requests=requests(4))
    )
    assert [(row["row"], row["apart"]) for row in verdict.evidence["worst"]] == [
        (4, None),
        (3, round(1 / 3, 6)),
        (2, round(1 / 101, 6)),
    ]


async def test_a_dead_candidate_is_not_asked_a_thousand_times() -> None:
    """Ten without any answer are enough."""
    verdict, sent, _ = await asked(
        lambda name, n: said(n) if name == "blue" else answer(424, b""), Compare(requests=requests(1000))
    )
    assert (verdict.outcome, len(sent)) == (Outcome.FAIL, 20)
    assert verdict.reason.startswith(
        "10 of 10 answers differ (100 %), at most 0 % may: row 1 (r.jsonl:1): blue 1, green"
    )


async def test_who_is_busy_is_left_alone_for_a_while() -> None:
    """Longer each time, then it is waited for another pass."""
    busy = iter([429, 429, 200])
    verdict, _, waited = await asked(
        lambda name, n: said(n) if name == "blue" else answer(next(busy), b"1"), Compare(requests=requests())
    )
    assert (verdict.outcome, waited) == (Outcome.PASS, 5.0)
    verdict, _, waited = await asked(lambda name, n: answer(429, b""), Compare(requests=requests()))
    assert (verdict.outcome, verdict.reason, waited) == (
        Outcome.NO_DATA,
        "r.jsonl:1: blue: too many requests (429); the deployment is busy",
        42.0,
    )


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_the_bandwidth_is_left_to_the_live_traffic(concurrency: int) -> None:
    """Answers of a megabyte: together at most 2.5 MB/s, however many are under way."""
    large = answer(200, json.dumps("x" * 1_000_000).encode())
    test = Compare(requests=requests(8), concurrency=concurrency)
    verdict, _, waited = await asked(lambda name, n: large, test)
    assert verdict.outcome is Outcome.PASS
    assert waited / concurrency == pytest.approx(8 * (2_000_006 / compare.RATE - 0.02 / concurrency), rel=1e-6)


async def test_a_measurement_ends() -> None:
    """A slow pair of deployments is no fault of the candidate."""
    slow = ScoringAnswer(status=200, body=b"1", seconds=50.0)
    verdict, sent, _ = await asked(lambda name, n: slow, Compare(requests=requests(100)))
    assert (verdict.outcome, verdict.reason, len(sent)) == (
        Outcome.NO_DATA,
        "r.jsonl:11: not done after 15 minutes: take fewer requests, or more `concurrency`",
        20,
    )


async def test_the_latency_is_shown_and_can_be_limited() -> None:
    """Medians side by side."""

    def reply(name: str, n: int) -> ScoringAnswer:
        return ScoringAnswer(status=200, body=b"1", seconds=(0.02 if name == "blue" else 0.05) + n / 10000)

    verdict, *_ = await asked(reply, Compare(requests=requests(20), latency_ratio=2.0))
    assert (verdict.outcome, verdict.reason) == (
        Outcome.FAIL,
        "green takes 2.42 times as long as blue, at most 2: green took 51.1 ms (median), blue 21.1 ms",
    )
    assert verdict.evidence["latency_ms"] == {
        "stable": {"median": 21.1, "p95": 22.0},
        "candidate": {"median": 51.1, "p95": 52.0},
    }


async def test_distributions_may_agree_where_no_number_does() -> None:
    """Another model says something else about each row, and the same about all of them; or it does not."""
    test = Compare(requests=requests(100), at_most=1.0, distribution=0.1)
    verdict, *_ = await asked(lambda name, n: said(n if name == "blue" else 101 - n), test)
    assert (verdict.outcome, verdict.evidence["distance"]) == (Outcome.PASS, 0.0)
    verdict, *_ = await asked(lambda name, n: said(n if name == "blue" else n + 50), test)
    assert (verdict.outcome, verdict.reason) == (
        Outcome.FAIL,
        "the distributions of the numbers are 50 % apart (Kolmogorov-Smirnov), at most 10 % may be",
    )


async def test_without_stable_there_is_nothing_to_compare_with() -> None:
    """A first release has no such gate; whoever asks it nevertheless sends nothing."""
    verdict, sent, _ = await asked(lambda name, n: said(1), Compare(requests=requests()), Roles(candidate="green"))
    assert (verdict.outcome, verdict.reason, sent) == (
        Outcome.NO_DATA,
        "nothing serves yet that could be compared with",
        [],
    )


async def test_what_answers_say_is_cut_and_harmless() -> None:
    """Neither long texts nor control characters come into the reason."""
    found = await judged(said("a"), said("\x1b[31m" + "x" * 1000 + "\n"))
    assert len(found) < 300
    assert found.isprintable()


NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


@settings(deadline=None)
@given(NUMBERS, NUMBERS)
def test_the_distance_is_a_distance(one: list[float], other: list[float]) -> None:
    """Between 0 and 1, the same both ways, 0 for the same numbers in another order."""
    assert 0 <= distance(one, other) <= 1
    assert distance(one, other) == distance(other, one)
    assert distance(one, list(reversed(one))) == 0


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_value_is_as_itself(value: Any) -> None:
    """Whatever JSON it is."""
    assert list(differing(0.0, 0.0, value, json.loads(json.dumps(value)), "$")) == []


def test_quantiles_are_values_that_were_seen() -> None:
    """The nearest rank; none of nothing."""
    assert [quantile([1.0, 2.0, 3.0, 4.0], share) for share in (0.0, 0.5, 0.95, 1.0)] == [1.0, 3.0, 4.0, 4.0]
    assert quantile([], 0.5) == 0.0
