"""`rollout simulate`: a whole plan on an emulator of its own, at high speed, under made-up traffic."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
import msgspec

from rollout.cli import ending, options
from rollout.cli.listening import listener
from rollout.cli.options import Output
from rollout.cli.printing import publish_value
from rollout.cli.running import run
from rollout.cli.session import CREATES, Session, load, opened
from rollout.cli.simulated_release import Staged, earlier, roles, staged
from rollout.cli.simulated_tale import Tale
from rollout.cli.simulated_wish import MEDIAN_MS, Each, Failing, Medians, Outages, Shares, Wish
from rollout.cli.simulated_world import BEGUN, Assuming, LeapingClock, World, world
from rollout.core.hazards import ANY
from rollout.core.release import Gate, Release
from rollout.errors import RolloutError
from rollout.gates.measurer import Measurer
from rollout.render.document import FORMAT_VERSION
from rollout.render.simulated import Simulation, lines, markdown
from rollout.runner import Event, Limits, Listener, Result, Runner

BEFORE: Final = 3660.0
"""Seconds in which stable alone gets the traffic before the release begins: an hour of whole minutes."""
_ALLOWED: Final = frozenset({ANY, CREATES})


@click.command()
@options.plan_argument()
@options.option(
    "--errors", type=Shares(), default="0%", help="Share of requests that fail: 3%, or stable=0.5%,candidate=3%."
)
@options.option("--latency", type=Medians(), default="40ms", help="Median time: 80ms, or stable=50ms,candidate=3x.")
@options.option("--requests-per-minute", "per_minute", type=click.FloatRange(0, 60_000), default=600, show_default=True)
@options.option("--no-traffic", is_flag=True, help="Nobody asks.")
@options.option(
    "--burst", type=click.FloatRange(0, 1, max_open=True), default=0, help="Correlation of the failures of a minute."
)
@options.option(
    "--outage", "outages", type=Outages(), multiple=True, help="Both fail from … to, as 20m..30m or 20m..30m=50%."
)
@options.option("--seed", default=0, show_default=True, help="The same seed, the same requests.")
@options.option("--every", type=options.DurationType(), default="1m", show_default=True, help="How often is looked.")
@options.option("--first", is_flag=True, help="From nothing, instead of over an earlier release.")
@options.option(
    "--scoring", is_flag=True, help="Run the plan's own scoring scripts, for its smoke tests and comparisons."
)
@options.three_forms
def simulate(
    plan: Path,
    errors: Each,
    latency: Each,
    per_minute: float,
    no_traffic: bool,
    burst: float,
    outages: tuple[Failing, ...],
    seed: int,
    every: float,
    first: bool,
    scoring: bool,
    outputs: tuple[Output, ...],
) -> int:
    """Run all of PLAN on an emulator of its own, hours of bakes in seconds, and print what happened when.

    The runner, its queries and the judge are those of `apply`; the requests are made up, and time leaps. The exit code
    is what `apply --wait` would end with.
    """
    wish = Wish(
        errors=errors,
        latency=latency,
        per_minute=0.0 if no_traffic else per_minute,
        burst=burst,
        outages=outages,
        seed=seed,
        every=max(every, 1.0),
        scoring=scoring,
    )
    told = run(_simulated(load(plan).release, wish, first=first))
    value = {"format_version": FORMAT_VERSION, **msgspec.to_builtins(told)}
    publish_value(value, lines(told), outputs, markdown=lambda: markdown(told))
    return told.exit_code


async def _simulated(release: Release, wish: Wish, *, first: bool) -> Simulation:
    with world(scoring=wish.scoring) as here, _shown(release) as heard:
        scene = staged(release, here.log_workspace, scoring=wish.scoring)
        async with opened(here.place) as session:
            if not first and release.literal is None:
                await _released_before(session, here, scene, wish)
            begun = (await session.plane.observe(release.endpoint.name)).now
            await here.traffic(wish.traffic(release.endpoint.name.lower(), _names(release, first=first), begun))
            tale = Tale(begun)
            result = await _run(session, here, scene, wish, (tale, *heard))
            return _told(release, wish, scene, tale, result)


@contextmanager
def _shown(release: Release) -> Iterator[tuple[Listener, ...]]:
    """A live display on a terminal; a log of every look would say the timeline twice."""
    if not sys.stderr.isatty():
        yield ()
        return
    with listener(f"simulating {release.name}") as heard:
        yield (heard,)


async def _released_before(session: Session, here: World, scene: Staged, wish: Wish) -> None:
    """An earlier release serves everything, and stable alone got the traffic for an hour."""
    before = msgspec.structs.replace(scene, release=earlier(scene.release), assumed=_all(scene.release))
    name = scene.release.endpoint.name
    result = await _run(session, here, before, wish, ())
    if result.decision.status.value != "done":
        raise RolloutError(f"the earlier release came to no end: {result.decision.reason}")
    await here.traffic({**wish.traffic(name.lower(), roles(scene.release), BEGUN), "outages": []})
    await here.advance(BEFORE)


async def _run(session: Session, here: World, scene: Staged, wish: Wish, heard: tuple[Listener, ...]) -> Result:
    clock = LeapingClock(here, wish.every)
    listeners: tuple[Listener, ...] = (clock, *heard)

    def tell(event: Event) -> None:
        for one in listeners:
            one(event)

    measure = Measurer(session.scoring, session.plane, clock, session.sources, session.recordings)
    runner = Runner(
        scene.release, session.plane, Assuming(measure, scene.assumed), clock, allowed=_ALLOWED, listener=tell
    )
    return await runner.run(Limits(max_wait=1e9))


def _all(release: Release) -> dict[str, str]:
    return {stage.digest: "the earlier release" for stage in release.stages if isinstance(stage, Gate)}


def _names(release: Release, *, first: bool) -> dict[str, str]:
    """A first release in roles form has no stable: its candidate takes the first slot."""
    named = roles(release)
    return {"candidate": named["stable"]} if first and release.literal is None else named


def _told(release: Release, wish: Wish, scene: Staged, tale: Tale, result: Result) -> Simulation:
    endpoint = result.observation.endpoint
    code = ending.after_apply(result.decision, gate_failed=tale.failed, detailed=False)
    return Simulation(
        plan=release.name,
        endpoint=release.endpoint.name,
        asked=_asked(wish),
        notes=scene.notes,
        moments=tuple(tale.moments),
        status=result.decision.status.value,
        reason=result.decision.reason,
        seconds=tale.at,
        writes=result.writes,
        traffic=dict(endpoint.weights.traffic) if endpoint else {},
        exit_code=code,
    )


def _asked(wish: Wish) -> str:
    parts = [
        f"{wish.per_minute:g} requests a minute",
        f"errors stable {100 * wish.errors.stable:g} %, candidate {100 * wish.errors.candidate:g} %",
    ]
    if wish.latency != Each(MEDIAN_MS, MEDIAN_MS):
        parts.append(f"median stable {wish.latency.stable:g} ms, candidate {wish.latency.candidate:g} ms")
    if wish.burst:
        parts.append(f"bursts of correlation {wish.burst:g}")
    parts += [
        f"outage of both from {one.start / 60:g} to {one.end / 60:g} min ({one.share:.0%})" for one in wish.outages
    ]
    return ", ".join([*parts, f"seed {wish.seed}"])
