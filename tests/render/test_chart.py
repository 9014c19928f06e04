"""The chart of the evidence, and what a gate shows, for terminals of any width."""

from __future__ import annotations

from math import log

from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.render.chart import LABEL, chart
from rollout.render.explained import Explained, lines, markdown
from rollout.render.styled import plain

CHECK = {
    "check": "error_rate",
    "state": "inconclusive",
    "tolerate": 0.005,
    "at_most": None,
    "stable": {"requests": 2700, "bad": 27},
    "candidate": {"requests": 300, "bad": 6},
    "alpha_worse": 0.05,
    "alpha_not_worse": 0.05,
    "correlation": 0.0,
    "decided": None,
    "track": [0.0, 0.5, 1.0],
    "proofs": [],
    "query": "RequestsPerMinute of house",
    "failure": "",
}
FAILED = {**CHECK, "check": "latency over 150ms", "state": "source_failed", "failure": "403", "track": []}
TOLD = Explained(
    gate="watch",
    outcome="ERROR",
    reason="latency over 150ms: 403",
    evidence={
        "checks": [CHECK, FAILED],
        "split": {"seen": 0.1, "configured": 0.1, "broken": False},
        "source": {"kind": "azure_monitor", "lag": 180.0},
    },
)


def test_a_curve_that_crosses_its_limit() -> None:
    """The limit lies across it, the axis says E."""
    drawn = list(chart([number * log(20) / 4 for number in range(9)], log(20), LABEL + 9, 4))
    assert drawn == [
        "    400 │       ▄█",
        "     20 │┄┄┄┄┄▄███",
        "        │   ▄█████",
        "      1 │ ▄███████",
    ]


def test_nothing_to_draw() -> None:
    """No lines without values; values below 1 are on the ground."""
    assert list(chart([], 3.0, 40)) == []
    assert [row.rstrip() for row in chart([-5.0, -9.0], log(20), 20, 3)] == ["     20 │┄┄", "        │", "      1 │"]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-50, 500), max_size=400), st.floats(0.5, 10), st.integers(1, 200), st.integers(2, 20))
def test_any_curve_fits(logs: list[float], limit: float, width: int, height: int) -> None:
    """As many lines as asked for, none wider than asked for (but for the axis itself); a curve that is above its limit
    somewhere is drawn above it."""
    drawn = list(chart(logs, limit, width, height))
    assert len(drawn) == (height if logs else 0)
    assert all(len(row) <= max(width, LABEL + 1) for row in drawn)


def test_what_decided_comes_first() -> None:
    """The worst of the checks, with why; then the others with value, limit and counts."""
    text = plain(lines(TOLD, 40))
    assert text.splitlines()[:4] == [
        "watch: ERROR  latency over 150ms: 403",
        "",
        "  latency over 150ms: source_failed, which decided",
        "    403",
    ]
    assert "    value 2.00%, limit 1.50% (stable's plus 0.50%)\n" in text
    assert "    candidate 6 bad of 300 requests in this stage\n" in text
    assert "    evidence that it is worse: E 2.7 of 20, 3 minutes\n" in text
    assert "    asked: RequestsPerMinute of house\n" in text
    assert text.endswith(
        "  split: the candidate gets 10.0% of the requests, configured 10.0%\n"
        "  source: azure_monitor, counts are final after 180 s\n"
    )
    assert markdown(TOLD).startswith("### watch: ERROR\n\nlatency over 150ms: 403\n\n```text\n")


def test_a_gate_without_checks() -> None:
    """Only what it said."""
    assert plain(lines(Explained(gate="smoke", outcome="PASS", reason="as expected"))) == "smoke: PASS  as expected\n"
