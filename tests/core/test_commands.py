"""A person's commands, carried out on the emulator's rules: what the world is afterwards, and what `run` does then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from rollout.core import commands
from rollout.core.actions import Action, DeleteDeployment, DeleteEndpoint, Record, SetTraffic
from rollout.core.commands import Actions
from rollout.core.decision import Decision, Phase, Status
from rollout.core.observed import Observation, all_to, weights
from rollout.core.progress import Damaged, Progress, from_tags
from rollout.core.quarantine import BY_HAND
from rollout.core.release import Release
from rollout.errors import Refused
from rollout.runner import Limits
from tests.worlds.history import History, finish
from tests.worlds.plane import NAME, START
from tests.worlds.plans import roles

LINE = "deploy, traffic 10, bake 30, traffic 100, delete 100"
GUARDED = "deploy, approval, traffic 10, bake 30, traffic 100, bake 60"
Command = Callable[[Observation], Actions]


def released(line: str = LINE) -> History:
    """A world in which `v1` serves from blue."""
    history = History(roles("v1", line))
    go_on(history)
    return history


def go_on(history: History) -> Decision:
    """What `apply` does without `--wait`."""
    history.watch.release = history.release
    return finish(history.runner.run(Limits())).decision


def halfway(line: str = LINE) -> History:
    """The same, with `v2` in green, as far as it goes without waiting."""
    history = released()
    history.release = roles("v2", line)
    go_on(history)
    return history


def look(history: History) -> Observation:
    """What is live."""
    return finish(history.plane.observe(NAME))


def do(history: History, command: Command) -> tuple[Action, ...]:
    """Carry a command out, each action on a fresh look."""
    actions = command(look(history))
    for action in actions:
        finish(history.plane.apply(action, look(history).endpoint))
    return actions


def record(history: History) -> Progress:
    """The record in the endpoint's tags."""
    endpoint = look(history).endpoint
    assert endpoint is not None
    found = from_tags(endpoint.tags)
    assert found is not None
    assert not isinstance(found, Damaged)
    return found


def split(history: History) -> object:
    """The weights that are live."""
    endpoint = look(history).endpoint
    assert endpoint is not None
    return endpoint.weights


def refusal(history: History, command: Command) -> tuple[str, str]:
    """The sentence and the hint of a command that is refused."""
    with pytest.raises(Refused) as caught:
        command(look(history))
    return str(caught.value), caught.value.hint


def back(release: Release | None, to: str = "stable") -> Command:
    """`rollback` by ann."""
    return lambda seen: commands.rollback(release, seen, "ann", "slow", to=to)  # type: ignore[arg-type]


def test_hold_stops_the_run_and_resume_lets_it_go_on() -> None:
    """A person's hold is only ended by `resume`, and the weights stay as they are meanwhile."""
    history = halfway()
    do(history, lambda seen: commands.hold(history.release, seen, "ann", "look at it"))
    held = go_on(history)
    assert (held.status, held.reason) == (Status.HOLD, "held by ann: look at it (rollout resume)")
    assert split(history) == weights({"blue": 90, "green": 10})
    do(history, lambda seen: commands.resume(history.release, seen, "ann", ""))
    assert go_on(history).status is Status.WAIT
    assert record(history).hold is None


@pytest.mark.parametrize("end", [timedelta(hours=2), START + timedelta(days=1)])
def test_a_hold_ends_at_its_time(end: datetime | timedelta) -> None:
    """No pass undoes it before; then it goes on as if nobody had held it, and the next write forgets the hold."""
    history = halfway()
    do(history, lambda seen: commands.hold(history.release, seen, "ann", "lunch", until=end))
    held = record(history).hold
    assert held is not None
    assert held.at is not None
    assert held.until == (held.at + end if isinstance(end, timedelta) else end)
    writes = history.plane.requests.writes
    for _ in range(3):
        assert (found := go_on(history)).status is Status.HOLD
        assert found.next_after == held.until
    history.plane.now = held.until - timedelta(seconds=1)
    assert go_on(history).status is Status.HOLD
    assert history.plane.requests.writes == writes
    history.plane.now = held.until
    assert go_on(history).status is not Status.HOLD
    assert record(history).hold is None


def test_a_hold_until_yesterday_is_refused() -> None:
    """By the service's time."""
    history = halfway()
    with pytest.raises(Refused, match="2026-01-01 00:00Z has passed, the service's time is 2026-01-01 "):
        do(history, lambda seen: commands.hold(history.release, seen, "ann", "", until=START))


def test_hold_needs_no_plan() -> None:
    """The endpoint's tags are enough."""
    history = halfway()
    do(history, lambda seen: commands.hold(None, seen, "ann", "night"))
    found = record(history).hold
    assert found is not None
    assert (found.kind, found.who, found.why, found.goal) == ("person", "ann", "night", "")


def test_resume_accepts_what_a_hand_from_outside_did() -> None:
    """After a hand's weights, `resume` makes them ours: the run goes on from there, with its gates anew."""
    history = halfway()
    history.plane.hand_weights({"blue": 70, "green": 30})
    assert go_on(history).status is Status.HOLD
    do(history, lambda seen: commands.resume(history.release, seen, "ann", "as I want it"))
    assert record(history).written == weights({"blue": 70, "green": 30})
    assert go_on(history).status is Status.WAIT


