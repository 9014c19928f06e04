"""`rollout publish` of fleets: one comment and one status for all members, on every forge; drift by member."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from msgspec import structs

from rollout.core.fleet import Standing
from rollout.render import document as form
from tests.github.bench import Bench
from tests.github.test_life import FORGES
from tests.github.test_publish import DRIFT, Said, bodies, made, number, publish
from tests.github.test_texts import CALM
from tests.render.worlds import a_fleet, a_fleet_to_come

__all__ = ["made", "number", "publish"]

COMING: Final = a_fleet_to_come()
TABLE: Final = (
    "| · | west | be | pending | 0 % | smoke | 1 to create, 3 to change, 1 to delete (blue), 1 hazard refused"
)


@pytest.mark.parametrize("forge", FORGES)
def test_one_comment_with_the_table(made: Bench, publish: Said, monkeypatch: pytest.MonkeyPatch, forge: str) -> None:
    """Beside a plan of the same name; said again, nothing is edited."""
    made.commit("release", f"table-{forge}", **{f"{forge}.txt": "1"})
    number = made.pull(f"table-{forge}", "Release")
    for name in ("API_URL", "SERVER_URL", "REPOSITORY", "TOKEN"):
        monkeypatch.delenv(f"GITHUB_{name}")
    for name, value in FORGES[forge](made.world.url).items():
        monkeypatch.setenv(name, value)
    plan = structs.replace(CALM, plan="prices")
    code, out, err = publish("comment", [COMING, plan], "--number", number)
    assert (code, err, out.count("created")) == (0, "", 2), out
    (fleet,) = [body for body in bodies(made, number) if TABLE in body]
    assert "🟡 **proposed** → approved → applied → done" in fleet
    assert publish("comment", [COMING, plan], "--number", number)[1].count("unchanged") == 2


def test_one_status(made: Bench, number: int, publish: Said) -> None:
    """Under a context of its own; a refused hazard of one member fails it; with --each-stage one for each wave."""
    commit = made.repo.pull(number)["head"]["sha"]
    assert publish("status", [COMING], "--commit", commit, "--each-stage")[0] == 0
    posted = {one["context"]: (one["state"], one["description"]) for one in made.repo.statuses[commit]}
    assert posted == {
        "rollout/fleet prices": ("failure", "proposed: 2 waves: 3 pending"),
        "rollout/fleet prices/01 canary": ("pending", "open: 0 of 1 settled"),
        "rollout/fleet prices/02 west": ("pending", "waiting: after canary"),
    }


def test_an_apply_that_was_refused(made: Bench, number: int, publish: Said, tmp_path: Path) -> None:
    """It is about the fleet whose change set was given, in that fleet's comment."""
    publish("comment", [COMING], "--number", number)
    saved = tmp_path / "documents" / "0.json"
    kept = saved.rename(tmp_path / "approved.json")
    failure = form.Failure(
        command="apply", file=str(kept), exit_code=5, message="be: this changed since it was approved"
    )
    _, out, _ = publish("comment", [failure], "--number", number)
    assert out.startswith(f"edited the comment about fleet prices on #{number} (")
    (body,) = bodies(made, number)
    assert "be: this changed since it was approved" in body


def test_a_fleet_that_could_not_be_read(made: Bench, number: int, publish: Said, tmp_path: Path) -> None:
    """Its name is its file's, as a plan's would be."""
    file = tmp_path / "prices.fleet.yml"
    file.write_text("kind: fleet\n")
    failure = form.Failure(command="diff", file=str(file), exit_code=3, message="no waves")
    assert "the comment about fleet prices on" in publish("comment", [failure], "--number", number)[1]


def test_a_pass_of_a_schedule(made: Bench, number: int, publish: Said) -> None:
    """Its rows for members are told in the fleet's comment alone; what drifts of them is an issue for each."""
    drifting = structs.replace(CALM, plan="lu", drift=(DRIFT,))
    row = form.Pass(
        file="f.yml canary/lu", exit_code=0, status="released", reason="", change_set=drifting, part_of="f.yml"
    )
    failed = form.Pass(file="f.yml canary/nl", exit_code=1, status="unknown", reason="no permission", part_of="f.yml")
    whole = form.Pass(file="f.yml", exit_code=10, status="hold", reason="", fleet=a_fleet())
    found = form.Reconciliation(exit_code=10, plans=(row, failed, whole))
    publish("comment", [found], "--number", number)
    (body,) = bodies(made, number)
    assert f"| ✗ | canary | nl | {Standing.FAILED.value} |" in body
    publish("drift", [found])
    (issue,) = [one for one in made.repo.issues() if one["state"] == "open"]
    assert issue["title"] == "Drift: lu"
    assert "`rollout apply` with `f.yml`" in issue["body"]
