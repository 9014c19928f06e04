"""The two ways back of a fleet's member: from another goal's candidate, and from what this release has promoted."""

from __future__ import annotations

from rollout.cli import exits
from rollout.cli.carry_out import Asked, carry_out
from rollout.cli.fleet_desk import Desk, Sight
from rollout.cli.printing import say
from rollout.core import commands
from rollout.render.document import Pass


async def give_back(desk: Desk, name: str, sight: Sight) -> Pass:
    """The candidate of another goal gives its traffic back: the first action of the normal decision. `sight` is one
    that could be had. Raises RolloutError."""
    decision, seen = sight.decision, sight.seen
    assert decision is not None, "it could be looked at"
    assert seen is not None, "it could be looked at"
    await desk.session(name).plane.apply(decision.actions[0], seen.endpoint)
    say(f"{name}: {decision.reason}", err=True)
    file = str(desk.fleet.members[name].path)
    return Pass(file=file, exit_code=exits.OK, status="act", reason=decision.reason, writes=1)


async def take_back(desk: Desk, name: str, who: str) -> Pass:
    """What was promoted before gets everything again: a person's `rollback --to former`, asked for by the plan. Raises
    RolloutError."""
    fleet, lines = desk.fleet, list[str]()
    release, why = fleet.members[name].release, f"the error budget of the fleet {fleet.plan.name} is exceeded"
    asked = Asked(release=release, endpoint=release.endpoint.name, place=fleet.places[name], who=who, why=why)
    await carry_out(asked, lambda seen: commands.rollback(release, seen, who, why, to="former"), lines.append)
    for text in lines:
        say(f"{name}: {text}", err=True)
    file = str(fleet.members[name].path)
    return Pass(file=file, exit_code=exits.STOPPED, status="taken back", reason=why, writes=len(lines))
