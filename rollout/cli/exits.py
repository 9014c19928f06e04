"""The exit codes, stable: documented in docs, never used for another meaning."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

OK: Final = 0
ERROR: Final = 1
CHANGES: Final = 2
INVALID: Final = 3
GATE_FAILED: Final = 4
STALE: Final = 5
REFUSED: Final = 6
WAITING: Final = 7
LOCKED: Final = 8
SIGN_IN: Final = 9
STOPPED: Final = 10
INTERRUPTED: Final = 130
TERMINATED: Final = 143

MEANING: Final[Mapping[int, str]] = MappingProxyType(
    {
        OK: "in sync, done, or waiting as planned (the output says which)",
        ERROR: "error of the tool or of the service",
        CHANGES: "changes or drift (only with --detailed-exitcode)",
        INVALID: "invalid input or usage",
        GATE_FAILED: "a gate failed; what was promoted has all traffic",
        STALE: "the endpoint, or the change set, is not what was approved",
        REFUSED: "refused: policy, a hazard that nobody allowed, another plan's endpoint, missing capacity",
        WAITING: "waiting (only with --detailed-exitcode; the output says until when)",
        LOCKED: "somebody else is working on the endpoint",
        SIGN_IN: "no sign-in or no permission",
        STOPPED: "rolled back or held: nothing moves until a person, a new goal or a corrected gate does",
        INTERRUPTED: "interrupted (Ctrl-C); a second run carries on",
        TERMINATED: "interrupted (SIGTERM); a second run carries on",
    }
)


class Terminated(BaseException):
    """SIGTERM came, and everything was let go in order."""
