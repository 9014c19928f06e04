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


FLEET = PLANS / "fleet" / "prices.fleet.yml"
WAVES = """\
prices  3 waves, 6 members, imagined
    +0m 00s  → canary: prices-lu begins
    +2h 10m  ✓ canary: prices-lu is released
    +4h 10m  → west: prices-nl, prices-be begin
    +4h 10m  → south: prices-es begins
    +6h 21m  ✓ west: prices-nl, prices-be are released
    +6h 21m  ✓ south: prices-es is released
    +6h 21m  → west: prices-de begins
    +6h 21m  → south: prices-it begins
    +8h 32m  ✓ south: prices-it is released
   +10h 02m  ✓ west: prices-de is released
   +10h 02m  done: 6 released

  prices-lu, prices-nl, prices-be, prices-es, prices-it  from where each of them begins
    +0m 00s  → green: deploy green with revision 1e858c98af, 1 instance
"""


def test_the_waves_of_a_fleet(rollout: Command) -> None:
    """In their turn, with their bakes; then what members go through, once for all five that go the same way."""
    told = rollout("rehearse", FLEET)
    assert (told.code, told.out[: len(WAVES)]) == (0, WAVES)
    assert told.out.count("deploy green") == 2
    assert "\n  prices-de  from where it begins\n    +0m 00s  → green: deploy green" in told.out

    failed = rollout("rehearse", FLEET, "--fail", "watch").out
    assert "   +19m 40s  hold: the error budget is exceeded: 4 failed, 1 may; 2 pending, 4 failed\n" in failed


def test_a_fleet_for_programs(rollout: Command) -> None:
    """The same facts, beside the plans; with `--first` one way for endpoints of any name."""
    found = rollout("rehearse", HOUSE, FLEET, "--first", "-o", "json").json
    assert [plan["plan"] for plan in found["plans"]] == ["house-prices"]
    (fleet,) = found["fleets"]
    assert (fleet["fleet"], fleet["status"], fleet["reason"]) == ("prices", "done", "6 released")
    assert [len(way["members"]) for way in fleet["ways"]] == [5, 1]
    assert fleet["moments"][0] == {"at": 0.0, "wave": "canary", "event": "begins", "members": ["prices-lu"]}


def test_a_pull_requests_summary_rehearses_fleets(
    rollout: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `ci validate` does plans."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    assert rollout("ci", "validate", FLEET, "--documents", tmp_path / "documents").code == 0
    assert WAVES.splitlines()[5] in (tmp_path / "summary.md").read_text()
