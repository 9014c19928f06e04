"""The change request that takes a failed release back: one for each branch; what a person closed stays closed."""

from __future__ import annotations

import msgspec

from rollout.forge.marker import Marker, marked, same
from rollout.forge.port import Draft, Forge
from rollout.forge.sticky import Deed, Done


async def propose(forge: Forge, marker: Marker, draft: Draft, branch: str) -> Done:
    """Open it from `branch` into the default branch, or bring the one that is open up to date."""
    wanted = msgspec.structs.replace(draft, body=marked(marker, draft.body))
    found = [request for request in await forge.change_requests_from(branch) if request.branch == branch]
    if not found:
        opened = await forge.open_change_request(wanted, branch, await forge.default_branch())
        return Done(deed=Deed.CREATED, what=f"#{opened.number}", url=opened.url)
    newest = found[0]
    if not newest.open or not newest.mine or (newest.title == wanted.title and same(newest.body, wanted.body)):
        return Done(deed=Deed.UNCHANGED, what=f"#{newest.number}", url=newest.url)
    await forge.edit_change_request(newest, wanted)
    return Done(deed=Deed.EDITED, what=f"#{newest.number}", url=newest.url)
