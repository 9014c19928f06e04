"""Operations that the service ends badly, or never; clocks that are wrong; and what it takes to come to the end."""

from __future__ import annotations

import contextlib
import io
import random
import re
import time
from functools import partial
from typing import Final

import pytest

from rollout.azure.operations import Pace
from rollout.cli.main import main
from tests.e2e.watched import watched
from tests.reliability.conftest import World
from tests.reliability.figures import keep, whole
from tests.reliability.lives import LIVES, Bench, Life, own_words

pytestmark = pytest.mark.slow
KINDS: Final = (
    "endpoint_create", "endpoint_update", "endpoint_patch", "deployment_create", "deployment_scale",
    "deployment_delete",
)  # fmt: skip
YEAR: Final = 366 * 86400.0
_REMEDY: Final = re.compile(r"rollout (retry|destroy)")


def helped(bench: Bench, life: Life) -> str:
    """Let jobs run until the end is reached; where they say that a person must act, do what they say. What was done."""
    trouble = bench.until_ended(life)
    done: list[str] = []
    while trouble and len(done) < 3:
        remedy = _REMEDY.search(trouble)
        assert remedy is not None, f"it is not at its end, and does not say what to do:\n{trouble}"
        done.append(remedy[1])
        _command(bench, life, remedy[1])
        trouble = bench.until_ended(life)
    assert not trouble, trouble
    watched(bench.emulator.history(life.endpoint))
    return " ".join(done) or "same end"


def _command(bench: Bench, life: Life, name: str) -> None:
    """What a person types."""
    plan = str(bench.desk.root / "plans" / life.plan)
    more = ["--yes"] if name == "destroy" else []
    told = io.StringIO()
    with bench.surroundings(), contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        assert main([name, plan, "--target", "emulator", *more]) == 0, told.getvalue()


@pytest.mark.parametrize("ending", ["Failed", "Canceled"] if whole() else ["Failed"])
@pytest.mark.parametrize("kind", KINDS if whole() else KINDS[1:4])
def test_operations_end_badly(world: World, kind: str, ending: str) -> None:
    """Once and three times in a row: every life comes to its end, at most after what it says a person must do."""
    lives = LIVES if whole() else (random.Random(kind + ending).choice(LIVES),)
    for life in lives:
        outcomes = []
        for times in (1, 3) if whole() else (1,):
            with world(life) as bench:
                effect = {"kind": "fail", "operation": kind, "code": "InternalServerError", "ending": ending}
                bench.emulator.faults({"effect": effect, "times": times})
                code, told = bench.apply(life)
                bench.emulator.faults()
                assert "Traceback" not in own_words(told), told
                outcomes.append(f"exit {code}, then {helped(bench, life)}")
        keep(f"operations-{kind}-{ending}-{LIVES.index(life)}", {"kind": kind, "life": life.name, "outcomes": outcomes})


@pytest.mark.parametrize("kind", KINDS if whole() else ["endpoint_update"])
def test_operations_without_end(world: World, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """The job gives up in time and says so; when the operation has ended after all, the next one carries on."""
    monkeypatch.setattr("rollout.azure.arm.Pace", partial(Pace, patience=0.5))
    life = LIVES[3]
    with world(life) as bench:
        bench.emulator.faults({"effect": {"kind": "slow", "operation": kind, "seconds": YEAR}})
        code, told = bench.apply(life)
        assert (code, "still under way" in told) == (1, True), told
        bench.emulator.faults()
        bench.emulator.advance(YEAR)
        assert bench.until_ended(life) == ""
        bench.judge(life)


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_runner_has_a_wrong_clock(world: World, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    """An hour off: bakes are as long as ever, for the time is the service's."""
    life, right = LIVES[1], time.time
    with world(life) as bench:
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda: right() + hours * 3600)
            code, told = bench.apply(life)
        assert code == 0, told
        bench.judge(life)
        moments = [state["time"] for state in bench.emulator.history(life.endpoint)]
        assert moments == sorted(moments)
