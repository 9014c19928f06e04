"""What an environment must show before a goal goes to the next one, on the emulator's rules; refusals verbatim."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from rollout.core import commands
from rollout.core.observed import Observation, all_to, weights
from rollout.core.progress import to_tags
from rollout.core.promotion import content, evidence
from rollout.core.release import Release
from rollout.errors import Refused
from tests.core.test_commands import LINE, do, go_on, halfway, look, record, released
from tests.worlds.history import History
from tests.worlds.plans import roles


def refused(release: Release, seen: Observation, least: float = 0.0, gates: tuple[str, ...] = ()) -> tuple[str, str]:
    """The sentence, and the remedy."""
    with pytest.raises(Refused) as caught:
        evidence(release, seen, least=least, gates=gates)
    return str(caught.value), caught.value.hint


def done() -> History:
    """v1 serves from blue, an hour after it was promoted."""
    history = released("deploy, smoke, traffic 10, bake 30, traffic 100")
    history.plane.now += timedelta(hours=1)
    return history


def test_what_is_shown() -> None:
    """Where, since when and for how long; the gates of the plan, the last transitions, the content."""
    history = done()
    found, seen = record(history), look(history)
    shown = evidence(history.release, seen, least=3600.0, gates=("smoke_test", "bake"))
    assert found.since is not None
    assert (shown.plan, shown.endpoint, shown.deployment, shown.goal, shown.commit) == (
        "plan",
        "house",
        "blue",
        "v1",
        "",
    )
    assert (shown.since, shown.seconds) == (found.since, (seen.now - found.since).total_seconds())
    assert shown.gates == ("1-smoke-0", "3-bake-30")
    assert shown.history == found.history
    assert shown.content == {"model": "azureml:m:v1"}


def test_the_content_is_what_goes_on() -> None:
    """Model, code, environment; sizes and settings are each environment's own."""
    release = roles("v1")
    fields = {
        "model": "m", "code.hash": 1, "environment.image": "i", "scoring_script": "s.py", "models": "no",
        "instance_type": "no", "environment_variables.code": "no",
    }  # fmt: skip
    found = content(replace(release, candidate=replace(release.candidate, fields=fields)))
    assert list(found.items()) == [
        ("code.hash", "1"), ("environment.image", "i"), ("model", "m"), ("scoring_script", "s.py"),
    ]  # fmt: skip


def test_it_must_last() -> None:
    """On the second it is enough; before that the moment is told from which on it is."""
    history = done()
    seconds = evidence(history.release, look(history), least=0.0).seconds
    assert evidence(history.release, look(history), least=seconds).seconds == seconds
    found, now = record(history), look(history).now
    assert found.since is not None
    end = found.since + timedelta(seconds=seconds + 60)
    assert refused(history.release, look(history), seconds + 60) == (
        f"v1 has been promoted on house for {now - found.since}, not for {timedelta(seconds=seconds + 60)}",
        f"not before {end:%Y-%m-%d %H:%M:%SZ}",
    )


def test_gates_that_the_plan_lacks() -> None:
    """All of them are named."""
    history = done()
    said = "the plan plan has no gate compare, approval, which must be passed there first"
    assert refused(history.release, look(history), gates=("compare", "bake", "approval"))[0] == said


def test_no_record_of_this_plan() -> None:
    """No endpoint, no record, or another plan's."""
    history = done()
    seen = look(history)
    assert seen.endpoint is not None
    said = "house has no record of the plan plan"
    assert refused(history.release, replace(seen, endpoint=None))[0] == said
    assert refused(history.release, replace(seen, endpoint=replace(seen.endpoint, tags={})))[0] == said
    other = replace(history.release, name="other")
    assert refused(other, seen)[0] == "house has no record of the plan other"


def test_another_goal() -> None:
    """What is promoted is told."""
    history = done()
    assert refused(roles("v2", LINE), look(history))[0] == "v2 is not promoted on house: v1 is"
    fresh = halfway()
    assert refused(fresh.release, look(fresh))[0] == "v2 is not promoted on house: v1 is"
    bare = with_record(done(), promoted=None)
    assert refused(roles("v1"), bare)[0] == "v1 is not promoted on house: nothing is"


def with_record(history: History, **changed: object) -> Observation:
    """The look, had the record said that."""
    seen = look(history)
    assert seen.endpoint is not None
    tags = to_tags(replace(record(history), **changed))
    return replace(seen, endpoint=replace(seen.endpoint, tags=tags))


def test_a_held_one() -> None:
    """With why."""
    history = done()
    do(history, lambda seen: commands.hold(history.release, seen, "ann", "wait"))
    assert refused(history.release, look(history))[0] == "house is held: wait"


def test_one_that_has_not_ended() -> None:
    """The next run is under way already; an outcome that is none of success; no word of since when."""
    under_way = record(halfway()).under_way
    assert under_way is not None
    said = "the rollout on house has not ended: under way"
    assert refused(roles("v1"), with_record(done(), outcome=""))[0] == said
    assert refused(roles("v1"), with_record(done(), outcome="", run=under_way))[0] == said
    assert refused(roles("v1"), with_record(done(), run=under_way))[0] == said.replace("under way", "complete")
    failed = with_record(done(), outcome="rolled back")
    assert refused(roles("v1"), failed)[0] == "the rollout on house has not ended: rolled back"
    timeless = with_record(done(), since=None)
    assert refused(roles("v1"), timeless)[0] == "the rollout on house has not ended: complete"


def test_what_is_live_must_be_it() -> None:
    """The deployment is gone, not ready, or has become something else."""
    seen = look(done())
    assert seen.endpoint is not None
    (blue,) = seen.endpoint.deployments
    said = "blue on house is not what was promoted, or is not ready"
    for deployments in ((), (replace(blue, state="Failed"),), (replace(blue, revision="v0"),)):
        spoilt = replace(seen, endpoint=replace(seen.endpoint, deployments=deployments))
        assert refused(roles("v1"), spoilt)[0] == said


def test_it_must_have_everything() -> None:
    """A hand has given a part of the traffic away."""
    seen = look(done())
    assert seen.endpoint is not None
    assert seen.endpoint.weights == all_to("blue")
    shared = replace(seen, endpoint=replace(seen.endpoint, weights=weights({"blue": 90, "green": 10})))
    assert refused(roles("v1"), shared)[0] == "blue does not have all traffic on house"


def test_a_second_release() -> None:
    """The same after a change of slots."""
    history = halfway("deploy, traffic 10, traffic 100")
    go_on(history)
    assert evidence(history.release, look(history), least=0.0).deployment == "green"
