"""The parameters of each gate, ready to be measured: files read, durations in seconds, names turned into roles."""

from __future__ import annotations

from typing import Any

import msgspec

from rollout.core.release import Role


class Golden(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The JSON value that must be answered. Two numbers agree if they differ by at most `absolute`, or by at most
    `relative` times the expected one."""

    answer: Any
    absolute: float = 0.0
    relative: float = 0.0


class Expectation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a good answer is. `schema` is a JSON Schema (None: any answer); `assertions` are JMESPath expressions that
    must give a true value; everything given must hold."""

    status: tuple[int, ...] = (200,)
    schema: Any = None
    assertions: tuple[str, ...] = ()
    golden: Golden | None = None


class RequestFile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request as it is sent. `name` is for people; `expect` None means the test's own expectation."""

    name: str
    body: bytes
    content_type: str = "application/json"
    expect: Expectation | None = None


class SmokeTest(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="smoke_test"):
    """Send every request `repetitions` times to the role's deployment, at most `concurrency` at a time; each answer
    within `time_limit` seconds (None: no limit of ours)."""

    requests: tuple[RequestFile, ...]
    deployment: Role = Role.CANDIDATE
    expect: Expectation = Expectation()
    time_limit: float | None = None
    repetitions: int = 1
    concurrency: int = 1


class Bake(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="bake"):
    """Let `seconds` pass while the role's deployment stays healthy."""

    seconds: float
    deployment: Role = Role.CANDIDATE


class Approval(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="approval"):
    """Wait for a person; `message` is what they are asked."""

    message: str


GateBody = SmokeTest | Bake | Approval
