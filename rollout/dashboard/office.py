"""What the dashboard needs of the outside world. Types only; `cli` wires the real thing in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from rollout.render.html.fleets import Group
from rollout.render.html.rows import Row
from rollout.render.story import Story


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A button: its name (that of the command), its label, and what it does, in a sentence. `exact`: it says yes to
    what follows, so it is refused where that is not what was shown any more."""

    name: str
    label: str
    help: str
    exact: bool = False


COMMANDS: Final = (
    Command(
        name="approve",
        label="Approve",
        help="Says yes to the approval gate that is open, for this goal and all that follows as it is now.",
        exact=True,
    ),
    Command(
        name="promote",
        label="Promote",
        help="Lets the gate that is waited for pass without its measurement. The next pass carries on.",
        exact=True,
    ),
    Command(name="hold", label="Hold", help="Stops the rollout until it is resumed. What serves stays as it is."),
    Command(name="resume", label="Resume", help="Ends a hold; the rollout goes on from the weights as they are."),
    Command(
        name="rollback",
        label="Roll back",
        help="Gives all traffic back to what is promoted, in one write. The goal is not tried again before a retry.",
    ),
)
BY_NAME: Final = {command.name: command for command in COMMANDS}
FLEET_COMMANDS: Final = {
    "rollback": Command(
        name="rollback",
        label="Roll back",
        help="Every member goes back, the last wave first: who is under way to what is promoted, who was released by "
        "this release of the fleet to what it had before. Nothing new starts before a retry or another goal.",
    )
}
_FLEET: Final = "fleet:"


def fleet_key(fleet: str) -> str:
    """What a fleet's page is about; never the key of an endpoint."""
    return _FLEET + fleet


def fleet_of(key: str) -> str:
    """The fleet that a page is about; "" for that of an endpoint."""
    return key.removeprefix(_FLEET) if key.startswith(_FLEET) else ""


class Found(msgspec.Struct, frozen=True):
    """An endpoint as a census of its workspace tells of it: `mark` is another one whenever something has moved."""

    row: Row
    mark: str


class Offer(msgspec.Struct, frozen=True):
    """A button of a page, and why it cannot be pressed now ("" if it can)."""

    name: str
    label: str
    refused: str = ""


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """All about one endpoint: its story where there is a plan, else its row."""

    row: Row
    story: Story | None
    offers: tuple[Offer, ...] = ()


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a command would do now, in sentences, and the `digest` of what it stands on."""

    effects: tuple[str, ...]
    digest: str


class Office(Protocol):
    """Looks and writes, by the same functions as the command line. All methods raise `rollout.errors`."""

    @property
    def who(self) -> str:
        """In whose name commands are carried out."""

    async def census(self) -> Sequence[Found]:
        """Every endpoint: of all plans, and of their workspaces. A few reads."""

    async def look(self, key: str) -> Row:
        """One look at one of them: two reads."""

    async def sight(self, key: str) -> Sight:
        """The same with all that can be seen: metrics and evidence too."""

    async def fleets(self) -> Sequence[Group]:
        """Every fleet, by what was seen of its members so far: at most a read of each quota that a member waits for."""

    def fleet_offers(self, group: Group) -> Sequence[Offer]:
        """The buttons of a fleet's page."""

    async def preview(self, key: str, command: str, why: str) -> Preview:
        """What that command would do. Raises Refused with the reason where it cannot be done."""

    async def act(self, key: str, command: str, why: str, digest: str) -> Sequence[str]:
        """Do it; what was done. Raises Stale where `digest` is given and what it stands on is another now."""
