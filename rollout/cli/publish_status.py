"""A commit status for each plan and fleet, and for each of its stages or waves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rollout.cli.publish_comment import request_of, standing_of
from rollout.cli.publish_life import refuses, station, station_words, told_of
from rollout.cli.publishing import About, Asked
from rollout.core.decision import StageState
from rollout.core.fleet import WaveState
from rollout.errors import UsageError
from rollout.forge.port import Forge, State, Status
from rollout.forge.statuses import post
from rollout.forge.sticky import Done
from rollout.render import harmless
from rollout.render.document import Document, Failure, Fleet
from rollout.render.fleet_life import wave_words
from rollout.render.headline import headline
from rollout.render.life import Life, Standing, stage_words

_STATES: Final = {
    Life.NOTHING: State.SUCCESS,
    Life.PROPOSED: State.SUCCESS,
    Life.APPROVED: State.PENDING,
    Life.APPLYING: State.PENDING,
    Life.DONE: State.SUCCESS,
    Life.ROLLED_BACK: State.FAILURE,
    Life.HELD: State.FAILURE,
    Life.REFUSED: State.FAILURE,
}
"""A change that is only proposed is fine: a required status must not keep it from being merged."""
_STAGES: Final = {
    StageState.SATISFIED: State.SUCCESS,
    StageState.SKIPPED: State.SUCCESS,
    StageState.FAILED: State.FAILURE,
    StageState.ACTIVE: State.PENDING,
    StageState.PENDING: State.PENDING,
}

_WAVES: Final = {WaveState.COMPLETE: State.SUCCESS, WaveState.BLOCKED: State.FAILURE}
"""The others are under way, or wait."""


async def statuses(forge: Forge, wish: Asked, commit: str, *, each_stage: bool) -> Sequence[Done]:
    """Set those that say something new. Raises UsageError where no commit is known."""
    done: list[Done] = []
    for one in wish.each:
        request = await request_of(forge, wish, one, commit=commit)
        on = commit or _commit(wish, request.commit if request and request.open else "")
        wanted = list(_wanted(wish, one, standing_of(request), each_stage=each_stage))
        shown = request.number if request and request.open and request.commit == on else None
        done += await post(forge, on, wanted, shown)
    return done


def _commit(wish: Asked, head: str) -> str:
    found = head or wish.job.commit
    if not found:
        raise UsageError("which commit? Neither the command line nor the job says it", hint="--commit SHA")
    return found


def _wanted(wish: Asked, one: About, standing: Standing, *, each_stage: bool) -> Iterator[Status]:
    root = "/".join(["rollout", *([wish.environment] if wish.environment else []), one.name])
    context, url = harmless.line(root, 200), wish.run_url
    told, life = told_of(one), station(one, standing)
    if isinstance(told, Failure) or life is None:
        said = harmless.line(headline(told))
        yield Status(context=context, state=State.ERROR, description=said, url=url)
        return
    state = State.FAILURE if life in (Life.PROPOSED, Life.APPROVED) and refuses(told) else _STATES[life]
    yield Status(context=context, state=state, description=station_words(told, standing), url=url)
    for index, (name, found, words) in enumerate(_parts(told), 1) if each_stage else ():
        part = harmless.line(f"{context}/{index:02} {name}")
        yield Status(context=part, state=found, description=words, url=url)


def _parts(told: Document | Fleet) -> Iterator[tuple[str, State, str]]:
    """The stages of a plan, the waves of a fleet."""
    if isinstance(told, Fleet):
        yield from ((wave.name, _WAVES.get(wave.state, State.PENDING), wave_words(wave)) for wave in told.waves)
    else:
        yield from ((stage.name, _STAGES[stage.state], stage_words(stage)) for stage in told.stages)
