"""From a fleet as it stands to the document that every form is made from."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from rollout.cli.fleet_changes import Changes
from rollout.cli.fleet_desk import Fleet, Sight, is_begun
from rollout.cli.fleet_run import Ended
from rollout.core.decision import Decision, StageState
from rollout.core.fleet import Standing
from rollout.core.observed import Observation
from rollout.core.release import Release
from rollout.render import document as form
from rollout.render.document import Document, Pass

_WAITS = (Standing.PENDING, Standing.IN_FLIGHT)


def told(
    command: str,
    fleet: Fleet,
    ended: Ended,
    exit_code: int,
    changes: Changes | None = None,
) -> form.Fleet:
    """The whole fleet; with what all members would still do, where that was worked out."""
    decision, approval = ended.decision, changes.approval if changes else None
    change_sets: Mapping[str, Document] = changes.change_sets if changes else {}
    views = {view.name: view for view in decision.waves}
    waves = tuple(
        form.FleetWave(
            name=wave.name,
            state=views[wave.name].state,
            reason=views[wave.name].reason,
            after=wave.after,
            until=views[wave.name].until,
            members=tuple(_member(fleet, name, ended, change_sets.get(name)) for name in wave.members),
        )
        for wave in fleet.plan.waves
    )
    times = [member.next_after for wave in waves for member in wave.members if member.next_after and _moves(member)]
    return form.Fleet(
        command=command,
        fleet=fleet.plan.name,
        file=str(fleet.path),
        exit_code=exit_code,
        status=decision.status,
        reason=decision.reason,
        digest=changes.digest if changes else "",
        valid_until=approval.valid_until if approval else None,
        begun=is_begun(fleet, ended.sights),
        error_budget=fleet.plan.error_budget,
        failed=decision.failed,
        waves=waves,
        next_after=min([*times, *([decision.next_after] if decision.next_after else [])], default=None),
        approval=approval,
    )


def as_passes(found: form.Fleet) -> list[tuple[str, Pass]]:
    """The members, by name, as rows among those of plans."""
    return [(member.name, _row(found, wave.name, member)) for wave in found.waves for member in wave.members]


def _row(fleet: form.Fleet, wave: str, member: form.FleetMember) -> Pass:
    return Pass(
        file=f"{fleet.file} {wave}/{member.name}",
        exit_code=member.exit_code,
        status=member.state.value,
        reason=member.reason,
        writes=member.writes,
        next_after=member.next_after,
        change_set=member.change_set,
        part_of=fleet.file,
    )


def bare(fleet: form.Fleet) -> form.Fleet:
    """The fleet without its members' change sets, which stand beside it."""
    waves = (
        replace(wave, members=tuple(replace(member, change_set=None) for member in wave.members))
        for wave in fleet.waves
    )
    return replace(fleet, waves=tuple(waves))


def _member(fleet: Fleet, name: str, ended: Ended, change_set: Document | None) -> form.FleetMember:
    sight, loaded, done = ended.sights[name], fleet.members[name], ended.passes.get(name)
    return form.FleetMember(
        name=name,
        file=str(loaded.path),
        endpoint=loaded.release.endpoint.name,
        target=fleet.places[name].label,
        state=sight.member.standing,
        weight=_weight(loaded.release, sight.seen),
        stage=_stage(sight.decision),
        promoted=sight.decision.roles.stable_revision if sight.decision else "",
        reason=_reason(name, sight, ended, done),
        exit_code=done.exit_code if done else 0,
        writes=done.writes if done else 0,
        next_after=done.next_after if done else sight.decision.next_after if sight.decision else None,
        change_set=change_set or (done.change_set if done else None),
    )


def _reason(name: str, sight: Sight, ended: Ended, done: Pass | None) -> str:
    said = done.change_set.result.measurements if done and done.change_set and done.change_set.result else ()
    failed = next((f"{each.gate}: {each.reason}" for each in said if each.outcome == "FAIL"), "")
    if done is not None and sight.member.standing is not Standing.RELEASED:
        return failed or done.reason
    return ended.decision.waiting.get(name) or sight.member.reason


def _weight(release: Release, seen: Observation | None) -> int:
    """What of the live traffic goes to deployments with the goal."""
    live = seen.endpoint if seen is not None else None
    if live is None:
        return 0
    return sum(live.weights.live(found.name) for found in live.deployments if found.revision == release.goal)


def _stage(decision: Decision | None) -> str:
    """The stage that it is at; "" where it is at none."""
    at = (StageState.ACTIVE, StageState.FAILED)
    return next((view.stage.name for view in decision.stages if view.state in at), "") if decision else ""


def _moves(member: form.FleetMember) -> bool:
    return member.state in _WAITS
