"""Forms of a result: where they go, that they say the same, and what a terminal sees."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from rollout.cli.exits import Terminated
from rollout.cli.options import FORMATS, Output
from rollout.cli.printing import colourful, failures_told
from rollout.errors import Stale
from rollout.render.document import Document, Failure, Reconciliation, Validation
from rollout.render.forms import RENDERERS, SUMMARY_LIMIT, rendered
from rollout.render.saved import decode, encode
from tests.cli.conftest import Command, write_plan
from tests.render import nasty, worlds
from tests.render.test_hostile_texts import read_output

ROOT = Path(__file__).parents[2]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A change set that another process left in a file."""
    path = tmp_path / "change-set.json"
    path.write_text(encode(worlds.gate_failed()), encoding="utf-8")
    return path


def test_the_names_of_the_forms_are_those_of_the_renderers() -> None:
    """Options know them without importing them."""
    assert tuple(RENDERERS) == FORMATS


def test_an_unknown_form_lists_what_there_is(rollout: Command, saved: Path) -> None:
    """It is a usage error."""
    ended = rollout("render", saved, "--output", "yaml")
    assert ended.code == 3
    assert (
        "'yaml' is not a format; there are text, json, markdown, sarif, junit, prometheus, github-annotations, "
        "github-summary, github-output, azure-devops-annotations, azure-devops-output"
    ) in " ".join(ended.err.split())


@pytest.mark.parametrize("form", [form for form in FORMATS if form not in ("github-summary", "github-output")])
def test_a_saved_result_is_rendered_as_it_would_have_been(rollout: Command, saved: Path, form: str) -> None:
    """In any form, on stdout and into a file, and always with exit 0."""
    wanted = rendered(worlds.gate_failed(), form)
    to = saved.with_suffix(f".{form}")
    ended = rollout("render", saved, "--output", form, "--output", f"{form}={to}")
    assert (ended.code, ended.out, ended.err) == (0, wanted, "")
    assert to.read_text(encoding="utf-8") == wanted


def test_a_result_comes_by_stdin(saved: Path) -> None:
    """From a pipe, without a file."""
    command = [sys.executable, "-m", "rollout", "render", "-", "-o", "markdown"]
    ended = subprocess.run(command, input=saved.read_bytes(), capture_output=True, check=True, cwd=ROOT)
    assert ended.stdout.decode() == rendered(worlds.gate_failed(), "markdown")


def test_what_is_no_result_is_refused(rollout: Command, tmp_path: Path) -> None:
    """A plan, and a file that is not there."""
    (tmp_path / "x.json").write_text('{"a": 1}', encoding="utf-8")
    ended = rollout("render", tmp_path / "x.json")
    assert ended.code == 3
    assert "is not a document of this version of rollout: Object missing required field `kind`" in ended.err
    assert "hint: it is what `--output json=FILE` or `diff --out FILE` writes" in ended.err
    gone = rollout("render", tmp_path / "gone.json")
    assert (gone.code, gone.err) == (3, f"error: cannot read {tmp_path / 'gone.json'}: No such file or directory\n")


