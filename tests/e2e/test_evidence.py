"""Promoted, rolled back, held: on evidence. Real scoring processes, and the service's own query interfaces.

Where a test says "made up", the emulator counts requests that nobody sent, along the weights of each minute; the other
tests send real ones.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any, Final

import pytest

from tests.e2e.harness import Desk, Ran
from tests.e2e.watched import splits, watched

pytestmark = pytest.mark.slow
long = pytest.mark.skipif(not os.environ.get("ROLLOUT_EVIDENCE"), reason="the long form: ROLLOUT_EVIDENCE=1")
"""The quick form has one rollback, and one promotion after a source that failed; the others are told in
tests/gates/test_evidence.py as well."""
NAME: Final = "evidence"
PLAN: Final = """\
version: 1
name: evidence
endpoint: {{file: house-prices/endpoint.yml, set: {{name: evidence}}}}
candidate: house-prices/deployment.yml
stages:
  - deploy: candidate
  - smoke_test: house-prices/sample-request.json
  - traffic: {weight}
  - name: watch
    bake: {bake}
  - traffic: 100
  - delete: stable
"""
PROMOTED: Final = [{"blue": 100}, {"blue": 90, "green": 10}, {"green": 100}]
ROLLED_BACK: Final = [{"blue": 100}, {"blue": 90, "green": 10}, {"blue": 100}]


def released(desk: Desk, bake: str, weight: int = 10) -> None:
    """The first release of a plan with that bake serves everything, and the second one is in its file."""
    (desk.root / "plans/evidence.rollout.yml").write_text(PLAN.format(bake=bake, weight=weight), encoding="utf-8")
    desk.commit("A plan with checks")
    assert (ran := desk.waited("evidence.rollout.yml")).code == 0, ran.told
    desk.edit("house-prices/deployment.yml", "path: models/v1", "path: models/v2")


def traffic(desk: Desk, per_minute: float = 600, **behaviours: dict[str, Any]) -> None:
    """Made-up requests from now on, and an hour in which stable alone gets them."""
    wish = {"endpoint": NAME, "requests_per_minute": per_minute, "deployments": behaviours, "seed": 4}
    desk.emulator.door("POST", "traffic", wish)
    desk.emulator.advance(3600 + 60)


def carried_out(desk: Desk, code: int) -> Ran:
    """`apply --wait` to its end."""
    ran = desk.waited("evidence.rollout.yml", every=120)
    assert ran.code == code, ran.told
    return ran


def way(desk: Desk) -> list[dict[str, int]]:
    """The splits since the first release, each once."""
    history = desk.emulator.history(NAME)
    watched(history)
    return splits(history)[1:]


def verdict(ran: Ran) -> str:
    """The last verdict of the bake, as the report has it."""
    last = [one for one in ran.json["result"]["measurements"] if one["gate"] == "watch"][-1]
    return f"{last['outcome']} {last['reason']}"


def test_three_per_cent_errors_are_rolled_back(desk: Desk) -> None:
    """Made up: at 10 %, stable without errors. In minutes, not at the end of the bake; `diff` has foretold that it can
    be seen, and who judges the record again comes to the same."""
    released(desk, "{for: 2h, checks: error_rate}")
    traffic(desk, green={"error_share": 0.03})
    foretold = desk.rollout("diff", "plans/evidence.rollout.yml", "--target", "emulator")
    assert "watch: error_rate, at " in foretold.out
    assert " or more in about " in foretold.out, foretold.told
    ran = carried_out(desk, 4)
    (desk.root / "saved.json").write_text(ran.out, encoding="utf-8")
    again = desk.rollout("rejudge", "saved.json")
    assert verdict(ran).removeprefix("FAIL ") in again.out, again.told
    assert "worse, shown at" in verdict(ran)
    assert way(desk) == ROLLED_BACK
    assert (ran.json["decision"]["phase"], ran.json["endpoint"]["traffic"]) == ("rolled_back", {"blue": 100})
    log = [one for one in ran.json["result"]["measurements"] if one["gate"] == "watch"][-1]["log"]
    assert log, "what its container said"
    _not_tried_again(desk)


def _not_tried_again(desk: Desk) -> None:
    """Neither by a schedule nor by `apply`; after a person's `retry` it is, and who and why are on record."""
    desk.emulator.reset()
    for ran in (
        desk.rollout("reconcile", "plans/evidence.rollout.yml", "--target", "emulator"),
        desk.apply("evidence.rollout.yml"),
    ):
        assert (ran.code, desk.emulator.served()["writes"]) == (10, 0), ran.told
    said = desk.rollout("retry", "plans/evidence.rollout.yml", "--target", "emulator", "--why", "it was the network")
    assert said.code == 0, said.told
    ran = desk.rollout("reconcile", "plans/evidence.rollout.yml", "--target", "emulator", "--output", "json")
    assert (ran.code, [one["status"] for one in ran.json["plans"]]) == (0, ["wait"]), ran.told
    assert way(desk)[-1] == {"blue": 90, "green": 10}
    told = desk.rollout("history", "plans/evidence.rollout.yml", "--target", "emulator")
    assert "it was the network" in told.out, told.told