def test_resume_without_a_hold_is_refused() -> None:
    """There is nothing to resume."""
    history = halfway()
    assert refusal(history, lambda seen: commands.resume(history.release, seen, "ann", "")) == (
        "house is not held",
        "rollout status shows what it waits for",
    )


def test_rollback_takes_all_weight_back_in_one_write_and_the_goal_is_not_tried_again() -> None:
    """Traffic, record and quarantine come in one PUT; the next run only says that it was rolled back."""
    history = halfway()
    (action,) = do(history, back(history.release))
    assert isinstance(action, SetTraffic)
    assert (action.weights, action.endpoint) == (all_to("blue"), None)
    assert split(history) == all_to("blue")
    found = record(history)
    assert (found.under_way, found.passed, found.outcome) == (None, (), "rolled_back")
    assert [(entry.goal, entry.key) for entry in found.quarantine] == [("v2", BY_HAND)]
    after = go_on(history)
    assert (after.status, after.phase) == (Status.HOLD, Phase.ROLLED_BACK)
    assert split(history) == all_to("blue")


def test_rollback_needs_only_the_tags() -> None:
    """Without a plan the run's goal comes from the record."""
    history = halfway()
    do(history, back(None))
    assert split(history) == all_to("blue")
    assert [entry.goal for entry in record(history).quarantine] == ["v2"]


def test_rollback_ends_a_mirror() -> None:
    """What is mirrored is off after it, too."""
    history = halfway("deploy, mirror 10, bake 10, traffic 100")
    assert split(history) == weights({"blue": 100}, {"green": 10})
    do(history, back(None))
    assert split(history) == all_to("blue")


def test_rollback_after_a_manual_promotion() -> None:
    """A hand gave the candidate all traffic; the rollback returns it to what is promoted."""
    history = halfway()
    history.plane.hand_weights({"green": 100})
    do(history, back(history.release))
    assert split(history) == all_to("blue")
    assert go_on(history).phase is Phase.ROLLED_BACK


def test_rollback_with_nothing_to_roll_back_is_refused() -> None:
    """What is promoted has everything and no run is under way: say so, and what else there is."""
    history = released()
    sentence = "blue has all traffic and no run is under way"
    assert refusal(history, back(history.release)) == (sentence, "rollout status shows what serves")


def test_rollback_is_refused_where_nothing_was_ever_promoted() -> None:
    """A bare endpoint has nothing to go back to."""
    history = History(roles("v1"))
    history.plane.hand_create_endpoint()
    sentence, _ = refusal(history, back(history.release))
    assert sentence == "nothing was ever promoted here, so there is nothing to go back to"


def test_rollback_to_the_former_swaps_the_two() -> None:
    """After a promotion the former stable, still there, takes everything back; the plan does not go on by itself."""
    history = halfway()
    history.plane.now += timedelta(minutes=40)
    go_on(history)
    assert split(history) == all_to("green")
    assert refusal(history, back(history.release))[1] == (
        "to return to blue, which served before: rollout rollback --to former"
    )
    do(history, back(None, "former"))
    found = record(history)
    assert split(history) == all_to("blue")
    assert found.promoted is not None
    assert found.former is not None
    assert (found.promoted.name, found.promoted.revision) == ("blue", "v1")
    assert (found.former.name, found.former.revision) == ("green", "v2")
    assert go_on(history).phase is Phase.ROLLED_BACK


def test_rollback_to_a_former_that_is_gone_is_refused() -> None:
    """The way out is Git's."""
    history = released()
    sentence, hint = refusal(history, back(None, "former"))
    assert (sentence, hint) == ("the former stable does not exist any more", "git revert, then rollout apply")


def test_retry_lets_a_rolled_back_goal_start_again() -> None:
    """The quarantine is over and the run starts."""
    history = halfway()
    do(history, back(history.release))
    do(history, lambda seen: commands.retry(history.release, seen, "ann", "fixed"))
    assert go_on(history).status is Status.WAIT
    assert split(history) == weights({"blue": 90, "green": 10})


def test_retry_deletes_a_failed_create_first() -> None:
    """A create that failed leaves a deployment behind; it must go before the same revision is created again."""
    history = released()
    history.plane.broken_revisions.add("v2")
    history.release = roles("v2", LINE)
    assert go_on(history).phase is Phase.ROLLED_BACK
    history.plane.broken_revisions.clear()
    actions = do(history, lambda seen: commands.retry(history.release, seen, "ann", ""))
    assert [type(action) for action in actions] == [DeleteDeployment, Record]
    assert go_on(history).status is Status.WAIT
    assert split(history) == weights({"blue": 90, "green": 10})


def test_retry_of_what_has_not_failed_is_refused() -> None:
    """There is nothing to try again."""
    history = halfway()
    sentence, _ = refusal(history, lambda seen: commands.retry(history.release, seen, "ann", ""))
    assert sentence == "this goal has not failed, there is nothing to try again"


