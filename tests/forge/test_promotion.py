"""The pull request of a promotion, on each local forge: opened once, kept current, never for nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from rollout.cli.main import main
from rollout.cli.promoting import Promotion
from rollout.cli.publish_promotion import proposed
from rollout.core.promotion import Evidence
from rollout.forge.sticky import Deed
from tests.forge.hub import CLIENTS, spoken
from tests.github.bench import Bench

SHOWN = Evidence(
    plan="staged",
    endpoint="staged",
    deployment="green",
    goal="1b73eb2ecf0000000000",
    commit="c0ffee",
    since=datetime(2026, 3, 1, tzinfo=UTC),
    seconds=86400.0,
    gates=("smoke", "watch"),
    history=(),
    content={"model": "azureml:m:8"},
)
FILE = "prod/deployment.yml"


def changed(hub: Bench, model: str) -> Promotion:
    """Prod's file in the checkout has that model, and nobody has committed it."""
    path = hub.checkout / FILE
    path.write_text(f"model: azureml:m:{model}  # ours\n")
    return Promotion(evidence=SHOWN, plan="prod", file=str(path), changed=True)


@pytest.mark.parametrize("kind", CLIENTS)
async def test_a_promotion_is_one_pull_request(hub: Bench, kind: str) -> None:
    """Opened with the evidence, left alone, brought up to date; other content is another one; merged, it is nothing."""
    hub.commit("prod", prod__deployment_dot_yml="model: azureml:m:7  # ours\n")
    remote = str(hub.repo.bare)
    async with spoken(hub, kind) as forge:
        found = changed(hub, "8")
        news = replace(found, evidence=replace(SHOWN, gates=("smoke",)))
        later = replace(found, evidence=replace(SHOWN, seconds=90000.0))
        done = [(await proposed(forge, one, remote, "", ""))[0].deed for one in (found, later, news)]
        assert done == [Deed.CREATED, Deed.UNCHANGED, Deed.EDITED]
        (branch,) = hub.repo.git("branch", "--list", "rollout/promote/*", "--format=%(refname:short)").split()
        (request,) = await forge.change_requests_from(branch)
        assert (request.title, request.open) == ("prod: what is promoted by staged", True)
        assert "`prod` gets what is promoted in the environment before." in request.body
        assert hub.repo.git("show", f"{branch}:{FILE}") == "model: azureml:m:8  # ours"
        assert hub.repo.git("diff", "--name-only", "main", branch) == FILE

        assert (await proposed(forge, changed(hub, "9"), remote, "", ""))[0].deed is Deed.CREATED
        assert await proposed(forge, changed(hub, "7"), remote, "", "") == ()


def test_what_is_no_promotion(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Another file, or none: a sentence."""
    file = tmp_path / "found.json"
    assert main(["publish", "promotion", str(file)]) == 3
    file.write_text("{}")
    assert main(["publish", "promotion", str(file)]) == 3
    assert f"{file} is no promotion: Object missing required field `evidence`" in capfd.readouterr().err