def test_summary_and_keys_are_appended(
    rollout: Command, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the files that the runner names; what other steps wrote stays."""
    summary, keys = tmp_path / "summary.md", tmp_path / "output"
    summary.write_text("# before\n")
    keys.write_text("a=b\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_OUTPUT", str(keys))
    ended = rollout("render", saved, "-o", "github-summary", "-o", "github-output")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert summary.read_text() == f"# before\n\n{rendered(worlds.gate_failed(), 'github-summary')}\n"
    assert keys.read_text() == "a=b\n" + rendered(worlds.gate_failed(), "github-output")
    told = dict(read_output(keys.read_text().removeprefix("a=b\n")))
    assert (told["exit-code"], told["phase"], told["stage"]) == ("4", "rolled_back", "5-bake-30")


def test_a_summary_that_is_nearly_full_gets_what_has_room(rollout: Command, saved: Path, tmp_path: Path) -> None:
    """And a full one nothing: GitHub would drop all of it."""
    summary = tmp_path / "summary.md"
    summary.write_text("x" * (SUMMARY_LIMIT - 17_000))
    assert rollout("render", saved, "-o", f"github-summary={summary}").code == 0
    assert SUMMARY_LIMIT - 17_000 < summary.stat().st_size <= SUMMARY_LIMIT
    before = summary.stat().st_size
    ended = rollout("render", saved, "-o", f"github-summary={summary}")
    assert (ended.code, ended.err) == (0, f"warning: {summary} has no room for a summary\n")
    assert summary.stat().st_size == before


@pytest.mark.parametrize("form", ["github-summary", "github-output"])
def test_a_form_that_has_nowhere_to_go_is_refused(
    rollout: Command, saved: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is done."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
    ended = rollout("render", saved, "-o", form)
    assert ended.code == 3
    assert "which is not set; or give" in " ".join(ended.err.split())


def test_a_file_that_cannot_be_written_is_an_error(rollout: Command, saved: Path, tmp_path: Path) -> None:
    """In a sentence."""
    ended = rollout("render", saved, "-o", f"junit={tmp_path / 'no' / 'x.xml'}")
    assert (ended.code, ended.err) == (
        1,
        f"error: cannot write {tmp_path / 'no' / 'x.xml'}: No such file or directory\n",
    )


def test_validate_takes_every_form(rollout: Command, tmp_path: Path) -> None:
    """Good and bad plans in one document; the exit code is in it."""
    write_plan(tmp_path, "good")
    bad = tmp_path / "bad.rollout.yml"
    bad.write_text((tmp_path / "good.rollout.yml").read_text().replace("traffic: 10\n", "trafic: 10\n"))
    files = {form: tmp_path / f"out.{form}" for form in FORMATS}
    ended = rollout("validate", tmp_path, *(word for form in FORMATS for word in ("-o", f"{form}={files[form]}")))
    assert (ended.code, ended.out) == (3, "")
    document = decode(files["json"].read_bytes())
    assert isinstance(document, Validation)
    assert (document.exit_code, document.valid, [plan.valid for plan in document.plans]) == (3, False, [False, True])
    assert {form: files[form].read_text().strip() for form in FORMATS if form != "json"} == {
        form: rendered(document, form).strip() for form in FORMATS if form != "json"
    }
    result = json.loads(files["sarif"].read_text())["runs"][0]["results"][0]
    place = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], place["region"]["startLine"]) == ("PLAN106", 12)
    assert Xml.parse(files["junit"]).getroot().get("failures") == "1"
    assert f"::error file={bad},line=12,col=" in files["github-annotations"].read_text()


def test_a_command_without_a_result_tells_why_in_every_form(rollout: Command, tmp_path: Path) -> None:
    """stderr as always; the files that were asked for are there, and stdout is a program's if it was asked for."""
    bad = write_plan(tmp_path, "bad")
    bad.write_text(bad.read_text().replace("traffic: 10\n", "trafic: 10\n"))
    comment = tmp_path / "comment.md"
    for command in (("diff", bad), ("status", bad), ("apply", bad, "--auto-approve")):
        comment.unlink(missing_ok=True)
        ended = rollout(*command, "-o", "json", "-o", f"markdown={comment}", "--target", "s/g/w")
        assert ended.code == 3
        assert "PLAN106" in ended.err
        failure = decode(ended.out)
        assert isinstance(failure, Failure)
        assert (failure.command, failure.exit_code, failure.faults[0].code) == (command[0], 3, "PLAN106")
        assert comment.read_text() == rendered(failure, "markdown")
        assert comment.read_text().startswith(f"### ⛔ rollout {command[0]} failed\n")


@pytest.mark.parametrize(
    ("environment", "terminal", "colour"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"CLICOLOR_FORCE": "1"}, False, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, False, True),
    ],
)
def test_whether_there_is_colour(environment: Mapping[str, str], terminal: bool, colour: bool) -> None:
    """NO_COLOR wins, then FORCE_COLOR, then the terminal."""
    stream = io.StringIO()
    stream.isatty = lambda: terminal  # type: ignore[method-assign]
    assert colourful(stream, environment) is colour


