"""Listens to the runner of a simulation and keeps what happened when."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from rollout.core.decision import Decision, StageState
from rollout.core.observed import Endpoint
from rollout.core.verdict import Verdict
from rollout.render import words
from rollout.render.simulated import Moment
from rollout.runner import Event, Finished, Looked, Measured, Troubled

_KEPT: Final = ("check", "state", "stable", "candidate", "log_e_worse", "log_e_not_worse", "correlation", "decided")


class Tale:
    """The timeline so far; the same answer of a gate many times in a row is one moment. `failed`: a gate said FAIL.

    `at` is how many seconds after the beginning was looked last."""

    def __init__(self, begun: datetime) -> None:
        self.moments: list[Moment] = []
        self.failed = False
        self._begun = begun
        self._said: Measured | None = None
        self.at = 0.0
        self._stage = ""
        self._traffic = ""

    def __call__(self, event: Event) -> None:
        """Take one event."""
        match event:
            case Measured():
                self._said = event
            case Looked(observation=seen, decision=decision):
                self.at = (seen.now - self._begun).total_seconds()
                self._traffic = words.split(seen.endpoint.weights) if isinstance(seen.endpoint, Endpoint) else "–"
                self._note()
                self._stage = _stage(decision)
            case Finished(action=action, error=error):
                target = words.target_of(action) or "endpoint"
                text = f"{target}: {words.action_text(action)}" + (f"; {error}" if error else "")
                self._add("action", self._stage, text)
            case Troubled(error=error):
                self._add("trouble", self._stage, error)
            case _:
                pass

    def _note(self) -> None:
        if self._said is None:
            return
        gate, verdict = self._said.gate, self._said.verdict
        self._said = None
        self.failed = self.failed or verdict.outcome.value == "FAIL"
        fresh = Moment(
            at=self.at,
            to=self.at,
            kind="gate",
            stage=gate.name,
            text=verdict.reason,
            traffic=self._traffic,
            outcome=verdict.outcome.value,
            checks=_checks(verdict),
        )
        last = self.moments[-1] if self.moments else None
        if last is not None and (last.kind, last.stage, last.outcome) == ("gate", gate.name, fresh.outcome):
            self.moments[-1] = replace(fresh, at=last.at, looks=last.looks + 1)
        else:
            self.moments.append(fresh)

    def _add(self, kind: str, stage: str, text: str) -> None:
        at = self.at
        self.moments.append(Moment(at=at, to=at, kind=kind, stage=stage, text=text, traffic=self._traffic))


def _stage(decision: Decision) -> str:
    return next((view.stage.name for view in decision.stages if view.state is StageState.ACTIVE), "endpoint")


def _checks(verdict: Verdict) -> tuple[dict[str, Any], ...]:
    found = verdict.evidence.get("checks", ()) if verdict.evidence else ()
    return tuple({key: check[key] for key in _KEPT if key in check} for check in found)
