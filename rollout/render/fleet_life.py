"""Where a change of a fleet is between its pull request and its end: the stations of `render.life`, in waves."""

from __future__ import annotations

from typing import Final

from rollout.core.decision import Status
from rollout.core.fleet import SETTLED, FleetStatus, WaveState
from rollout.render import harmless, words
from rollout.render.document import Fleet, FleetWave
from rollout.render.headline import headline
from rollout.render.life import Life, line_of
from rollout.render.life import Standing as Known

_AT: Final = (WaveState.BLOCKED, WaveState.OPEN, WaveState.BAKING)


def fleet_life_of(fleet: Fleet, known: Known) -> Life:
    """The station. What the endpoints show is stronger than what the forge knows."""
    match fleet.status:
        case FleetStatus.DONE:
            return Life.DONE if known.merged else Life.NOTHING
        case FleetStatus.HOLD:
            return Life.ROLLED_BACK if fleet.failed > fleet.error_budget else Life.HELD
    if fleet.begun:
        return Life.APPLYING
    return Life.APPROVED if known.merged or known.approved_by else Life.PROPOSED


def fleet_life_line(fleet: Fleet, known: Known) -> str:
    """The line at the top of a comment, in Markdown."""
    life = fleet_life_of(fleet, known)
    return line_of(life, _count(fleet, life), _told(fleet, life), known)


def fleet_status_words(fleet: Fleet, known: Known) -> str:
    """The same for a commit status: plain words, the most important first."""
    life = fleet_life_of(fleet, known)
    match life:
        case Life.NOTHING:
            return harmless.line(headline(fleet))
        case Life.DONE:
            return harmless.line(f"done: {fleet.failed} failed, within the budget") if fleet.failed else "done"
        case Life.APPLYING:
            return harmless.line(f"applying{_count(fleet, life)}: {fleet.reason}")
        case Life.PROPOSED | Life.APPROVED:
            return harmless.line(f"{life.value}: {headline(fleet)}")
        case _:
            return harmless.line(f"{life.value}: {fleet.reason}")


def wave_words(wave: FleetWave) -> str:
    """One wave, for a commit status of its own."""
    settled = sum(member.state in SETTLED for member in wave.members)
    return harmless.line(f"{wave.state.value}: {wave.reason or f'{settled} of {len(wave.members)} settled'}")


def would_change(fleet: Fleet) -> bool:
    """Whether anything would be done to any member."""
    return any(found.actions for found in fleet.change_sets)


def is_refused(fleet: Fleet) -> bool:
    """Whether a hazard that nobody allowed, or a rule, keeps a member from being released."""
    found = fleet.change_sets
    return any(one.decision.status is Status.REFUSE or any(each.refused for each in one.hazards) for one in found)


def _count(fleet: Fleet, life: Life) -> str:
    settled = sum(member.state in SETTLED for member in fleet.members)
    return f" {settled}/{len(fleet.members)}" if life in (Life.APPLYING, Life.HELD) else ""


def _told(fleet: Fleet, life: Life) -> str:
    """Which wave it is at, and why it stopped."""
    wave = next((wave for state in _AT for wave in fleet.waves if wave.state is state), None)
    at = harmless.code(wave.name) if wave else ""
    match life:
        case Life.APPLYING if wave is not None:
            return f" {at}" + (f" bakes until {words.moment(wave.until)}" if wave.until else "")
        case Life.ROLLED_BACK:
            return (f" at {at}" if wave else "") + f": {harmless.prose(fleet.reason, 300)}"
        case Life.HELD:
            return f": {harmless.prose(fleet.reason, 300)}"
    return ""
