"""Progress on a terminal: stages with their state, the operation with its elapsed time, the traffic, the countdown."""

from __future__ import annotations

import time
from datetime import datetime
from types import TracebackType
from typing import Final, TextIO, assert_never

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from rollout.core.decision import Decision, Roles
from rollout.core.observed import Observation, Weights
from rollout.core.release import GateKind
from rollout.render import harmless, words
from rollout.render.change_text import stage_lines
from rollout.render.from_report import stages
from rollout.render.log import evidence, is_mere_health
from rollout.render.terminal import as_text
from rollout.runner import Event, Finished, Looked, Measured, Measuring, Started, Troubled, Waiting

BAR: Final = 40
"""Characters for 100 % of the traffic."""


class LiveBoard:
    """A listener that redraws itself a few times a second; what is over is printed above it and stays."""

    def __init__(self, title: str, stream: TextIO) -> None:
        self._title = title
        self._console = Console(file=stream, highlight=False)
        self._decision: Decision | None = None
        self._seen: Observation | None = None
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
        match event:
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
        parts: list[Text | Spinner] = [Text(self._title, style="bold")]
        if self._seen is not None and self._seen.endpoint is not None and self._decision is not None:
            parts.append(traffic_bar(self._seen.endpoint.weights, self._decision.roles))
        if self._decision is not None:
            parts.extend(as_text(one) for one in stage_lines(stages(self._decision)))
        if self._now:
            parts.append(Spinner("dots", text=Text(harmless.line(f"{self._now}  {self._clock()}"))))
        return Group(*parts)

    def _clock(self) -> str:
        """The countdown of a wait, by the service's clock as of the last look; else the elapsed time."""
        if self._until is not None and self._seen is not None:
            return f"{words.span(max(0.0, (self._until - self._seen.now).total_seconds()))} left"
        return words.span(time.monotonic() - self._since)


def traffic_bar(weights: Weights, roles: Roles) -> Text:
    """Who gets how much: stable full, candidate shaded, so that it can be read without colour too."""
    text = Text("  ")
    for name, weight in sorted(weights.traffic, key=lambda pair: pair[0] == roles.candidate):
        mine = name == roles.candidate and roles.candidate != roles.stable
        text.append(("▒" if mine else "█") * round(weight * BAR / 100), style="yellow" if mine else "blue")
    if not weights.traffic:
        text.append("·" * BAR, style="dim")
    text.append(f"  {words.split(weights)}")
    return text