@long
def test_an_equal_candidate_is_promoted_as_proven(desk: Desk) -> None:
    """Made up: both fail in half a per cent of the requests; it may end early, and does."""
    released(desk, "{for: 9d, at_least: 10m, checks: {error_rate: {tolerate: 2%}}}")
    traffic(desk, blue={"error_share": 0.005}, green={"error_share": 0.005})
    before = desk.emulator.door("GET", "status")["time"]
    ran = carried_out(desk, 0)
    assert "proven not to be worse by 2.00% or more" in verdict(ran)
    assert way(desk) == PROMOTED
    assert _hours(before, desk.emulator.door("GET", "status")["time"]) < 5 * 24


@long
def test_three_times_slower_is_rolled_back(desk: Desk) -> None:
    """Made up: single requests from Log Analytics, those over 150 ms counted."""
    workspace = desk.emulator.environment()["ROLLOUT_EMULATOR_LOG_WORKSPACE_ID"]
    released(desk, f"{{for: 2h, source: {{log_analytics: {workspace}, lag: 3m}}, checks: {{latency: 150ms}}}}")
    traffic(desk, 300, blue={"p50_ms": 40, "p95_ms": 120}, green={"p50_ms": 120, "p95_ms": 360})
    ran = carried_out(desk, 4)
    assert verdict(ran).startswith("FAIL latency over 150ms: ")
    assert way(desk) == ROLLED_BACK


@long
def test_an_outage_of_both_changes_nothing(desk: Desk) -> None:
    """Made up: a third of everything fails, of either; proven all the same."""
    released(desk, "{for: 20m, limit: 1d, checks: {error_rate: {tolerate: 5%}}}", 50)
    broken = {"error_share": 0.3}
    traffic(desk, blue=broken, green=broken)
    carried_out(desk, 0)
    assert way(desk) == [{"blue": 100}, {"blue": 50, "green": 50}, {"green": 100}]


@long
def test_no_traffic_waits_and_holds(desk: Desk) -> None:
    """Nothing is promoted and nothing rolled back; the reason says what is missing."""
    released(desk, "{for: 10m, limit: 20m, checks: error_rate}")
    ran = carried_out(desk, 10)
    assert ran.json["decision"]["phase"] == "held"
    assert ran.json["decision"]["reason"] == (
        "watch has had no answer for 0:20:00: NO_DATA: error_rate: green has answered 0 requests in this stage, "
        "at least 50 are needed"
    )
    assert way(desk) == PROMOTED[:2]


def test_a_failing_source_waits(desk: Desk) -> None:
    """Azure Monitor refuses: nothing moves; when it answers again, the same evidence promotes."""
    released(desk, "{for: 20m, limit: 10h, checks: {error_rate: {tolerate: 2%}}}")
    traffic(desk)
    desk.emulator.faults({"path": "getBatch", "times": 1000, "effect": {"kind": "status", "status": 403}})
    ran = desk.apply("evidence.rollout.yml", "--output", "json")
    assert (ran.code, ran.json["decision"]["status"]) == (0, "wait"), ran.told
    desk.emulator.advance(3600)
    ran = desk.apply("evidence.rollout.yml", "--output", "json")
    assert (ran.code, ran.json["decision"]["status"]) == (0, "wait"), ran.told
    assert "ERROR: error_rate: read the metrics of evidence" in ran.json["decision"]["reason"]
    assert way(desk) == PROMOTED[:2]
    shown = desk.rollout("explain", "watch", "--plan", "plans/evidence.rollout.yml", "--target", "emulator")
    assert shown.out.startswith("watch: ERROR  error_rate: read the metrics of evidence"), shown.told
    desk.emulator.faults()
    shown = desk.rollout("explain", "watch", "--plan", "plans/evidence.rollout.yml", "--target", "emulator")
    assert "error_rate: proven, which decided" in shown.out, shown.told
    assert "evidence that it is not worse: E " in shown.out
    assert way(desk) == PROMOTED[:2]
    carried_out(desk, 0)
    assert way(desk) == PROMOTED


@long
def test_real_requests_are_counted(desk: Desk) -> None:
    """A scoring script that fails in every twentieth request, under load from another process: rolled back."""
    released(desk, "{for: 20h, limit: 1h, checks: error_rate}", 50)
    script = desk.root / "plans/house-prices/src/score.py"
    text = script.read_text(encoding="utf-8")
    assert text.count("    houses = json.loads") == 1
    failing = "    model['asked'] = model.get('asked', 0) + 1\n    assert model['asked'] % 20, 'every twentieth'\n"
    script.write_text(text.replace("    houses = json.loads", failing + "    houses = json.loads"), encoding="utf-8")
    desk.commit("A candidate that fails now and then")
    with desk.load(NAME, "house-prices/live-request.json", rate=100) as load:
        load.reached(100)
        ran = desk.apply("evidence.rollout.yml", "--wait", "--output", "json")
    assert ran.code == 4, ran.told
    assert "worse, shown at" in verdict(ran)
    assert ran.json["endpoint"]["traffic"] == {"blue": 100}


def _hours(before: str, after: str) -> float:
    return (datetime.fromisoformat(after) - datetime.fromisoformat(before)).total_seconds() / 3600
