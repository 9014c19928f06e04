"""How a fleet is taken back, found in a repository's history: which files, and what that means for whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.cli.released_fleet import FleetPlace, fleet_place, fleet_restoration
from rollout.errors import UsageError
from rollout.render.fleet_letters import FleetRestoration
from tests.cli.fleets import write_fleet
from tests.github.bench import git


@pytest.fixture
def place(tmp_path: Path) -> FleetPlace:
    """A repository with a fleet, as it was first."""
    git(tmp_path, "init", "--quiet", "-b", "main")
    git(tmp_path, "config", "user.email", "ada@example.com")
    git(tmp_path, "config", "user.name", "Ada")
    path = write_fleet(tmp_path, "prices")
    commit(tmp_path, "the fleet")
    return fleet_place(path)


def commit(folder: Path, message: str) -> str:
    """Everything as it is now."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD").strip()


def test_the_fewest_files(place: FleetPlace, tmp_path: Path) -> None:
    """A model that was changed in place comes back alone; what changed beside it stays."""
    before = place.goals(tmp_path)
    first = git(tmp_path, "rev-parse", "HEAD").strip()
    (tmp_path / "notes.txt").write_text("other")
    (tmp_path / "v1.txt").write_text("worse")
    bad = commit(tmp_path, "a worse model")
    after = place.goals(tmp_path)
    failed = {name: before[name] for name in ("prices-b", "prices-c")}
    back, outcome = fleet_restoration(place, failed, {**failed, "prices-a": after["prices-a"]})
    assert (back.source, back.files, back.undone) == (first, ("v1.txt",), ((bad, "a worse model"),))
    assert outcome == FleetRestoration(calm=("prices-b", "prices-c"), moved={"prices-a": before["prices-a"]})


def test_what_the_fleet_says_of_its_members(place: FleetPlace, tmp_path: Path) -> None:
    """Where the fleet's own file said it, that comes back; the template has been changed since as well."""
    before = place.goals(tmp_path)
    template = tmp_path / "prices.template.yml"
    write_fleet(tmp_path, "prices", "v2")
    template.write_text(template.read_text().replace("instance_count: 1", "instance_count: 2"))
    commit(tmp_path, "two of them")
    back, outcome = fleet_restoration(place, {"prices-b": before["prices-b"]}, before)
    assert back.files == ("prices.fleet.yml", "prices.template.yml", "v2.txt")
    assert outcome == FleetRestoration(calm=("prices-a", "prices-b", "prices-c"))


def test_history_that_does_not_tell(place: FleetPlace) -> None:
    """No commit had what is promoted as goals of all who failed: a sentence, and no pull request."""
    with pytest.raises(UsageError) as said:
        fleet_restoration(place, {"prices-b": "f" * 20}, {})
    told = "no commit of the fleet's history has what is promoted on its failed members as their goals"
    assert str(said.value) == f"{told}: prices-b ffffffffff"
    assert said.value.hint == "write the way back by hand"
