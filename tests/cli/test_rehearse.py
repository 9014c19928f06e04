"""`rollout rehearse`: offline, for people and for programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command

PLANS = Path(__file__).parents[2] / "plans"
HOUSE = PLANS / "house-prices.rollout.yml"
WHOLE = """\
house-prices  endpoint house-prices, imagined
    +0m 00s  → green: deploy green with revision 1e858c98af, 1 instance
    +9m 30s  ✓ smoke passes, it is assumed
    +9m 30s  → endpoint: traffic blue 100 → blue 100 (mirror green 10)
    +9m 50s  ✓ bake-10m passes, it is assumed
   +19m 49s  → endpoint: traffic blue 100 (mirror green 10) → blue 90, green 10
   +20m 09s  ✗ watch fails, it is assumed
   +20m 09s  → endpoint: traffic blue 90, green 10 → blue 100
   +20m 29s  hold: this goal failed at watch and is not tried again: change the candidate or the gate, or rollout retry
  4 writes, at most 2 instances at once; traffic ends blue 100

"""


def test_what_people_see(rollout: Command) -> None:
    """The whole of it, where a gate fails."""
    told = rollout("rehearse", HOUSE, "--fail", "watch")
    assert (told.code, told.out) == (0, WHOLE)


def test_what_programs_see(rollout: Command) -> None:
    """The same facts."""
    (plan,) = rollout("rehearse", HOUSE, "--first", "-o", "json").json["plans"]
    assert (plan["status"], plan["writes"], plan["traffic"]) == ("done", 3, {"blue": 100})
    assert [moment["kind"] for moment in plan["moments"]] == ["action", "action", "gate", "action"]


@pytest.mark.parametrize("plan", sorted(PLANS.glob("*.rollout.yml")), ids=lambda path: path.name)
def test_every_sample_comes_to_its_end(rollout: Command, plan: Path) -> None:
    """If all gates pass, each of them is promoted."""
    (told,) = rollout("rehearse", plan, "-o", "json").json["plans"]
    assert (told["status"], sum(told["traffic"].values())) == ("done", 100)


def test_a_stage_that_is_not_there(rollout: Command) -> None:
    """A usage error, with what was meant."""
    told = rollout("rehearse", HOUSE, "--fail", "wach")
    assert (told.code, told.err) == (3, "error: no plan here has a stage wach\nhint: did you mean watch?\n")
