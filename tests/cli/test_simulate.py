"""`rollout simulate`: a whole plan on an emulator whose time leaps, with the runner, queries and judge of apply."""

from __future__ import annotations

import shutil
from pathlib import Path

import click
import pytest

from rollout.cli.simulated_wish import Each, Failing, Medians, Outages, Shares
from tests.cli.conftest import Command

PLANS = Path(__file__).parents[2] / "plans"
PLAN = """\
version: 1
name: watched
endpoint: {file: house-prices/endpoint.yml, set: {name: watched}}
candidate: house-prices/deployment.yml
stages:
  - deploy: candidate
  - smoke_test: house-prices/sample-request.json
  - name: nod
    approval: May it?
  - traffic: 20
  - name: watch
    bake: {for: 10m, limit: 1h, checks: {error_rate: {tolerate: 2%}}}
  - traffic: 100
  - delete: {deployment: stable, after: 24h}
"""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan with a bake that has a check, an approval, and a day of waiting."""
    folder = tmp_path_factory.mktemp("simulated")
    shutil.copytree(PLANS / "house-prices", folder / "house-prices")
    (folder / "watched.rollout.yml").write_text(PLAN, encoding="utf-8")
    return folder / "watched.rollout.yml"


def test_a_candidate_that_fails_is_rolled_back(rollout: Command, plan: Path) -> None:
    """In the exit code, the timeline and the end of the traffic; and again the same, with the same seed."""
    told = rollout("simulate", plan, "--errors", "stable=0.5%,candidate=20%", "-o", "json")
    found = told.json
    assert (told.code, found["exit_code"], found["status"], found["traffic"]) == (4, 4, "hold", {"blue": 100})
    assert found["notes"] == [
        "smoke-test: assumed to pass, no model answers here (--scoring runs the plan's own scripts)",
        "nod: taken as given",
    ]
    steps = [(one["stage"], one["outcome"] or one["kind"]) for one in found["moments"]]
    assert steps[:3] == [("deploy", "action"), ("smoke-test", "PASS"), ("traffic-20", "action")]
    assert steps[-2:] == [("watch", "FAIL"), ("endpoint", "action")]
    last = found["moments"][-2]
    assert (last["traffic"], last["checks"][0]["state"]) == ("blue 80, green 20", "regression")
    assert last["checks"][0]["log_e_worse"] > 3
    assert last["to"] < 1800, "in minutes, not at the end of the bake"
    again = rollout("simulate", plan, "--errors", "stable=0.5%,candidate=20%", "-o", "json")
    assert again.json == found


def test_an_equal_candidate_is_promoted(rollout: Command, plan: Path) -> None:
    """Proven, then 100 %, then a day of waiting in one leap; as text and as Markdown."""
    page = plan.parent / "told.md"
    told = rollout("simulate", plan, "--errors", "0.5%", "-o", "text", "-o", f"markdown={page}")
    assert told.code == 0, told.err
    assert "simulated: 600 requests a minute, errors stable 0.5 %, candidate 0.5 %, seed 0" in told.out
    assert "proven not to be worse by 2.00% or more" in told.out
    assert "done: green serves what the plan asks for" in told.out
    assert told.out.endswith("4 writes; traffic ends green 100; exit code 0\n")
    assert page.read_text(encoding="utf-8").startswith("### watched, simulated\n")
    assert "\n**done** after 24h " in page.read_text(encoding="utf-8")


def test_without_traffic_it_waits_and_holds(rollout: Command, plan: Path) -> None:
    """Nothing is promoted and nothing rolled back."""
    told = rollout("simulate", plan, "--no-traffic", "--every", "10m", "-o", "json")
    assert (told.code, told.json["traffic"]) == (10, {"blue": 80, "green": 20})
    assert told.json["moments"][-1]["outcome"] == "NO_DATA"


@pytest.mark.parametrize(
    ("text", "each"),
    [
        ("3%", Each(0.03, 0.03)),
        ("stable=0.5%,candidate=3%", Each(0.005, 0.03)),
        ("candidate=100%", Each(0.0, 1.0)),
    ],
)
def test_shares(text: str, each: Each) -> None:
    """Of both roles, or of each."""
    assert Shares().convert(text, None, None) == each


def test_latencies_and_outages() -> None:
    """Times of stable's median, milliseconds, and a span with its share."""
    assert Medians().convert("stable=50ms,candidate=3x", None, None) == Each(50.0, 150.0)
    assert Medians().convert("80ms", None, None) == Each(80.0, 80.0)
    assert Medians().convert("candidate=3x", None, None) == Each(40.0, 120.0)
    assert Outages().convert("20m..1h=50%", None, None) == Failing(1200.0, 3600.0, 0.5)
    assert Outages().convert("20m..30m", None, None) == Failing(1200.0, 1800.0, 0.3)


@pytest.mark.parametrize("text", ["", "3", "101%", "blue=3%", "stable=1%,stable=2%", "stable=,candidate=1%", "-1%"])
def test_no_shares(text: str) -> None:
    """Said with an example."""
    with pytest.raises(click.BadParameter, match=r"such as 3%, or stable=0\.5%,candidate=3%"):
        Shares().convert(text, None, None)


@pytest.mark.parametrize("text", ["", "20m", "30m..20m", "20..30", "20m..30m=0%", "20m..30m=half", "20m..30m=120%"])
def test_no_outages(text: str) -> None:
    """The same."""
    with pytest.raises(click.BadParameter, match=r"such as 20m\.\.30m"):
        Outages().convert(text, None, None)


@pytest.mark.parametrize("text", ["", "0ms", "3", "candidate=fast", "green=3x"])
def test_no_latencies(text: str) -> None:
    """The same."""
    with pytest.raises(click.BadParameter, match="such as 80ms"):
        Medians().convert(text, None, None)
