"""Whether a token may do what the jobs do with it: on each local forge, without a change; and what the jobs do."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.cli.checkup_people import forge_rights
from rollout.cli.main import main
from rollout.forge.port import Task
from rollout.forge.rights import tasks_of
from tests.forge.hub import spoken
from tests.github.bench import TOKEN, Bench
from tests.github.test_life import FORGES
from tests.github.world import READ

PUBLISHES = (Task.COMMENT, Task.STATUS, Task.ISSUE, Task.REQUEST)
REMEDIES = {
    "github": "the job needs `permissions: {}: write`; a pull request from a fork never gets it",
    "gitlab": "the token has not the role {} in the project",
    "azure-devops": "the token has not the permission `{}` on the repository",
}
NEEDED = {
    "github": ("pull-requests", "statuses", "issues", "pull-requests"),
    "gitlab": ("Reporter", "Developer", "Reporter", "Developer"),
    "azure-devops": ("Contribute to pull requests", "Contribute to pull requests", None, "Create branch"),
}


async def found(hub: Bench) -> list[tuple[str, str, str]]:
    """What the doctor says of the checkout's jobs."""
    return [(one.name, one.state, one.remedy) for one in await forge_rights(hub.checkout / "plan.yml")]


@pytest.mark.parametrize("kind", FORGES)
async def test_the_jobs_of_init(hub: Bench, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All four are needed and granted; each refusal has its remedy, nothing is changed, and the token is never told."""
    assert main(["init", str(hub.checkout), "--name", "churn", "--ci", kind, "--target", "s/g/w"]) == 0
    assert tasks_of(hub.checkout) == PUBLISHES
    for variable, value in FORGES[kind](hub.world.url).items():
        monkeypatch.setenv(variable, value)
    told = NEEDED[kind]
    assert await found(hub) == [
        (f"forge: {task}", "ok" if need else "skipped", "") for task, need in zip(PUBLISHES, told, strict=True)
    ]
    hub.world.add_token(TOKEN, permissions={"contents": READ, "pull-requests": READ})
    refused = await found(hub)
    assert [(name, state) for name, state, _ in refused] == [
        (f"forge: {task}", "missing" if need else "skipped") for task, need in zip(PUBLISHES, told, strict=True)
    ]
    for (_, _, remedy), need in zip(refused, told, strict=True):
        assert remedy.endswith(REMEDIES[kind].format(need) if need else "")
    hub.world.tokens.clear()
    unknown = await found(hub)
    assert TOKEN not in str((refused, unknown))
    assert "does not accept the token" in unknown[0][2]
    assert (hub.repo.items, hub.repo.comments, hub.repo.statuses) == ({}, {}, {})


async def test_a_setting_that_forbids_pull_requests_forbids_no_comment(hub: Bench) -> None:
    """GitHub's answer is the same 403."""
    hub.world.add_token(TOKEN, opens_pulls=False)
    async with spoken(hub, "github") as forge:
        assert await forge.refusal(Task.COMMENT) == ""
        assert "Settings › Actions › General" in str(await forge.refusal(Task.REQUEST))


async def test_nothing_to_try(hub: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """No job publishes; or this is no job, and nobody knows a token."""
    for variable in ("GITHUB_TOKEN", "GH_TOKEN", "TF_BUILD", "GITLAB_CI"):
        monkeypatch.delenv(variable, raising=False)
    assert await found(hub) == [("forge", "skipped", "")]
    jobs = hub.checkout / ".github/workflows"
    jobs.mkdir(parents=True)
    (jobs / "mine.yml").write_text("# publish comment\nrun: rollout publish drift found.json\n")
    assert tasks_of(hub.checkout) == (Task.ISSUE,)
    (told,) = await forge_rights(hub.checkout / "plan.yml")
    assert told.found == "not tried: there is no token for GitHub; its jobs need: issue"


def test_jobs_in_other_words(tmp_path: Path) -> None:
    """Several words behind `publish`; what is only told about it, or commented out, is none."""
    (tmp_path / ".gitlab-ci.yml").write_text("PUBLISH: status revert\n# publish: comment\nname: publish drifting\n")
    assert tasks_of(tmp_path) == (Task.STATUS, Task.REQUEST)
