"""`rollout promote-to`: what staging has proven becomes prod's candidate, and nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from rollout.cli.environments import Environment
from rollout.cli.promoting import way
from rollout.core.observed import Deployment, Endpoint, Observation, all_to, weights
from rollout.core.progress import Hold, Progress, Promoted, Run, to_tags
from rollout.core.promotion import evidence
from rollout.core.release import Release
from rollout.errors import Refused, UsageError
from rollout.plan.load import load_release
from rollout.plan.repository import Repository, find_repository
from tests.cli.conftest import Command, write_plan
from tests.worlds import plans

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
RELEASE = plans.roles("v2", "deploy, smoke, traffic 100, bake 5")
DONE = Progress(
    plan="plan",
    commit="c0ffee",
    promoted=Promoted(name="green", revision="v2"),
    written=all_to("green"),
    since=NOW - timedelta(hours=24),
    outcome="complete",
)
GREEN = Deployment(name="green", state="Succeeded", count=1, revision="v2")


def seen(progress: Progress = DONE, green: Deployment = GREEN, split: dict[str, int] | None = None) -> Observation:
    """Staging, with that record."""
    live = Endpoint(
        name="house", weights=weights(split or {"green": 100}), deployments=(green,), tags=to_tags(progress)
    )
    return Observation(live, NOW)


def test_what_is_shown() -> None:
    """Where, since when, how long, out of which commit, by which gates; and what it is made of."""
    found = evidence(RELEASE, seen(), least=86400.0)

    assert (found.deployment, found.goal, found.commit, found.seconds) == ("green", "v2", "c0ffee", 86400.0)
    assert found.gates == ("1-smoke-0", "3-bake-5")
    assert found.content == {"model": "azureml:m:v2"}


@pytest.mark.parametrize(
    ("look", "release", "why"),
    [
        (Observation(None, NOW), RELEASE, "house has no record of the plan plan"),
        (seen(replace(DONE, plan="other")), RELEASE, "house has no record of the plan plan"),
        (seen(), plans.roles("v3"), "v3 is not promoted on house: v2 is"),
        (seen(replace(DONE, promoted=None)), RELEASE, "v2 is not promoted on house: nothing is"),
        (seen(replace(DONE, hold=Hold(kind="person", why="lunch"))), RELEASE, "house is held: lunch"),
        (seen(replace(DONE, outcome="")), RELEASE, "the rollout on house has not ended: under way"),
        (
            seen(replace(DONE, run=Run(goal="v2", slot="green"))),
            RELEASE,
            "the rollout on house has not ended: complete",
        ),
        (
            seen(green=replace(GREEN, revision="v1")),
            RELEASE,
            "green on house is not what was promoted, or is not ready",
        ),
        (
            seen(green=replace(GREEN, state="Failed")),
            RELEASE,
            "green on house is not what was promoted, or is not ready",
        ),
        (seen(split={"green": 90, "blue": 10}), RELEASE, "green does not have all traffic on house"),
    ],
)
def test_what_is_no_evidence(look: Observation, release: Release, why: str) -> None:
    """Each refused with its reason."""
    with pytest.raises(Refused) as refused:
        evidence(release, look, least=0.0)
    assert str(refused.value) == why


def test_not_long_enough() -> None:
    """It says until when."""
    with pytest.raises(Refused, match=r"^v2 has been promoted on house for 1 day, 0:00:00, not for 2 days") as refused:
        evidence(RELEASE, seen(), least=2 * 86400.0)
    assert refused.value.hint == "not before 2026-03-03 12:00:00Z"


def test_a_gate_that_must_be_passed_there() -> None:
    """By its kind: the plan has a smoke test and a bake, no comparison."""
    assert evidence(RELEASE, seen(), least=0.0, gates=("smoke_test", "bake")).goal == "v2"
    with pytest.raises(Refused, match=r"^the plan plan has no gate compare, which must be passed there first$"):
        evidence(RELEASE, seen(), least=0.0, gates=("smoke_test", "compare"))


ENVIRONMENTS = """\
environments:
  - {name: dev, plan: dev/plan.yml}
  - {name: staging, plan: staging/plan.yml, overlay: overlays/small.yml, require: {baked: 24h, gates: [bake]}}
  - {name: prod, plan: prod/plan.yml}
"""


def repository(folder: Path, text: str) -> Repository:
    """That `rollout.yaml`, as it is found from the folder."""
    (folder / "rollout.yaml").write_text(text)
    return find_repository(Path("plan"))


def test_the_environments_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name the one before, with what it must show; a path or another name where `--from` says so."""
    monkeypatch.chdir(tmp_path)
    found = repository(tmp_path, ENVIRONMENTS)
    staging = Environment(
        plan=Path("staging/plan.yml"), overlay=Path("overlays/small.yml"), baked=86400.0, gates=("bake",)
    )
    dev, prod = Environment(plan=Path("dev/plan.yml")), Environment(plan=Path("prod/plan.yml"))
    assert way(found, "prod", None) == (staging, prod)
    assert way(found, "staging", None) == (dev, staging)
    assert way(found, "prod", "dev") == (dev, prod)
    assert way(found, "other.yml", "some.yml") == (
        Environment(plan=Path("some.yml")),
        Environment(plan=Path("other.yml")),
    )


