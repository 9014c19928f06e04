"""`rollout promote-to`: what staging has proven becomes prod's candidate, and nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from rollout.core.observed import Deployment, Endpoint, Observation, all_to, weights
from rollout.core.progress import Hold, Progress, Promoted, Run, to_tags
from rollout.core.promotion import evidence
from rollout.core.release import Release
from rollout.errors import Refused
from rollout.plan.load import load_release
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


def test_from_staging_to_prod(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
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
    again = rollout("promote-to", prod, "--from", staging, "-o", "json")
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
