"""Faults, named by what the reader can do about them.

    RolloutError
    ├── PlanError       the files are wrong: fix them (exit 3); carries every fault found
    ├── Refused         policy, hazard or capacity says no: change the plan or allow it by name (exit 6)
    │   └── Hindered    what is around the deployment failed, not what is deployed: mend that, run again (exit 1)
    ├── Stale           the world moved between our read and our write: look again (exit 5)
    │   └── Unapproved  the world, or the plan, is not what a person approved: have it approved again (exit 5)
    ├── Locked          somebody else holds the endpoint (exit 8)
    ├── Retryable       the same request may succeed later (exit 1 when the attempts are used up)
    ├── SignInError     no credential, no permission, expired token (exit 9)
    └── AzureError      the service said no for good (exit 1)

Every class carries a sentence for people (`str(error)`) and a `hint`: the remedy. Neither ever holds a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec


class RolloutError(Exception):
    """Anything that is reported to the user as one sentence and a remedy, never as a traceback."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Fault(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing wrong with the input, and where.

    `line` and `column` count from 1; 0 means that the fault belongs to the file as a whole. `code` is stable
    (`PLAN…`, `LINT…`), for `rollout explain`. `path` is the place in the document, e.g. `stages[2].traffic`. A warning
    (`severity`) does not make the input invalid.
    """

    file: str
    line: int = 0
    column: int = 0
    code: str
    path: str = ""
    message: str
    expected: str = ""
    hint: str = ""
    snippet: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])
        where = f"{self.path}: " if self.path else ""
        kind = "warning: " if self.severity == "warning" else ""
        return f"{place}: {self.code}: {kind}{where}{self.message}"


class PlanError(RolloutError):
    """The input is wrong. Carries *all* faults, in the order of the files."""

    exit_code = 3

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class UsageError(RolloutError):
    """The command line asks for something that cannot be done."""

    exit_code = 3


class Refused(RolloutError):
    """Policy, a hazard that nobody allowed, or missing capacity."""

    exit_code = 6


class Hindered(Refused):
    """Something around the deployment failed: the service, its network, its cluster, its secrets.

    It says nothing about what was to be deployed, so nothing is held against that.
    """

    exit_code = 1


class Stale(RolloutError):
    """The endpoint changed between our read and our write, or is not what was approved."""

    exit_code = 5


class Unapproved(Stale):
    """What would be done is not what was approved: looking again does not mend it, another approval does."""


class Locked(RolloutError):
    """Somebody else is working on this endpoint."""

    exit_code = 8


class Retryable(RolloutError):
    """The same request may succeed later; `after` is the service's wish in seconds, if it said one."""

    def __init__(self, message: str, *, hint: str = "", after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.after = after


class SignInError(RolloutError):
    """No credential, an expired one, or one without the permission that was needed."""

    exit_code = 9


class SignedOut(SignInError):
    """The service does not know who asks, or does not believe it any more: no other request can fare better."""


class AzureError(RolloutError):
    """The service refused for good. `code` is ARM's `error.code`; `logs` the end of the container's log, if any."""

    def __init__(self, message: str, *, code: str, hint: str = "", logs: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.logs = logs
