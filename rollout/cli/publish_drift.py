"""The issue about each plan whose endpoint drifts."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rollout.cli.publishing import About, Asked
from rollout.forge.issues import Concern, keep
from rollout.forge.marker import ROOM, Marker
from rollout.forge.port import Draft, Forge
from rollout.forge.sticky import Done
from rollout.render.letters import Letter, drift_letter, drift_over


async def issues(forge: Forge, wish: Asked) -> Sequence[Done]:
    """Bring the issues up to date; a plan that could not be looked at says nothing about its drift."""
    found = [_concern(forge, wish, one) for one in wish.documents if one.document is not None]
    return await keep(forge, found)


def _concern(forge: Forge, wish: Asked, one: About) -> Concern:
    assert one.document is not None, "filtered above"
    marker = Marker(kind="drift", plan=one.name, environment=wish.environment)
    letter = drift_letter(one.document, wish.environment, forge.limits.body - ROOM)
    draft = draft_of(letter, forge) if letter else None
    return Concern(marker=marker, draft=draft, over=drift_over(one.document))


def draft_of(letter: Letter, forge: Forge) -> Draft:
    """The letter within the forge's limits."""
    draft = Draft(title=letter.title, body=letter.body)
    return msgspec.structs.replace(draft, title=draft.title[: forge.limits.title])
