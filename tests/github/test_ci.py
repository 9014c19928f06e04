"""`rollout ci` over many plans, and which of them a commit changed; which commit released what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rollout.cli.begun import would_begin
from rollout.cli.changed import changed
from rollout.cli.ci_reports import write_reports
from rollout.cli.main import main
from rollout.cli.released import place_of, release_commit, restoration
from rollout.core.decision import Decision, Phase, Status
from rollout.core.observed import Observation
from rollout.errors import UsageError
from rollout.plan.load import load_release
from rollout.render.saved import encode
from tests.github.bench import Bench, bench, git
from tests.github.steps import key_values
from tests.render.worlds import converged, gate_failed, told

Told = tuple[int, dict[str, str]]


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Bench]:
    """Two plans in a repository, `churn` and `prices`; the working directory is its checkout."""
    with bench(tmp_path) as made:
        monkeypatch.chdir(made.checkout)
        for name in ("churn", "prices"):
            main(["init", "--name", name])
        made.push("two plans", "main")
        capfd.readouterr()
        yield made


def ci(team: Bench, *arguments: str) -> Told:
    """Its exit code and outputs."""
    output = team.checkout.parent / "output.txt"
    output.write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_OUTPUT", str(output))
        code = main(["ci", *arguments, "--documents", str(team.checkout.parent / "documents")])
    return code, key_values(output.read_text())


def goal(plan: str) -> str:
    """What a plan of the checkout releases."""
    return load_release(Path(plan)).release.goal


def test_all_plans_in_one_go(team: Bench) -> None:
    """One result, its outputs, and the folder where it is."""
    code, told = ci(team, "validate", "plans")
    assert (code, told["exit-code"], told["status"], told["headline"]) == (0, "0", "valid", "2 plans valid")
    assert [path.name for path in Path(told["documents"]).iterdir()] == ["validate.json"]


def test_one_plans_fault_stops_no_other(team: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    """Each has a result; the worst code is that of all; what a run before left is gone."""
    Path("plans/churn.rollout.yml").write_text("version: 1\nname: churn\nstages: 7\n")
    ci(team, "validate", "plans")
    code, told = ci(team, "diff", "plans", "--target", "emulator")
    assert (code, told["exit-code"], told["status"]) == (3, "3", "error")
    assert told["headline"] == "2 plans: 0 with changes, 2 failed"
    kinds = {path.name: json.loads(path.read_text())["kind"] for path in Path(told["documents"]).iterdir()}
    assert kinds == {"000-plans-churn.rollout.yml.json": "failure", "001-plans-prices.rollout.yml.json": "failure"}
    assert capfd.readouterr().err.count("hint: ") >= 1


def test_only_what_means_something_else(team: Bench) -> None:
    """A comment changes nothing; another byte of the model does, though the plan's file is the same."""
    team.commit("words", README_dot_md="x", plans__churn__endpoint_dot_yml="# x\nname: churn\nauth_mode: key\n")
    assert changed([Path("plans/churn.rollout.yml"), Path("plans/prices.rollout.yml")], "HEAD^") == []
    Path("plans/prices/models/v1/model.json").write_text("{}")
    team.push("model", "main")
    assert changed([Path("plans/churn.rollout.yml"), Path("plans/prices.rollout.yml")], "HEAD^") == [
        Path("plans/prices.rollout.yml")
    ]
    assert ci(team, "validate", "plans", "--changed-since", "HEAD^")[1]["headline"] == "1 plan valid"


