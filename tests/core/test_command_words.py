"""What a person's command writes: the record with the reason, the kind and the time; refusals with the remedy."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from rollout.core import commands
from rollout.core.actions import DeleteDeployment, Record
from rollout.core.observed import Observation, weights
from rollout.core.policy import PROMOTION, ApprovalRule, GateRule, Limits, Policy, Rule
from rollout.core.progress import Hold, Progress, Transition
from rollout.core.release import GateKind, Release
from tests.core.test_commands import GUARDED, LINE, back, do, go_on, halfway, look, record, refusal, released
from tests.worlds.history import History
from tests.worlds.plans import roles


def written(actions: commands.Actions) -> tuple[str, Progress]:
    """The reason and the record of the one marker."""
    (action,) = actions
    assert isinstance(action, Record)
    assert action.progress is not None
    return action.reason, action.progress


def last(progress: Progress) -> tuple[str, str]:
    """The newest transition: what, and its kind."""
    line: Transition = progress.history[-1]
    return line.what, line.kind


def test_hold() -> None:
    """What is live stays in the record as it was written, or is taken as written where nothing was."""
    history = halfway()
    seen, before = look(history), record(history)
    reason, after = written(commands.hold(history.release, seen, "ann", "wait", until=timedelta(hours=1)))
    note = Hold(kind="person", why="wait", who="ann", goal="v2", at=seen.now, until=seen.now + timedelta(hours=1))
    assert (after.hold, after.written, last(after)) == (note, before.written, (reason, "held"))
    assert "held" in reason
    assert "ann" in reason
    _, planless = written(commands.hold(None, seen, "ann", "wait"))
    assert planless.hold == replace(note, goal="", until=None)


def test_a_hold_for_no_time() -> None:
    """Now is over."""
    history = halfway()
    now = look(history).now
    said, _ = refusal(history, lambda seen: commands.hold(None, seen, "ann", "", until=now))
    assert said == f"{now:%Y-%m-%d %H:%MZ} has passed, the service's time is {now:%Y-%m-%d %H:%MZ}"


def test_a_hold_without_a_record() -> None:
    """An endpoint that nobody's plan has written to: what is live is taken as written."""
    history = History(roles("v1"))
    history.plane.hand_create_endpoint()
    history.plane.hand_create("blue", "v1")
    history.plane.hand_weights({"blue": 100})
    _, after = written(commands.hold(history.release, look(history), "ann", "wait"))
    assert after.written == weights({"blue": 100})


def test_resume() -> None:
    """From the weights as they are, since now; what was passed is passed, unless a hand has moved the weights."""
    history = halfway("deploy, smoke, traffic 10, bake 30, traffic 100")
    do(history, lambda seen: commands.hold(history.release, seen, "ann", "wait"))
    before, seen = record(history), look(history)
    reason, after = written(commands.resume(history.release, seen, "bob", "go on"))
    assert (after.hold, after.since, after.passed, last(after)) == (None, seen.now, before.passed, (reason, "resumed"))
    assert before.passed
    history.plane.hand_weights({"blue": 80, "green": 20})
    _, moved = written(commands.resume(history.release, look(history), "bob", ""))
    assert (moved.passed, moved.approvals, moved.written) == ((), (), weights({"blue": 80, "green": 20}))


def test_resume_after_a_hand_alone() -> None:
    """Nobody held it, but the weights are not those of the record; where there is neither, it is not held."""
    history = halfway()
    said = ("house is not held", "rollout status shows what it waits for")
    assert refusal(history, lambda seen: commands.resume(history.release, seen, "ann", "")) == said
    history.plane.hand_weights({"blue": 80, "green": 20})
    assert written(commands.resume(None, look(history), "ann", ""))[1].written == weights({"blue": 80, "green": 20})
    bare = History(roles("v1"))
    bare.plane.hand_create_endpoint()
    assert refusal(bare, lambda seen: commands.resume(bare.release, seen, "ann", "")) == said


def test_retry() -> None:
    """The quarantine of this goal ends, that of others stays; the outcome is open again."""
    history = halfway()
    do(history, back(history.release))
    before, seen = record(history), look(history)
    reason, after = written(commands.retry(history.release, seen, "ann", "fixed"))
    assert (len(before.quarantine), after.quarantine, after.outcome) == (1, (), "")
    assert last(after)[0] == reason
    assert reason == "retry by ann: fixed"
    assert refusal(released(), lambda found: commands.retry(roles("v1", LINE), found, "ann", ""))[1] == "rollout status"


def failed() -> tuple[History, Observation]:
    """A world in which the create of `v2` in green has failed, and that look."""
    history = released()
    history.plane.broken_revisions.add("v2")
    history.release = roles("v2", LINE)
    go_on(history)
    return history, look(history)


