"""A pull request's whole life: comment, edit on push, approval, merge, apply, scheduled passes, done or taken back."""

from __future__ import annotations

import pytest

from tests.github.office import Office, shown


def test_released(team: Office) -> None:
    """x"""
    import time
    t=time.time()
    def tick(what):
        nonlocal t
        print(f"== {what} {time.time()-t:.1f}s"); t=time.time()
    team.release("v2", "release")
    number = team.bench.pull("release", "Release v2")
    run = team.pull_request(number)
    for name, job in run.jobs.items(): print("--", name, shown(job), job.outputs, job.log.annotations, job.summary[:300])
    tick("pr")
    print("\n".join(team.comments(number)))
    print(team.statuses(team.bench.repo.pull(number)["head"]["sha"]))
    run = team.merge(number)
    for name, job in run.jobs.items(): print("--", name, shown(job), job.outputs)
    tick("merge")
    run.approve("production")
    for name, job in run.jobs.items(): print("--", name, shown(job), job.outputs)
    tick("apply")
    print("\n".join(team.comments(number)))
    print(team.statuses(team.bench.repo.pull(number)["merge_commit_sha"]))
    run = team.scheduled()
    for name, job in run.jobs.items(): print("--", name, shown(job), job.outputs)
    tick("sched")
    assert 0