@pytest.mark.parametrize(
    ("next_", "sentence", "hint"),
    [
        ("dev", "dev is the first environment: nothing comes before it", "--from PLAN"),
        (
            "prdo",
            "what comes before prdo?",
            "--from PLAN; `rollout.yaml` has the environments dev, staging, prod",
        ),
    ],
)
def test_nothing_comes_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, next_: str, sentence: str, hint: str
) -> None:
    """The first one, and one that nobody declared."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as raised:
        way(repository(tmp_path, ENVIRONMENTS), next_, None)
    assert (str(raised.value), raised.value.hint) == (sentence, hint)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("- {name: a, plan: a.yml}\n  - {name: a, plan: b.yml}", "two environments are called `a`"),
        ("- {name: a}", "`plan` is missing"),
        ("- {name: a, plan: a.yml, require: {baked: 24}}", "`24` has no unit"),
        ("- {name: a, plan: a.yml, require: {gates: [smoke]}}", "environments[0].require.gates[0]"),
    ],
)
def test_environments_that_cannot_be(
    rollout: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, fault: str
) -> None:
    """Each with its place in `rollout.yaml`."""
    monkeypatch.chdir(tmp_path)
    repository(tmp_path, f"environments:\n  {line}\n")
    ran = rollout("promote-to", "a")
    assert (ran.code, ran.err.startswith("rollout.yaml:"), fault in ran.err) == (3, True, True), ran.err


def test_from_staging_to_prod(
    rollout: Command, on_emulator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused before staging has it; then prod's own file gets the model, and keeps its size and comments."""
    for name in ("staging", "prod"):
        (tmp_path / name).mkdir()
    staging = write_plan(tmp_path / "staging", "staged", "v2")
    short = staging.read_text().replace("  - {name: ok, approval: Is it good?}\n", "")
    staging.write_text(short.replace("bake: 1h", "bake: 1s").replace("  - delete: stable\n", ""))
    prod = write_plan(tmp_path / "prod", "produced", "v1")
    whole = prod.read_text()
    head, _, rest = whole.partition("candidate:\n")
    inline, _, stages = rest.partition("stages:\n")
    file = prod.parent / "deployment.yml"
    file.write_text(
        "# ours\n" + "".join(line[2:] + "\n" for line in inline.splitlines()).replace("count: 1", "count: 3 # big")
    )
    prod.write_text(f"{head}candidate: deployment.yml\nstages:\n{stages}")
    was = file.read_text()
    early = rollout("promote-to", prod, "--from", staging)
    assert (early.code, "staged has no record of the plan staged" in early.err, file.read_text()) == (6, True, was)

    assert rollout("apply", staging, "--auto-approve", "--wait").code == 0
    refused = rollout("promote-to", prod, "--from", staging, "--baked", "365d")
    assert (refused.code, file.read_text()) == (6, was)
    ran = rollout("promote-to", prod, "--from", staging, "-o", "json", "-o", f"markdown={tmp_path}/request.md")

    assert (ran.code, ran.json["changed"], ran.json["file"]) == (0, True, str(file)), ran.err
    assert file.read_text() == was.replace("path: model.txt", "path: ../staging/model.txt").replace(
        "code: src,", "code: ../staging/src,"
    )
    one, other = load_release(staging).release.candidate, load_release(prod).release.candidate
    assert {**one.fields, "instance_type": ""} == {**other.fields, "instance_type": ""}
    text = (tmp_path / "request.md").read_text()
    assert text.startswith("`produced` gets what is promoted in the environment before.\n")
    goal = next(line for line in text.splitlines() if line.startswith("| goal |"))
    assert one.revision in goal
    assert "| gates of that plan now | settle |" in text
    (tmp_path / "rollout.yaml").write_text(
        f"environments:\n  - {{name: staging, plan: {staging}}}\n  - {{name: prod, plan: {prod}}}\n"
    )
    monkeypatch.chdir(tmp_path)
    again = rollout("promote-to", "prod", "-o", "json")
    assert (again.code, again.json["changed"]) == (0, False)


def test_what_the_file_does_not_decide(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """`set` in the next plan says the model: told, and the file is as it was."""
    for name in ("staging", "prod"):
        (tmp_path / name).mkdir()
    staging = write_plan(tmp_path / "staging", "stubborn", "v2")
    text = staging.read_text().partition("stages:")[0]
    staging.write_text(text + "stages:\n  - deploy: candidate\n  - traffic: 100\n")
    assert rollout("apply", staging, "--auto-approve", "--wait", "--allow-hazard", "ungated-traffic").code == 0
    prod = write_plan(tmp_path / "prod", "set", "v1")
    inline = text.partition("candidate:\n")[2]
    file = prod.parent / "deployment.yml"
    file.write_text("".join(line[2:] + "\n" for line in inline.splitlines()))
    prod.write_text(
        "version: 1\nname: set\nendpoint: {name: set}\n"
        "candidate: {file: deployment.yml, set: {model: {path: model.txt}}}\n"
        "stages: [{deploy: candidate}, {traffic: 100}]\n"
    )
    was = file.read_text()
    ran = rollout("promote-to", prod, "--from", staging)

    assert (ran.code, file.read_text()) == (3, was)
    assert f"{file} does not decide model" in ran.err
