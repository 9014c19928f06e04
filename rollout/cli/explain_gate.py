"""`rollout explain GATE --plan PLAN` and `--record FILE`: what a gate shows, and why. Reads only."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from rollout.cli import exits
from rollout.cli.guessing import hint_for
from rollout.cli.options import Output
from rollout.cli.printing import publish_value
from rollout.cli.rejudge import measurements
from rollout.cli.running import run
from rollout.cli.session import load, opened, place_of
from rollout.core.decide import decide
from rollout.core.release import Gate
from rollout.errors import UsageError
from rollout.gates.measurer import Measurer
from rollout.plan.load import LoadedPlan
from rollout.render.document import FORMAT_VERSION
from rollout.render.explained import Explained, lines, markdown


def live(name: str, plan: Path, target: str | None) -> Explained:
    """What the gate of that name shows now: measured once, as the next pass would. Changes nothing."""
    loaded = load(plan)
    gates = {stage.name: stage for stage in loaded.release.stages if isinstance(stage, Gate)}
    if name not in gates:
        raise UsageError(f"the plan has no gate {name}", hint=hint_for(name, list(gates), "it has"))
    return run(_measured(gates[name], loaded, target))


async def _measured(gate: Gate, loaded: LoadedPlan, target: str | None) -> Explained:
    async with opened(place_of(loaded, target)) as session:
        seen = await session.settled(loaded.release.endpoint.name)
        measure = Measurer(session.scoring, session.plane, session.clock, session.sources, session.recordings)
        found = await measure(gate, seen, decide(loaded.release, seen, {}))
    return Explained(
        gate=gate.name, outcome=found.outcome.value, reason=found.reason, evidence=dict(found.evidence or {})
    )


def recorded(name: str, file: Path) -> Explained:
    """What the gate of that name showed in a result that `--output json=FILE` saved."""
    said = {one.gate: one for one in measurements(file)}
    if name not in said:
        raise UsageError(f"{file} has no measurement of {name}", hint=hint_for(name, list(said), "it has"))
    one = said[name]
    return Explained(gate=one.gate, outcome=one.outcome, reason=one.reason, evidence=dict(one.evidence or {}))


def tell(told: Explained, outputs: tuple[Output, ...]) -> int:
    """Print it; always exit 0: looking succeeds."""
    width = shutil.get_terminal_size().columns
    value = {"format_version": FORMAT_VERSION, **msgspec.to_builtins(told)}
    publish_value(value, lines(told, width), outputs, markdown=lambda: markdown(told))
    return exits.OK