@pytest.mark.parametrize("change", ["gone", "ready", "another", "serving"])
def test_retry_deletes_only_what_failed(change: str) -> None:
    """Not what came up meanwhile, what is something else by now, or what serves."""
    history, seen = failed()
    first, second = commands.retry(history.release, seen, "ann", "")
    assert isinstance(first, DeleteDeployment)
    assert (first.reason, first.deployment) == ("green is Failed; it is created anew", "green")
    assert isinstance(second, Record)
    assert second.progress is not None
    assert second.progress.quarantine == ()
    endpoint = seen.endpoint
    assert endpoint is not None
    (blue,) = (one for one in endpoint.deployments if one.name == "blue")
    (green,) = (one for one in endpoint.deployments if one.name == "green")
    others = {
        "gone": replace(endpoint, deployments=(blue,)),
        "ready": replace(endpoint, deployments=(blue, replace(green, state="Succeeded"))),
        "another": replace(endpoint, deployments=(blue, replace(green, revision="v9"))),
        "serving": replace(endpoint, weights=weights({"blue": 90, "green": 10})),
    }
    spoilt = replace(seen, endpoint=others[change])
    assert [type(one) for one in commands.retry(history.release, spoilt, "ann", "")] == [Record]


def test_promote() -> None:
    """Past the gate by its name, or fully; what is no gate is not promoted past."""
    history = halfway("deploy, traffic 10, bake 30, traffic 100, bake 60")
    seen = look(history)
    reason, after = written(commands.promote(history.release, seen, "ann", "hurry"))
    assert reason == "promoted past 2-bake-30 by ann: hurry"
    whole, further = written(commands.promote(history.release, seen, "ann", "", full=True))
    assert whole == "promoted fully by ann"
    assert len(further.passed) == len(after.passed) + 1


def test_promote_where_no_gate_is_next() -> None:
    """The next stage is told; where all are passed, that is."""
    history = halfway("deploy, traffic 10, bake 30, traffic 100")
    do(history, lambda seen: commands.promote(history.release, seen, "ann", ""))
    said = refusal(history, lambda seen: commands.promote(history.release, seen, "ann", ""))
    assert said == ("no gate is waited for; the next stage is 3-traffic-100", "rollout apply carries on; or --full")


def test_promote_where_all_is_passed() -> None:
    """The last gate was passed, and nobody has finished the run yet."""
    history = halfway("deploy, traffic 10, bake 30, traffic 100, bake 60")
    do(history, lambda seen: commands.promote(history.release, seen, "ann", ""))
    go_on(history)
    do(history, lambda seen: commands.promote(history.release, seen, "ann", ""))
    said = refusal(history, lambda seen: commands.promote(history.release, seen, "ann", ""))
    assert said == ("every stage is passed already", "rollout apply finishes the run")


def demanding(*, glass: str = "") -> Release:
    """A plan whose policy asks for its smoke test, and has it broken or not."""
    rule = Rule(name="smoke", limits=Limits(gates=(GateRule(kind=GateKind.BAKE, before=100),)))
    return replace(
        roles("v2", "deploy, traffic 10, bake 30, traffic 100, bake 60"),
        policy=Policy(rules=(rule,), break_glass=glass),
    )


def test_promote_past_what_the_policy_demands() -> None:
    """Refused; where the glass is broken, that goes on record, with why. What no rule names is nobody's matter."""
    history = halfway("deploy, traffic 10, bake 30, traffic 100, bake 60")
    said = ("refused by policy: 2-bake-30 is demanded (rule `smoke`)", "--break-glass REASON goes on record")
    for full in (False, True):
        assert refusal(history, lambda seen: commands.promote(demanding(), seen, "ann", "", full=full)) == said  # noqa: B023
    reason, _ = written(commands.promote(demanding(glass="fire"), look(history), "ann", "hurry"))
    assert reason == "promoted past 2-bake-30 by ann: break-glass: fire; hurry"
    free = replace(demanding(), policy=Policy())
    assert written(commands.promote(free, look(history), "ann", "hurry"))[0] == "promoted past 2-bake-30 by ann: hurry"


def test_promote_past_one_that_is_not_demanded() -> None:
    """What is demanded further on is not skipped, unless everything is."""
    history = halfway("deploy, traffic 10, bake 30, traffic 100, bake 60")
    rule = Rule(name="end", limits=Limits(gates=(GateRule(kind=GateKind.BAKE, before=PROMOTION),)))
    twice = Rule(name="all", limits=Limits(gates=(GateRule(kind=GateKind.BAKE, before=100),)))
    late = replace(demanding(), policy=Policy(rules=(rule,)))
    assert written(commands.promote(late, look(history), "ann", ""))[0] == "promoted past 2-bake-30 by ann"
    both = replace(demanding(), policy=Policy(rules=(twice, rule)))
    said = "refused by policy: 2-bake-30 is demanded (rule `all`); 4-bake-60 is demanded (rule `end`)"
    assert refusal(history, lambda seen: commands.promote(both, seen, "ann", "", full=True))[0] == said
    assert refusal(history, lambda seen: commands.promote(late, seen, "ann", "", full=True))[0].startswith("refused")


