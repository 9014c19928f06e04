"""Lives of the sample plans: each a way from a known world to a known end, run by the command line in this process."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest

from rollout.cli.main import main
from tests.e2e.harness import Desk, Emulator
from tests.e2e.watched import creations, watched
from tests.reliability.wire import Killed

SPEED: Final = 50_000.0
"""A bake of an hour takes 72 ms; operations still show two polls."""
TRIES: Final = 12
"""How often a job may be started until it ends by itself, without a fault in force."""

Edit = Callable[[Desk], None]


@dataclass(frozen=True, slots=True)
class Life:
    """The releases `before` lead to where `last` starts. `end`: where that leads; `made`: what is created."""

    name: str
    plan: str
    endpoint: str
    before: tuple[Edit, ...]
    last: Edit
    end: Mapping[str, Any]
    made: tuple[str, ...]


def as_committed(desk: Desk) -> None:
    """The plan as it is."""


def release(old: str, new: str) -> Edit:
    """The one line that a release of the sample in roles form is."""

    def edit(desk: Desk) -> None:
        desk.edit("house-prices/deployment.yml", f"path: models/{old}", f"path: models/{new}")

    return edit


def late_smoke(desk: Desk) -> None:
    """A candidate that only the smoke test sees through, and a plan that runs it when 10 % go there already."""
    path = desk.root / "plans/house-prices.rollout.yml"
    text = path.read_text(encoding="utf-8")
    smoke = text[text.index("  - name: smoke") : text.index("  - mirror: 10")]
    moved = text.replace(smoke, "").replace("  - name: watch", smoke + "  - name: watch")
    path.write_text(moved, encoding="utf-8")
    desk.edit("house-prices/deployment.yml", "path: models/v1", "path: ../broken/models/in-thousands")


def standing(weights: Mapping[str, int], **deployments: tuple[str, int, str]) -> Mapping[str, Any]:
    """An end: traffic, no mirror, and each deployment's state, instances and model."""
    return {"traffic": dict(weights), "mirror": {}, "deployments": deployments}


ROLES, PRICES = "house-prices.rollout.yml", "house-prices"
LIVES: Final = (
    Life(
        name="roles: first release",
        plan=ROLES,
        endpoint=PRICES,
        before=(),
        last=as_committed,
        end=standing({"blue": 100}, blue=("Succeeded", 1, "v1")),
        made=("blue",),
    ),
    Life(
        name="roles: next release",
        plan=ROLES,
        endpoint=PRICES,
        before=(as_committed,),
        last=release("v1", "v2"),
        end=standing({"green": 100}, green=("Succeeded", 1, "v2")),
        made=("blue", "green"),
    ),
    Life(
        name="roles: rolled back at 10 %",
        plan=ROLES,
        endpoint=PRICES,
        before=(as_committed,),
        last=late_smoke,
        end=standing({"blue": 100}, blue=("Succeeded", 1, "v1"), green=("Succeeded", 1, "v2")),
        made=("blue", "green"),
    ),
    Life(
        name="literal: the walk-through",
        plan="safe-rollout.rollout.yml",
        endpoint="my-endpoint",
        before=(),
        last=as_committed,
        end=standing({"green": 100}, green=("Succeeded", 2, "v2")),
        made=("blue", "green"),
    ),
    Life(
        name="literal: rolled back by the smoke test",
        plan="broken-smoke.rollout.yml",
        endpoint="broken-smoke",
        before=(),
        last=as_committed,
        end=standing({"blue": 100}, blue=("Succeeded", 1, "v1")),
        made=("blue", "green"),
    ),
)


@dataclass(frozen=True, slots=True)
class Bench:
    """A checkout, an emulator, and the command line in this process."""

    desk: Desk
    emulator: Emulator

    def prepare(self, life: Life) -> None:
        """Lead the world to where the last release starts."""
        for edit in life.before:
            edit(self.desk)
            code, told = self.apply(life)
            assert code == 0, told
        life.last(self.desk)

    def apply(self, life: Life) -> tuple[int, str]:
        """`rollout apply PLAN --auto-approve --wait`, as a job runs it: its exit code, and all that it printed."""
        plan = str(self.desk.root / "plans" / life.plan)
        told = io.StringIO()
        with self.surroundings(), contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            code = main(["apply", plan, "--target", "emulator", "--auto-approve", "--wait"])
        return code, told.getvalue()

    def until_ended(self, life: Life) -> str:
        """Start the job again and again, as a schedule does, until it has ended where a run without faults ends."""
        for _ in range(TRIES):
            code, told = self.apply(life)
            if code in (0, 10) and self.emulator.standing(life.endpoint) == life.end:
                return ""
        return f"exit {code}, {self.emulator.standing(life.endpoint)}\n{told}"

    def judge(self, life: Life) -> None:
        """The end, every committed state on the way, and that nothing was made twice."""
        history = self.emulator.history(life.endpoint)
        watched(history)
        assert self.emulator.standing(life.endpoint) == life.end
        assert tuple(creations(history)) == life.made

    @contextlib.contextmanager
    def surroundings(self) -> Iterator[None]:
        """The environment of a command at this desk."""
        with pytest.MonkeyPatch.context() as patch:
            wanted = self.desk.variables()
            for name in [name for name in os.environ if name not in wanted]:
                patch.delenv(name)
            for name, value in wanted.items():
                patch.setenv(name, value)
            yield


def own_words(told: str) -> str:
    """What a job said, without the lines of a container's log that it quotes."""
    return "\n".join(line for line in told.splitlines() if not re.match(r"[\d:]{8} +\| ", line))


def killed(bench: Bench, life: Life) -> bool:
    """Run the job; whether it was killed."""
    try:
        bench.apply(life)
    except Killed:
        return True
    return False
