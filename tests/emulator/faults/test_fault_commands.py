"""`rollout emulator fault …`, as it is typed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rollout.cli.main import main
from rollout.emulator import process
from rollout.emulator.presets.all import PRESETS

pytestmark = pytest.mark.slow
Rollout = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One emulator for all of them."""
    folder = tmp_path_factory.mktemp("emulator")
    process.start(folder, speed=1000, extra=("--no-processes",))
    yield folder
    process.stop(folder)


@pytest.fixture
def fault(state: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Rollout]:
    """Run `rollout emulator fault …`: exit code, stdout, stderr. No faults before and after."""
    monkeypatch.setenv("ROLLOUT_STATE_DIR", str(state))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdin", open("/dev/null", encoding="utf-8"))  # noqa: SIM115 - lives as long as the test

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main(["emulator", "fault", *map(str, arguments)])
        told = capfd.readouterr()
        return code, told.out, told.err

    process.door(state, "PUT", "faults", [])
    yield run
    process.door(state, "PUT", "faults", [])


ADDED = {
    ("image-build-failure",): "image-build-failure: fail deployment_create ImageBuildFailure (1 ×)\n",
    ("throttled", "--times", "3"): "throttled: status 429 2 at /onlineEndpoints (3 ×)\n",
    ("throttled", "--retry-after", "9"): "throttled: status 429 9 at /onlineEndpoints (1 ×)\n",
    ("model-error", "--deployment", "green", "--times", "0"): "model-error: status 424 at /score green (for good)\n",
    ("resource-not-ready", "--operation", "deployment_update"): (
        "resource-not-ready: fail deployment_update ResourceNotReady (1 ×)\n"
    ),
    ("--status", "503", "--method", "PUT", "--path", "/onlineEndpoints/", "--nth", "2"): (
        "status 503 at PUT /onlineEndpoints/ (1 ×, from match 2 on)\n"
    ),
    ("--status", "418", "--code", "Teapot", "--message", "short", "--after-acting"): "status 418 Teapot True (1 ×)\n",
    ("--drop", "--method", "DELETE"): "drop at DELETE (1 ×)\n",
    ("--delay", "0.5", "--area", "any"): "delay 0.5 (1 ×)\n",
    ("--stale", "--times", "4"): "stale (4 ×)\n",
    ("--fail", "endpoint_update", "--code", "InternalServerError"): "fail endpoint_update InternalServerError (1 ×)\n",
}


@pytest.mark.parametrize("words", ADDED, ids=" ".join)
def test_add_then_list(fault: Rollout, words: tuple[str, ...]) -> None:
    """What was added is told, and waits."""
    code, out, err = fault("add", *words)
    assert (code, out, err) == (0, ADDED[words], "")
    listed = fault("list")[1]
    assert listed.removeprefix(f"{words[0]}: ") == ADDED[words].removeprefix(f"{words[0]}: ")


def test_faults_add_up_until_they_are_cleared(fault: Rollout, state: Path) -> None:
    """As JSON too; what has fired is gone from the list."""
    fault("add", "throttled")
    fault("add", "--drop")
    waiting = json.loads(fault("list", "-o", "json")[1])["faults"]
    assert [(each["fault"]["effect"]["kind"], each["seen"], each["left"]) for each in waiting] == [
        ("status", 0, 1),
        ("drop", 0, 1),
    ]
    assert fault("clear") == (0, "no faults\n", "")
    assert fault("list") == (0, "none\n", "")


HINT = "hint: rollout emulator fault presets\n"
ONE_OF = f"error: give a preset, or one of --status, --drop, --delay, --stale and --fail\n{HINT}"
WRONG = {
    (): ONE_OF,
    ("throtled",): f"error: There is no preset 'throtled'; did you mean throttled?\n{HINT}",
    ("--status", "503", "--drop"): ONE_OF,
    ("--drop", "--code", "X"): "error: --code does not go with the rest\n",
    ("throttled", "--operation", "deployment_create"): "error: --operation does not go with the rest\n",
    ("--drop", "--path", "("): "error: The emulator refuses that: missing ), unterminated subpattern at position 0\n",
}


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_what_cannot_be_added(fault: Rollout, words: tuple[str, ...]) -> None:
    """Exit 3 and a sentence; nothing is added."""
    assert fault("add", *words) == (3, "", WRONG[words])
    assert fault("list")[1] == "none\n"