def test_a_plan_that_is_gone_is_told(team: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    """Nobody deletes its endpoint, and nobody carries it on: that should not go unnoticed."""
    git(team.checkout, "rm", "--quiet", "-r", "plans/churn", "plans/churn.rollout.yml")
    team.push("churn is gone", "main")
    code, told = ci(team, "validate", "plans", "--changed-since", "HEAD^")
    assert (code, told["plans"]) == (0, "0")
    assert capfd.readouterr().err.splitlines()[0] == (
        "warning: plans/churn.rollout.yml is gone: its endpoint stays as it is, and nothing carries a rollout of it on"
    )


def test_an_unknown_commit_changed_them_all(team: Bench) -> None:
    """A first push has forty zeros before it."""
    plans = [Path("plans/churn.rollout.yml"), Path("plans/prices.rollout.yml")]
    assert changed(plans, "0" * 40) == plans
    assert changed(plans, "HEAD") == []


def test_a_broken_plan_counts_as_changed(team: Bench) -> None:
    """So that its fault is told where it was made."""
    Path("plans/churn.rollout.yml").write_text("version: 1\n")
    assert changed([Path("plans/churn.rollout.yml")], "HEAD") == [Path("plans/churn.rollout.yml")]


def test_no_plan_at_all(team: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    """A usage error, unless nothing has changed."""
    assert main(["ci", "validate"]) == 3
    assert main(["ci", "validate", "plans/churn/src"]) == 3
    assert "no plan in plans/churn/src" in capfd.readouterr().err
    code, told = ci(team, "diff", "plans", "--changed-since", "HEAD")
    assert (code, told["has-changes"], told["headline"]) == (0, "false", "0 plans: 0 with changes, 0 failed")


def test_apply_needs_somebody_who_approved(team: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    """A folder that is not there is no approval."""
    assert ci(team, "apply", "--approved", "nowhere")[0] == 3
    assert "there is no folder nowhere" in capfd.readouterr().err


def test_the_commit_that_released_it(team: Bench) -> None:
    """The newest that touched what is released; neither another plan's nor a word in the plan."""
    Path("plans/churn/src/score.py").write_text("def init(): pass\ndef run(data): return data\n")
    released = team.push("code", "main")
    team.commit("other", plans__prices__src__score_dot_py="x = 1\n")
    assert release_commit(place_of(Path("plans/churn.rollout.yml"))) == released


def test_the_way_back_is_as_small_as_it_can_be(team: Bench) -> None:
    """Of three files that changed since, two make the release; the stage that was edited meanwhile stays."""
    before = goal("plans/churn.rollout.yml")
    source = git(team.checkout, "rev-parse", "HEAD")
    plan = Path("plans/churn.rollout.yml")
    plan.write_text(plan.read_text().replace("bake: 10m", "bake: 20m"))
    stages = team.push("longer", "main")
    Path("plans/churn/models/v2").mkdir()
    Path("plans/churn/models/v2/model.json").write_text("{}")
    file = Path("plans/churn/deployment.yml")
    file.write_text(file.read_text().replace("models/v1", "models/v2"))
    model = team.push("Release v2", "main")
    back = restoration(place_of(plan), before)
    assert back.files == ("plans/churn/deployment.yml", "plans/churn/models/v2/model.json")
    assert (back.source, back.undone) == (stages, ((model, "Release v2"),))
    assert back.source != source
    made = place_of(plan).git.restored("HEAD", back.source, back.files, "back")
    git(team.checkout, "reset", "--quiet", "--hard", made)
    assert goal("plans/churn.rollout.yml") == before


def test_a_release_in_the_plan_itself(team: Bench) -> None:
    """An inline candidate: the plan's file is what must come back."""
    plan = Path("plans/churn.rollout.yml")
    plan.write_text(
        plan.read_text().replace("churn/deployment.yml", "{file: churn/deployment.yml, set: {instance_count: 1}}")
    )
    team.push("inline", "main")
    before = goal(str(plan))
    plan.write_text(plan.read_text().replace("instance_count: 1", "instance_type: Standard_F4s_v2"))
    team.push("bigger", "main")
    assert restoration(place_of(plan), before).files == ("plans/churn.rollout.yml",)


def test_a_revision_that_no_commit_has(team: Bench) -> None:
    """Never guessed; a cut history is named as the reason."""
    with pytest.raises(UsageError) as raised:
        restoration(place_of(Path("plans/churn.rollout.yml")), "f" * 20)
    assert str(raised.value) == "no commit of the plan's history has the promoted revision ffffffffff as its goal"
    assert raised.value.hint == "write the way back by hand"


def test_a_schedule_begins_nothing() -> None:
    """Without an endpoint, or with another goal's record, there is nothing that it may carry on."""
    nowhere = Observation(None, datetime(2026, 9, 1, tzinfo=UTC))
    decision = Decision(status=Status.ACT, phase=Phase.FIRST_RELEASE, reason="")
    assert would_begin(decision, nowhere, "goal") == "its endpoint does not exist; only apply creates one"


def test_a_report_that_cannot_be_made(tmp_path: Path) -> None:
    """It is said, and that is all; plans to which nothing was done get none."""
    for name, document in (("seen", told(converged())), ("failed", gate_failed())):
        (tmp_path / f"{name}.json").write_text(encode(document))
    (trouble,) = write_reports(tmp_path, tmp_path, [])
    assert trouble == f"there is no report of {gate_failed().file}: the log says why (exit 3)"


FLEET = """\
version: 1
kind: fleet
name: shops
template: churn.rollout.yml
waves:
  - {name: one, members: [{name: shop-a}]}
  - {name: two, members: [{plan: prices.rollout.yml}]}
"""


def test_a_fleet_that_means_something_else(team: Bench) -> None:
    """By its own file, its template, or a member's plan and model; a comment and a release beside it change nothing."""
    fleet = Path("plans/shops.fleet.yml")
    fleet.write_text(FLEET)
    Path("plans/churn/endpoint.yml").write_text("auth_mode: key\n")
    team.push("a fleet", "main")
    assert changed([fleet], "HEAD^") == [fleet], "it is new"
    for file, old, new, found in (
        (fleet, "version", "# words\nversion", []),
        (fleet, "{name: one,", "{name: one, bake: 1h,", [fleet]),
        (Path("plans/churn.rollout.yml"), "bake: 10m", "bake: 20m", [fleet]),
        (Path("plans/prices/models/v1/model.json"), "{", " {", [fleet]),
        (Path("README.md"), "models", "words", []),
    ):
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))
        team.push(f"edit {file}", "main")
        assert changed([fleet], "HEAD^") == found, file


def test_a_fleet_among_the_plans_of_a_folder(team: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    """It has a result of its own; what it names has none; and that one is gone is told."""
    Path("plans/shops.fleet.yml").write_text(FLEET)
    Path("plans/churn/endpoint.yml").write_text("auth_mode: key\n")
    team.push("a fleet", "main")
    code, told = ci(team, "diff", "plans", "--changed-since", "HEAD^", "--target", "emulator")
    assert (code, told["status"], told["plans"]) == (3, "error", "1"), "no emulator runs here"
    assert [path.name for path in Path(told["documents"]).iterdir()] == ["000-plans-shops.fleet.yml.json"]
    git(team.checkout, "rm", "--quiet", "plans/shops.fleet.yml")
    team.push("gone", "main")
    capfd.readouterr()
    ci(team, "validate", "plans", "--changed-since", "HEAD^")
    assert capfd.readouterr().err.startswith("warning: plans/shops.fleet.yml is gone: ")
