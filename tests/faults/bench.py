"""A release that meets a fault: what is said, what is left, and what the next run does without it."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from rollout.cli.main import main
from tests.conformance.target import Target
from tests.faults.table import Provoked, Rule

NAME: Final = "faulty"
PLAN: Final = """\
version: 1
name: faulty
endpoint: {name: faulty, auth_mode: key}
candidate:
  environment:
    image: mcr.microsoft.com/azureml/minimal:1
    inference_config:
      liveness_route: {path: /, port: 5001}
      readiness_route: {path: /, port: 5001}
      scoring_route: {path: /score, port: 5001}
  environment_variables: {RELEASE: "%s"}
  instance_type: Standard_F2s_v2
  instance_count: 1
stages:
  - deploy: candidate
  - {name: smoke, smoke_test: {requests: [request.json]}}
  - traffic: 10
  - traffic: 100
  - delete: stable
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How one run ended: its exit code, its complaint (sentence and hint), why it waits or holds, what failed."""

    code: int
    complaint: tuple[str, ...]
    status: str
    reason: str
    verdict: str
    told: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line of the table."""

    fault: Provoked
    struck: Ended
    left: str
    after: Ended
    end: str


@dataclass(slots=True)
class Bench:
    """One endpoint with one promoted release; each fault meets the next one."""

    target: Target
    folder: Path
    release: int = 0

    def ready(self) -> None:
        """The first release, without any fault."""
        self.next()
        ended = self.apply()
        assert (ended.code, ended.status) == (0, "done"), ended.told

    def next(self) -> None:
        """Edit the plan: another release."""
        self.release += 1
        (self.folder / "request.json").write_text('{"data": [1]}')
        (self.folder / "plan.yml").write_text(PLAN % self.release)

    def meet(self, fault: Provoked) -> Outcome:
        """A release under the fault, then the same again without it."""
        self.next()
        struck = self.apply(fault.rule)
        left = self.standing()
        after = self.apply()
        return Outcome(fault, struck, left, after, self.standing())

    def apply(self, *rules: Rule) -> Ended:
        """`rollout apply` in this process."""
        self.target.door("PUT", "faults", list(rules))
        out, err = io.StringIO(), io.StringIO()
        with self._surroundings(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(
                ["apply", str(self.folder / "plan.yml"), "--target", "emulator", "--auto-approve", "--output", "json"]
            )
        self.target.door("PUT", "faults", [])
        lines = err.getvalue().splitlines()
        complaint = tuple(line for line in lines if line.startswith(("error:", "hint:")))
        document = _document(out.getvalue())
        decision, result = document.get("decision") or {}, document.get("result") or {}
        verdicts = [one["reason"] for one in result.get("measurements", ()) if one["outcome"] == "FAIL"]
        told = out.getvalue() + err.getvalue()
        return Ended(code, complaint, decision.get("status", ""), decision.get("reason", ""), "".join(verdicts), told)

    def standing(self) -> str:
        """Who serves, and what else is there: the stable's and the candidate's names turn from case to case."""
        listed = self.target.read(f"onlineEndpoints/{NAME}/deployments")["value"]
        traffic = self.target.read(f"onlineEndpoints/{NAME}")["properties"]["traffic"]
        newest = str(self.release)
        parts = []
        for one in listed:
            inner = one["properties"]
            who = "candidate" if inner["environmentVariables"].get("RELEASE") == newest else "stable"
            parts.append((who, f"{who} {inner['provisioningState']}, {traffic.get(one['name'], 0)} %"))
        return "; ".join(text for _, text in sorted(parts, reverse=True))

    @contextlib.contextmanager
    def _surroundings(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("ROLLOUT_")]:
                patch.delenv(name)
            patch.setenv("ROLLOUT_STATE_DIR", str(self.folder.parent / "state"))
            patch.setenv("NO_COLOR", "1")
            patch.setattr("sys.stdin", io.StringIO())
            patch.chdir(self.folder)
            yield


def _document(out: str) -> Mapping[str, Any]:
    """What `--output json` printed; empty where the command came to no result."""
    try:
        found: Mapping[str, Any] = json.loads(out)
    except ValueError:
        return {}
    return found
