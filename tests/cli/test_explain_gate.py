"""`rollout explain GATE --record FILE`; the live form is tried in tests/e2e/test_evidence.py."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Command
from tests.cli.test_rejudge import saved
from tests.gates.counting import steady


def test_a_recorded_gate(rollout: Command, tmp_path: Path) -> None:
    """Value, limit, counts, chart, what decided; the same as JSON and Markdown."""
    file = saved(tmp_path, steady(candidate_bad=1))
    told = rollout("explain", "watch", "--record", file)
    assert told.code == 0
    assert told.out.startswith("watch: FAIL  error_rate: 25 bad of 750 (3.33%) of green")
    assert "  error_rate: regression, which decided\n    value 3.33%, limit 1.37% (stable's plus 1.00%)\n" in told.out
    assert "\n         20 │┄" in told.out
    found = rollout("explain", "watch", "--record", file, "-o", "json").json
    assert (found["gate"], found["outcome"], found["evidence"]["checks"][0]["state"]) == ("watch", "FAIL", "regression")
    assert rollout("explain", "watch", "--record", file, "-o", "markdown").out.startswith("### watch: FAIL\n")


def test_what_is_not_there(rollout: Command, tmp_path: Path) -> None:
    """A gate that was not measured, two sources, a form for what is no gate."""
    file = saved(tmp_path, steady(candidate_bad=1))
    told = rollout("explain", "wach", "--record", file)
    assert (told.code, told.err) == (
        3,
        f"error: {file} has no measurement of wach\nhint: did you mean watch?\n",
    )
    plan = Path(__file__).parents[2] / "plans" / "house-prices.rollout.yml"
    told = rollout("explain", "wach", "--plan", plan, "--target", "emulator")
    assert (told.code, told.err) == (3, "error: the plan has no gate wach\nhint: did you mean watch?\n")
    assert rollout("explain", "watch", "--plan", plan, "--record", file).code == 3
    assert rollout("explain", "PLAN001", "-o", "json").code == 3
