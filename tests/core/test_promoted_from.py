"""`promoted_from`: what another environment shows of a release, on the emulator's rules; what is refused without it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from rollout.core import commands
from rollout.core.actions import DeployRevision, Record, SetTraffic
from rollout.core.decide import decide
from rollout.core.decision import Decision, Status
from rollout.core.hazards import ANY
from rollout.core.observed import Observation, all_to
from rollout.core.policy import Limits, Policy, PromotedRule, Rule, Shown
from rollout.core.progress import Progress, Quarantined, Transition, to_tags
from rollout.core.promoted_from import refusals, shown, stamp, unproven
from rollout.core.release import Release
from rollout.core.stamp import CONTENTS_TAG, PROMOTED_FROM_TAG
from tests.core.test_commands import LINE, do, go_on, halfway, look, record, released
from tests.worlds.history import History
from tests.worlds.plans import roles

STAGING = Shown(environment="staging")
TAKEN_BACK = "house has not promoted this; promoted there is "


def prod(revision: str, *found: Shown, seconds: float = 0.0, glass: str = "") -> Release:
    """A plan that takes what staging has promoted, with what somebody has seen there."""
    asked = PromotedRule(environment="staging", seconds=seconds)
    rule = Rule(name="proven", limits=Limits(promoted_from=(asked,)), where="policy.yaml:4:5")
    policy = Policy(rules=(rule,), shown=found, break_glass=glass, who="ann")
    return replace(roles(revision, LINE), policy=policy)


def says(history: History, revision: str, source: Release | None = None) -> Shown:
    """What that environment shows of a revision; its plan as it is checked out is another one's by default."""
    return shown("staging", source or roles("other"), look(history), prod(revision))


def changed(seen: Observation, progress: Progress) -> Observation:
    """The same look, had the record said that."""
    assert seen.endpoint is not None
    return replace(seen, endpoint=replace(seen.endpoint, tags=to_tags(progress)))


def test_what_is_promoted_there_or_was_just_before() -> None:
    """Though the next run is under way there; by what it consists of, whatever its plan says by now."""
    history = halfway()
    assert says(history, "v1").why == ""
    assert says(history, "v2").why == TAKEN_BACK + "v1"
    second = halfway("deploy, traffic 10, traffic 100")
    assert (says(second, "v2").why, says(second, "v1").why) == ("", "")
    assert says(second, "v3").why == TAKEN_BACK + "v2"


def test_what_was_given_up_there_is_no_evidence() -> None:
    """A person went back from it; or it is deleted, or somebody has put something else there."""
    history = halfway("deploy, traffic 10, traffic 100")
    do(history, lambda seen: commands.rollback(history.release, seen, "ann", "bad", to="former"))
    assert (says(history, "v2").why, says(history, "v1").why) == (TAKEN_BACK + "v1", "")
    seen = look(released())
    assert seen.endpoint is not None
    (blue,) = seen.endpoint.deployments
    for there in ((), (replace(blue, revision="v0"),), (replace(blue, born="20200101T000000Z"),)):
        spoilt = replace(seen, endpoint=replace(seen.endpoint, deployments=there))
        assert shown("staging", roles("v1"), spoilt, prod("v1")).why == TAKEN_BACK + "v1"


def test_quarantined_goals_do_not_count() -> None:
    """Also where the record names them as what served before."""
    history = halfway("deploy, traffic 10, traffic 100")
    ring = (Quarantined(goal="v1", key="k"),)
    seen = changed(look(history), replace(record(history), quarantine=ring))
    assert shown("staging", roles("other"), seen, prod("v1")).why == TAKEN_BACK + "v2"


def test_by_the_plan_where_the_tags_say_nothing() -> None:
    """Contents too long for a tag: the plan as it is checked out says what the promoted goal consists of."""
    seen = look(released())
    assert seen.endpoint is not None
    (blue,) = seen.endpoint.deployments
    bare = replace(blue, tags={name: value for name, value in blue.tags.items() if name != CONTENTS_TAG})
    seen = replace(seen, endpoint=replace(seen.endpoint, deployments=(bare,)))
    assert shown("staging", roles("v1"), seen, prod("v1")).why == ""
    assert shown("staging", roles("v2"), seen, prod("v1")).why == TAKEN_BACK + "v1"


def test_another_script_is_something_else() -> None:
    """The folder with the code may hold several."""
    seen = look(released())
    assert seen.endpoint is not None
    (blue,) = seen.endpoint.deployments
    blue = replace(blue, fields={**blue.fields, "scoring_script": "score.py"})
    seen = replace(seen, endpoint=replace(seen.endpoint, deployments=(blue,)))
    for script, why in (("score.py", ""), ("other.py", TAKEN_BACK + "v1")):
        release = prod("v1")
        fields = {**release.candidate.fields, "scoring_script": script}
        release = replace(release, candidate=replace(release.candidate, fields=fields))
        assert shown("staging", roles("other"), seen, release).why == why


def test_no_record_of_that_plan() -> None:
    """No endpoint, no tags, another plan's; a gate that its plan must have and lacks."""
    seen = look(released())
    assert seen.endpoint is not None
    said = "house has no record of the plan plan"
    assert shown("staging", roles("v1"), replace(seen, endpoint=None), prod("v1")).why == said
    assert (
        shown("staging", roles("v1"), replace(seen, endpoint=replace(seen.endpoint, tags={})), prod("v1")).why == said
    )
    other = shown("staging", replace(roles("v1"), name="other"), seen, prod("v1"))
    assert other.why == "house has no record of the plan other"
    lacking = shown("staging", roles("v1"), seen, prod("v1"), ("compare",))
    assert lacking.why == "the plan plan has no gate compare, which must be passed there first"


