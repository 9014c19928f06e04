"""The pull request that takes the release of a fleet back, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from rollout.core.fleet import FleetStatus, Standing
from rollout.render import harmless, words
from rollout.render.budget import Block, fitted
from rollout.render.document import Fleet, FleetMember
from rollout.render.letters import WHOLE, Letter, Restoration, evidence_of, proof_of, taken_back
from rollout.render.styled import plural

_WHERE: Final = 80


class FleetRestoration(msgspec.Struct, frozen=True, kw_only=True):
    """What the files as they were mean for the members: whose goal is what is promoted on them (`calm`), and which goal
    each of the others gets."""

    calm: tuple[str, ...]
    moved: Mapping[str, str] = {}


def failed_members(fleet: Fleet) -> tuple[FleetMember, ...]:
    """Those of a fleet that stopped over its error budget that failed and have something else promoted."""
    if fleet.status is not FleetStatus.HOLD or fleet.failed <= fleet.error_budget:
        return ()
    return tuple(one for one in fleet.members if one.state is Standing.FAILED and one.promoted)


def fleet_revert_letter(
    fleet: Fleet, environment: str, back: Restoration, outcome: FleetRestoration, patch: str, limit: int
) -> Letter:
    """The pull request, in at most `limit` bytes."""
    where = f" ({harmless.line(environment, _WHERE)})" if environment else ""
    title = f"Take back fleet {harmless.line(fleet.fleet, _WHERE)}{where} ({plural(fleet.failed, 'member')} failed)"
    blocks = [*_why(fleet), *proof_of(back), *_outcome(outcome), evidence_of(patch)]
    return Letter(title, fitted(blocks, limit, WHOLE))


def fleet_revert_message(fleet: Fleet, back: Restoration) -> str:
    """The commit's message."""
    return taken_back(f"the fleet {harmless.line(fleet.fleet, _WHERE)}", "stopped", fleet.reason, back)


def _why(fleet: Fleet) -> Iterator[Block]:
    reason = harmless.prose(fleet.reason, 1_000)
    text = (
        f"The release of the fleet {harmless.code(fleet.fleet)} was **stopped**: {reason}\n\n"
        "Until the files in Git agree, each pass holds."
    )
    yield Block(rank=0, what="the reason", head=text)
    items = tuple(
        f"- {harmless.code(one.name)}: {harmless.prose(one.reason, 300)}"
        for one in fleet.members
        if one.state is Standing.FAILED
    )
    yield Block(rank=1, what="failed members", head="These have failed:\n\n", items=items, more="- … and {} more")


def _outcome(outcome: FleetRestoration) -> Iterator[Block]:
    calm = f"What is promoted on {plural(len(outcome.calm), 'member')} is their goal again: the merge deploys nothing"
    if not outcome.moved:
        yield Block(rank=0, what="the proof", head=f"{calm}.")
        return
    items = tuple(
        f"- {harmless.code(name)}: {harmless.code(words.short(goal))}" for name, goal in outcome.moved.items()
    )
    head = f"{calm} there. The merge **releases** these goals to the others:\n\n"
    yield Block(rank=0, what="the proof", head=head, items=items, more="- … and {} more")
