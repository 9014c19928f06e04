"""A pull request's whole life, by the command line: comment, edit on push, approval, merge, apply, scheduled passes,
done; and one that is rolled back, with its revert pull request. The workflows of the same life: `test_workflows.py`."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rollout.cli.main import main
from rollout.emulator import process
from tests.azure_devops.rest import ORGANISATION
from tests.github.bench import NAME, TOKEN, git
from tests.github.office import Office
from tests.gitlab.rest import API

Rollout = Callable[..., int]
LIFE = re.compile(r"^.*\*\*(?:nothing to do|proposed|approved|applying|done|rolled back|held|refused).*$", re.MULTILINE)


def on_github(url: str) -> dict[str, str]:
    """What a job there says about itself."""
    there = {"GITHUB_API_URL": url, "GITHUB_SERVER_URL": url}
    return {**there, "GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": NAME}


def on_azure_devops(url: str) -> dict[str, str]:
    """The same."""
    project, _, name = NAME.partition("/")
    there = {"TF_BUILD": "True", "SYSTEM_COLLECTIONURI": f"{url}/{ORGANISATION}/", "SYSTEM_ACCESSTOKEN": TOKEN}
    return {**there, "SYSTEM_TEAMPROJECT": project, "BUILD_REPOSITORY_NAME": name}


def on_gitlab(url: str) -> dict[str, str]:
    """The same."""
    there = {"GITLAB_CI": "true", "CI_SERVER_URL": url, "CI_API_V4_URL": f"{url}{API}"}
    return {**there, "GITLAB_TOKEN": TOKEN, "CI_PROJECT_PATH": NAME}


FORGES = {"github": on_github, "azure-devops": on_azure_devops, "gitlab": on_gitlab}


@pytest.fixture(params=list(FORGES))
def rollout(team: Office, emulator: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Rollout:
    """Run `rollout ARGUMENTS…` in ann's checkout, in front of the emulator, with a token for each forge in turn."""
    monkeypatch.chdir(team.checkout)
    known = {"ROLLOUT_STATE_DIR": emulator, "ROLLOUT_TARGET": "emulator", "NO_COLOR": "1", "ROLLOUT_WHO": "ann"}
    for name, value in {**known, **FORGES[request.param](team.bench.world.url)}.items():
        monkeypatch.setenv(name, str(value))

    def run(*arguments: object) -> int:
        return main([str(argument) for argument in arguments])

    return run


def life(team: Office, number: int) -> str:
    """The life-cycle line of the one comment below a pull request."""
    (body,) = team.comments(number)
    found = LIFE.search(body)
    assert found is not None
    return found.group()


def promoted(team: Office, rollout: Rollout) -> str:
    """v1, released without any ceremony; the plan's path."""
    plan = f"plans/{team.name}.rollout.yml"
    assert rollout("apply", plan, "--auto-approve") == 0
    return plan