def test_load(fault: Rollout, tmp_path: Path) -> None:
    """A plan replaces all faults; YAML and JSON are the same."""
    fault("add", "--drop")
    plan = tmp_path / "faults.yml"
    plan.write_text(
        "- preset: image-build-failure\n"
        "- {preset: throttled, times: 3}\n"
        "- {method: PUT, nth: 2, effect: {kind: status, status: 503}}\n"
    )
    told = (
        "image-build-failure: fail deployment_create ImageBuildFailure (1 ×)\n"
        "throttled: status 429 2 at /onlineEndpoints (3 ×)\n"
        "status 503 at PUT (1 ×, from match 2 on)\n"
    )
    assert fault("load", plan) == (0, told, "")
    assert sorted(fault("list")[1].splitlines()) == sorted(
        line.removeprefix("image-build-failure: ") for line in told.splitlines()
    )
    as_json = tmp_path / "faults.json"
    as_json.write_text(json.dumps([{"preset": "torn"}]))
    assert fault("load", as_json) == (0, "torn: torn at /onlineEndpoints (1 ×)\n", "")
    assert fault("list")[1] == "torn: torn at /onlineEndpoints (1 ×)\n"


BROKEN = """\
- preset: image-build-failure
- {preset: thrott}
- {method: PUT, effect: {kind: status, statuss: 503}}
- {effect: {kind: status, status: 999}}
- {metod: PUT, effect: {kind: drop}}
- {path: "(", effect: {kind: drop}}
- {effect: {kind: fail, operation: endpoint_creat}}
- 5
"""
TOLD = """\
{plan}:2:12: PLAN104: [1].preset: there is no preset 'thrott'; did you mean throttled?
{plan}:3:40: PLAN101: [2].effect.statuss: nobody knows `statuss`
{plan}:4:35: PLAN104: [3].effect.status: expected `int` <= 599
{plan}:5:4: PLAN101: [4].metod: nobody knows `metod`
  expected: effect, method, path, nth, times, area, deployment, name
{plan}:6:3: PLAN104: [5]: not a regular expression: missing ), unterminated subpattern at position 0
{plan}:7:36: PLAN104: [6].effect.operation: invalid enum value 'endpoint_creat'
{plan}:8:3: PLAN104: [7]: expected `object`, got `int`
error: 7 faults
"""


def test_a_broken_plan(fault: Rollout, tmp_path: Path) -> None:
    """All faults at once, each with its place; the emulator keeps what it had."""
    plan = tmp_path / "faults.yml"
    plan.write_text(BROKEN)
    fault("add", "--drop")
    code, out, err = fault("load", plan)
    heads = [line for line in err.splitlines(keepends=True) if line.startswith((str(plan), "error", "  expected"))]
    assert (code, out, "".join(heads)) == (3, "", TOLD.format(plan=plan))
    assert fault("list")[1] == "drop (1 ×)\n"


def test_no_plan(fault: Rollout, tmp_path: Path) -> None:
    """A file that is not there, and one that is no list."""
    assert fault("load", tmp_path / "none.yml")[2].startswith(f"{tmp_path / 'none.yml'}: PLAN001: no such file")
    (tmp_path / "map.yml").write_text("faults: []\n")
    assert "PLAN104: this is not a list" in fault("load", tmp_path / "map.yml")[2]


def test_presets(fault: Rollout) -> None:
    """Every one with its source, in three groups."""
    lines = fault("presets")[1].splitlines()
    assert [line.split()[0] for line in lines] == list(PRESETS)
    assert lines[0].endswith("the environment's image cannot be built (documented; the sentence is unverified)")
    told = json.loads(fault("presets", "-o", "json")[1])["presets"]
    assert {each["group"] for each in told} == {"operations", "requests", "scoring"}


def test_no_emulator(fault: Rollout, tmp_path: Path) -> None:
    """Exit 3, and how to start one."""
    code, _, err = fault("list", "--state-dir", tmp_path)
    assert (code, "rollout emulator start" in err) == (3, True)
