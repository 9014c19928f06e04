"""What a preset is. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from rollout.emulator.answers import Rejected
from rollout.emulator.faults import Fail, Fault, Status
from rollout.emulator.world import Kind

Known = Literal["documented", "seen", "unverified"]
GUIDE: Final = "Please see troubleshooting guide, available here: https://aka.ms/oe-tsg#error-"


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A fault with a name. `known` says how well: its code or status, and (in `wording`) its sentence."""

    name: str
    what: str
    fault: Fault
    known: Known = "documented"
    wording: Known = "unverified"

    @property
    def source(self) -> str:
        """Where it is from, in words."""
        if self.known == self.wording:
            return self.known
        return f"{self.known}; the sentence is {'seen' if self.wording == 'seen' else self.wording}"


def ending(
    name: str,
    code: str,
    what: str,
    message: str,
    *,
    log: str = "",
    known: Known = "documented",
    wording: Known = "unverified",
) -> Preset:
    """The next create of a deployment ends with this code."""
    effect = Fail(operation=Kind.DEPLOYMENT_CREATE, code=code, message=message, log=log)
    return Preset(name=name, what=what, fault=Fault(effect=effect, name=name), known=known, wording=wording)


def refusal(
    name: str, what: str, method: str, path: str, refused: Rejected, *, known: Known = "seen", wording: Known = "seen"
) -> Preset:
    """The next such request to Resource Manager is refused, in the service's own envelope."""
    answer = refused.answer(datetime(2026, 1, 1, tzinfo=UTC), "eastus2", "0" * 32)
    text = msgspec.json.encode(answer.body).decode()
    effect = Status(status=refused.status, text=text, headers={"content-type": "application/json; charset=utf-8"})
    fault = Fault(effect=effect, method=method, path=path, name=name)
    return Preset(name=name, what=what, fault=fault, known=known, wording=wording)


def scoring(
    name: str,
    status: int,
    what: str,
    text: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    behind: bool = True,
    known: Known = "documented",
    wording: Known = "unverified",
) -> Preset:
    """The next scoring request gets this answer: from the deployment that it is routed to, or in front of it."""
    effect = Status(status=status, text=text, headers={"content-type": "text/plain", **(headers or {})})
    fault = Fault(effect=effect, path="/score", area="data", deployment=".*" if behind else None, name=name)
    return Preset(name=name, what=what, fault=fault, known=known, wording=wording)
