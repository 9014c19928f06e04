"""A data plane that answers what the test says, and a control plane that knows only a log: the wire's other end."""

from __future__ import annotations

from collections.abc import Callable

from rollout.core.actions import Action
from rollout.core.observed import Deployment, Endpoint, Observation
from rollout.ports import RequestCount, ScoringAnswer, ScoringRequest

Reply = Callable[[ScoringRequest], ScoringAnswer]
JSON = b'{"predictions": [1.0, 2.0]}'


def answer(status: int = 200, body: bytes = JSON, **headers: str) -> ScoringAnswer:
    """An answer after 10 ms; header names with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ScoringAnswer(status=status, body=body, headers=named, seconds=0.01)


def nothing(seconds: float = 0.0) -> ScoringAnswer:
    """No answer at all."""
    return ScoringAnswer(status=0, seconds=seconds, error="connection refused")


def not_ready() -> ScoringAnswer:
    """What the front end says when no server is behind it."""
    return answer(424, b"", ms_azureml_model_error_reason="model_not_ready", ms_azureml_model_error_statuscode="")


def endpoint(state: str = "Succeeded") -> Endpoint:
    """An endpoint with green in that state."""
    return Endpoint(name="house", deployments=(Deployment(name="green", state=state, count=1),))


class ScriptedScoring:
    """Answers by a function, or probes from a list, the last one for ever; remembers what was sent."""

    def __init__(self, reply: Reply | None = None, probes: tuple[ScoringAnswer, ...] = ()) -> None:
        self._reply = reply
        self._probes = list(probes)
        self.sent: list[ScoringRequest] = []
        self.probed = 0

    async def send(self, endpoint: Endpoint, request: ScoringRequest) -> ScoringAnswer:
        """The scripted answer."""
        self.sent.append(request)
        assert self._reply is not None
        return self._reply(request)

    async def probe(self, endpoint: Endpoint, deployment: str) -> ScoringAnswer:
        """The next scripted answer."""
        self.probed += 1
        return self._probes.pop(0) if len(self._probes) > 1 else self._probes[0]


class LogOnly:
    """A control plane of which only the log is asked."""

    def __init__(self, log: str = "") -> None:
        self.requests = RequestCount()
        self._log = log

    async def observe(self, endpoint: str) -> Observation:
        """Not asked."""
        raise NotImplementedError

    async def apply(self, action: Action, before: Endpoint | None) -> None:
        """Not asked."""
        raise NotImplementedError

    async def settle(self, endpoint: Endpoint) -> None:
        """Not asked."""
        raise NotImplementedError

    async def logs(self, endpoint: str, deployment: str, lines: int = 40) -> str:
        """The end of the log."""
        return "\n".join(self._log.splitlines()[-lines:])


class Slept:
    """A clock that only counts."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def sleep(self, seconds: float) -> None:
        """Count them."""
        self.seconds += seconds
