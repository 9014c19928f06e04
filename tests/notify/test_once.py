"""Each transition is notified once, through crashes at random moments, by any number of runners.

The outbox is the real one, in the emulator's storage through Azure's own client; the receiver is a real web server. A
crash is an exception that nobody catches, at one of the borders where a `kill -9` could fall: before and after each
read, write and send. `ROLLOUT_NOTIFY_CRASHES=100` is the long form.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rollout.azure.target import Connection, connect
from rollout.core.notices import Notice, Rule, on_record
from rollout.core.outbox import CLAIM, Due
from rollout.core.progress import Progress, from_tags, remember, to_tags
from rollout.emulator.server import EmulatorServer
from rollout.emulator.service import Options
from rollout.notify.letter import Letter, Sender
from rollout.notify.post import Post, senders
from rollout.ports import Notebook
from tests.azure.conftest import Bench
from tests.notify.receiver import SECRET, Receiver

CRASHES = int(os.environ.get("ROLLOUT_NOTIFY_CRASHES", "10"))
START = datetime(2026, 1, 1, tzinfo=UTC)
RULE = Rule(
    name="bus",
    kind="webhook",
    url_from="HOOK_URL",
    secret_from="HOOK_SECRET",
    events=("started", "advanced", "promoted", "other"),
)
KINDS = ("started", "advanced", "promoted")


class Killed(BaseException):
    """The process is gone."""


class Fate:
    """Kills at one border, chosen at random; the next `moments` borders are counted."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.left = -1
        self.crashes = 0
        self.sent = False
        self.between = 0

    def arm(self, most: int) -> None:
        """One of the next `most` borders is the last one of this process."""
        self.left = self._chance.randrange(most)

    def border(self) -> None:
        """Here a process may end."""
        if self.left == 0:
            self.left = -1
            self.crashes += 1
            self.between += self.sent
            self.sent = False
            raise Killed
        self.left -= 1 if self.left > 0 else 0


class Mortal:
    """A notebook, or a sender, of a process that may end before and after whatever it does."""

    def __init__(self, fate: Fate, notebook: Notebook | None = None, sender: Sender | None = None) -> None:
        self._fate, self._notebook, self._sender = fate, notebook, sender

    async def read(self) -> tuple[bytes, str]:
        self._fate.border()
        assert self._notebook is not None
        found = await self._notebook.read()
        self._fate.border()
        return found

    async def write(self, content: bytes, version: str) -> None:
        self._fate.border()
        assert self._notebook is not None
        await self._notebook.write(content, version)
        self._fate.sent = False
        self._fate.border()

    async def send(self, letter: Letter) -> str:
        self._fate.border()
        assert self._sender is not None
        said = await self._sender.send(letter)
        self._fate.sent = True
        self._fate.border()
        return said


def worded(message: Due) -> Letter:
    """The message, as short as can be."""
    notice = message.notice
    return Letter(
        id=notice.id,
        event=notice.event,
        source=notice.endpoint,
        plan=notice.plan,
        at=notice.at,
        subject=notice.reason,
        body="",
        data={"number": notice.number},
    )


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """An emulator."""
    folder: Path = tmp_path_factory.mktemp("emulator")
    with EmulatorServer(folder, Options(speed=5000, throttle=False)) as server:
        yield Bench(server)


