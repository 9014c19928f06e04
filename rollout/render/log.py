"""Progress as plain lines with a time in front: for logs, and wherever there is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import assert_never

from rollout.core.release import Gate, GateKind
from rollout.core.verdict import Outcome, Verdict
from rollout.render import harmless, words
from rollout.runner import Event, Finished, Looked, Looking, Measured, Measuring, Started, Troubled, Waiting


class LogListener:
    """Turns the runner's events into lines. Says the same thing only once in a row.

    `write` takes one line without its end; `clock` tells the time that is put in front; `prefix` names the plan where
    several are at work.
    """

    def __init__(self, write: Callable[[str], None], clock: Callable[[], datetime], prefix: str = "") -> None:
        self._write = write
        self._clock = clock
        self._prefix = f"{prefix}: " if prefix else ""
        self._last = ""
        self._started: datetime | None = None

    def __call__(self, event: Event) -> None:
        """Take one event."""
        for text in self._lines(event):
            if text != self._last:
                self._write(f"{self._clock():%H:%M:%S} {self._prefix}{harmless.line(text)}")
                self._last = text

    def _lines(self, event: Event) -> Iterator[str]:
        match event:
            case Looked() | Looking():
                return
            case Measuring(gate=gate):
                if gate.kind is not GateKind.BAKE:
                    yield f"measure  {gate.name}"
            case Measured(gate=gate, verdict=verdict) if is_mere_health(gate, verdict):
                return
            case Measured(gate=gate, verdict=verdict):
                yield f"{verdict.outcome.value.lower():8} {gate.name}: {verdict.reason}"
                yield from evidence(verdict)
            case Started(action=action):
                self._started = self._clock()
                yield f"start    {words.action_text(action)} ({action.reason})"
            case Finished(action=action, error=""):
                yield f"done     {words.action_text(action)}{self._elapsed()}"
            case Finished(action=action, error=error):
                yield f"failed   {words.action_text(action)}{self._elapsed()}: {error}"
            case Waiting(reason=reason, until=until):
                yield f"wait     {reason}" + (f" (until {words.moment(until)})" if until else "")
            case Troubled(error=error, seconds=seconds):
                yield f"trouble  {error}; looking again in {words.span(seconds)}"
            case _:
                assert_never(event)

    def _elapsed(self) -> str:
        if self._started is None:
            return ""
        return f" ({words.span((self._clock() - self._started).total_seconds())})"


def is_mere_health(gate: Gate, verdict: Verdict) -> bool:
    """Whether this is a bake that goes well: its time is still to pass, and the wait for it is told anyway."""
    return gate.kind is GateKind.BAKE and verdict.outcome is Outcome.PASS


def evidence(verdict: Verdict) -> Iterator[str]:
    """The log lines that a verdict brings along."""
    for text in verdict.evidence.get("log", ()):
        yield f"         | {text}"