def test_adopt() -> None:
    """Since now, with what was known before; another plan's endpoint is given up there first."""
    history = halfway()
    do(history, back(history.release))
    before, seen = record(history), look(history)
    reason, after = written(commands.adopt(history.release, seen, "ann", "mine", stable="blue"))
    assert (after.since, after.quarantine, after.history[:-1]) == (seen.now, before.quarantine, before.history)
    assert last(after)[0] == reason
    assert reason.startswith("adopted blue")
    other = roles("v2", LINE, name="other")
    hint = "give it up there first: rollout disown"
    assert refusal(history, lambda found: commands.adopt(other, found, "ann", "", stable="blue"))[1] == hint


def test_adopt_of_an_empty_endpoint() -> None:
    """It has none."""
    history = History(roles("v1"))
    history.plane.hand_create_endpoint()
    said = refusal(history, lambda seen: commands.adopt(history.release, seen, "ann", "", stable="blue"))
    assert said == ("house has no deployment blue", "it has: none")
    history.plane.hand_create("blue", "v1")
    history.plane.hand_create("green", "v2")
    both = refusal(history, lambda seen: commands.adopt(history.release, seen, "ann", "", stable="red"))
    assert both == ("house has no deployment red", "it has: blue, green")


def test_adopt_of_what_may_be_what_the_file_means() -> None:
    """A person says so where nothing tells them apart; what is shown to be something else stays that."""
    for model, revision in (("v2", "v2"), ("v9", None)):
        history = History(roles("v2", LINE))
        history.plane.hand_create_endpoint()
        history.plane.hand_create("blue", model)
        history.plane.hand_weights({"blue": 100})
        promoted = written(commands.adopt(history.release, look(history), "ann", "", stable="blue"))[1].promoted
        assert promoted is not None
        assert (promoted.revision == "v2") is (revision == "v2")


def test_disown_and_destroy() -> None:
    """With their reasons; of what nobody manages there is nothing to give up."""
    history = halfway()
    (gone,) = commands.disown(None, look(history), "ann", "moved")
    (deleted,) = commands.destroy(None, look(history), "ann", "old")
    assert (gone.reason, deleted.reason) == ("disowned by ann: moved", "destroyed by ann: old")
    do(history, lambda seen: commands.disown(None, seen, "ann", ""))
    said = ("no plan manages house", "there is nothing to give up")
    assert refusal(history, lambda seen: commands.disown(None, seen, "ann", "")) == said


def test_approve_where_nothing_waits() -> None:
    """Of several that wait the first is approved; one that was is not asked for again."""
    history = halfway("deploy, approval, traffic 10, approval!b, traffic 100")
    waiting = ("no approval gate x is open", "these wait for approval: 1-approval-0, 3-approval-0")
    assert refusal(history, lambda seen: commands.approve(history.release, seen, "ann", "", stage="x")) == waiting
    reason, after = written(commands.approve(history.release, look(history), "ann", ""))
    assert (last(after), reason.startswith("approved 1-approval-0")) == ((reason, "approved"), True)
    do(history, lambda seen: commands.approve(history.release, seen, "ann", ""))
    go_on(history)
    assert written(commands.approve(history.release, look(history), "ann", ""))[0] == "approved 3-approval-0 by ann"
    free = halfway()
    said = ("nothing waits for approval", "rollout status shows what it waits for")
    assert refusal(free, lambda seen: commands.approve(free.release, seen, "ann", "")) == said


def test_approve_by_whom() -> None:
    """The policy's names."""
    history = halfway(GUARDED)
    rule = Rule(name="two", limits=Limits(approvals=(ApprovalRule(before=10, by=("bob",)),)))
    strict = replace(history.release, policy=Policy(rules=(rule,)))
    said, hint = refusal(history, lambda seen: commands.approve(strict, seen, "ann", ""))
    assert said == "1-approval-0: the yes of ann does not count here, that of bob does (rule `two`)"
    assert hint == "somebody whom the policy names must say yes"
    assert written(commands.approve(strict, look(history), "bob", ""))[0].startswith("approved")
    anybody = replace(
        strict, policy=Policy(rules=(Rule(name="two", limits=Limits(approvals=(ApprovalRule(before=10),))),))
    )
    assert written(commands.approve(anybody, look(history), "ann", ""))[0] == "approved 1-approval-0 by ann"


def test_what_is_not_under_way() -> None:
    """Failed, done, or of unknown standing: each with its remedy."""
    history = halfway()
    do(history, back(history.release))
    approve = lambda seen: commands.approve(history.release, seen, "ann", "")  # noqa: E731
    assert refusal(history, approve) == ("this goal has failed", "rollout retry first")
    done = released()
    said = ("blue serves what the plan asks for; no run is under way", "rollout status")
    assert refusal(done, lambda seen: commands.promote(done.release, seen, "ann", "")) == said
    unknown = History(roles("v3", LINE))
    unknown.plane.hand_create_endpoint()
    unknown.plane.hand_create("blue", "v1")
    unknown.plane.hand_create("green", "v2")
    unknown.plane.hand_weights({"blue": 60, "green": 40})
    said = ("it is not known what is stable", "say it: rollout adopt --stable NAME")
    assert refusal(unknown, lambda seen: commands.promote(unknown.release, seen, "ann", "")) == said
