"""The laws over histories that hypothesis makes step by step, on plans whose bakes wait for evidence.

The counts follow the weights that were in force in each minute; what of them is bad, and whether the source answers at
all, changes on the way. What is found comes out as the shortest history that shows it.
"""

from __future__ import annotations

import contextlib
import os
from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from msgspec.structs import replace

from rollout.core import actions, commands
from rollout.core.decision import Decision, Status
from rollout.core.gate_bodies import Asked, Bake, ErrorRate, Evidence
from rollout.core.observed import Observation
from rollout.core.release import AnyStage, Gate, GateKind, Release
from rollout.core.verdict import Outcome, Verdict
from rollout.errors import Refused, Retryable
from rollout.gates import evidence
from tests.gates.counting import Scripted
from tests.reliability.figures import keep, whole
from tests.worlds import plans
from tests.worlds.history import HEALTHY, History, finish
from tests.worlds.plane import NAME, Killed, no_hook

HISTORIES: Final = int(os.environ.get("ROLLOUT_STATEFUL", "1500" if whole() else "8"))
STEPS: Final = 30
A_MINUTE: Final = 600.0
LINES: Final = (
    "deploy, smoke, traffic 10, bake 30, traffic 50, bake 30, traffic 100, delete 0",
    "deploy, mirror 10, bake 20, traffic 20, bake 40, traffic 100, bake 30, delete 100",
    "deploy, traffic 50, bake 60, traffic 100",
)
GONE_ON: Final = frozenset({Outcome.INCONCLUSIVE, Outcome.NO_DATA, Outcome.ERROR})


def with_evidence(release: Release, promote_when: str) -> Release:
    """The same plan, with a check of the error rate in every bake."""

    def checked(stage: AnyStage) -> AnyStage:
        if not isinstance(stage, Gate) or stage.kind is not GateKind.BAKE:
            return stage
        check = Asked(name="error_rate", question=ErrorRate(), tolerate=0.02)
        wanted = Evidence(checks=(check,), promote_when=promote_when)  # type: ignore[arg-type]
        return replace(stage, body=Bake(seconds=stage.seconds, evidence=wanted), digest=f"{stage.digest}{promote_when}")

    return replace(release, stages=tuple(map(checked, release.stages)))


class Evident(History):
    """A history whose bakes are really judged, by counts that follow the weights."""

    def __init__(self, release: Release) -> None:
        super().__init__(release)
        self.bad = {"v3": 0.5}
        self.per_minute = A_MINUTE
        self.down = False
        self.verdicts: list[Outcome] = []
        self._book: list[tuple[datetime, dict[str, tuple[float, float]]]] = []

    def note(self) -> None:
        """From now on requests are answered so."""
        live = self.live
        counts: dict[str, tuple[float, float]] = {}
        for found in live.deployments if live else ():
            share = live.weights.live(found.name) if live else 0
            mirrored = live.weights.mirrored(found.name) if live else 0
            asked = self.per_minute * (share or mirrored) / 100
            model = str(found.fields["model"]).rsplit(":", 1)[-1]
            counts[found.name] = (asked, round(asked * self.bad.get(model, 0.002)))
        self._book.append((self.plane.now, counts))

    def _counts(self, minute: datetime, name: str) -> tuple[float, float]:
        index = bisect_right(self._book, minute, key=lambda entry: entry[0])
        return self._book[index - 1][1].get(name, (0.0, 0.0)) if index else (0.0, 0.0)

    async def _measure(self, gate: Gate, observation: Observation, decision: Decision) -> Verdict:
        if not isinstance(gate.body, Bake):
            return await super()._measure(gate, observation, decision)
        source = Scripted(self._counts, Retryable("out of order") if self.down else None)
        verdict = await evidence.measure(source, gate.body, observation, decision.roles, HEALTHY)
        self.verdicts.append(verdict.outcome)
        if verdict.outcome is Outcome.PASS:
            self.watch.passed(gate, decision)
        return verdict


