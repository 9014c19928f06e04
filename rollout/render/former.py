"""A part of the document of a fleet that stands beside its waves."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class FormerMember(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An endpoint whose record still says that it belongs to the fleet, which names it no more."""

    name: Annotated[str, Meta(description="The plan's name.")]
    endpoint: str
    target: Annotated[str, Meta(description="The workspace.")] = ""