def until_done(rollout: Rollout, plan: str, seconds: float = 60.0) -> str:
    """Scheduled passes until nothing moves any more; the last status."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        rollout("reconcile", plan, "--output", "json=pass.json")
        (found,) = json.loads(Path("pass.json").read_text())["plans"]
        if found["status"] in ("done", "hold"):
            return str(found["status"])
        time.sleep(0.2)
    raise AssertionError("it does not end")


def test_a_release(team: Office, rollout: Rollout) -> None:
    """From the proposal to the last scheduled pass, in one comment."""
    plan = promoted(team, rollout)
    team.release("v2", "release")
    number = team.bench.pull("release", "Release v2")
    assert rollout("diff", plan, "--out", "change.json") == 0
    for _ in range(2):
        assert rollout("publish", "comment", "change.json", "--number", number) == 0
    said = re.compile("/(comments|threads|discussions|notes)")
    assert [method for method, path in team.bench.world.writes() if said.search(path)] == ["POST"]
    assert life(team, number) == "🟡 **proposed** → approved → applied → done"
    before = team.comments(number)[0]

    team.write("v3")
    team.bench.push("Rather v3", "release")
    rollout("diff", plan, "--out", "change.json", "--lifetime", "7d")
    team.bench.repo.reviews[number] = [{"user": {"login": "bob"}, "state": "APPROVED"}]
    rollout("publish", "comment", "change.json", "--number", number)
    assert life(team, number) == "proposed → 🟢 **approved** by `bob` → applied → done"
    assert "path: v3" in team.comments(number)[0]
    assert "path: v3" not in before

    merge = team.bench.repo.merge(number)
    git(team.checkout, "pull", "--quiet", "origin", "main")
    assert rollout("apply", "change.json", "--output", "json=applied.json") == 0
    assert rollout("publish", "comment", "applied.json") == 0, "the pull request is found by the merged commit"
    assert re.fullmatch(r"proposed → approved → 🔵 \*\*applying 3/6\*\* `watch` until .* → done", life(team, number))
    rollout("publish", "status", "applied.json", "--commit", merge, "--each-stage")
    assert [state for state, _ in team.statuses(merge).values()] == ["pending", *["success"] * 3, *["pending"] * 3]

    assert until_done(rollout, plan) == "done"
    rollout("publish", "comment", "pass.json")
    rollout("publish", "status", "pass.json", "--commit", merge, "--each-stage")
    assert life(team, number) == "proposed → approved → applied → ✅ **done**"
    assert team.statuses(merge)[f"rollout/{team.name}"] == ("success", "done")
    assert {state for state, _ in team.statuses(merge).values()} == {"success"}
    (comment,) = team.bench.repo.comments.values()
    assert comment.get("status", "closed") == "closed", "a thread, a discussion is closed when it is done"


def test_taken_back(team: Office, rollout: Rollout, capfd: pytest.CaptureFixture[str]) -> None:
    """The smoke test fails: the pull request of the way back restores exactly what is promoted, and deploys nothing."""
    plan = promoted(team, rollout)
    team.bench.commit("Unrelated, before", "main", docs__a_dot_md="a")
    team.release("v2", "release", broken=True)
    number = team.bench.pull("release", "Release `v2`\n::error::<!-- x -->")
    merge = team.bench.repo.merge(number)
    team.bench.repo.items[number]["title"] = "Release v2"
    git(team.checkout, "checkout", "--quiet", "main")
    git(team.checkout, "pull", "--quiet", "origin", "main")
    team.bench.commit("Unrelated, behind", "main", docs__b_dot_md="b")
    assert rollout("apply", plan, "--auto-approve", "--output", "json=applied.json") == 4
    rollout("publish", "comment", "applied.json")
    assert life(team, number).startswith("proposed → approved → applied → ⛔ **rolled back** at `smoke`: ")
    rollout("publish", "status", "applied.json", "--commit", merge)
    assert team.statuses(merge)[f"rollout/{team.name}"][0] == "failure"

    assert rollout("publish", "revert", "applied.json", "--patch", "back.patch") == 0
    for _ in range(2):
        assert rollout("publish", "revert", "applied.json") == 0
    back = team.bench.repo.pulls()[-1]
    assert (back["title"], back["head"]["ref"].rpartition("-")[0]) == (
        f"Take back {team.name} (smoke failed)",
        f"rollout/revert/{team.name}",
    )
    assert len(team.bench.repo.pulls()) == 2
    changed = team.bench.repo.git("diff", "--name-status", "main", back["head"]["sha"]).split()
    folder = f"plans/{team.name}"
    assert changed == ["M", f"{folder}/deployment.yml", "D", f"{folder}/models/v2/model.json"]
    assert "which is what is promoted: the merge deploys nothing." in back["body"]
    assert "**`smoke`** said" in back["body"]

    git(team.checkout, "am", "--quiet", "back.patch")
    assert git(team.checkout, "rev-parse", "HEAD^{tree}") == team.bench.repo.git(
        "rev-parse", f"{back['head']['sha']}^{{tree}}"
    )
    capfd.readouterr()
    rollout("diff", plan, "--output", "json")
    told = json.loads(capfd.readouterr().out)
    assert [action["kind"] for action in told["actions"]] in ([], ["delete"])
    assert told["roles"]["goal"] == told["roles"]["stable_revision"]


def test_the_token_for_azure_is_not_for_github(emulator: Path) -> None:
    """The machine of the workflows knows no secret of the emulator."""
    from tests.github.office import machine

    known = process.env(emulator)
    assert known["AZURE_CLIENT_SECRET"] not in "".join(machine(known).values())
