"""The generated workflows, event by event, on a runner of our own: real processes, real git, real sign-in by OIDC."""

from __future__ import annotations

import os

import pytest

from tests.github.bench import NAME
from tests.github.office import Office, shown
from tests.github.runner import Run

pytestmark = pytest.mark.slow


def results(run: Run) -> dict[str, str]:
    """How each job ended."""
    return {name: job.result for name, job in run.jobs.items()}


def test_from_pull_request_to_schedule(team: Office) -> None:
    """Diff in the pull request; the schedule begins nothing that reviewers must approve; they do; it is applied."""
    world, name = team.bench.world, team.name
    team.release("v2", "release")
    number = team.bench.pull("release", "Release v2")

    run = team.pull_request(number)
    assert results(run) == {"validate": "success", "diff": "success"}, shown(run.jobs["diff"])
    assert world.assertions == [f"repo:{NAME}:pull_request"], "the identity that may only read"
    (comment,) = team.comments(number)
    assert "🟡 **proposed**" in comment
    assert "path: v2" in run.jobs["diff"].summary
    head = team.bench.repo.pull(number)["head"]["sha"]
    assert team.statuses(head)[f"rollout/{name}"][0] == "success"

    run = team.merge(number)
    assert results(run) == {"diff": "success", "apply": "waiting"}, shown(run.jobs["diff"])
    assert "🟢 **approved**" in team.comments(number)[0]
    waiting = team.scheduled("workflow_dispatch")
    assert results(waiting) == {"reconcile": "success"}, shown(waiting.jobs["reconcile"])
    assert (
        f"plans/{name}.rollout.yml: its endpoint does not exist; only apply creates one"
        in waiting.jobs["reconcile"].log.text
    )

    run.approve("production")
    assert results(run) == {"diff": "success", "apply": "success"}, shown(run.jobs["apply"])
    assert world.assertions[-1] == f"repo:{NAME}:environment:production"
    assert "✅ **done**" in team.comments(number)[0], "a first release has nothing to bake beside"
    (page,) = (run.folder / "artifacts/reports").iterdir()
    assert (page.suffix, f"<h1>{name}" in page.read_text()) == (".html", True), page.read_text()[:2000]

    run = team.scheduled()
    assert results(run) == {"reconcile": "success"}, shown(run.jobs["reconcile"])
    assert list((run.folder / "artifacts/reports").iterdir()) == [], "nothing happened"
    assert world.assertions[-1] == f"repo:{NAME}:environment:production-scheduled"
    merge = team.bench.repo.pull(number)["merge_commit_sha"]
    assert {state for state, _ in team.statuses(merge).values()} == {"success"}
    for job in (*run.jobs.values(), *waiting.jobs.values()):
        assert job.log.unknown == []
        assert job.log.annotations == [], "nobody is warned where all is well"


def test_a_fork(team: Office) -> None:
    """No identity and no right to write: the files are validated, and it is said why there is no diff."""
    team.release("v2", "theirs")
    number = team.bench.world.open_pull(team.bench.repo, "theirs", "Release v2", "mallory", fork="mallory/models")[
        "number"
    ]
    run = team.pull_request(number, fork=True)
    assert results(run) == {"validate": "success", "diff": "skipped"}, shown(run.jobs["validate"])
    notices = [found for found in run.jobs["validate"].log.annotations if found[0] == "notice"]
    assert [title for _, title, _ in notices] == ["rollout"]
    assert "No diff: a pull request from a fork gets no identity" in run.jobs["validate"].summary
    assert "#### Simulated" in run.jobs["validate"].summary
    assert "done: green serves what the plan asks for" in run.jobs["validate"].summary
    assert team.bench.world.writes() == []
    assert team.bench.world.assertions == []


def test_a_merge_that_is_about_something_else(team: Office) -> None:
    """No plan means anything else than before: nobody signs in to apply, and no reviewer is asked."""
    team.release("v1", "words")
    (team.checkout / "README.md").write_text("other words\n")
    team.bench.push("Words", "words")
    run = team.merge(team.bench.pull("words", "Words"))
    assert results(run) == {"diff": "success", "apply": "skipped"}, shown(run.jobs["diff"])
    assert team.bench.world.assertions == []


@pytest.mark.skipif(not os.environ.get("ROLLOUT_WORKFLOWS"), reason="the long form: ROLLOUT_WORKFLOWS=1")
def test_a_release_that_is_taken_back(team: Office) -> None:
    """The apply job fails with the gate, says so everywhere, and opens the pull request whose merge deploys nothing."""
    repo = team.bench.repo
    team.release("v2", "first")
    team.merge(team.bench.pull("first", "Release v2")).approve("production")
    team.release("v3", "broken", broken=True)
    number = team.bench.pull("broken", "Release v3")
    run = team.merge(number)
    run.approve("production")
    assert results(run) == {"diff": "success", "apply": "failure"}, shown(run.jobs["apply"])
    assert "⛔ **rolled back** at `smoke`" in team.comments(number)[0]
    merge = repo.pull(number)["merge_commit_sha"]
    assert team.statuses(merge)[f"rollout/{team.name}"][0] == "failure"
    back = repo.pulls()[-1]
    assert back["title"] == f"Take back {team.name} (smoke failed)"
    assert back["user"]["login"] == "github-actions[bot]"
    run = team.merge(back["number"])
    assert "deploy" not in {line.split()[1] for line in run.jobs["diff"].log.lines if line.startswith("  + ")}
    run.approve("production")
    assert results(run)["diff"] == "success", shown(run.jobs["diff"])
    assert results(run)["apply"] in ("success", "skipped"), shown(run.jobs["apply"])
    assert results(team.scheduled()) == {"reconcile": "success"}
