"""The life of a pull request that changes a fleet: what a job does, in one comment; a bad model in its second wave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.cli.conftest import Command
from tests.fleet.test_waves import BAD, GOOD, fleet, of_waves, serving, states
from tests.github.bench import Bench, bench, git
from tests.github.test_life import LIFE, on_github

pytestmark = pytest.mark.slow
FLEET: Final = "plans/shop.yml"
SIZE: Final = 2


@pytest.fixture
def team(tmp_path: Path, project: Path, on_scoring: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A repository with the fleet in `plans`, its checkout the working directory; a token of the forge."""
    with bench(tmp_path / "bench") as made:
        for file in [found for found in project.rglob("*") if found.is_file() and "bench" not in found.parts]:
            target = made.checkout / "plans" / file.relative_to(project)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
        monkeypatch.chdir(made.checkout)
        for name, value in on_github(made.world.url).items():
            monkeypatch.setenv(name, value)
        made.commit("the fleet", **{FLEET.replace("/", "__").replace(".", "_dot_"): _text("shop", GOOD)})
        yield made


def _text(name: str, models: dict[str, str]) -> str:
    return fleet(Path("plans"), name, models, size=SIZE).read_text()


def document(folder: str) -> Any:
    """The one result in a folder."""
    (file,) = Path(folder).glob("*.json")
    return json.loads(file.read_text())


def comment(team: Bench, number: int) -> str:
    """The one comment below a pull request."""
    (found,) = team.repo.visible(number)
    return str(found["body"])


def life(team: Bench, number: int) -> str:
    """Its line about the life of the change."""
    found = LIFE.search(comment(team, number))
    assert found is not None, comment(team, number)
    return found.group()


def statuses(team: Bench, commit: str) -> dict[str, str]:
    """The latest state of each context."""
    return {found["context"]: found["state"] for found in team.repo.statuses.get(commit, [])}


def test_a_fleet_from_the_proposal_to_its_end(rollout: Command, team: Bench) -> None:
    """Proposed with its table, approved, merged, applied as it was approved; the second wave goes back, the third never
    starts; a schedule tells it in the same comment."""
    first = rollout("ci", "apply", "plans", "--auto-approve", "--wait")
    assert first.code == 0, first.err

    git(team.checkout, "checkout", "--quiet", "-B", "release")
    Path(FLEET).write_text(_text("shop", BAD))
    head = team.push("Release v2", "release")
    number = team.pull("release", "Release v2")
    looked = rollout("ci", "diff", "plans", "--changed-since", "main", "--documents", "seen", "--lifetime", "60d")
    assert (looked.code, looked.err.splitlines()[0]) == (0, "1 plan changed since main"), looked.err
    seen = document("seen")
    assert (seen["kind"], states(seen)["one"], seen["begun"]) == ("fleet", {("pending", 0)}, False)
    rollout("publish", "comment", "seen", "--number", number)
    rollout("publish", "status", "seen", "--commit", head, "--each-stage")
    assert life(team, number) == "🟡 **proposed** → approved → applied → done"
    told = comment(team, number)
    assert "| · | three | shop-three-01 | pending | 0 % | deploy | 1 to create, 2 to change, next: deploy" in told
    assert [told.count(f"<summary>What is done to <code>{name}") for name in ("shop", "shop&#45;one&#45;00")] == [2, 1]
    assert "# shop-one-00, shop-one-01, shop-three-00, shop-three-01\n" in told, "they get the same model"
    assert f"- **Digest** of the whole fleet `{seen['digest']}`, valid until " in told
    assert statuses(team, head) == {
        "rollout/fleet shop": "success",
        **{f"rollout/fleet shop/0{at} {wave}": "pending" for at, wave in enumerate(("one", "two", "three"), 1)},
    }

    team.repo.reviews[number] = [{"user": {"login": "bob"}, "state": "APPROVED"}]
    rollout("publish", "comment", "seen", "--number", number)
    assert life(team, number) == "proposed → 🟢 **approved** by `bob` → applied → done"
    merge = team.repo.merge(number)
    git(team.checkout, "checkout", "--quiet", "main")
    git(team.checkout, "pull", "--quiet", "origin", "main")
    ran = rollout("ci", "apply", "--approved", "seen", "--wait")
    assert ran.code == 4, ran.err
    applied = document("rollout-documents")
    assert states(applied) == {"one": {("released", 100)}, "two": {("failed", 0)}, "three": {("pending", 0)}}
    assert of_waves(applied) == {"one": "complete", "two": "blocked", "three": "blocked"}
    assert serving(rollout, Path(FLEET)) == {
        "one": {'{"green": 100}'},
        "two": {'{"blue": 100}'},
        "three": {'{"blue": 100}'},
    }
    rollout("publish", "comment", "rollout-documents")
    told = "the error budget is exceeded: 2 failed, 0 may; 2 pending, 2 released, 2 failed"
    assert life(team, number) == f"proposed → approved → applied → ⛔ **rolled back** at `two`: {told}"
    rollout("publish", "status", "rollout-documents", "--commit", merge, "--each-stage")
    assert statuses(team, merge) == {
        "rollout/fleet shop": "failure",
        "rollout/fleet shop/01 one": "success",
        "rollout/fleet shop/02 two": "failure",
        "rollout/fleet shop/03 three": "failure",
    }

    back = taken_back(rollout, team, number)

    rollout("ci", "reconcile", "plans", "--only-begun", "--documents", "pass")
    rollout("publish", "comment", "pass")
    assert life(team, number) == f"proposed → approved → applied → ⛔ **rolled back** at `two`: {told}"
    assert len(team.repo.comments) == 1, "of the fleet, none of a member"

    team.repo.merge(back)
    git(team.checkout, "pull", "--quiet", "origin", "main")
    assert rollout("ci", "apply", "plans", "--auto-approve", "--wait").code == 0
    served = serving(rollout, Path(FLEET))
    assert served == {wave: {'{"blue": 100}'} for wave in served}, "wave one had it beside, still"


def taken_back(rollout: Command, team: Bench, number: int) -> int:
    """The pull request of the way back: one, with the files as they were before, and what the merge does to whom."""
    for _ in range(2):
        ran = rollout("publish", "revert", "rollout-documents")
        assert ran.code == 0, ran.err
    (back,) = [one for one in team.repo.pulls() if one["number"] != number]
    assert (back["title"], back["head"]["ref"].rpartition("-")[0]) == (
        "Take back fleet shop (2 members failed)",
        "rollout/revert/fleet-shop",
    )
    assert (
        "was **stopped**: the error budget is exceeded: 2 failed, 0 may; 2 pending, 2 released, 2 failed"
        in back["body"]
    )
    assert "- `shop-two-00`: " in back["body"]
    assert "What is promoted on 4 members is their goal again: the merge deploys nothing there." in back["body"]
    assert [
        line.split("`")[1]
        for line in back["body"].partition("releases** these goals to the others:")[2].splitlines()[2:4]
    ] == [
        "shop-one-00",
        "shop-one-01",
    ]
    assert team.repo.git("diff", "--name-status", "main", back["head"]["sha"]).split() == ["M", FLEET]
    before, after = (team.repo.git("show", f"{commit}:{FLEET}") for commit in ("main^1", back["head"]["sha"]))
    assert after == before
    return int(back["number"])
