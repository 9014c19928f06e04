"""Carrying a fleet on: look, decide who may start or go on, let each of them have its pass, look again.

Nothing is remembered: every command begins with a look at all members. Who is under way has a task of its own, so that
a slow endpoint keeps nobody waiting; each member has one pass in a command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from rollout.cli import exits, passes
from rollout.cli.fleet_backs import give_back, take_back
from rollout.cli.fleet_desk import Desk, Sight
from rollout.cli.many import worst
from rollout.cli.passes import Visit, Wish
from rollout.cli.printing import say
from rollout.core.fleet import FleetDecision, FleetStatus, Member, Standing
from rollout.errors import RolloutError
from rollout.render.document import Pass
from rollout.runner import LOOK_EVERY

LEAST_PAUSE: Final = 0.5
"""Real seconds between two looks at those under way: however fast the emulator's time passes."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a command left the fleet: what may happen next, every member as it was seen last, the last that was done to
    it, and the exit codes of all that was done."""

    decision: FleetDecision
    sights: Mapping[str, Sight]
    passes: Mapping[str, Pass] = {}
    codes: tuple[int, ...] = ()


class Journey:
    """One command's way with a fleet. `max_wait`: so many seconds of service time it may wait (0: not at all)."""

    def __init__(self, desk: Desk, wish: Wish, parallel: int, who: str) -> None:
        self._desk = desk
        self._wish = wish
        self._who = who
        self._waits = wish.max_wait > 0
        self._turns = asyncio.Semaphore(parallel)
        self._running: dict[str, asyncio.Task[Visit]] = {}
        self._passes: dict[str, Pass] = {}
        self._backs: dict[str, Pass] = {}
        self._begun = asyncio.get_running_loop().time()
        self._told: frozenset[str] = frozenset()

    async def carry_on(self, first: Mapping[str, Sight] | None = None) -> Ended:
        """As far as it goes; `first` is a look of this moment. Raises RolloutError where no member can be looked at.

        It only says who may start or go on: each of their passes looks for itself before it writes.
        """
        sights = dict(first) if first is not None else await self._desk.look(self._desk.fleet.members)
        try:
            while True:
                decision = await self._desk.decided(self._as_known(sights))
                self._tell(decision)
                changed = await self._go(decision, sights)
                if not self._running and not changed and not await self._sleep(decision, sights):
                    return self._ended(decision, sights)
                changed |= await self._some_end()
                again = changed or (set() if self._running else set(sights))
                sights = {**sights, **await self._desk.look([*again, *self._running])}
        finally:
            await self._let_go()

    async def _go(self, decision: FleetDecision, sights: Mapping[str, Sight]) -> set[str]:
        """Begin what may begin; the members that something was done to meanwhile."""
        for name in (*decision.advance, *decision.start):
            if name not in self._running and name not in self._passes:
                self._running[name] = asyncio.create_task(self._pass(name), name=name)
        done = set[str]()
        for name in decision.give_back:
            done |= await self._give_back(name, sights[name])
        for name in decision.take_back:
            done |= await self._take_back(name)
        return done

    async def _pass(self, name: str) -> Visit:
        planned, doors = self._desk.planned(name), self._desk.doors
        wish = msgspec.structs.replace(self._wish, max_wait=self._left)
        if self._waits:  # `max_in_flight` says how many: a pass that waits must not keep another from starting
            return await passes.carried_on(planned, wish, doors)
        async with self._turns:
            return await passes.carried_on(planned, wish, doors)

    async def _some_end(self) -> set[str]:
        """Wait until a pass has ended; of those that wait for something the rest is looked at meanwhile."""
        if not self._running:
            return set()
        pause = max(LOOK_EVERY / self._speed, LEAST_PAUSE) if self._waits else None
        done, _ = await asyncio.wait(self._running.values(), timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            self._passes[task.get_name()] = task.result().told
            del self._running[task.get_name()]
        return {task.get_name() for task in done}

    async def _sleep(self, decision: FleetDecision, sights: Mapping[str, Sight]) -> bool:
        """Let the bake of a wave pass, where there is time for it; False: the command ends here."""
        now = max(sight.seen.now for sight in sights.values() if sight.seen is not None)
        if decision.status is not FleetStatus.WAIT or decision.next_after is None:
            return False
        seconds = max((decision.next_after - now).total_seconds(), 1.0)
        if seconds > self._left:
            return False
        say(f"{self._desk.fleet.plan.name}: {decision.reason}", err=True)
        await asyncio.sleep(max(seconds / self._speed, 0.02))
        return True

    @property
    def _left(self) -> float:
        """Seconds of service time that may still be waited."""
        gone = (asyncio.get_running_loop().time() - self._begun) * self._speed
        return max(self._wish.max_wait - gone, 0.0)

    @property
    def _speed(self) -> float:
        return max(place.speed for place in self._desk.fleet.places.values())

    def _as_known(self, sights: Mapping[str, Sight]) -> dict[str, Sight]:
        """What was seen, with what is known beside it: who has been let start is under way, whatever is there yet."""
        return {name: self._known(name, sight) for name, sight in sights.items()}

    def _ended(self, decision: FleetDecision, sights: Mapping[str, Sight]) -> Ended:
        done = [*self._passes.values(), *self._backs.values()]
        return Ended(
            decision=decision,
            sights=self._as_known(sights),
            passes={**self._passes, **self._backs},
            codes=tuple(found.exit_code for found in done),
        )

    def _known(self, name: str, sight: Sight) -> Sight:
        if sight.member.standing is not Standing.PENDING:
            return sight
        ended = self._passes.get(name)
        if name in self._running or (ended is not None and ended.status in ("wait", "act", "done")):
            changed = msgspec.structs.replace(sight.member, standing=Standing.IN_FLIGHT, begun=True)
        elif ended is not None:
            changed = msgspec.structs.replace(sight.member, standing=Standing.HELD, reason=ended.reason)
        else:
            return sight
        return msgspec.structs.replace(sight, member=changed)

    def _tell(self, decision: FleetDecision) -> None:
        """What is new, in a line on stderr."""
        fleet = self._desk.fleet.plan
        starting = [name for name in decision.start if name not in self._running and name not in self._passes]
        for wave in fleet.waves:
            mine = [name for name in starting if name in wave.members]
            if mine:
                say(f"{fleet.name}: wave {wave.name}: {', '.join(mine)} may start", err=True)
        new = {f"{name}: {why}" for name, why in decision.waiting.items() if "quota" in why}
        for text in sorted(new - self._told):
            say(f"{fleet.name}: {text}", err=True)
        self._told |= new

    async def _give_back(self, name: str, sight: Sight) -> set[str]:
        """The candidate of another goal gives its traffic back: the first action of the normal decision."""
        if sight.decision is None or sight.seen is None or name in self._backs:
            return set()
        try:
            told = await give_back(self._desk, name, sight)
        except RolloutError as error:
            file = str(self._desk.fleet.members[name].path)
            told = Pass(file=file, exit_code=error.exit_code, status="error", reason=str(error))
        self._backs[name] = told
        return {name}

    async def _take_back(self, name: str) -> set[str]:
        """What was promoted before gets everything again: a person's `rollback --to former`, asked for by the plan."""
        if name in self._running or name in self._backs:
            return set()
        try:
            told = await take_back(self._desk, name, self._who)
        except RolloutError as error:
            file = str(self._desk.fleet.members[name].path)
            told = Pass(file=file, exit_code=error.exit_code, status="taken back", reason=str(error))
        self._backs[name] = told
        return {name}

    async def _let_go(self) -> None:
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)


def exit_code(ended: Ended, *, detailed: bool) -> int:
    """That of the command: of its passes and of how the fleet is left, the one that tells most."""
    return worst([*ended.codes, standing_code(ended, detailed=detailed)])


def standing_code(ended: Ended, *, detailed: bool) -> int:
    """How a fleet is left, as an exit code."""
    decision = ended.decision
    members: Iterable[Member] = (sight.member for sight in ended.sights.values())
    match decision.status:
        case FleetStatus.HOLD:
            stuck = any(member.standing in (Standing.HELD, Standing.UNKNOWN, Standing.FAILED) for member in members)
            return exits.STOPPED if stuck else exits.REFUSED
        case FleetStatus.DONE:
            return exits.STOPPED if decision.failed else exits.OK
        case FleetStatus.WAIT | FleetStatus.ACT:
            return exits.WAITING if detailed else exits.OK