class World:
    """One endpoint whose record grows, its outbox, and a clock."""

    def __init__(self, connection: Connection, receiver: Receiver, name: str, fate: Fate) -> None:
        self.connection, self.name, self.fate = connection, name, fate
        self.now = START
        self.record = Progress(plan="house")
        self.happened: list[str] = []
        self.environment = {"HOOK_URL": receiver.url, "HOOK_SECRET": SECRET}

    def happens(self, kind: str) -> None:
        """One more transition, through the tags as they are stored."""
        number = len(self.happened) + 1
        grown = remember(self.record, START + timedelta(minutes=number), f"step {number}", "ann", kind)  # type: ignore[arg-type]
        read = from_tags(to_tags(grown))
        assert isinstance(read, Progress)
        self.record = read
        self.happened.append(self.notices()[-1].id)

    def notices(self) -> tuple[Notice, ...]:
        """What the live endpoint tells."""
        return on_record(self.record, f"/endpoints/{self.name}")

    @asynccontextmanager
    async def post(self, by: str) -> AsyncIterator[Post]:
        """That of one process."""
        way = senders(self.environment)
        async with self.connection.notebook(f"notifications/{self.name}") as notebook:
            yield Post(
                Mortal(self.fate, notebook=notebook),
                lambda rule: Mortal(self.fate, sender=way(rule)),
                worded,
                by,
                lambda: self.now,
            )

    async def passes(self, by: str) -> None:
        """One pass of one process, to its end or its death; the next comes after the claims have ended."""
        try:
            async with self.post(by) as post:
                await post.deliver((RULE,), self.notices())
        except Killed:
            self.now += CLAIM


async def test_once_through_crashes(bench: Bench, receiver: Receiver) -> None:
    """Who knows repetitions by the id has each transition exactly once, in order; who does not sees a repetition for a
    crash between sending and noting, and for no other; none is ever lost."""
    chance = random.Random(20260101)
    fate = Fate(chance)
    async with connect(bench.target) as connection:
        world = World(connection, receiver, bench.name(), fate)
        while fate.crashes < CRASHES:
            for _ in range(chance.randrange(3)):
                world.happens(chance.choice(KINDS))
            fate.arm(14)
            await world.passes(f"runner-{fate.crashes}")
            while len(world.happened) - len(receiver.ids) > 3:  # the record holds six
                fate.left = -1
                await world.passes("calm")
        fate.left = -1
        await world.passes("last")
    assert receiver.ids == world.happened
    repeated = sum(receiver.seen.values()) - len(receiver.seen)
    assert repeated == fate.between
    assert 0 < fate.between < fate.crashes
    print(f"{fate.crashes} crashes, {len(world.happened)} transitions, {repeated} repetitions of the same id")


async def test_many_runners_at_once(bench: Bench, receiver: Receiver) -> None:
    """Eight passes at the same moment: each transition goes out once, whoever sends it."""
    async with connect(bench.target) as connection:
        world = World(connection, receiver, bench.name(), Fate(random.Random(1)))
        for kind in KINDS:
            world.happens(kind)
        await asyncio.gather(*(world.passes(f"runner-{number}") for number in range(8)))
    assert sorted(receiver.seen.items()) == sorted((id_, 1) for id_ in world.happened)


async def test_a_receiver_that_is_away(bench: Bench, receiver: Receiver) -> None:
    """Nothing is lost: the next pass tells it, in order, without waiting for a claim to end."""
    receiver.status = 503
    async with connect(bench.target) as connection:
        world = World(connection, receiver, bench.name(), Fate(random.Random(1)))
        world.happens("started")
        world.happens("promoted")
        async with world.post("one") as post:
            faults = [done.fault for done in await post.deliver((RULE,), world.notices())]
        receiver.status = 204
        await world.passes("two")
    assert faults == ["the receiver of $HOOK_URL answered 503"] * 2
    assert receiver.ids == world.happened


async def test_more_than_the_record_holds(bench: Bench, receiver: Receiver) -> None:
    """What fell off before anybody could tell it is counted in the first message of the next pass."""
    async with connect(bench.target) as connection:
        world = World(connection, receiver, bench.name(), Fate(random.Random(1)))
        world.happens("started")
        await world.passes("one")
        for _ in range(9):
            world.happens("advanced")
        async with world.post("two") as post:
            done = await post.deliver((RULE,), world.notices())
    assert [(one.message.notice.number, one.message.notice.missed) for one in done] == [
        (5, 3),
        (6, 0),
        (7, 0),
        (8, 0),
        (9, 0),
        (10, 0),
    ]
