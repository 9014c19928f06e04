"""From dev to prod in one piece: released there, handed on by evidence, a pull request, its merge, prod's apply; each
environment on an emulator of its own, the repository a real one behind a local GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout.emulator import process
from rollout.plan.load import load_release
from tests.cli.conftest import Command
from tests.github.bench import Bench, bench, git
from tests.github.test_life import on_github

PLAN = """\
version: 1
name: {name}
endpoint: {{name: {name}, auth_mode: key}}
candidate: deployment.yml
stages:
  - deploy: candidate
  - traffic: 10
  - {{name: settle, bake: 1s}}
  - traffic: 100
"""
DEPLOYMENT = """\
# sizes are {name}'s own
model: {{path: ../model/{model}}}
code_configuration: {{code: ../src, scoring_script: score.py}}
environment: {{image: mcr.microsoft.com/azureml/minimal:1}}
instance_type: Standard_DS3_v2
instance_count: {count}
"""
ENVIRONMENTS = "environments: [{name: dev, plan: dev/plan.yml}, {name: prod, plan: prod/plan.yml}]\n"
SCORE = "def init(): pass\ndef run(data): return data\n"


@pytest.fixture(scope="module")
def prods_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state directory of another one than dev's."""
    folder = tmp_path_factory.mktemp("prod")
    process.start(folder, speed=2000.0, extra=("--no-processes", "--no-throttle"))
    yield folder
    process.stop(folder)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Dev and prod in a repository, both with the same model; we are in a checkout of it, with a job's token."""
    with bench(tmp_path) as made:
        for variable, value in on_github(made.world.url).items():
            monkeypatch.setenv(variable, value)
        for name, count in (("dev", 1), ("prod", 3)):
            folder = made.checkout / name
            folder.mkdir()
            (folder / "plan.yml").write_text(PLAN.format(name=f"way-{name}"))
            (folder / "deployment.yml").write_text(DEPLOYMENT.format(name=name, model="v1", count=count))
        made.commit("begin", rollout_dot_yaml=ENVIRONMENTS, model__v1="v1", model__v2="v2", src__score_dot_py=SCORE)
        monkeypatch.chdir(made.checkout)
        yield made


def test_from_dev_to_prod(
    rollout: Command, hub: Bench, on_emulator: Path, prods_emulator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not before dev shows it; then by one pull request, which changes prod's file alone; merged, prod applies it."""

    def at(folder: Path) -> None:
        monkeypatch.setenv("ROLLOUT_STATE_DIR", str(folder))

    def released(plan: str) -> None:
        ran = rollout("apply", plan, "--auto-approve", "--wait", "-o", "json")
        assert (ran.code, ran.json["decision"]["status"]) == (0, "done"), ran.err

    at(prods_emulator)
    released("prod/plan.yml")
    at(on_emulator)
    dev = hub.checkout / "dev/deployment.yml"
    dev.write_text(dev.read_text().replace("v1", "v2"))
    hub.push("v2 for dev", "main")
    early = rollout("promote-to", "prod", "-o", f"json={hub.checkout.parent}/found.json")
    assert (early.code, git(hub.checkout, "status", "--porcelain")) == (6, ""), "dev has not shown it"

    released("dev/plan.yml")
    found = hub.checkout.parent / "found.json"
    assert rollout("promote-to", "prod", "-o", f"json={found}").code == 0
    for name, deed in (("first", "created"), ("again", "unchanged")):
        told = rollout("publish", "promotion", found, "--remote", hub.repo.bare)
        assert (told.code, told.out.split()[0]) == (0, deed), name
    (request,) = hub.repo.pulls()
    assert hub.repo.git("diff", "--name-only", "main", request["head"]["sha"]) == "prod/deployment.yml"
    assert request["title"] == "way-prod: what is promoted by way-dev"
    assert load_release(Path("dev/plan.yml")).release.goal in request["body"]

    git(hub.checkout, "checkout", "--quiet", "--", ".")
    at(prods_emulator)
    assert rollout("diff", "prod/plan.yml", "--detailed-exitcode").code == 0, "nothing before the merge"
    merge = hub.repo.merge(request["number"])
    git(hub.checkout, "pull", "--quiet", "origin", "main")
    released("prod/plan.yml")

    status = rollout("status", "prod/plan.yml", "-o", "json").json
    mine = load_release(Path("prod/plan.yml")).release
    slot = status["roles"]["stable"]
    assert (status["roles"]["stable_revision"], status["endpoint"]["traffic"]) == (mine.goal, {slot: 100})
    assert mine.candidate.count == 3, "its size is its own"
    told = rollout("history", "prod/plan.yml", "-o", "json").json
    assert merge[:10] in str(told), "it knows the merge that it comes from"
    assert Path("prod/deployment.yml").read_text() == DEPLOYMENT.format(name="prod", model="v2", count=3)
    at(on_emulator)
    again = rollout("promote-to", "prod", "-o", "json")
    assert (again.code, again.json["changed"]) == (0, False)
