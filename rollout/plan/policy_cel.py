"""Rules in the Common Expression Language: evaluated by a maintained library in a process that can be ended.

An expression comes from a policy, or from a plan in somebody's pull request: it sees the plan as data and nothing else,
has no loops but those over that data, and some seconds for all of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from rollout.core.release import AnyStage, DeploymentSpec, Gate, Release

FALSE: Final = "POLICY110"
UNKNOWN: Final = "POLICY111"
SECONDS: Final = 30.0
"""For all expressions of one plan."""
_MOST_BYTES: Final = 1_000_000
_WORKER: Final = Path(__file__).with_name("cel_worker.py")


def is_installed() -> bool:
    """Whether the library for CEL is there."""
    return find_spec("cel") is not None


def evaluate(expressions: Sequence[str], data: Mapping[str, Any], seconds: float = SECONDS) -> list[bool | str]:
    """The truth value of each, or why there is none."""
    asked = json.dumps({"data": data, "expressions": list(expressions)})
    if len(asked) > _MOST_BYTES:
        return [f"the plan as data is larger than {_MOST_BYTES} bytes"] * len(expressions)
    command = [sys.executable, "-P", str(_WORKER)]
    try:
        done = subprocess.run(  # noqa: S603 - our own program, no shell
            command, input=asked, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return [f"no answer within {seconds:g} s"] * len(expressions)
    if done.returncode != 0:
        return ["the evaluation ended early"] * len(expressions)
    answers: list[bool | str] = json.loads(done.stdout)
    return answers


def as_data(release: Release, environment: str) -> dict[str, Any]:
    """What an expression sees, under `release`: all that the plan means, in plain values (docs/policy.md)."""
    return {
        "name": release.name,
        "environment": environment,
        "endpoint": {"name": release.endpoint.name, "fields": dict(release.endpoint.fields)},
        "candidate": _deployment(release.candidate),
        "slots": list(release.slots),
        "stages": [_stage(stage) for stage in release.stages],
        "on_failure": {"candidate": release.on_failure.candidate, "after": release.on_failure.after},
        "on_revert": release.on_revert,
        "drift": release.drift,
        "capacity": release.capacity,
        "ignore": list(release.ignore),
        "allow_hazards": list(release.allow_hazards),
        "refuse_hazards": list(release.refuse_hazards),
    }


def _deployment(spec: DeploymentSpec) -> dict[str, Any]:
    return {
        "instance_type": spec.instance_type,
        "instance_count": spec.count,
        "fields": dict(spec.fields),
        "settings": dict(spec.settings),
    }


def _stage(stage: AnyStage) -> dict[str, Any]:
    """Its kind, its name, and what it asks for: weights in percent, times in seconds; 0 where it has none."""
    kind = stage.kind.value if isinstance(stage, Gate) else str(stage.__struct_config__.tag)
    return {
        "kind": kind,
        "name": stage.name,
        "gate": isinstance(stage, Gate),
        "weight": getattr(stage, "weight", 0),
        "seconds": getattr(stage, "seconds", 0.0),
        "role": str(getattr(stage, "role", "")),
        "count": getattr(stage, "count", 0),
        "after": getattr(stage, "after", 0.0),
    }
