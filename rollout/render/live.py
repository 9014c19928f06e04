"""Progress on a terminal: stages with their state, the operation with its elapsed time, the traffic, the countdown."""

from __future__ import annotations

import time
from datetime import datetime
from types import TracebackType
from typing import TextIO, assert_never

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from rollout.core.decision import Decision
from rollout.core.observed import Observation
from rollout.core.release import GateKind
from rollout.core.verdict import Verdict
from rollout.render import harmless, words
from rollout.render.board import drawn, of_look
from rollout.render.log import evidence, is_mere_health
from rollout.runner import Event, Finished, Looked, Looking, Measured, Measuring, Started, Troubled, Waiting


class LiveBoard:
    """A listener that redraws itself a few times a second; what is over is printed above it and stays."""

    def __init__(self, title: str, stream: TextIO) -> None:
        self._title = title
        self._console = Console(file=stream, highlight=False)
        self._decision: Decision | None = None
        self._seen: Observation | None = None
        self._said: Verdict | None = None
        self._now = ""
        self._since = time.monotonic()
        self._until: datetime | None = None
        self._live = Live(console=self._console, refresh_per_second=8, get_renderable=self._draw, transient=True)

    def __enter__(self) -> LiveBoard:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, Measured) and "checks" in event.verdict.evidence:
            self._said = event.verdict
        match event:
            case Looking():
                return
            case Looked(observation=seen, decision=decision):
                self._seen, self._decision = seen, decision
            case Measuring(gate=gate):
                if gate.kind is not GateKind.BAKE:
                    self._busy(f"measuring {gate.name}")
            case Measured(gate=gate, verdict=verdict) if is_mere_health(gate, verdict):
                return
            case Measured(gate=gate, verdict=verdict):
                self._say(f"{verdict.outcome.value:8} {gate.name}: {verdict.reason}")
                for text in evidence(verdict):
                    self._say(text)
            case Started(action=action):
                self._busy(words.action_text(action))
            case Finished(action=action, error=error):
                self._finished(words.action_text(action), error)
            case Waiting(reason=reason, until=until):
                self._busy(reason, until)
            case Troubled(error=error):
                self._say(f"trouble  {error}")
            case _:
                assert_never(event)

    def _busy(self, text: str, until: datetime | None = None) -> None:
        if text != self._now:
            self._since = time.monotonic()
        self._now, self._until = text, until

    def _finished(self, text: str, error: str) -> None:
        elapsed = words.span(time.monotonic() - self._since)
        self._say(f"failed   {text} ({elapsed}): {error}" if error else f"done     {text} ({elapsed})")
        self._now = ""

    def _say(self, text: str) -> None:
        self._console.print(Text(harmless.line(text)))

    def _draw(self) -> Group:
        parts: list[RenderableType] = [Text(self._title, style="bold")]
        if self._decision is not None and self._seen is not None:
            parts = list(drawn(self._title, of_look(self._seen, self._decision, self._said)))
        if self._now:
            parts.append(Spinner("dots", text=Text(harmless.line(f"{self._now}  {self._clock()}"))))
        return Group(*parts)

    def _clock(self) -> str:
        """The countdown of a wait, by the service's clock as of the last look; else the elapsed time."""
        if self._until is not None and self._seen is not None:
            return f"{words.span(max(0.0, (self._until - self._seen.now).total_seconds()))} left"
        return words.span(time.monotonic() - self._since)
