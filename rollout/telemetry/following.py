"""Hears what the runner tells of one pass, and makes spans and numbers of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Final, assert_never

import msgspec
from opentelemetry.context import Context
from opentelemetry.metrics import Meter
from opentelemetry.trace import Tracer

from rollout.core.actions import Action, CreateEndpoint, DeleteEndpoint, Record, SetTraffic, UpdateEndpoint
from rollout.core.decision import Decision, StageState
from rollout.core.verdict import Outcome, Verdict
from rollout.runner import Event, Finished, Listener, Looked, Looking, Measured, Measuring, Started, Troubled, Waiting
from rollout.telemetry.spans import Said, Spans

_PASS: Final = 1
"""How many spans are open when only that of the pass is."""


class About(msgspec.Struct, frozen=True):
    """Whose pass it is: the plan's name, the endpoint's, and the commit ("" where there is none)."""

    plan: str
    endpoint: str
    commit: str


class Instruments:
    """The numbers that are told. Names and units as OpenTelemetry wants them."""

    def __init__(self, meter: Meter) -> None:
        self.passes = meter.create_counter("rollout.passes", "{pass}", "Passes, by the status they ended with")
        self.writes = meter.create_counter("rollout.writes", "{write}", "Actions that were carried out")
        self.verdicts = meter.create_counter("rollout.verdicts", "{verdict}", "Verdicts of gates, by outcome")
        self.duration = meter.create_histogram("rollout.pass.duration", "s", "How long a pass took")
        self.weight = meter.create_gauge("rollout.candidate.weight", "%", "The candidate's share of the traffic")


class Following:
    """One pass: a listener, and a context manager around the run of the loop. `inner` hears everything first."""

    def __init__(self, tracer: Tracer, outside: Context, numbers: Instruments, about: About, inner: Listener) -> None:
        self._spans = Spans(tracer, outside)
        self._numbers = numbers
        self._about = about
        self._inner = inner
        self._status = ""
        self._writes = 0
        self._since = time.monotonic()

    def __enter__(self) -> Following:
        about = self._about
        said = {"rollout.plan": about.plan, "rollout.endpoint": about.endpoint, "rollout.commit": about.commit}
        self._spans.begin("rollout.pass", {key: value for key, value in said.items() if value})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failure = "" if error is None else str(error) or type(error).__name__
        status = {"rollout.status": "error" if failure else self._status}
        self._spans.end_down_to(_PASS, failure or "not finished")
        self._spans.end({**status, "rollout.writes": self._writes}, failure)
        self._numbers.passes.add(1, status)
        self._numbers.duration.record(time.monotonic() - self._since, status)

    def __call__(self, event: Event) -> None:
        """Take one event."""
        self._inner(event)
        match event:
            case Looking():
                self._spans.end_down_to(_PASS, "not finished")
                self._spans.begin("rollout.look")
            case Looked(decision=decision):
                self._looked(event, decision)
            case Measuring(gate=gate):
                self._spans.begin("rollout.measure", {"rollout.gate": gate.name, "rollout.gate.kind": gate.kind.value})
            case Measured(verdict=verdict):
                self._measured(verdict)
            case Started(action=action):
                self._spans.begin("rollout.act", _told(action, self._about.endpoint))
            case Finished(action=action, error=error):
                self._finished(action, error)
            case Troubled(error=error):
                self._spans.end_down_to(_PASS, error)
            case Waiting():
                pass
            case _:
                assert_never(event)

    def _looked(self, event: Looked, decision: Decision) -> None:
        self._status = decision.status.value
        said = _decided(decision)
        if self._spans.depth > _PASS:
            self._spans.end(said)
        self._spans.say(said)
        endpoint, candidate = event.observation.endpoint, decision.roles.candidate
        weight = dict(endpoint.weights.traffic).get(candidate, 0) if endpoint is not None else 0
        self._numbers.weight.set(weight, {"rollout.plan": self._about.plan, "rollout.endpoint": self._about.endpoint})

    def _measured(self, verdict: Verdict) -> None:
        said = {"rollout.outcome": verdict.outcome.value}
        self._spans.end(said, verdict.reason if verdict.outcome is Outcome.ERROR else "")
        self._numbers.verdicts.add(1, said)

    def _finished(self, action: Action, error: str) -> None:
        self._spans.end({"rollout.outcome": "failed" if error else "done"}, error)
        if not error:
            self._writes += 1
            self._numbers.writes.add(1, {"rollout.action": _kind(action)})


def _decided(decision: Decision) -> dict[str, Said]:
    active = next((view.stage.name for view in decision.stages if view.state is StageState.ACTIVE), "")
    said = {"rollout.status": decision.status.value, "rollout.phase": decision.phase.value}
    return {**said, **({"rollout.stage": active} if active else {})}


def _told(action: Action, endpoint: str) -> Mapping[str, Said]:
    if isinstance(action, CreateEndpoint | DeleteEndpoint | Record | SetTraffic | UpdateEndpoint):
        return {"rollout.action": _kind(action), "rollout.target": endpoint}
    return {"rollout.action": _kind(action), "rollout.target": f"{endpoint}/{action.deployment}"}


def _kind(action: Action) -> str:
    return str(action.__struct_config__.tag)
