"""A fleet released in waves: three of them, a bad model in the second, through the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from rollout.emulator import process
from tests.cli.conftest import Command, Ended

pytestmark = pytest.mark.slow
SIZE: Final = int(os.environ.get("ROLLOUT_FLEET", "4"))
"""Endpoints in a wave; the long form has 20: ROLLOUT_FLEET=20."""
FOR_LONG: Final = pytest.mark.skipif("ROLLOUT_FLEET" not in os.environ, reason="the long form: ROLLOUT_FLEET=20")
WAVES: Final = ("one", "two", "three")

RELEASED: Final = {wave: {("released", 100)} for wave in WAVES}
FAILED: Final = {wave: {("failed", 0)} for wave in WAVES}
BLUE: Final = {wave: {'{"blue": 100}'} for wave in WAVES}


def fleet(project: Path, name: str, models: dict[str, str], extra: str = "", size: int = SIZE) -> Path:
    """A fleet file whose waves have these models. `name` keeps the endpoints of one test from those of others."""
    waves = []
    for wave in WAVES:
        patch = f"{{candidate: {{model: {{path: models/{models[wave]}}}}}}}"
        members = "".join(f"      - {{name: {name}-{wave}-{at:02}, set: {patch}}}\n" for at in range(size))
        waves.append(f"  - name: {wave}\n    members:\n{members}")
    head = f"version: 1\nkind: fleet\nname: {name}\ntemplate: prices.rollout.yml\nmax_in_flight: {size}\n{extra}"
    path = project / f"{name}.yml"
    path.write_text(f"{head}waves:\n{''.join(waves)}")
    return path


def applied(rollout: Command, path: Path, *more: object) -> Ended:
    """`apply --wait`, as JSON."""
    return rollout("apply", path, "--auto-approve", "--wait", "-o", "json", *more)


def states(found: Any) -> dict[str, set[tuple[str, int]]]:
    """Of each wave: how its members stand, and what of the traffic the goal has."""
    return {wave["name"]: {(one["state"], one["weight"]) for one in wave["members"]} for wave in found["waves"]}


def of_waves(found: Any) -> dict[str, str]:
    """How each wave stands."""
    return {wave["name"]: wave["state"] for wave in found["waves"]}


def serving(rollout: Command, path: Path) -> dict[str, set[str]]:
    """Of each wave: the traffic of its endpoints, as the service has it."""
    found = rollout("status", path, "-o", "json").json
    return {
        wave["name"]: {json.dumps(one["change_set"]["endpoint"]["traffic"]) for one in wave["members"]}
        for wave in found["waves"]
    }


def reads(state: Path, work: Callable[[], object]) -> int:
    """How many reads the emulator serves meanwhile."""
    process.door(state, "POST", "reset-counts")
    work()
    return int(process.status(state)["requests"]["reads"])


GOOD: Final = dict.fromkeys(WAVES, "v1")
BAD: Final = {"one": "v2", "two": "bad", "three": "v2"}


def test_a_bad_model_in_the_second_wave(rollout: Command, on_scoring: Path, project: Path) -> None:
    """The third wave never starts, the second is rolled back, the first stays as it is; run again, nothing moves."""
    path = fleet(project, "kept", GOOD)
    first = applied(rollout, path)
    assert (first.code, states(first.json)) == (0, RELEASED), first.err
    assert of_waves(first.json) == dict.fromkeys(WAVES, "complete")

    fleet(project, "kept", BAD)
    ran = applied(rollout, path)

    assert ran.code == 4, ran.err
    assert states(ran.json) == {"one": {("released", 100)}, "two": {("failed", 0)}, "three": {("pending", 0)}}
    assert of_waves(ran.json) == {"one": "complete", "two": "blocked", "three": "blocked"}
    assert ran.json["reason"] == (
        f"the error budget is exceeded: {SIZE} failed, 0 may; {SIZE} pending, {SIZE} released, {SIZE} failed"
    )
    told = 'watch: request.json: the assertion `price > `1000`` gave false for {"price": 100}'
    assert {one["reason"] for one in ran.json["waves"][1]["members"]} == {told}
    assert ran.err.count("traffic blue 90, green 10 → blue 100") == 2 * SIZE, "begun and done, in each endpoint of two"
    assert "kept-three" not in ran.err
    assert serving(rollout, path) == {"one": {'{"green": 100}'}, "two": {'{"blue": 100}'}, "three": {'{"blue": 100}'}}

    again = applied(rollout, path)
    assert (again.code, again.json["waves"]) == (10, _without_passes(ran.json["waves"], again.json["waves"]))
    assert "start" not in again.err
    assert reads(on_scoring, lambda: rollout("status", path)) <= 3 * SIZE + 4, "endpoints by list, deployments each"


def _without_passes(before: Any, after: Any) -> Any:
    """The waves as they were, with what only a command that did something tells taken from the later one."""
    passing = ("reason", "exit_code", "writes", "change_set")
    return [
        {
            **wave,
            "members": [
                {**one, **{key: new[key] for key in passing}}
                for one, new in zip(wave["members"], later["members"], strict=True)
            ],
        }
        for wave, later in zip(before, after, strict=True)
    ]


def test_it_takes_back_what_was_released(rollout: Command, on_scoring: Path, project: Path) -> None:
    """With `on_failure: roll_back` the first wave goes back as well, to what it had; the endpoints say by whom and why.
    A corrected model then goes through all waves, and `rollback` takes every member back again."""
    path = fleet(project, "back", GOOD, size=1)
    assert applied(rollout, path).code == 0

    fleet(project, "back", BAD, "on_failure: roll_back\n", size=1)
    ran = applied(rollout, path)
    assert ran.code == 4, ran.err
    assert states(ran.json) == {"one": {("failed", 0)}, "two": {("failed", 0)}, "three": {("pending", 0)}}
    assert serving(rollout, path) == BLUE
    assert "back-one-00: traffic green 100 → blue 100 (rolled back to former by ann: the error budget" in ran.err

    fleet(project, "back", dict.fromkeys(WAVES, "v3"), "on_failure: roll_back\n", size=1)
    (project / "models/v3").mkdir()
    (project / "models/v3/model.json").write_text('{"factor": 2200}')
    mended = applied(rollout, path)
    assert (mended.code, states(mended.json)) == (0, RELEASED), mended.err

    part = rollout("rollback", path, "--wave", "three", "--why", "a complaint", "-o", "json")
    assert (part.code, states(part.json)["two"], states(part.json)["three"]) == (
        0,
        {("released", 100)},
        {("failed", 0)},
    ), part.err
    whole = rollout("rollback", path, "-o", "json")
    assert (whole.code, states(whole.json)) == (0, FAILED), whole.err
    assert serving(rollout, path) == BLUE
    assert rollout("rollback", path, "--wave", "four").code == 3


def test_passes_of_a_schedule(rollout: Command, on_scoring: Path, project: Path) -> None:
    """`reconcile` brings it to the same end without waiting: each pass begins with nothing but the endpoints. The plan
    that the fleet is made from is no plan of its own in the folder."""
    path = fleet(project, "cron", GOOD, "error_budget: 50%\n", size=1)
    first = rollout("reconcile", project, "-o", "json")
    rows = [(one["file"].rpartition("/")[2], one["status"]) for one in first.json["plans"]]
    assert rows == [("cron-one-00", "held"), ("cron-two-00", "held"), ("cron-three-00", "held"), ("cron.yml", "hold")]
    assert first.code == 10

    codes = []
    for _ in range(6):
        ran = rollout("reconcile", project, "--allow-hazard", "creates-endpoint", "--detailed-exitcode", "-o", "json")
        codes.append(ran.code)
        if ran.json["plans"][-1]["status"] == "done":
            break
    assert codes[-1] == 0, ran.err
    assert {one["status"] for one in ran.json["plans"]} == {"released", "done"}
    digest = rollout("diff", path, "-o", "json").json["digest"]
    assert rollout("apply", path, "--expect", digest).code == 0
    assert rollout("apply", path, "--expect", "0" * 16).code == 5
    text = rollout("status", path).out
    assert text.startswith("cron: 3 waves: 3 released\n\none  complete\n  ✓ cron-one-00")


def test_a_bake_between_waves(rollout: Command, on_scoring: Path, project: Path) -> None:
    """The next wave starts when the bake is over, and until then `status` says when that is."""
    path = fleet(project, "baked", GOOD, size=1)
    path.write_text(path.read_text().replace("  - name: one\n", "  - name: one\n    bake: 1h\n"))

    ran = rollout("apply", path, "--auto-approve", "-o", "json", "--detailed-exitcode")
    assert (ran.code, of_waves(ran.json)) == (7, {"one": "baking", "two": "waiting", "three": "waiting"})
    assert ran.json["next_after"] == ran.json["waves"][0]["until"]

    waited = applied(rollout, path)
    assert (waited.code, of_waves(waited.json)) == (0, dict.fromkeys(WAVES, "complete"))
    assert "baked: a wave bakes; 2 pending, 1 released" in waited.err


def test_members_that_compete_for_cores(rollout: Command, on_scoring: Path, project: Path) -> None:
    """There is room for two of three: they start, the third is told what it lacks, and starts when there is more."""
    path = fleet(project, "cores", GOOD, size=3)
    path.write_text(path.read_text().partition("  - name: two")[0])
    used = 5_000 - _free(on_scoring)
    _set_cores(on_scoring, used + 20)
    try:
        ran = applied(rollout, path)
        assert (ran.code, [one["state"] for one in ran.json["waves"][0]["members"]]) == (
            6,
            ["released", "released", "pending"],
        ), ran.err
        told = f"no quota: totalCores: 8 cores more are needed, 4 of {used + 20} are free (blue 1 × Standard_DS3_v2"
        assert ran.json["waves"][0]["members"][2]["reason"].lower().startswith(told.lower())
        _set_cores(on_scoring, used + 24)
        assert applied(rollout, path).code == 0
    finally:
        _set_cores(on_scoring, 5_000)


def _set_cores(folder: Path, cores: int) -> None:
    process.door(folder, "PUT", "faults", [{"effect": {"kind": "quota", "cores": cores}}])


def _free(folder: Path) -> int:
    """Cores that nobody uses, of 5,000."""
    from rollout.cli.emulated import running_emulator
    from rollout.cli.running import run
    from rollout.cli.session import opened

    async def asked() -> int:
        async with opened(running_emulator(folder)) as session:
            total = next(each for each in await session.quota.usages("") if each.name.lower() == "totalcores")
            return total.limit - total.used

    return run(asked())


@FOR_LONG
@pytest.mark.parametrize("seconds", [6.0, 7.0, 8.0, 9.0])
def test_killed_and_begun_again(rollout: Command, on_scoring: Path, project: Path, seconds: float) -> None:
    """However far it has come: another process, which knows nothing of the first, brings it to the same end."""
    name = f"kill-{seconds:.0f}"
    path = fleet(project, name, GOOD, size=2)
    assert applied(rollout, path).code == 0
    fleet(project, name, BAD, size=2)
    command = [sys.executable, "-m", "rollout", "apply", str(path), "--auto-approve", "--wait"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    child.kill()
    child.wait()

    ran = applied(rollout, path)
    assert ran.code in (4, 10), ran.err
    assert states(ran.json) == {"one": {("released", 100)}, "two": {("failed", 0)}, "three": {("pending", 0)}}
    assert serving(rollout, path) == {"one": {'{"green": 100}'}, "two": {'{"blue": 100}'}, "three": {'{"blue": 100}'}}


def test_a_schedule_begins_no_release_of_a_fleet(rollout: Command, on_scoring: Path, project: Path) -> None:
    """`--only-begun`: a merged change waits for `apply`, also where some members need nothing; once it is begun, the
    schedule carries it on."""
    path = fleet(project, "sched", GOOD, size=1)
    assert states(applied(rollout, path).json) == RELEASED
    fleet(project, "sched", {"one": "v1", "two": "v2", "three": "v2"}, size=1)

    scheduled = ("ci", "reconcile", path, "--only-begun", "--documents", project / "documents")

    held = rollout(*scheduled)
    assert held.code == 0, held.err
    assert f"{path}: not begun; only apply begins it, when it is approved" in held.err
    assert serving(rollout, path) == BLUE

    rollout("apply", path, "--auto-approve")
    for _ in range(6):
        rollout(*scheduled)
    assert serving(rollout, path) == {"one": {'{"blue": 100}'}, "two": {'{"green": 100}'}, "three": {'{"green": 100}'}}
