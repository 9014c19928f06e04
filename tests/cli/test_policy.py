"""A policy in front of the emulator: refused, waiting, stopped, broken glass; and `rollout policy` offline."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rollout.cli.changed import changed
from rollout.cli.switches import must_not_be_stopped
from rollout.core.decision import Decision, Phase, Status
from rollout.errors import PlanError, Refused
from tests.cli.conftest import Command, write_plan

HEAD = "version: 1\nkind: policy\n"
OPEN = "rules: [{name: gentle, largest_step: 50}]\n"
STRICT = "rules: [{name: gentle, largest_step: 40}]\n"


def _policy(folder: Path, text: str) -> None:
    (folder / "policy.yaml").write_text(HEAD + text)


def _frozen(what: str = "start, advance, delete") -> str:
    """A window that has been closed for a year and will be for another hundred: the emulator's clock is a fast one."""
    begin = datetime.now(UTC) - timedelta(days=365)
    return f"windows: [{{name: freeze, deny: [{what}], from: {begin:%Y-%m-%d}, until: 2126-01-01}}]\n"


@pytest.fixture
def plan(rollout: Command, on_emulator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """`v1` serves from blue, the plan wants `v2`; the repository has a policy that lets it."""
    (tmp_path / ".git").mkdir()
    _policy(tmp_path, OPEN)
    path = write_plan(tmp_path, "governed")
    for _ in range(2):
        assert rollout("apply", path, "--auto-approve").code == 0
        rollout("approve", path, "--who", "bob")
    write_plan(tmp_path, "governed", "v2")
    monkeypatch.chdir(tmp_path)
    yield Path("governed.rollout.yml")
    _policy(tmp_path, OPEN)
    rollout("destroy", path, "--yes")


@pytest.mark.slow
def test_refused_before_the_first_write(rollout: Command, plan: Path) -> None:
    """Exit 6 with the rule's place; `status` and `diff` tell it, and `diff` still shows what would be done."""
    _policy(plan.parent, STRICT)
    ended = rollout("apply", plan, "--auto-approve", "-o", "json")
    assert (ended.code, ended.json["decision"]["reason"], ended.json["result"]["writes"]) == (
        6,
        "refused by policy: stage traffic-100: the weight rises by 50 points, from 50 to 100 %, steps of at most 40 "
        "points (rule `gentle`, policy.yaml:3:38)",
        0,
    )
    shown = rollout("diff", plan, "-o", "json").json
    assert [step["kind"] for step in shown["actions"]][:2] == ["deploy", "set_traffic"]
    assert shown["policy"]["rules"] == [{"name": "gentle", "where": "policy.yaml:3:9"}]
    assert len(shown["policy"]["broken"]) == 1
    assert rollout("status", plan).code == 0
    assert "  ! stage traffic-100: the weight rises by 50 points" in rollout("status", plan).out


@pytest.mark.slow
def test_waits_until_the_window_opens(rollout: Command, plan: Path) -> None:
    """Exit 0, or 7 where details are asked for; the output says when to come back."""
    now = datetime.fromisoformat(rollout("status", plan, "-o", "json").json["observed_at"])
    until = (now + timedelta(days=300)).replace(hour=8, minute=0, second=0, microsecond=0)
    text = f"windows: [{{name: freeze, deny: [start], from: 2020-01-01, until: '{until:%Y-%m-%dT%H:%M}'}}]\n"
    _policy(plan.parent, text)
    ended = rollout("apply", plan, "--auto-approve", "--detailed-exitcode", "-o", "json")
    decision = ended.json["decision"]
    assert (ended.code, decision["status"], decision["next_after"]) == (7, "wait", f"{until:%Y-%m-%dT%H:%M:%SZ}")
    assert decision["reason"] == (
        f"waits until {until:%Y-%m-%d %H:%M:%SZ}: start: closed by `freeze`; then: green does not exist"
    )
    assert rollout("apply", plan, "--auto-approve").code == 0
    assert rollout("reconcile", plan).code == 0
    assert f"next       after {until:%Y-%m-%d}" in rollout("status", plan).out


@pytest.mark.slow
def test_rolling_back_needs_no_window_and_no_line(rollout: Command, plan: Path) -> None:
    """The line is stopped at 10 %: nothing goes on, a person's rollback does."""
    assert rollout("apply", plan, "--auto-approve").code == 0
    _policy(plan.parent, "stop_the_line: the payment provider is down\n" + _frozen())
    rollout("approve", plan, "--who", "bob")
    ended = rollout("apply", plan, "--auto-approve", "-o", "json")
    assert (ended.code, ended.json["decision"]["reason"]) == (6, "the line is stopped: the payment provider is down")
    assert ended.json["endpoint"]["traffic"] == {"blue": 90, "green": 10}
    assert rollout("rollback", plan).code == 0
    assert rollout("status", plan, "-o", "json").json["endpoint"]["traffic"] == {"blue": 100}


@pytest.mark.slow
def test_broken_glass_goes_on_record(rollout: Command, plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a reason it goes on in a closed window, and though a variable stops the line; who and why are in the
    endpoint's history, and on what was created."""
    _policy(plan.parent, _frozen())
    monkeypatch.setenv("ROLLOUT_STOP_THE_LINE", "all hands")
    assert rollout("apply", plan, "--auto-approve", "--break-glass", " ").code == 3
    ended = rollout("apply", plan, "--auto-approve", "--break-glass", "fraud model fails open", "-o", "json")
    assert (ended.code, ended.json["endpoint"]["traffic"]) == (0, {"blue": 90, "green": 10})
    lines = [line["what"] for line in ended.json["history"]]
    assert "break-glass: fraud model fails open" in lines
    assert lines.index("break-glass: fraud model fails open") < lines.index("traffic-10")
    told = rollout("history", plan, "-o", "json").json
    assert {(line["who"], line["what"]) for line in told["events"]} >= {("ann", "break-glass: fraud model fails open")}


@pytest.mark.slow
def test_whose_yes_counts(rollout: Command, plan: Path) -> None:
    """Neither that of the one who started the run, nor that of anybody who is not named; nor a way around the gate."""
    _policy(plan.parent, "rules: [{name: four eyes, approvals: [{before: 50, by: [ann, bob]}]}]\n")
    assert rollout("apply", plan, "--auto-approve").code == 0
    own, other, around = rollout("approve", plan), rollout("approve", plan, "--who", "eve"), rollout("promote", plan)
    assert [(each.code, each.err.splitlines()[0]) for each in (own, other, around)] == [
        (6, "error: ok: ann started this run, somebody else must say yes (rule `four eyes`)"),
        (6, "error: ok: the yes of eve does not count here, that of ann or bob does (rule `four eyes`)"),
        (6, "error: refused by policy: ok is demanded (rule `four eyes`)"),
    ]
    assert rollout("approve", plan, "--who", "bob").code == 0
    assert rollout("apply", plan, "--auto-approve", "--until", "traffic-50").code == 0


@pytest.mark.slow
def test_past_a_demanded_gate(rollout: Command, plan: Path) -> None:
    """With a reason a person lets it pass, and the history has the reason."""
    _policy(plan.parent, "rules: [{name: four eyes, approvals: [{before: 50, by: [ann, bob]}]}]\n")
    assert rollout("apply", plan, "--auto-approve").code == 0
    assert rollout("promote", plan, "--break-glass", "fraud model fails open").code == 0
    told = rollout("history", plan, "-o", "json").json
    assert told["events"][-1]["what"] == "promoted past ok by ann: break-glass: fraud model fails open"


@pytest.mark.slow
def test_the_policy_is_a_part_of_what_is_approved(rollout: Command, plan: Path) -> None:
    """Another rule makes the approval stale (exit 5); a stopped line only stops it."""
    assert rollout("diff", plan, "--out", "set.json", "--lifetime", "20d").code == 0
    _policy(plan.parent, OPEN + "stop_the_line: true\n")
    assert rollout("apply", "set.json").code == 6
    _policy(plan.parent, OPEN.replace("gentle,", "gentle, most_instances: 9,"))
    assert rollout("apply", "set.json").code == 5
    _policy(plan.parent, OPEN)
    assert rollout("apply", "set.json").code == 0


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plan under a policy, without any service."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    _policy(tmp_path, STRICT + "windows: [{name: nights, deny: [start], from: 2026-01-01T20:00, for: 12h}]\n")
    write_plan(tmp_path, "governed")
    return Path("governed.rollout.yml")


def test_validate_refuses(rollout: Command, offline: Path) -> None:
    """Exit 3, as for any other fault of a plan."""
    ended = rollout("validate", offline)
    assert ended.code == 3
    assert "expected: steps of at most 40 points (rule `gentle`, policy.yaml:3:38)" in ended.err


def test_show(rollout: Command, offline: Path) -> None:
    """What applies, where it is written, how the windows stand, and what the plan breaks."""
    shown = rollout("policy", "show", offline, "--at", "2026-01-01T22:00Z")
    assert (shown.code, shown.out) == (
        0,
        "rule gentle  (policy.yaml:3:9)\n"
        "  largest_step: 40  (policy.yaml:3:38)\n"
        "window nights  (policy.yaml:4:11)\n"
        "  denies start; closed until 2026-01-02 08:00:00Z\n"
        "broken: stage traffic-100: the weight rises by 50 points, from 50 to 100 %, steps of at most 40 points (rule"
        " `gentle`, policy.yaml:3:38)\n",
    )
    told = rollout("policy", "show", offline, "-o", "json").json
    assert (told["rules"][0]["name"], told["windows"][0]["now"]) == ("gentle", "open now")


CASES = """\
version: 1
kind: policy-tests
cases:
  - {name: as it is, plan: governed.rollout.yml, expect: {refused: [gentle]}}
  - {name: without the jump, plan: governed.rollout.yml, expect: passes,
     change: {stages: [{deploy: candidate}, {traffic: 40}, {traffic: 70}, {traffic: 100}]}}
  - {name: loosened, plan: governed.rollout.yml, change: {policy: {largest_step: 90}}, expect: {refused: [POLICY120]}}
  - {name: at night, plan: governed.rollout.yml, when: {at: 2026-01-01T22:00Z, do: start}, expect: closed}
  - {name: by day, plan: governed.rollout.yml, when: {at: 2026-01-01T12:00Z, do: start, takes: 8h}, expect: open}
"""


def test_cases_that_hold(rollout: Command, offline: Path) -> None:
    """Exit 0, a line each."""
    Path("cases.yaml").write_text(CASES)
    ended = rollout("policy", "test", "cases.yaml")
    names = ("as it is", "without the jump", "loosened", "at night", "by day")
    assert (ended.code, ended.out) == (0, "".join(f"ok    {name}\n" for name in names))


def test_cases_that_do_not(rollout: Command, offline: Path) -> None:
    """Exit 1; what was expected, and what it came to."""
    wrong = CASES.replace("{refused: [gentle]}", "passes").replace("takes: 8h", "takes: 9h")
    Path("cases.yaml").write_text(wrong.replace("expect: closed", "expect: open"))
    ended = rollout("policy", "test", "cases.yaml")
    assert ended.code == 1
    assert [line for line in ended.out.splitlines() if line.startswith("FAIL")] == [
        "FAIL  as it is: expected: passes; it is refused: the weight rises by 50 points, from 50 to 100 %, steps of at"
        " most 40 points (rule `gentle`, policy.yaml:3:38)",
        "FAIL  at night: expected: open; it is closed by `nights`",
        "FAIL  by day: expected: open; it is `nights` closes at 2026-01-01 20:00:00Z, before it would end",
    ]


def test_cases_with_faults(rollout: Command, offline: Path) -> None:
    """Exit 3, with their places."""
    Path("cases.yaml").write_text("version: 1\nkind: policy-tests\ncases: [{name: a, plan: b.yml, expect: maybe}]\n")
    ended = rollout("policy", "test", "cases.yaml")
    assert ended.code == 3
    assert ended.err.startswith("cases.yaml:3:40: PLAN110: cases[0].expect: `maybe` is not known here\n")


def test_json_of_it_is_json(rollout: Command, offline: Path) -> None:
    """Also in a file."""
    assert rollout("policy", "show", offline, "-o", "json=shown.json").code == 0
    assert json.loads(Path("shown.json").read_text())["windows"][0]["name"] == "nights"


def test_a_changed_policy_changes_its_plans(offline: Path, tmp_path: Path) -> None:
    """For CI, which looks at the plans that a commit changed; a comment and a stopped line change none."""
    (tmp_path / ".git").rmdir()
    _policy(tmp_path, OPEN)
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments], cwd=tmp_path, check=True)
    assert changed([offline], "HEAD") == []
    _policy(tmp_path, f"# softly\n{OPEN}stop_the_line: true\n")
    assert changed([offline], "HEAD") == []
    _policy(tmp_path, STRICT)
    assert changed([offline], "HEAD") == [offline]


def test_a_line_that_is_stopped_while_a_run_waits(offline: Path, tmp_path: Path) -> None:
    """The file is read again before every write; rolling back does not ask, and one that cannot be read stops, too."""
    goes, back = (Decision(status=Status.ACT, phase=phase, reason="") for phase in (Phase.RELEASING, Phase.ROLLED_BACK))
    must_not_be_stopped(offline, goes)
    _policy(tmp_path, "stop_the_line: all hands\n")
    with pytest.raises(Refused, match=r"^the line is stopped: all hands$"):
        must_not_be_stopped(offline, goes)
    must_not_be_stopped(offline, back)
    _policy(tmp_path, "stop_the_lime: all hands\n")
    with pytest.raises(PlanError, match="PLAN101"):
        must_not_be_stopped(offline, goes)