def on_a_terminal(arguments: list[str], **environment: str) -> str:
    """What a real terminal gets of `rollout ARGUMENTS…`."""
    leader, follower = pty.openpty()
    known = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), **environment}
    program = subprocess.Popen([sys.executable, "-m", "rollout", *arguments], stdout=follower, env=known, cwd=ROOT)
    os.close(follower)
    shown = b""
    while True:
        try:
            piece = os.read(leader, 65_536)
        except OSError:  # the other side is gone
            break
        if not piece:
            break
        shown += piece
    os.close(leader)
    assert program.wait(timeout=60) == 0
    return shown.decode().replace("\r\n", "\n")


def test_a_terminal_gets_colours_and_nothing_else(saved: Path) -> None:
    """Without its colours it is the plain text; the log's own escape sequences are not there."""
    shown = on_a_terminal(["render", str(saved)])
    colours = re.compile(r"\x1b\[[0-9;]*m")
    assert colours.search(shown)
    assert "\x1b" not in colours.sub("", shown)
    plain = rendered(worlds.gate_failed(), "text")
    assert [line.rstrip() for line in colours.sub("", shown).splitlines()] == plain.splitlines()


@pytest.mark.parametrize(
    ("before", "environment", "colour"),
    [
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        ([], {"ROLLOUT_COLOR": "never"}, False),
        ([], {"NO_COLOR": "1"}, False),
    ],
)
def test_colour_can_be_asked_for(saved: Path, before: list[str], environment: dict[str, str], colour: bool) -> None:
    """The flag is stronger than the variables."""
    shown = on_a_terminal([*before, "render", str(saved)], **environment)
    assert ("\x1b[" in shown) is colour


@pytest.mark.slow
def test_one_look_gives_all_forms_of_one_document(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """Of a live endpoint: each file says what the saved document says."""
    plan = write_plan(tmp_path, "forms")
    files = {form: tmp_path / f"out.{form}" for form in FORMATS}
    outputs = [word for form in FORMATS for word in ("-o", f"{form}={files[form]}")]
    for command in (["diff", plan], ["apply", plan, "--auto-approve"], ["status", plan]):
        for path in files.values():
            path.unlink(missing_ok=True)
        assert rollout(*command, *outputs).code == 0
        document = decode(files["json"].read_bytes())
        assert isinstance(document, Document)
        assert document.command == command[0]
        for form in FORMATS:
            assert files[form].read_text().strip() == rendered(document, form).strip(), form
    assert rollout("reconcile", plan, *outputs).code == 0
    whole = decode(files["json"].read_bytes())
    assert isinstance(whole, Reconciliation)
    assert [each.change_set is not None for each in whole.plans] == [True]


def test_a_name_in_a_pull_request_gives_no_command(rollout: Command, tmp_path: Path) -> None:
    """A plan's file may be called anything: neither stdout nor stderr has a line that a runner would obey."""
    good = write_plan(tmp_path, "good")
    for name in ("a\n::error::b.rollout.yml", "c##[add-path]d.rollout.yml", "e\x1b[2J\u202ef.rollout.yml"):
        (tmp_path / name).write_text(good.read_text())
        (tmp_path / f"bad {name}").write_text(good.read_text().replace("traffic: 10\n", "trafic: 10\n"))
    ended = rollout("validate", tmp_path)
    assert ended.code == 3
    for text in (ended.out, ended.err):
        assert list(nasty.commands(text)) == []
        assert nasty.unseen(text) == set()


@pytest.mark.parametrize(("kind", "code"), [(KeyboardInterrupt, 130), (Terminated, 143), (lambda: Stale("moved"), 5)])
def test_an_interrupted_command_leaves_its_outputs(
    kind: Callable[[], BaseException], code: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every file that was asked for says how it ended; the interruption goes on."""
    outputs = (Output("text"), Output("json", tmp_path / "x.json"), Output("github-output", tmp_path / "keys"))
    error = kind()
    with pytest.raises(type(error)), failures_told("apply", "plans/house.yml", outputs):
        raise error
    found = decode((tmp_path / "x.json").read_bytes())
    assert isinstance(found, Failure)
    assert (found.command, found.file, found.exit_code) == ("apply", "plans/house.yml", code)
    assert dict(read_output((tmp_path / "keys").read_text()))["exit-code"] == str(code)
    assert capfd.readouterr().out == ""