def test_promote_passes_the_gate_that_is_waited_for_and_no_other() -> None:
    """The bake at 10 % is skipped; the bake behind the last traffic stage still waits."""
    history = halfway("deploy, traffic 10, bake 30, traffic 100, bake 60")
    do(history, lambda seen: commands.promote(history.release, seen, "ann", "in a hurry"))
    assert go_on(history).status is Status.WAIT
    assert split(history) == all_to("green")
    assert record(history).promoted is not None
    assert any("promoted past" in entry.what for entry in record(history).history)


def test_promote_full_passes_every_gate_that_remains() -> None:
    """One marker, and the next run goes to the end."""
    history = halfway("deploy, traffic 10, bake 30, traffic 100, bake 60")
    do(history, lambda seen: commands.promote(history.release, seen, "ann", "", full=True))
    assert go_on(history).status is Status.DONE
    promoted = record(history).promoted
    assert promoted is not None
    assert promoted.revision == "v2"


def test_promote_with_nothing_under_way_is_refused() -> None:
    """A converged plan has no gate to pass."""
    history = released()
    sentence, _ = refusal(history, lambda seen: commands.promote(history.release, seen, "ann", ""))
    assert sentence == "blue serves what the plan asks for; no run is under way"


def test_promote_is_refused_while_held() -> None:
    """The hold first."""
    history = halfway()
    do(history, lambda seen: commands.hold(history.release, seen, "bob", "wait"))
    found = refusal(history, lambda seen: commands.promote(history.release, seen, "ann", ""))
    assert found == ("the rollout is held: wait", "rollout resume first")


def test_approve_opens_the_approval_gate() -> None:
    """The run goes on to 10 %, and the record says who said yes."""
    history = halfway(GUARDED)
    assert split(history) == all_to("blue")
    do(history, lambda seen: commands.approve(history.release, seen, "ann", ""))
    assert [entry.who for entry in record(history).approvals] == ["ann"]
    go_on(history)
    assert split(history) == weights({"blue": 90, "green": 10})


def test_approve_of_an_unknown_gate_names_those_that_wait() -> None:
    """A typing error does not approve anything."""
    history = halfway(GUARDED)
    found = refusal(history, lambda seen: commands.approve(history.release, seen, "ann", "", stage="nope"))
    assert found == ("no approval gate nope is open", "these wait for approval: 1-approval-0")


def test_adopt_says_who_is_stable_where_it_cannot_be_told() -> None:
    """Two deployments share the traffic without a record; one is called stable and the other's weight stays."""
    history = History(roles("v3", LINE))
    history.plane.hand_create_endpoint()
    history.plane.hand_create("blue", "v1")
    history.plane.hand_create("green", "v2")
    history.plane.hand_weights({"blue": 60, "green": 40})
    assert go_on(history).status is Status.HOLD
    do(history, lambda seen: commands.adopt(history.release, seen, "ann", "", stable="Blue"))
    found = record(history)
    assert found.promoted is not None
    assert (found.plan, found.promoted.name, found.written) == ("plan", "blue", weights({"blue": 60, "green": 40}))


def test_adopt_of_what_is_not_there_names_what_is() -> None:
    """A typing error is told."""
    history = released()
    found = refusal(history, lambda seen: commands.adopt(history.release, seen, "ann", "", stable="gren"))
    assert found == ("house has no deployment gren", "it has: blue")


def test_a_foreign_endpoint_is_left_alone() -> None:
    """Another plan owns it: no command of this plan writes."""
    history = halfway()
    mine = roles("v2", LINE, name="other")
    wishes: list[Command] = [
        lambda seen: commands.hold(mine, seen, "ann", ""),
        lambda seen: commands.adopt(mine, seen, "ann", "", stable="blue"),
        lambda seen: commands.disown(mine, seen, "ann", ""),
        lambda seen: commands.destroy(mine, seen, "ann", ""),
        back(mine),
    ]
    sentences = {refusal(history, wish)[0] for wish in wishes}
    assert sentences == {"house belongs to the plan plan"}


def test_disown_takes_our_tags_off_and_nothing_else() -> None:
    """What serves stays as it is; another plan may adopt it then."""
    history = halfway()
    before = split(history)
    do(history, lambda seen: commands.disown(None, seen, "ann", ""))
    endpoint = look(history).endpoint
    assert endpoint is not None
    assert (from_tags(endpoint.tags), endpoint.weights) == (None, before)


def test_destroy_deletes_the_endpoint() -> None:
    """It names its hazards."""
    history = halfway()
    (action,) = do(history, lambda seen: commands.destroy(history.release, seen, "ann", ""))
    assert isinstance(action, DeleteEndpoint)
    assert [(one.name, one.target, one.state) for one in action.hazards] == [
        ("deletes-endpoint", "house", "shown"),
        ("deletes-traffic", "blue, green", "shown"),
    ]
    assert look(history).endpoint is None


def test_commands_on_no_endpoint_are_refused() -> None:
    """There is nothing to write to."""
    history = History(roles("v1"))
    assert refusal(history, back(history.release)) == ("the endpoint does not exist", "rollout apply creates it")
