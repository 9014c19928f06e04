"""One history: a world, the plan as it is now, and what happens; with the laws watched at every write."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from rollout.core import actions
from rollout.core.change_set import approve
from rollout.core.decide import decide
from rollout.core.decision import Decision, Status
from rollout.core.gate_bodies import Bake
from rollout.core.observed import Endpoint, Observation
from rollout.core.release import Gate, Release
from rollout.core.verdict import Outcome, Verdict
from rollout.errors import AzureError, Retryable, Stale
from rollout.gates import evidence
from rollout.runner import Done, Limits, Runner
from tests.worlds.counts import Counts
from tests.worlds.laws import Watch
from tests.worlds.plane import NAME, RulesPlane, no_hook

T = TypeVar("T")
ALLOWED = frozenset({"creates-endpoint", "ungated-traffic", "traffic-jump", "deletes-deployment"})
"""Plans from dice have any stages, also such as nobody should write; what is refused has tests of its own."""
HEALTHY = Verdict(outcome=Outcome.PASS, reason="healthy")
LONGEST = 300


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never really waits."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("something waited for real")


Judge = Callable[[Gate, str], Verdict]


def all_pass(gate: Gate, goal: str) -> Verdict:
    """Every gate passes."""
    return HEALTHY


class History:
    """What happens to one endpoint. `run` is what a scheduled job does; the rest is what people do."""

    def __init__(self, release: Release) -> None:
        self.plane = RulesPlane()
        self.release = release
        self.judge: Judge = all_pass
        self.allowed = ALLOWED
        self.watch = Watch(self.plane)
        self.counts = Counts(self.plane)
        self.last: Decision | None = None
        self.done: Done | None = None

    async def _measure(self, gate: Gate, observation: Observation, decision: Decision) -> Verdict:
        body = gate.body
        if isinstance(body, Bake) and body.evidence is not None:
            verdict = await evidence.measure(self.counts, body, observation, decision.roles, HEALTHY)
        else:
            verdict = self.judge(gate, decision.roles.goal)
        if verdict.outcome is Outcome.PASS:
            self.watch.passed(gate, decision)
        return verdict

    @property
    def runner(self) -> Runner:
        """The real runner on this world."""
        return Runner(self.release, self.watch, self._measure, self.plane, allowed=self.allowed)

    def once(self) -> Decision:
        """One pass: look, measure, decide, at most one action."""
        self.watch.release = self.release
        looked = finish(self.runner.look(measure=True, done=self.done))
        decision = self.last = looked.decision
        self.done = None
        if decision.status is Status.ACT:
            try:
                finish(self.watch.apply(decision.actions[0], looked.observation.endpoint))
                self.done = Done(decision.actions[0], looked.observation.endpoint)
            except (Retryable, Stale):
                pass  # look again
            except AzureError as error:
                self.watch.errors.append(str(error))
        return decision

    def passes(self, stop: Callable[[Endpoint | None, Decision], bool]) -> Decision:
        """Pass after pass, time moving on where it is waited for, until `stop` or nothing moves any more."""
        for _ in range(LONGEST):
            decision = self.once()
            if stop(self.live, decision):
                return decision
            if decision.status is Status.ACT:
                continue
            if decision.status not in (Status.WAIT, Status.HOLD) or not self._let_time_pass(decision):
                return decision
            if stop(self.live, decision):
                return decision
        raise AssertionError(f"no end after {LONGEST} passes: {decision.reason}")

    def _let_time_pass(self, decision: Decision) -> bool:
        live = self.live
        if live is not None and live.in_flight:
            finish(self.plane.settle(live))
            return True
        if decision.next_after is None:
            return False
        self.plane.now = max(self.plane.now + timedelta(seconds=1), decision.next_after)
        return True

    def run(self) -> Decision:
        """Until it ends or only a person can move it."""
        return self.passes(lambda live, decision: False)

    def scheduled(self) -> Decision:
        """The same by the runner's own loop."""
        self.watch.release = self.release
        return finish(self.runner.run(Limits(max_wait=1e9))).decision

    def until(self, weight: int) -> Decision:
        """Until the candidate has that much live weight (after the write, before the next pass)."""
        return self.passes(
            lambda live, d: bool(live) and live is not None and live.weights.live(d.roles.candidate) == weight
        )

    def until_mirrored(self) -> Decision:
        """Until the candidate is mirrored."""
        return self.passes(lambda live, d: live is not None and live.weights.mirrored(d.roles.candidate) > 0)

    def until_deployed(self) -> Decision:
        """Until something lives that carries the goal."""
        return self.passes(
            lambda live, d: (
                live is not None
                and any(found.ready and found.revision == self.release.goal for found in live.deployments)
            )
        )

    def approve(self, decision: Decision) -> None:
        """A person says yes to the approval that is waited for."""
        view = next(v for v in decision.stages if v.state == "active")
        seen = finish(self.plane.observe(NAME))
        record = actions.Record(reason="approved", progress=approve(self.release, seen, view.key, "me"))
        self.plane.hook, hook = no_hook, self.plane.hook
        finish(self.plane.apply(record, seen.endpoint))
        self.plane.hook = hook

    @property
    def live(self) -> Endpoint | None:
        """The endpoint as it is."""
        return finish(self.plane.observe(NAME)).endpoint

    def serves(self) -> str:
        """The content of the deployment that has all traffic, or `-`."""
        live = self.live
        if live is None or len(live.weights.serving) != 1:
            return "-"
        found = live.deployment(live.weights.serving[0])
        return str(found.fields["model"]).rsplit(":", 1)[-1] if found else "-"

    def decision(self) -> Decision:
        """What would be decided now, without measuring or writing."""
        return decide(self.release, finish(self.plane.observe(NAME)), {}, self.allowed)