class Rollouts(RuleBasedStateMachine):
    """Everybody who does something to one endpoint, in any order."""

    history: Evident
    line: str
    promote_when: str

    def __init__(self) -> None:
        super().__init__()
        self.excused = False
        self.kills = 0

    @initialize(line=st.sampled_from(LINES), promote_when=st.sampled_from(["proven", "unproven"]))
    def begin(self, line: str, promote_when: str) -> None:
        """The first release serves."""
        self.line, self.promote_when = line, promote_when
        self.history = Evident(self._plan("v1"))
        self.history.plane.hook = self._maybe_kill
        self.history.run()
        self.history.note()

    @rule(revision=st.sampled_from(["v1", "v2", "v3"]))
    def release(self, revision: str) -> None:
        """Another goal, or the same."""
        last = self.history.last
        under_way = last is None or last.status is not Status.DONE
        self.excused = self.excused or (under_way and revision != self.history.release.goal)
        self.history.release = self._plan(revision)

    @rule(passes=st.integers(1, 8), minutes=st.integers(1, 25))
    def jobs(self, passes: int, minutes: int) -> None:
        """Some jobs, some minutes apart."""
        for _ in range(passes):
            self._job()
            self.history.plane.now += timedelta(minutes=minutes)
            self.history.note()

    @rule(revision=st.sampled_from(["v1", "v2", "v3"]), share=st.sampled_from([0.002, 0.03, 0.5]))
    def health(self, revision: str, share: float) -> None:
        """From now on that model fails so often."""
        self.history.bad[revision] = share
        self.history.note()

    @rule(a_minute=st.sampled_from([0.0, 5.0, A_MINUTE]))
    def load(self, a_minute: float) -> None:
        """So many requests a minute."""
        self.history.per_minute = a_minute
        self.history.note()

    @rule(down=st.booleans())
    def source(self, down: bool) -> None:
        """The source of the counts fails, or answers again."""
        self.history.down = down

    @rule(kills=st.integers(1, 3))
    def killers(self, kills: int) -> None:
        """The next jobs die, before their write, while it is under way, or after it."""
        self.kills = kills

    @rule(name=st.sampled_from(["blue", "green"]))
    def hand(self, name: str) -> None:
        """Somebody in the portal gives everything to one deployment."""
        live = self.history.live
        found = live.deployment(name) if live else None
        if found is not None and found.ready:
            self.excused = True
            self.history.plane.hand_weights({name: 100})
            self.history.note()

    @rule(command=st.sampled_from([commands.hold, commands.resume, commands.retry, commands.rollback]))
    def person(self, command: Callable[..., tuple[actions.Action, ...]]) -> None:
        """A person gives a command; it may be refused."""
        self.excused = True
        seen = finish(self.history.plane.observe(NAME))
        with self._unkilled(), contextlib.suppress(Refused):
            for action in command(self.history.release, seen, who="ann", why="a reason"):
                finish(self.history.plane.apply(action, seen.endpoint))
                seen = finish(self.history.plane.observe(NAME))
        self.history.note()

    @precondition(lambda self: self.history.last is not None and self.history.last.status is Status.DONE)
    @rule()
    def all_is_quiet(self) -> None:
        """What comes from here on has no excuse."""
        self.excused = False

    def teardown(self) -> None:
        """It always ends, whatever has happened, and a further job writes nothing."""
        if not hasattr(self, "history"):
            return
        self.kills, history = 0, self.history
        history.down, history.per_minute = False, A_MINUTE
        history.note()
        for _ in range(3):
            self._until_quiet()
        written = len(history.plane.written)
        for _ in range(3):
            assert history.once().status is not Status.ACT
        assert len(history.plane.written) == written

    def _plan(self, revision: str) -> Release:
        return with_evidence(plans.roles(revision, self.line), self.promote_when)

    def _until_quiet(self) -> None:
        for _ in range(400):
            status = self._job().status
            self.history.plane.now += timedelta(minutes=10)
            self.history.note()
            if status in (Status.DONE, Status.HOLD):
                return
        raise AssertionError("it does not end")

    def _job(self) -> Any:
        """One pass. Only a FAIL takes weight from the candidate, unless somebody has given another reason (law 8)."""
        history = self.history
        live, history.verdicts = history.live, []
        with contextlib.suppress(Killed):
            history.once()
        now, last = history.live, history.last
        assert last is not None, "it has decided"
        if live is not None and now is not None and not self.excused and last.roles.candidate:
            before, after = (one.weights.live(last.roles.candidate) for one in (live, now))
            unproven = history.verdicts and history.verdicts[-1] in GONE_ON
            assert after >= before or not unproven, f"rolled back on {history.verdicts}"
        history.note()
        return last

    def _maybe_kill(self, when: str, action: actions.Action) -> None:
        if self.kills:
            self.kills -= 1
            raise Killed

    @contextlib.contextmanager
    def _unkilled(self) -> Any:
        hook, self.history.plane.hook = self.history.plane.hook, no_hook
        try:
            yield
        finally:
            self.history.plane.hook = hook


def test_no_law_is_broken_step_by_step() -> None:
    """Each write is watched, as in the other generated histories; the long form is part of `make laws`."""
    chosen = settings(
        max_examples=HISTORIES, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Rollouts, settings=chosen)
    keep("stateful", {"histories": HISTORIES, "steps": STEPS, "laws_broken": 0})