def test_how_long_it_stood_there() -> None:
    """From its promotion on; what served before up to the next one; at least, where the record has forgotten."""
    history = released("deploy, traffic 100")
    begin = record(history).history[-1].at
    history.plane.now += timedelta(hours=2)
    assert says(history, "v1").seconds == (look(history).now - begin).total_seconds() >= 7200
    history.release = roles("v2", "deploy, traffic 100")
    go_on(history)
    end = record(history).history[-1].at
    assert says(history, "v1").seconds == (end - begin).total_seconds()
    forgetful = replace(record(history), history=())
    now = changed(look(history), forgetful)
    since = forgetful.since
    assert since is not None
    assert shown("staging", roles("other"), now, prod("v1")).seconds == 0.0
    assert shown("staging", roles("other"), now, prod("v2")).seconds == (now.now - since).total_seconds()
    lone = replace(forgetful, history=(Transition(at=end, what="promoted green", kind="promoted"),))
    assert shown("staging", roles("other"), changed(look(history), lone), prod("v1")).seconds == 0.0


def pending(release: Release, history: History, allowed: frozenset[str] = frozenset()) -> Decision:
    """What is decided there about another release."""
    return decide(release, look(history), {}, allowed)


REMEDY = "(rule `proven`, policy.yaml:4:5); release it there first, then `rollout promote-to`"


@pytest.mark.parametrize(
    ("release", "why"),
    [
        (prod("v2"), "nobody has looked whether staging has promoted it"),
        (prod("v2", replace(STAGING, environment="dev")), "nobody has looked whether staging has promoted it"),
        (prod("v2", replace(STAGING, why="not there")), "not shown by staging: not there"),
        (prod("v2", replace(STAGING, seconds=59), seconds=60), "staging has had it promoted for 59s, not for 1m"),
        (prod("v2", replace(STAGING, least=120)), "staging has had it promoted for 0s, not for 2m"),
    ],
)
def test_refused_with_the_way_out(release: Release, why: str) -> None:
    """Before the first write; a look ahead shows what would be done all the same."""
    history = released()
    decision = pending(release, history)
    assert (decision.status, decision.reason) == (Status.REFUSE, f"refused by policy: {why} {REMEDY}")
    assert isinstance(pending(release, history, frozenset({ANY})).actions[0], DeployRevision)


def test_with_evidence_it_goes_on_and_its_tag_says_so() -> None:
    """Once deployed it needs no further look, though the other environment moves on; another content does."""
    history = released()
    history.release = prod("v2", replace(STAGING, seconds=60), seconds=60)
    go_on(history)
    seen = look(history)
    assert seen.endpoint is not None
    green = seen.endpoint.deployment("green")
    assert green is not None
    assert green.tags[PROMOTED_FROM_TAG] == stamp(history.release)
    assert stamp(history.release).startswith("staging=")
    assert unproven(prod("v2"), seen.endpoint) == ()
    assert unproven(prod("v3"), seen.endpoint) == ("staging",)
    forged = replace(green, tags={**green.tags, PROMOTED_FROM_TAG: "staging=000000000000"})
    assert unproven(prod("v2"), replace(seen.endpoint, deployments=(forged,))) == ("staging",)
    history.release = prod("v2")
    history.run()
    assert record(history).promoted is not None
    assert (pending(prod("v2"), history).status, unproven(prod("v2"), look(history).endpoint)) == (Status.DONE, ())


def test_what_is_promoted_here_already_is_never_asked_about() -> None:
    """A new rule stops no healing of what serves."""
    history = released()
    assert unproven(prod("v1"), look(history).endpoint) == ()
    assert list(refusals(prod("v1"), look(history).endpoint)) == []


def test_without_evidence_no_stamp() -> None:
    """Nor where only one of two demands is met; nor without a policy."""
    assert (stamp(prod("v2")), stamp(roles("v2")), stamp(replace(prod("v2"), policy=Policy()))) == ("", "", "")
    assert stamp(prod("v2", replace(STAGING, seconds=9), seconds=10)) == ""


def test_broken_glass_goes_on_and_is_written_down_first() -> None:
    """Then it deploys, without the evidence's tag: the next run asks again."""
    history = released()
    history.release = prod("v2", glass="fraud model fails open")
    first = pending(history.release, history)
    assert isinstance(first.actions[0], Record)
    assert first.reason == "break-glass: fraud model fails open"
    go_on(history)
    seen = look(history).endpoint
    assert seen is not None
    green = seen.deployment("green")
    assert green is not None
    assert (green.revision, PROMOTED_FROM_TAG in green.tags) == ("v2", False)
    assert [line.who for line in record(history).history if line.what.startswith("break-glass")] == ["ann"]
    assert pending(prod("v2"), history).status is not Status.ACT


def test_rolling_back_is_never_asked_about() -> None:
    """The candidate has weight, nobody has looked, and the goal is another by now: all goes back."""
    history = halfway()
    action = pending(prod("v3"), history).actions[0]
    assert isinstance(action, SetTraffic)
    assert action.weights == all_to("blue")
