"""Secrets are hunted in everything that a rollout leaves behind: output, files, tags, properties, logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.harness import Desk

pytestmark = pytest.mark.slow
PLAN: Final = "plans/broken-smoke.rollout.yml"
NAME: Final = "broken-smoke"
FORMS: Final = ("text", "json", "markdown", "sarif", "junit", "github-annotations", "github-summary")
COMMANDS: Final = (
    ("validate", PLAN),
    ("diff", PLAN, "--target", "emulator"),
    ("apply", PLAN, "--target", "emulator", "--auto-approve"),
    ("status", PLAN, "--target", "emulator"),
    ("diff", PLAN, "--target", "emulator"),
)
"""Each once in every form; `apply` ends rolled back, so there are logs, a failed gate and a hold to tell of."""
BARE: Final = (
    ("doctor", PLAN, "--target", "emulator"),
    ("hold", PLAN, "--target", "emulator", "-m", "for a look"),
    ("history", PLAN, "--target", "emulator"),
    ("import", NAME, "--target", "emulator", "--out", "imported"),
    ("--debug", "diff", "plans/nothing.yml", "--target", "emulator"),
)


def _left_behind(desk: Desk) -> Iterator[tuple[str, str]]:
    """Where, and what stands there: each file of the checkout, what Resource Manager shows, every state ever."""
    for path in sorted(desk.root.rglob("*")):
        if path.is_file() and ".git" not in path.parts:
            yield str(path.relative_to(desk.root)), path.read_text(errors="replace")
    for what in ("onlineEndpoints", f"onlineEndpoints/{NAME}", f"onlineEndpoints/{NAME}/deployments"):
        yield what, desk.emulator.arm("GET", what).text
    yield "history", json.dumps(desk.emulator.history(NAME))
    log = Path(desk.emulator.state_dir) / "emulator.log"
    yield "the emulator's log", log.read_text(errors="replace") if log.exists() else ""


def test_no_secret_is_left_anywhere(desk: Desk) -> None:
    """All commands, in all forms; then the hunt."""
    printed: list[tuple[str, str]] = []
    for number, command in enumerate(COMMANDS):
        outputs = [word for form in FORMS for word in ("--output", f"{form}=out-{number}-{form}")]
        ran = desk.rollout(*command, *outputs)
        printed.append((" ".join(command), ran.out + ran.err))
    for command in BARE:
        ran = desk.rollout(*command)
        printed.append((" ".join(command), ran.out + ran.err))
    secrets = desk.emulator.secrets()
    assert len(secrets) == 5, sorted(secrets)
    found = [
        (where, what)
        for where, text in [*printed, *_left_behind(desk)]
        for what, secret in secrets.items()
        if secret in text
    ]
    assert found == []


def test_the_hunt_would_find_one(desk: Desk) -> None:
    """A canary that is let out is caught."""
    (desk.root / "leak.txt").write_text(desk.emulator.secrets()["client secret"])
    leaks = [where for where, text in _left_behind(desk) if desk.emulator.secrets()["client secret"] in text]
    assert leaks == ["leak.txt"]
